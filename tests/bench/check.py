"""Before any speed: the quick way says exactly what judging everything at every tick says."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.io import tables
from engine.monitor import Monitor
from engine.watch import Memory, Watchlist
from engine.wire import decode
from tests.bench.house import build
from tests.bench.market import NOW_S, Move, packet, scene, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.messages import Tick
    from engine.watch import Judgement

_POSITIONS = 36
_STEP_S = 0.02
_BEAT_EVERY = 25
#: How much wilder than the bench's own market: enough for targets and stops to be confirmed.
_WILD = 16


class Plain(Watchlist):
    """Judges every holder at every tick and everyone at every beat, from the marks up."""

    def tick(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """Leave no band and no box, so that nothing is passed over."""
        for watched in self._positions.values():
            watched.empty_band()
        for family in self._held.families:
            family.shut()
        return super().tick(tick, now_s)

    def beat(self, now_s: float, most: float = inf) -> Sequence[Judgement]:
        """Judge everyone."""
        return self._judge(dict.fromkeys(self._positions.values(), frozenset()), now_s)


def check(moves: int) -> dict[str, int]:
    """Run one wild market past both.

    Returns:
        How often each rule spoke.

    Raises:
        AssertionError: they differ, or the market was too tame to show anything.
    """
    market = scene(_POSITIONS)
    frames = []
    for move in walk(market, market.held, moves, lunge_every=40):
        usual_paise = market.contracts[move.key].usual_paise
        frames.append(packet(Move(move.key, max(usual_paise + _WILD * (move.mid_paise - usual_paise), 100))))
    calendar, rulebook = tables.calendar(), tables.rulebook()
    told = []
    for kind in (Watchlist, Plain):
        watch, said, now_s = kind(calendar, rulebook), [], NOW_S
        for position in build(market, Monitor).holdings.positions.values():
            watch.put(position, Memory(), now_s)
        for number, frame in enumerate(frames, start=1):
            now_s += _STEP_S
            found = list(watch.tick(decode(frame, market.grid)[0], now_s))
            if number % _BEAT_EVERY == 0:
                found += watch.beat(now_s)
            said += [(number, one.position, one.verdict) for one in sorted(found, key=_by_name)]
        told.append((said, watch.book.suspects))
    if told[0] != told[1]:
        raise AssertionError("the quick way and the plain way judge differently")
    counts: dict[str, int] = {}
    said, suspects = told[0]
    for _, _, verdict in said:
        counts[verdict.rule] = counts.get(verdict.rule, 0) + 1
    if not counts.get("loss_alert") or not counts.get("profit_target") or not suspects:
        raise AssertionError(f"the market was too tame to compare anything: {counts}")
    return counts


def _by_name(judgement: Judgement) -> str:
    return judgement.position
