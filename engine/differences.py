"""Positions whose automation is held because store and broker disagree about what they hold.

One position is held, the others go on. It is told with what can be done, and lifted when both agree
again; or the owner takes the position over as it is, until the difference is another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.effects import Alert, Audit, Record
from engine.model import PositionId, Urgency
from engine.reconcile import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from engine.effects import Effect
    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, Position
    from engine.reconcile import Difference

__all__ = ["Differences"]

#: A difference counts when so many reports in a row say so, over so many seconds: store and broker
#: do not learn of a trade at the same moment.
DIFFERENT_READS = 2
DIFFERENT_S = 10.0
#: A position is closed outside when so many reports over so many seconds list each contract with nothing.
CLOSED_READS = 3
CLOSED_S = 60.0


class _Seen(NamedTuple):
    """One contract's difference, since when it is the same, and how many reports have said so."""

    what: Difference
    since_s: float
    reads: int


class Differences:
    """Which positions are held, and why; journaled, so that a restart does not let one loose.

    Args:
        quiet: whether our last fill in a contract is so long ago that the position list knows of it.
    """

    def __init__(self, quiet: Callable[[InstrumentKey], bool]) -> None:
        self._quiet = quiet
        self._seen: dict[InstrumentKey, _Seen] = {}
        self._held: dict[PositionId, str] = {}
        self._taken: dict[PositionId, str] = {}

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers."""
        for name, row in rows.items():
            book = self._taken if row["taken"] else self._held
            if row["why"]:
                book[PositionId(name)] = row["why"]

    def why(self, position: PositionId) -> str:
        """Why the automation of a position is held; empty = it is not."""
        return self._held.get(position, "")

    def closed(self, position: Position, now_s: float) -> bool:
        """True when the broker surely holds nothing of a position that the store lists.

        A contract that is not listed is unknown, not zero; one that other positions hold too tells nothing.
        """
        mine = [self._seen.get(key) for key in position.nets]
        return all(
            seen is not None
            and seen.what.theirs == 0
            and seen.what.positions == (position.id,)
            and seen.reads >= CLOSED_READS
            and now_s - seen.since_s >= CLOSED_S
            for seen in mine
        )

    def take_over(self) -> list[Effect]:
        """The owner has seen it: what differs now holds nothing any more, until something else does."""
        effects: list[Effect] = []
        for name, why in self._held.items():
            self._taken[name] = why
            effects += [_kept(name, why, taken=True), Audit("difference taken over", {"position": name})]
        self._held.clear()
        return effects

    def look(
        self,
        positions: Collection[Position],
        report: BrokerReport,
        traded: Mapping[InstrumentKey, int],
        busy: Collection[InstrumentKey],
        now_s: float,
    ) -> tuple[list[Effect], list[PositionId]]:
        """Compare with a successful report; what is to be told, and which positions are let loose.

        ``traded``: signed units that unfinished exits have traded of rows that still list them.
        ``busy``: contracts of exits that run, where nothing can be compared.
        """
        skipped = {key for position in positions for key in position.nets if not self._quiet(key)}
        skipped |= set(busy)
        self._take(differences(positions, report, traded), skipped, now_s)
        effects: list[Effect] = []
        loose: list[PositionId] = []
        for position in positions:
            mine = [self._seen[key] for key in position.nets if key in self._seen]
            sure = [s for s in mine if s.reads >= DIFFERENT_READS and now_s - s.since_s >= DIFFERENT_S]
            why = " ".join(seen.what.text for seen in sure)
            if why and why not in (self._held.get(position.id), self._taken.get(position.id)):
                effects += self._hold(position, why)
            elif not mine and skipped.isdisjoint(position.nets) and self._forget(position.id):
                loose.append(position.id)
                effects += [_kept(position.id, "", taken=False), _agree(position)]
        gone = (self._held.keys() | self._taken.keys()) - {position.id for position in positions}
        effects += [_kept(name, "", taken=False) for name in sorted(gone) if self._forget(name)]
        return effects, loose

    def _take(self, found: Iterable[Difference], skipped: Collection[InstrumentKey], now_s: float) -> None:
        kept = {key: seen for key, seen in self._seen.items() if key in skipped}
        for what in found:
            if what.key in skipped:
                continue
            seen = self._seen.get(what.key)
            same = seen is not None and (seen.what.ours, seen.what.theirs) == (what.ours, what.theirs)
            kept[what.key] = (
                seen._replace(reads=seen.reads + 1) if seen is not None and same else _Seen(what, now_s, 1)
            )
        self._seen = kept

    def _hold(self, position: Position, why: str) -> list[Effect]:
        self._forget(position.id)
        self._held[position.id] = why
        text = (
            f"{position.symbol} {position.strategy}: {why} Its rules only tell until both agree again; the "
            f"others go on. Correct its rows, or trade the rest in Dhan's app. /exit {position.strategy_id} "
            "closes what is surely held; /resume takes it over as it is."
        )
        topic, title = f"mismatch:{position.id}:{why}", "Trade store and broker disagree"
        return [_kept(position.id, why, taken=False), Alert(Urgency.HIGH, topic, title, text, position.id)]

    def _forget(self, position: PositionId) -> bool:
        """True when something was remembered of it."""
        held, taken = self._held.pop(position, None), self._taken.pop(position, None)
        return held is not None or taken is not None


def _kept(position: PositionId, why: str, *, taken: bool) -> Effect:
    return Record("difference", position, {"why": why, "taken": taken})


def _agree(position: Position) -> Effect:
    text = f"{position.symbol} {position.strategy}: its rules act again."
    topic = f"agree:{position.id}"
    return Alert(Urgency.MEDIUM, topic, "Trade store and broker agree again", text, position.id)
