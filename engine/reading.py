"""What the trade store's rows and the instrument master say, less what our own exits have done to the rows.

Here is what was read and what is written back; how it is worked in is known to `engine.intake`. Rows that we
have closed are ours to ignore until the store has caught up, and an empty answer is not believed at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from engine import notices
from engine.closings import Closings
from engine.contracts import Contracts
from engine.effects import CloseTrades, LoadInstruments, ReduceTrades
from engine.groups import Groups
from engine.joins import joined
from engine.model import position_id
from engine.reductions import Reductions
from engine.sessions import ist_date
from engine.trades import positions, row_key

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence

    from engine.effects import Effect, Record, RowPart
    from engine.intents import Intent
    from engine.messages import BrokerReport, InstrumentsLoaded
    from engine.model import ExitLevel, Instrument, InstrumentKey, PositionId, TradeRow
    from engine.reductions import Closed
    from engine.trades import InvalidPosition

__all__ = ["Reading"]

#: An answer without any row is believed after this many loads in a row.
EMPTY_LOADS = 3


class Reading:
    """The newest rows, levels and contracts, and what they come to by strategy.

    Args:
        paper: exits are simulated: the store's rows stay as they are.
        store: which store the rows are in.

    Attributes:
        rows: every open row of the store; None = not read yet.
        instruments: the contracts to go by; empty = not read yet.
        contracts: what those of each watched position were.
        groups: what the rows come to, once `group` was called.
    """

    def __init__(self, *, paper: bool, store: str = "") -> None:
        self.rows: tuple[TradeRow, ...] | None = None
        self.instruments: Mapping[InstrumentKey, Instrument] = {}
        self.contracts = Contracts()
        self.groups = Groups()
        self._paper = paper
        self._levels: tuple[ExitLevel, ...] = ()
        self._closed = Closings(store)
        self._reductions = Reductions(store)
        self._empty_loads = 0
        self._symbols: frozenset[str] = frozenset()
        self._missed: frozenset[InstrumentKey] = frozenset()

    def restore(
        self,
        closed: Mapping[str, Mapping[str, Any]],
        reduced: Mapping[str, Mapping[str, Any]],
        contracts: Mapping[str, Mapping[str, Any]],
        today: Container[str],
    ) -> None:
        """Take over what the journal knows; ``today``: the exits whose orders the desk takes over."""
        self._reductions.restore(reduced, today)
        self.contracts.restore(contracts)
        self._closed.restore(closed)

    @property
    def complete(self) -> bool:
        """Whether rows and contracts are there, so that positions can be made of them."""
        return self.rows is not None and bool(self.instruments)

    # ---------------------------------------------------------------------------------- what is read

    def believes(self, rows: Sequence[TradeRow], *, expected: bool) -> bool:
        """Whether to go by these rows; ``expected``: that there are none would be news, said three times."""
        if not rows and expected:
            self._empty_loads += 1
            if self._empty_loads < EMPTY_LOADS:
                return False
        self._empty_loads = 0 if rows else self._empty_loads
        return True

    def take_rows(
        self, rows: tuple[TradeRow, ...], levels: tuple[ExitLevel, ...], now_s: float
    ) -> list[Effect]:
        """Go by these rows from now on; what they show of our exits is settled."""
        before, self.rows = self.rows, rows
        effects = self._tell_stray(levels)
        self._levels = levels
        if rows is not before or not self._symbols:  # none: the last master has failed
            symbols = frozenset(row.symbol for row in rows)
            if not symbols <= self._symbols:
                self._symbols |= symbols
                self._missed = frozenset(map(row_key, rows))  # asked for hereby
                effects.append(LoadInstruments(self._symbols))
        effects += [] if self._paper else self._reductions.settle(rows)
        self._closed.settle(rows, now_s)
        return effects

    def take_instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        """A new instrument master; of one that failed the symbols are asked for again, the old one stays."""
        if message.failed:
            self._symbols = frozenset()
            return [notices.no_master(message.failed)]
        self.instruments, kept = self.contracts.take(message.instruments, ist_date(now_s))
        return [*kept]

    def take_master(self, positions: Collection[PositionId], now_s: float) -> None:
        """Contracts of these positions are what the newest master says."""
        self.instruments = self.contracts.take_over(positions, ist_date(now_s))

    def ask_for(self, symbols: frozenset[str]) -> list[Effect]:
        """Ask for the contracts of these underlyings too, unless they were asked for."""
        if symbols <= self._symbols:
            return []
        self._symbols |= symbols
        return [LoadInstruments(self._symbols)]

    def ask_for_missed(self, missed: frozenset[InstrumentKey]) -> list[Effect]:
        """A row's contract may be younger than the master: that is read again, once for each."""
        new, self._missed = missed - self._missed, missed
        return [LoadInstruments(self._symbols)] if new and self.instruments else []

    def reload(self) -> list[Effect]:
        """Ask for the day's instrument master."""
        self._missed = frozenset()
        return [LoadInstruments(self._symbols)] if self._symbols else []

    def _tell_stray(self, levels: tuple[ExitLevel, ...]) -> list[Effect]:
        """Rows of ``strategy_exit_levels`` that do not even say whose they are, once each."""
        return [
            notices.stray(level)
            for level in levels
            if level.enabled and not level.strategy_id and level not in self._levels
        ]

    # ------------------------------------------------------------------------------- what it comes to

    def group(self, now_s: float) -> None:
        """Lay the rows that still hold something beside what `groups` knows."""
        assert self.rows is not None  # noqa: S101 - all callers know
        held = self._reductions.left_of(self._closed.but(self.rows))
        self.groups.take(held, self.instruments, ist_date(now_s), self._levels)

    def open_rows(self, invalid: Iterable[InvalidPosition]) -> list[TradeRow] | None:
        """Every open row, with the security ids found; None = not read yet.

        A row of a position that cannot be watched comes a second time as the contract its words mean.
        """
        if self.rows is None:
            return None
        wrong = [replace(row, security_id=0) for bad in invalid for row in bad.rows]
        return joined((*self.rows, *wrong), self.instruments)

    def recorded_nets(self) -> dict[InstrumentKey, int]:
        """Net units per contract over all rows of the store, closed on paper today or not.

        Parts that were closed on paper on earlier days are taken off: no book knows of their orders. A
        contract that expired may be in no master any more; what is left of its position counts all the same.
        """
        nets: dict[InstrumentKey, int] = {}
        rows = [self._reductions.apply(row, earlier=True) for row in self.rows or ()]
        rows = [row for row in rows if row_key(row) in self.instruments]
        for position in positions(rows, self.instruments, date.min)[0]:
            for leg in position.legs:
                nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        return nets

    # ------------------------------------------------------------------------ what our exits have done

    def correct(self, name: str, parts: Sequence[RowPart], now_s: float, *, in_store: bool) -> list[Effect]:
        """Take off rows what the broker does not hold any more; ``in_store``: there too, else here alone."""
        effects: list[Effect] = []
        if in_store:
            ended = {part.row_id: part.before for part in parts if not part.after}
            effects.append(self._closed.add(name, dict.fromkeys(ended), ended, now_s)[0])
            parts = tuple(part for part in parts if part.after)
        effects.append(self._reductions.add(name, tuple(parts), now_s, here_alone=not in_store))
        return effects

    def regrow(self, report: BrokerReport) -> list[Record]:
        """Count rows in full again from which only we took something, once the broker holds it all."""
        return self._reductions.regrown(joined(self.rows or (), self.instruments), report)

    def late(self) -> list[ReduceTrades | CloseTrades]:
        """What the store was not told, since it was away; as it happened, a part before its rest."""
        if self._paper:
            return []
        late: list[ReduceTrades | CloseTrades] = [
            *self._reductions.late(),
            *self._closed.late(self.rows or ()),
        ]
        return sorted(late, key=lambda job: job.closed_at_s)

    def close(
        self, intent: Intent, exits: dict[int, int | None], now_s: float
    ) -> tuple[Record, list[Effect]]:
        """An exit has closed its position: the record of it, and what the store is told unless on paper.

        Args:
            intent: the exit.
            exits: exit price of each row that it has closed, by row id; None = nobody here traded it.
            now_s: when.
        """
        mine = [r for r in self.rows or () if position_id(r.account, r.strategy_id) == intent.position]
        exits |= {row.id: None for row in mine if self._reductions.is_more(row)}  # not all of it our doing
        # a store away since the start has shown no rows: then what the plan was made from counts
        units = {row: abs(number) for leg in intent.legs for row, number in leg.rows.items()}
        units |= self._in_store(exits)
        kept, job = self._closed.add(intent.id, exits, units, now_s)
        return kept, [] if self._paper else [*self._reductions.before(exits), job]  # of one that died unheard

    def close_part(self, intent: Intent, closed: Closed, now_s: float) -> list[Effect]:
        """An exit has closed a part of its position: rows shrink, some end."""
        return [
            self._closed.add(intent.id, closed.ended, self._in_store(closed.ended), now_s)[0],
            self._reductions.add(intent.id, closed.parts, now_s),
        ]

    def _in_store(self, ids: Container[int]) -> dict[int, int]:
        """Units of these rows as the store has them, once it was told of what our exits took off them."""
        return {
            row.id: row.quantity if self._reductions.is_more(row) else self._reductions.apply(row).quantity
            for row in self.rows or ()
            if row.id in ids
        }
