"""The positions that the trade store's rows come to, and what befalls them from outside.

Three rooms stand behind it: what store and master say (`engine.reading`), how that is worked in
(`engine.intake`), and the life of each position under watch (`engine.lives`). Here is what brings them
news (a reading, the owner's word, the end of an exit), and what all positions come to beside each other.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine import notices
from engine.effects import Subscribe
from engine.expired import expired_words
from engine.intake import Intake
from engine.last import Last
from engine.left_out import LeftOut
from engine.lives import Lives
from engine.reading import Reading
from engine.reconcile import Opposed, opposed
from engine.reductions import closed_by
from engine.subscriptions import wish_list

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

    from engine.effects import Effect, RowPart
    from engine.intents import Intent
    from engine.messages import BrokerReport, InstrumentsLoaded
    from engine.model import ExitLevel, Instrument, InstrumentKey, Position, PositionId, TradeRow
    from engine.rules.base import Rank
    from engine.trades import InvalidPosition
    from engine.watch import Watchlist

__all__ = ["Holdings"]


class Holdings:
    """Positions by id, kept in step with the trade store.

    Args:
        watch: where valid positions are valued and judged.
        paper: exits are simulated: the store's rows stay as they are.
        busy: an exit of this position is running: its legs are not to be touched.
        exiting: the contracts of all running exits: they need prices, whatever the store says.
        silence: from which rank on the position's rules are silent (exit, open question, snooze, stuck);
            None = all may speak.
        store: which store the rows are in.

    Attributes:
        reading: what store and master say.
        lives: the positions under watch.
        intake: how far the reading is worked in.
        positions, flat: those that are watched, and those that were closed today (`engine.lives.Lives`).
    """

    def __init__(
        self,
        watch: Watchlist,
        *,
        paper: bool,
        busy: Callable[[PositionId], bool],
        exiting: Callable[[], Iterable[InstrumentKey]],
        silence: Callable[[PositionId], Rank | None],
        store: str = "",
    ) -> None:
        self._exiting = exiting
        self.reading = Reading(paper=paper, store=store)
        self.lives = Lives(watch, self.reading.contracts, busy=busy, silence=silence)
        self.positions: Mapping[PositionId, Position] = self.lives.positions
        self.flat: Mapping[PositionId, Position] = self.lives.flat
        self._left_out = LeftOut()
        self.intake = Intake(
            self.reading, self.lives, self._left_out, watch, busy,
            self._tell_opposed, lambda: [*self.reading.late()], self.subscriptions,
        )  # fmt: skip
        self._opposed: frozenset[Opposed] = frozenset()
        self._wished: tuple[Instrument, ...] = ()
        self._opposed_in = Last(opposed)
        self._wish_list = Last(wish_list)

    def restore(
        self,
        closed: Mapping[str, Mapping[str, Any]],
        reduced: Mapping[str, Mapping[str, Any]],
        memories: Mapping[str, Mapping[str, Any]],
        overrides: Mapping[str, Mapping[str, Any]],
        contracts: Mapping[str, Mapping[str, Any]],
        today: Container[str] = (),
    ) -> None:
        """Take over what the journal knows: rows closed or reduced, peaks, told levels, overrides, contracts.

        ``today``: the exits whose orders the desk takes over.
        """
        self.reading.restore(closed, reduced, contracts, today)
        self.lives.restore(memories, overrides)

    # -------------------------------------------------------------------------------- loading

    @property
    def known(self) -> bool:
        """Whether it is known what the store lists: positions, or that there are none."""
        return self.intake.loaded or self.reading.rows == ()

    @property
    def expects_rows(self) -> bool:
        """Whether an answer without any row would be news: positions are watched, or rows wait to be."""
        return bool(self.positions) or (not self.intake.loaded and bool(self.reading.rows))

    @property
    def changed(self) -> Mapping[PositionId, str]:
        """Positions whose automation is held because a contract has changed, and what has."""
        return self.reading.contracts.why

    def take_instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        """A new instrument master; rows that were waiting for it are grouped again.

        A failed load keeps the last good master; symbols it lacks are asked for again.
        """
        effects = self.reading.take_instruments(message, now_s)
        return effects if message.failed else self.intake.owe([*effects, *self.intake.begin(now_s)])

    def open_rows(self) -> list[TradeRow] | None:
        """Every open row of the store, watched or not, with the security ids found; None = not read yet.

        A row of a position that cannot be watched comes a second time as the contract its words mean.
        """
        return self.reading.open_rows(self._left_out.invalid)

    def take_master(self, positions: Collection[PositionId], now_s: float) -> list[Effect]:
        """The owner has seen it: contracts of these are what the newest master says."""
        if self.changed.keys().isdisjoint(positions):
            return []
        self.reading.take_master(positions, now_s)
        return self.intake.begin(now_s)

    def correct(self, name: str, parts: Sequence[RowPart], now_s: float, *, in_store: bool) -> list[Effect]:
        """Take off rows what the broker does not hold any more; ``in_store``: there too, else here alone."""
        return self.reading.correct(name, parts, now_s, in_store=in_store) + self.intake.begin(now_s)

    def regrow(self, report: BrokerReport, now_s: float) -> list[Effect]:
        """Count rows in full again from which only we took something, once the broker holds it all."""
        kept = self.reading.regrow(report)
        return [*kept, *(self.intake.begin(now_s) if kept else [])]

    def take_rows(
        self, rows: tuple[TradeRow, ...], levels: tuple[ExitLevel, ...], now_s: float
    ) -> list[Effect]:
        """New open rows from the store. A position that is exiting is left alone until it has ended.

        Changed levels arm the rules of their position anew.
        """
        if not self.reading.believes(rows, expected=self.expects_rows):
            return [notices.empty_store()]
        return self.reading.take_rows(rows, levels, now_s) + self.intake.begin(now_s)

    # ------------------------------------------------------------------- what all of them come to

    def expired(self, position: PositionId) -> str:
        """What has expired of a position that is watched without it; empty = nothing."""
        return expired_words(self._left_out.aside_of(position), self.reading.instruments)

    def _tell_opposed(self) -> list[Effect]:
        """Contracts in which two positions face each other, each time there is a new one."""
        found = self._opposed_in(tuple(self.positions.values()))
        new, self._opposed = found - self._opposed, found
        return [notices.both_ways(pair) for pair in sorted(new, key=lambda pair: pair.key)]

    @property
    def invalid(self) -> tuple[InvalidPosition, ...]:
        """What the store lists and nobody can watch; not what is watched until its exit has ended."""
        return tuple(bad for bad in self._left_out.invalid if bad.id not in self.positions)

    @property
    def subscribed(self) -> frozenset[InstrumentKey]:
        """The instruments the feed was asked for."""
        return frozenset(instrument.key for instrument in self._wished)

    @property
    def wished(self) -> tuple[Instrument, ...]:
        """The same as contracts, the most urgent first."""
        return self._wished

    def subscriptions(self) -> list[Effect]:
        """The feed's wish list, when it has changed.

        A running exit gets its prices even when a restart finds that its position has a leg that expired.
        """
        exiting = frozenset(self._exiting())
        wished = self._wish_list(tuple(self.positions.values()), exiting, self.reading.instruments)
        if wished == self._wished:
            return []
        self._wished = wished
        return [Subscribe(wished)]

    # --------------------------------------------------------------------------------- ending

    def close(self, intent: Intent, now_s: float) -> list[Effect]:
        """A position is verified flat: remember it, and write the end to the store unless on paper."""
        position = self.positions.get(intent.position)
        rows = [leg.row_id for leg in position.legs] if position is not None else []
        exits: dict[int, int | None] = dict.fromkeys(rows)  # rows that cancel each other out: no price
        for index, leg in enumerate(intent.legs):
            exits |= dict.fromkeys(leg.rows, intent.exit_paise(index))
        for row in self._left_out.aside_of(intent.position):
            exits.setdefault(row.id, None)  # ended by its expiry, unless traded before it
        kept, told = self.reading.close(intent, exits, now_s)
        effects: list[Effect] = [kept, *self.lives.end(intent.position), *told]
        if self.intake.parted:  # what is being worked in may have it still
            effects += self.intake.begin(now_s)
        return effects + self.subscriptions()

    def close_part(self, intent: Intent, now_s: float) -> list[Effect]:
        """A part of a position is verified closed: its rows shrink, what it brought is remembered."""
        assert intent.part is not None  # noqa: S101 - the caller's choice of method
        closed = closed_by(intent)
        effects = self.reading.close_part(intent, closed, now_s)
        effects.append(self.lives.end_part(intent.position, intent.part, closed))
        effects += self.intake.begin(now_s)
        if self.intake.behind(intent.position):  # others may wait for their turn
            effects += self.intake.catch_up((intent.position,), now_s)
        self.lives.go_on(intent.position, now_s)
        return effects

    def entries(self, intent: Intent) -> dict[int, Fraction]:
        """Entry price per unit of each planned leg, volume-weighted over its rows, in paise."""
        position = self.positions.get(intent.position) or self.flat.get(intent.position)
        if position is None:
            return {}
        entries: dict[int, Fraction] = {}
        for index, plan in enumerate(intent.legs):
            legs = [leg for leg in position.legs if leg.key == plan.key and leg.entry_price_paise is not None]
            units = sum(leg.quantity for leg in legs)
            if units:
                paid = sum(leg.quantity * (leg.entry_price_paise or 0) for leg in legs)
                entries[index] = Fraction(paid, units)
        return entries
