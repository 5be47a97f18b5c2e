"""The why log: looks at positions near a threshold, at verdicts, and while one is held back.

It is asked at judgements only, never by a tick inside its band. It keeps a look when the rules'
state has changed, and one a second while some rule is near; nothing else. What it has kept goes out
once (`WhyLog.drain`) for the journal, and the newest of each position stay here for the chat.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import inf, isfinite
from typing import TYPE_CHECKING

from engine.effects import Seen
from engine.pnl import Book, Marks, last_mark
from engine.rules.base import Due, Kind, Ratchet
from engine.why import LegSeen, RuleSeen, RuleState, Said, Sighting, Way

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import PositionId, Verdict
    from engine.watch.armed import Armed
    from engine.watch.watched import Watched

    _State = tuple[object, ...]

#: Near a threshold, and nothing else happens: one look in this time.
NEAR_EVERY_S = 1.0
#: A position that nothing happens to is looked at this often, so that "why not" has an answer.
GLANCE_EVERY_S = 30.0
#: So many looks of a position stay in memory.
KEPT = 200


class _Log:
    """What is remembered of one position."""

    __slots__ = ("glanced_s", "next_s", "ring", "state")

    def __init__(self) -> None:
        self.ring: deque[Sighting] = deque(maxlen=KEPT)
        self.state: _State = ()
        self.next_s = self.glanced_s = -inf


class WhyLog:
    """The looks at all positions of one watchlist."""

    def __init__(self) -> None:
        self._logs: dict[PositionId, _Log] = {}
        self._fresh: list[tuple[PositionId, Sighting, bool]] = []

    def look(self, watched: Watched, now_s: float, verdicts: Sequence[Verdict] = ()) -> None:
        """A judgement has been made: keep what it saw, if that is worth keeping."""
        log = self._log(watched.position.id)
        state = _state(watched)
        known, log.state = log.state, state
        changed = state != known and (bool(known) or any(state[1:]))
        if not (changed or verdicts) and now_s < log.next_s:
            return
        log.next_s = now_s + NEAR_EVERY_S
        if changed or verdicts or near(watched, now_s):
            self._keep(watched.position.id, log, sight(watched, now_s, verdicts))

    def glance(self, watched: Watched, now_s: float) -> None:
        """The clock struck: keep what is near; of the rest only the newest look counts."""
        log = self._log(watched.position.id)
        if now_s < log.glanced_s + NEAR_EVERY_S:
            return
        seen = sight(watched, now_s)
        if seen.near:
            log.next_s = now_s + NEAR_EVERY_S
            self._keep(watched.position.id, log, seen)
        elif now_s >= log.glanced_s + GLANCE_EVERY_S:
            log.glanced_s = now_s
            self._fresh.append((watched.position.id, seen, True))

    def decided(self, position: PositionId, rule: str, gate: str) -> None:
        """Tell what the gate made of a verdict that was just kept."""
        for index in reversed(range(len(self._fresh))):
            name, seen, passing = self._fresh[index]
            if name == position and any(said.rule == rule for said in seen.said):
                said = tuple(replace(each, gate=gate) if each.rule == rule else each for each in seen.said)
                told = replace(seen, said=said)
                self._fresh[index] = name, told, passing
                ring = self._logs[position].ring
                ring[ring.index(seen)] = told
                return

    def of(self, position: PositionId) -> tuple[Sighting, ...]:
        """The looks at one position that are still in memory, oldest first."""
        log = self._logs.get(position)
        return tuple(log.ring) if log is not None else ()

    def forget(self, position: PositionId) -> None:
        """The position is watched no longer; what was kept of it is in the journal."""
        self._logs.pop(position, None)

    def drain(self) -> list[Seen]:
        """What the journal shall keep, and has not been given yet."""
        fresh, self._fresh = self._fresh, []
        return [Seen(name, seen.at_s, seen.to_json(), passing) for name, seen, passing in fresh]

    def _log(self, position: PositionId) -> _Log:
        log = self._logs.get(position)
        if log is None:
            log = self._logs[position] = _Log()
        return log

    def _keep(self, position: PositionId, log: _Log, seen: Sighting) -> None:
        log.ring.append(seen)
        log.glanced_s = seen.at_s
        self._fresh.append((position, seen, False))


def _state(watched: Watched) -> _State:
    """What makes a look a new one. The first place is what is silenced, the others each rule."""
    return (
        watched.held,
        *[(a.fired << 2) + (a.confirmed << 1) + (a.verdict is not None) for a in watched.armed],
    )


def near(watched: Watched, now_s: float) -> bool:
    """Whether a look would find some rule near its threshold (`Sighting.near`), at a tenth of its cost."""
    marked, guarded = watched.stands(now_s)
    last = None if marked is not None and guarded is not None else watched.holding.pnl(now_s, last_mark)
    for armed in watched.armed:
        threshold_paise = armed.threshold_paise
        if threshold_paise is None:
            continue
        pnl = guarded if armed.rule.kind is Kind.LOSS else marked
        pnl = last if pnl is None else pnl
        if pnl is None:
            continue
        params = armed.params
        way = (
            Way(threshold_paise, params.peak_paise, params.floor_paise)
            if isinstance(params, Ratchet)
            else Way(threshold_paise)
        )
        if way.near(pnl + armed.counts_paise):
            return True
    return False


def sight(watched: Watched, now_s: float, verdicts: Sequence[Verdict] = ()) -> Sighting:
    """Look at a position without touching it."""
    snapshot = watched.snapshot(now_s)
    last = watched.holding.pnl(now_s, last_mark)
    realised = snapshot.realised_paise
    return Sighting(
        at_s=now_s,
        marked_paise=_plus(snapshot.marked_paise, realised),
        guarded_paise=_plus(snapshot.guarded_paise, realised),
        last_paise=_plus(last, realised),
        legs=tuple(_legs(watched, now_s)),
        rules=(
            *(
                _rule(
                    armed,
                    snapshot.guarded_paise if armed.rule.kind is Kind.LOSS else snapshot.marked_paise,
                    last,
                )
                for armed in watched.armed
            ),
            *(RuleSeen(note.rule, None, note.text) for note in watched.notes),
        ),
        silent="" if watched.held is None else watched.held.name.lower(),
        said=tuple(Said(v.rule, v.action.value, v.reason, v.also) for v in verdicts),
    )


def _rule(armed: Armed, pnl_paise: int | None, last_paise: int | None) -> RuleSeen:
    if armed.fired:
        state = RuleState.FIRED
    elif armed.verdict is None:
        state = RuleState.QUIET
    else:
        state = RuleState.CONFIRMED if armed.confirmed else RuleState.MET
    params = armed.params
    threshold_paise = armed.threshold_paise
    counts_paise = armed.counts_paise
    ratchet = params if isinstance(params, Ratchet) else None
    return RuleSeen(
        rule=armed.rule.name,
        state=state.value,
        text=params.text,
        pnl_paise=None if threshold_paise is None else _plus(pnl_paise, counts_paise),
        last_paise=None if threshold_paise is None else _plus(last_paise, counts_paise),
        threshold_paise=threshold_paise,
        due_s=params.due_s if isinstance(params, Due) else None,
        confirms_s=armed.confirms_s if isfinite(armed.confirms_s) else None,
        peak_paise=None if ratchet is None else ratchet.peak_paise,
        floor_paise=None if ratchet is None else ratchet.floor_paise,
    )


def _legs(watched: Watched, now_s: float) -> Iterator[LegSeen]:
    for quantity, marks in watched.holding.legs:
        yield LegSeen(
            name=marks.instrument.display,
            quantity=quantity,
            bid_paise=marks.bid_paise,
            ask_paise=marks.ask_paise,
            mark_paise=marks.mark(quantity, now_s),
            age_s=round(now_s - marks.arrived_s, 3) if isfinite(marks.arrived_s) else None,
            doubt=_doubt(marks, quantity, now_s),
        )


def _doubt(marks: Marks, quantity: int, now_s: float) -> str:
    """Which guard keeps a leg from having a mark, and what that means for a stop."""
    if not quantity:
        return ""  # all of it is traded
    if not isfinite(marks.arrived_s):
        return "never quoted"
    if marks.fault:
        return f"suspect: {marks.fault}; it is as if it had not come"
    if now_s > marks.fresh_until_s:
        return f"older than {marks.guard.max_quote_age_s:g} s"
    if marks.book is Book.BELIEVED:
        return ""
    what = "wider than the spread guard allows" if marks.book is Book.WIDE else "nobody bids or asks"
    if marks.guarded(quantity, now_s) is None:
        return f"{what}; no price for a stop either"
    if now_s < marks.grace_until_s:
        return f"{what}; stops go by its last mark"
    return f"{what}; stops go by what closing it would give"


def _plus(paise: int | None, more_paise: int) -> int | None:
    return None if paise is None else paise + more_paise
