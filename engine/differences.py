"""Positions of which store and broker disagree about what they hold.

One position is held, the others go on. It is told with what can be done, and lifted when both agree
again; or the owner takes the position over as it is, until the difference is another one.

Where the broker holds *more*, the same way round, nothing is held: an exit closes what the rows record and
cannot carry a contract through zero, and a stop that is switched off is worse than a rest that stays.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.corrections import choices
from engine.effects import Alert, Audit, Record
from engine.last import Last
from engine.model import PositionId, Urgency
from engine.reconcile import differences, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from engine.effects import Effect
    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, Mode, Position
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
    """One contract's difference, since when it is the same, and how many reports have said so.

    Attributes:
        open_since_s, open_reads: the same of this session; at night the broker's books are made anew.
    """

    what: Difference
    since_s: float
    reads: int
    open_since_s: float = 0.0
    open_reads: int = 0

    def again(self, now_s: float, *, in_session: bool) -> _Seen:
        """One more report that says it."""
        since_s = self.open_since_s if self.open_reads else now_s
        open_reads = self.open_reads + 1 if in_session else 0
        return self._replace(reads=self.reads + 1, open_since_s=since_s, open_reads=open_reads)


class Stance(StrEnum):
    """How a position whose difference is known goes on."""

    HELD = "held"
    TAKEN = "taken over"
    MORE = "more at the broker"
    UNWATCHED = "not watched"


class _Kept(NamedTuple):
    """What is remembered of a position: the difference that was told, and how it goes on."""

    why: str
    stance: Stance
    rows: tuple[tuple[int, int], ...] = ()  # of one that is not watched: these rows, until they change


class Differences:
    """Which positions are held, and why; journaled, so that a restart does not let one loose.

    Args:
        quiet: whether our last fill in a contract is so long ago that the position list knows of it.
        mode: what may be made of a difference depends on it.
    """

    def __init__(self, quiet: Callable[[InstrumentKey], bool], mode: Mode) -> None:
        self._quiet = quiet
        self._mode = mode
        self._recorded = Last(recorded)
        self._seen: dict[InstrumentKey, _Seen] = {}
        self._kept: dict[PositionId, _Kept] = {}

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers."""
        for name, row in rows.items():
            if row["why"]:
                before = Stance.TAKEN if row.get("taken") else Stance.HELD
                legs = tuple((int(row_id), int(units)) for row_id, units in row.get("rows", ()))
                self._kept[PositionId(name)] = _Kept(row["why"], Stance(row.get("stance", before)), legs)

    def positions(self) -> Collection[PositionId]:
        """Those of which a difference is remembered, however they go on."""
        return self._kept.keys()

    def why(self, position: PositionId) -> str:
        """Why the automation of a position is held; empty = it is not."""
        kept = self._kept.get(position)
        return kept.why if kept is not None and kept.stance is Stance.HELD else ""

    def shown(self, position: PositionId) -> str:
        """What differs while its automation goes on all the same; empty = nothing that is known."""
        kept = self._kept.get(position)
        return kept.why if kept is not None and kept.stance in (Stance.TAKEN, Stance.MORE) else ""

    def unwatched(self, position: PositionId) -> bool:
        """Whether the owner has said to stop watching it."""
        kept = self._kept.get(position)
        return kept is not None and kept.stance is Stance.UNWATCHED

    def told(self, position: PositionId) -> str:
        """The difference that was told; empty = there is none."""
        kept = self._kept.get(position)
        return "" if kept is None else kept.why

    def found(self, position: Position) -> list[Difference]:
        """What differs by the last reports; nothing as long as that is not what was told."""
        found = [self._seen[key].what for key in position.nets if key in self._seen]
        return found if " ".join(what.text for what in found) == self.told(position.id) else []

    def unwatch(self, position: Position) -> list[Effect]:
        """Hold it in silence until its rows change, or it is taken over."""
        return [self._keep(position.id, self.told(position.id), Stance.UNWATCHED, _rows(position))]

    def closed(self, position: Position, now_s: float) -> bool:
        """True when the broker surely holds nothing of a position that the store lists.

        Only reports of an open session count. A contract that is not listed is unknown, not zero; one that
        other positions hold too tells nothing.
        """
        if not self._seen:
            return False
        mine = [self._seen.get(key) for key in position.nets]
        return not self.unwatched(position.id) and all(
            seen is not None
            and seen.what.theirs == 0
            and seen.what.positions == (position.id,)
            and seen.open_reads >= CLOSED_READS
            and now_s - seen.open_since_s >= CLOSED_S
            for seen in mine
        )

    def take_over(self, positions: Collection[PositionId]) -> list[Effect]:
        """The owner has seen it: what differs now holds nothing any more, until something else does."""
        effects: list[Effect] = []
        held = (Stance.HELD, Stance.UNWATCHED)
        for name in [name for name, kept in self._kept.items() if kept.stance in held and name in positions]:
            why = self._kept[name].why
            effects += [
                self._keep(name, why, Stance.TAKEN),
                Audit("difference taken over", {"position": name}),
            ]
        return effects

    def look(
        self,
        positions: tuple[Position, ...],
        report: BrokerReport,
        traded: Mapping[InstrumentKey, int],
        busy: Collection[InstrumentKey],
        now_s: float,
        *,
        in_session: bool,
    ) -> tuple[list[Effect], list[PositionId]]:
        """Compare with a successful report; what is to be told, and which positions are let loose.

        ``traded``: signed units that unfinished exits have traded of rows that still list them.
        ``busy``: contracts of exits that run, where nothing can be compared.
        """
        ours = self._recorded(positions)
        skipped = {key for key in ours.units if not self._quiet(key)} | set(busy)
        self._take(differences(ours, report, traded), skipped, now_s, in_session=in_session)
        effects: list[Effect] = []
        loose: list[PositionId] = []
        if not (self._seen or self._kept):
            return effects, loose  # mostly store and broker agree
        for position in positions:
            if self.unwatched(position.id):
                if self._kept[position.id].rows != _rows(position):
                    del self._kept[position.id]
                    effects += [_record(position.id), _watched_again(position)]
                    loose.append(position.id)
                continue
            mine = [self._seen[key] for key in position.nets if key in self._seen]
            sure = [s for s in mine if s.reads >= DIFFERENT_READS and now_s - s.since_s >= DIFFERENT_S]
            why = " ".join(seen.what.text for seen in sure)
            held = bool(self.why(position.id))
            if why and why != self.told(position.id):
                effects += self._tell(position, why, [seen.what for seen in sure])
            elif not mine and skipped.isdisjoint(position.nets) and position.id in self._kept:
                del self._kept[position.id]
                effects += [_record(position.id), _agree(position)]
            if held and not self.why(position.id):
                loose.append(position.id)
        gone = self._kept.keys() - {position.id for position in positions}
        for name in sorted(gone):
            del self._kept[name]
            effects.append(_record(name))
        return effects, loose

    def _take(
        self,
        found: Iterable[Difference],
        skipped: Collection[InstrumentKey],
        now_s: float,
        *,
        in_session: bool,
    ) -> None:
        kept = {key: seen for key, seen in self._seen.items() if key in skipped}
        for what in found:
            if what.key in skipped:
                continue
            seen = self._seen.get(what.key)
            if seen is None or (seen.what.ours, seen.what.theirs) != (what.ours, what.theirs):
                seen = _Seen(what, now_s, 0)
            kept[what.key] = seen.again(now_s, in_session=in_session)
        self._seen = kept

    def _tell(self, position: Position, why: str, found: Sequence[Difference]) -> list[Effect]:
        name, more = f"{position.symbol} {position.strategy}", all(what.more for what in found)
        title = "The broker holds more than is recorded" if more else "Trade store and broker disagree"
        then = (
            "Its rules go on: an exit closes what its rows record, and what is more stays, perhaps without "
            "its hedge. Correct its rows, or trade the rest in Dhan's app."
            if more
            else "Its rules only tell until both agree again; the others go on. Correct its rows, or trade "
            f"the rest in Dhan's app. /exit {position.strategy_id} closes what is surely held; /resume takes "
            "it over as it is."
        )
        record = self._keep(position.id, why, Stance.MORE if more else Stance.HELD)
        topic = f"mismatch:{position.id}:{why}"
        offered = choices(position, found, self._mode)
        alert = Alert(Urgency.HIGH, topic, title, f"{name}: {why} {then}", position.id, offered)
        return [record, alert]

    def _keep(
        self, position: PositionId, why: str, stance: Stance, rows: tuple[tuple[int, int], ...] = ()
    ) -> Effect:
        self._kept[position] = _Kept(why, stance, rows)
        return _record(position, why, stance, rows)


def _record(
    position: PositionId,
    why: str = "",
    stance: Stance = Stance.HELD,
    rows: tuple[tuple[int, int], ...] = (),
) -> Effect:
    return Record("difference", position, {"why": why, "stance": stance, "rows": [list(row) for row in rows]})


def _rows(position: Position) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((leg.row_id, leg.quantity) for leg in position.legs))


def _watched_again(position: Position) -> Effect:
    text = f"{position.symbol} {position.strategy}: its rows have changed; its rules act again."
    return Alert(Urgency.MEDIUM, f"watched:{position.id}", "A position is watched again", text, position.id)


def _agree(position: Position) -> Effect:
    text = f"{position.symbol} {position.strategy}: its rules act."
    topic = f"agree:{position.id}"
    return Alert(Urgency.MEDIUM, topic, "Trade store and broker agree again", text, position.id)
