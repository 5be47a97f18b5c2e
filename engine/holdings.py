"""The positions as the trade store records them, and which of them are watched.

A failed load changes nothing. An empty one is not believed at once. Rows that we have closed are
ours to ignore until the store has caught up.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine import notices
from engine.closings import Closings
from engine.contracts import Contracts
from engine.effects import Audit, CloseTrades, GoOn, LoadInstruments, Record, ReduceTrades, Subscribe
from engine.expired import expired_words
from engine.joins import joined
from engine.last import Last
from engine.listed import Listed, listed
from engine.model import Position, PositionId, Urgency, position_id
from engine.override_book import OverrideBook
from engine.reconcile import Opposed, opposed
from engine.reductions import Reductions, closed_by
from engine.sessions import ist_date
from engine.subscriptions import wish_list
from engine.trades import InvalidPosition, positions, row_key
from engine.watch import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

    from engine.effects import Effect, RowPart
    from engine.intents import Intent
    from engine.messages import BrokerReport, InstrumentsLoaded
    from engine.model import ExitLevel, Instrument, InstrumentKey, TradeRow
    from engine.rules.base import Rank
    from engine.rules.overrides import Override
    from engine.watch import Watchlist

__all__ = ["Holdings"]

#: An answer without any row is believed after this many loads in a row.
EMPTY_LOADS = 3
_TAKEN_OVER = "position taken over"
#: The sign and the memory of a position of which nothing was saved yet.
_UNSAVED = (None, None)
#: So many positions are prepared in one piece: some 3 ms.
PREPARED_AT_ONCE = 8
#: So many lines that the journal keeps of the first grouping leave in one piece: some 4 ms.
KEPT_AT_ONCE = 100


class Holdings:
    """Positions by id, kept in step with the trade store.

    Args:
        watch: where valid positions are valued and judged.
        paper: exits are simulated: the store's rows stay as they are.
        busy: an exit of this position is running: its legs are not to be touched.
        exiting: the contracts of all running exits: they need prices, whatever the store says.
        silence: from which rank on the position's rules are silent (exit, open question, snooze, stuck);
            None = all may speak.
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
        self.watch = watch
        self.paper = paper
        self._busy = busy
        self._exiting = exiting
        self._silence = silence
        self.instruments: Mapping[InstrumentKey, Instrument] = {}
        self.positions: dict[PositionId, Position] = {}
        self.flat: dict[PositionId, Position] = {}
        self.loaded = False
        self._invalid: tuple[InvalidPosition, ...] = ()
        self._dead: dict[PositionId, Sequence[TradeRow]] = {}  # rows of what is watched without them
        self._rows: tuple[TradeRow, ...] | None = None
        self._levels: tuple[ExitLevel, ...] = ()
        self._closed = Closings(store)
        self._reductions = Reductions(store)
        self._overrides = OverrideBook()
        self._memories: dict[PositionId, Memory] = {}
        self._saved: dict[PositionId, tuple[tuple[object, ...], Memory]] = {}  # and the sign of it
        self._empty_loads = 0
        self._told_bare: dict[PositionId, date] = {}
        self._opposed: frozenset[Opposed] = frozenset()
        self._wished: tuple[Instrument, ...] = ()
        self._symbols: frozenset[str] = frozenset()
        self._missed: frozenset[InstrumentKey] = frozenset()
        self._contracts = Contracts()
        self._waiting, self._going_on = list[Position](), False  # to be prepared before the first grouping
        self._owed: list[Effect] = []  # what the journal is yet to have of the first grouping
        self._listed = Last(listed)
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
        self._reductions.restore(reduced, today)
        self._overrides.restore(overrides)
        self._contracts.restore(contracts)
        self._closed.restore(closed)
        for key, value in memories.items():
            self._memories[PositionId(key)] = Memory.from_json(value)

    # -------------------------------------------------------------------------------- loading

    @property
    def known(self) -> bool:
        """Whether it is known what the store lists: positions, or that there are none."""
        return self.loaded or self._rows == ()

    @property
    def expects_rows(self) -> bool:
        """Whether an answer without any row would be news: positions are watched, or rows wait to be."""
        return bool(self.positions) or (not self.loaded and bool(self._rows))

    def take_instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        """A new instrument master; rows that were waiting for it are grouped again.

        A failed load keeps the last good master; symbols it lacks are asked for again.
        """
        if message.failed:
            self._symbols = frozenset()
            return [notices.no_master(message.failed)]
        owed, self._owed = self._owed, []  # older words about the same contracts go first
        self.instruments, kept = self._contracts.take(message.instruments, ist_date(now_s))
        return [*owed, *kept, *(self._group_first(now_s) if self._rows is not None else [])]

    @property
    def changed(self) -> Mapping[PositionId, str]:
        """Positions whose automation is held because a contract has changed, and what has."""
        return self._contracts.why

    def ask_for(self, symbols: frozenset[str]) -> list[Effect]:
        """Ask for the contracts of these underlyings too, unless they were asked for."""
        if symbols <= self._symbols:
            return []
        self._symbols |= symbols
        return [LoadInstruments(self._symbols)]

    def open_rows(self) -> list[TradeRow] | None:
        """Every open row of the store, watched or not, with the security ids found; None = not read yet.

        A row of a position that cannot be watched comes a second time as the contract its words mean.
        """
        if self._rows is None:
            return None
        wrong = [replace(row, security_id=0) for bad in self._invalid for row in bad.rows]
        return joined((*self._rows, *wrong), self.instruments)

    def reload(self) -> list[Effect]:
        """Ask for the day's instrument master."""
        self._missed = frozenset()
        return [LoadInstruments(self._symbols)] if self._symbols else []

    def take_master(self, positions: Collection[PositionId], now_s: float) -> list[Effect]:
        """The owner has seen it: contracts of these are what the newest master says."""
        if self.changed.keys().isdisjoint(positions):
            return []
        self.instruments = self._contracts.take_over(positions, ist_date(now_s))
        return self._group(now_s)

    def correct(self, name: str, parts: Sequence[RowPart], now_s: float, *, in_store: bool) -> list[Effect]:
        """Take off rows what the broker does not hold any more; ``in_store``: there too, else here alone."""
        effects: list[Effect] = []
        if in_store:
            ended = {part.row_id: part.before for part in parts if not part.after}
            effects.append(self._closed.add(name, dict.fromkeys(ended), ended, now_s)[0])
            parts = tuple(part for part in parts if part.after)
        effects.append(self._reductions.add(name, tuple(parts), now_s, here_alone=not in_store))
        return effects + (self._group(now_s) if self._rows is not None and self.instruments else [])

    def regrow(self, report: BrokerReport, now_s: float) -> list[Effect]:
        """Count rows in full again from which only we took something, once the broker holds it all."""
        kept = self._reductions.regrown(joined(self._rows or (), self.instruments), report)
        return [*kept, *(self._group(now_s) if kept else [])]

    def take_rows(
        self, rows: tuple[TradeRow, ...], levels: tuple[ExitLevel, ...], now_s: float
    ) -> list[Effect]:
        """New open rows from the store. A position that is exiting is left alone until it has ended.

        Changed levels arm the rules of their position anew.
        """
        if not rows and self.expects_rows:
            self._empty_loads += 1
            if self._empty_loads < EMPTY_LOADS:
                return [notices.empty_store()]
        self._empty_loads = 0 if rows else self._empty_loads
        self._rows = rows
        effects = self._tell_stray(levels)
        self._levels = levels
        symbols = frozenset(row.symbol for row in rows)
        if not symbols <= self._symbols:
            self._symbols |= symbols
            self._missed = frozenset(map(row_key, rows))  # asked for hereby
            effects.append(LoadInstruments(self._symbols))
        effects += [] if self.paper else self._reductions.settle(rows)
        self._closed.settle(rows, now_s)
        return effects + (self._group_first(now_s) if self.instruments else [])

    def _group_first(self, now_s: float) -> list[Effect]:
        """Group; the first time what takes long is prepared before, a few positions at a time.

        Until then it is as if the master were not there yet: nothing is watched, compared or subscribed.
        """
        if self.loaded or not self._rows:
            return self._owe(self._group(now_s))
        self._waiting = [
            position
            for position in map(self._complete, self._listed_now(now_s).positions)
            if not self.watch.prepared(position.id)
        ]
        if self._going_on:
            return []
        self._going_on = len(self._waiting) > PREPARED_AT_ONCE
        return [GoOn()] if self._going_on else self._owe(self._group(now_s))

    def _owe(self, effects: list[Effect]) -> list[Effect]:
        """Of a thousand positions the journal hears one after the other; all other effects leave now.

        What waits hangs on nothing: that they are watched, and by which contracts. A crash in between learns
        both again.
        """
        late = [effect for effect in effects if _may_wait(effect)][KEPT_AT_ONCE:]
        if not late:
            return effects
        self._owed += late
        waits = set(map(id, late))
        return [*(effect for effect in effects if id(effect) not in waits), GoOn()]

    @property
    def going_on(self) -> bool:
        """Whether positions are being prepared, or something is owed to the journal."""
        return self._going_on or bool(self._owed)

    def go_on(self, now_s: float) -> list[Effect]:
        """Prepare the next few positions; with the last of them all are put under watch, then told."""
        if not self._going_on:
            now_owed, self._owed = self._owed[:KEPT_AT_ONCE], self._owed[KEPT_AT_ONCE:]
            return [*now_owed, GoOn()] if self._owed else now_owed
        now, self._waiting = self._waiting[:PREPARED_AT_ONCE], self._waiting[PREPARED_AT_ONCE:]
        for position in now:
            self.watch.prepare(position, self.memory(position.id), now_s)
        return [GoOn()] if self._waiting else self._owe(self._group(now_s))

    def _listed_now(self, now_s: float) -> Listed:
        """What the rows that still hold something come to today."""
        assert self._rows is not None  # noqa: S101 - all callers know
        held = self._reductions.left_of(self._closed.but(self._rows))
        return self._listed(held, self.instruments, ist_date(now_s), self._levels)

    def _group(self, now_s: float) -> list[Effect]:
        assert self._rows is not None  # noqa: S101 - all callers know
        self.loaded, self._waiting, self._going_on = True, [], False
        listed_as = self._listed_now(now_s)
        found = [self._complete(position) for position in listed_as.positions]
        effects, self._owed = self._owed, []  # older words about the same contracts go first
        effects += self._ask_for_missed(listed_as.missed) + self._tell_invalid(listed_as.invalid)
        effects += self._set_aside(found, listed_as.aside)
        for position in found:
            known = self.positions.get(position.id)
            if known is position:
                continue
            if known is None or (known != position and not self._busy(position.id)):
                effects += self._watch(position, now_s)
        self.watch.forget_prepared()
        effects += self._contracts.keep(self.positions)
        for name, why in self._contracts.news():
            position = self.positions[name]
            effects.append(notices.changed(position, why, self._contracts.odd(position)))
        listed = {p.id for p in found}
        for gone in [p for p in self.positions.values() if p.id not in listed and not self._busy(p.id)]:
            self._drop(gone.id)
            effects += [Audit("position gone", {"position": gone.id}), notices.gone(gone)]
        effects += self._tell_opposed()
        if not self.paper:  # the store was away when we closed them
            late: list[ReduceTrades | CloseTrades] = [
                *self._reductions.late(),
                *self._closed.late(self._rows),
            ]
            late.sort(key=lambda job: job.closed_at_s)  # as it happened; a part before its rest
            effects += late
        return effects + self.subscriptions()

    def _complete(self, position: Position) -> Position:
        """The position with what rows said that our partial exits have ended; most have nothing to add."""
        here = position.id in self.positions and position.id not in self._memories
        if here and self.watch.said(position.id) is None:
            return position
        return self.memory(position.id).complete(position)

    def _ask_for_missed(self, missed: frozenset[InstrumentKey]) -> list[Effect]:
        """A row's contract may be younger than the master: that is read again, once for each."""
        new, self._missed = missed - self._missed, missed
        return [LoadInstruments(self._symbols)] if new and self.instruments else []

    def start_day(self, now_s: float) -> None:
        """A day begins: what ended before it is no part of it."""
        today = ist_date(now_s)
        self.flat.clear()
        self._told_bare = {name: day for name, day in self._told_bare.items() if day == today}

    def rearm(self, now_s: float) -> list[Effect]:
        """The rules changed: arm those of every position anew; peaks, told levels and holds stay."""
        effects: list[Effect] = []
        for position in tuple(self.positions.values()):
            effects += self._watch(position, now_s)
        return effects

    def override(self, position: Position, override: Override, now_s: float) -> list[Effect]:
        """Tighten a rule of a position at once, and for as long as the position lives."""
        return [self._overrides.add(position, override), *self._watch(position, now_s)]

    def _watch(self, position: Position, now_s: float) -> list[Effect]:
        known = self.positions.get(position.id)
        memory = self.memory(position.id)
        self._memories.pop(position.id, None)
        armed_anew = known is not None and known.legs == position.legs
        told = self.watch.notes(position.id) if armed_anew else ()
        self.positions[position.id] = position
        self.flat.pop(position.id, None)
        kept = self._contracts.learn(position) + self._overrides.follow(position, known=known is not None)
        self.watch.override(position.id, self._overrides.of(position.id))
        notes = self.watch.put(position, memory, now_s)
        if not armed_anew and (rank := self._silence(position.id)) is not None:
            self.watch.hold(position.id, rank)  # armed anew on the same legs it is held already
        event = "rules armed anew" if armed_anew else "position changed" if known else _TAKEN_OVER
        effects: list[Effect] = [*kept, Audit(event, {"position": position.id, "legs": len(position.legs)})]
        unprotected = self.watch.unprotected(position.id)
        loud = Urgency.MEDIUM if unprotected else Urgency.NORMAL
        effects += [
            notices.refusal(position, note, loud) for note in notes if note.refused and note not in told
        ]
        return effects + (self._unprotected(position, now_s) if unprotected else [])

    def unprotected(self, now_s: float) -> list[Effect]:
        """Say of each position that no loss rule guards it, once a day."""
        bare = [p for p in self.positions.values() if self.watch.unprotected(p.id)]
        return [effect for position in bare for effect in self._unprotected(position, now_s)]

    def _unprotected(self, position: Position, now_s: float) -> list[Effect]:
        today = ist_date(now_s)
        if self._told_bare.get(position.id) == today:
            return []
        self._told_bare[position.id] = today
        return [notices.unprotected(position)]

    def memory(self, position: PositionId) -> Memory:
        """What is remembered of a position, watched at the moment or not."""
        if position in self._memories or position not in self.positions:
            return self._memories.get(position, Memory())
        return self.watch.memory(position)

    def _drop(self, position: PositionId) -> None:
        if self.positions.pop(position, None) is not None:
            self._memories.setdefault(position, self.watch.memory(position))  # it may come back
        self._saved.pop(position, None)
        self.watch.drop(position)

    def _tell_invalid(self, invalid: Sequence[InvalidPosition]) -> list[Effect]:
        known = {(i.id, i.why) for i in self._invalid}
        self._invalid = tuple(invalid)
        for bad in invalid:
            if not self._busy(bad.id):  # a leg may have expired in the night: the others are still sold
                self._drop(bad.id)
        return [notices.invalid(bad) for bad in invalid if (bad.id, bad.why) not in known]

    def _set_aside(
        self, found: Iterable[Position], aside: Mapping[PositionId, Sequence[TradeRow]]
    ) -> list[Effect]:
        """Tell of rows that are set aside because their contract has expired, each once."""
        told = {row.id for rows in self._dead.values() for row in rows}
        self._dead = {p.id: aside[p.id] for p in found if p.id in aside}
        new = [p for p in found if not told.issuperset(row.id for row in self._dead.get(p.id, ()))]
        return [notices.expired(position, self.expired(position.id)) for position in new]

    def expired(self, position: PositionId) -> str:
        """What has expired of a position that is watched without it; empty = nothing."""
        return expired_words(self._dead.get(position, ()), self.instruments)

    def _tell_stray(self, levels: tuple[ExitLevel, ...]) -> list[Effect]:
        """Rows of ``strategy_exit_levels`` that do not even say whose they are, once each."""
        return [
            notices.stray(level)
            for level in levels
            if level.enabled and not level.strategy_id and level not in self._levels
        ]

    def _tell_opposed(self) -> list[Effect]:
        """Contracts in which two positions face each other, each time there is a new one."""
        found = self._opposed_in(tuple(self.positions.values()))
        new, self._opposed = found - self._opposed, found
        return [notices.both_ways(pair) for pair in sorted(new, key=lambda pair: pair.key)]

    @property
    def invalid(self) -> tuple[InvalidPosition, ...]:
        """What the store lists and nobody can watch; not what is watched until its exit has ended."""
        return tuple(bad for bad in self._invalid if bad.id not in self.positions)

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
        wished = self._wish_list(tuple(self.positions.values()), exiting, self.instruments)
        if wished == self._wished:
            return []
        self._wished = wished
        return [Subscribe(wished)]

    def recorded_nets(self) -> dict[InstrumentKey, int]:
        """Net units per contract over all rows of the store, closed on paper today or not.

        Parts that were closed on paper on earlier days are taken off: no book knows of their orders. A
        contract that expired may be in no master any more; what is left of its position counts all the same.
        """
        nets: dict[InstrumentKey, int] = {}
        rows = [self._reductions.apply(row, earlier=True) for row in self._rows or ()]
        rows = [row for row in rows if row_key(row) in self.instruments]
        for position in positions(rows, self.instruments, date.min)[0]:
            for leg in position.legs:
                nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        return nets

    # --------------------------------------------------------------------------------- ending

    def close(self, intent: Intent, now_s: float) -> list[Effect]:
        """A position is verified flat: remember it, and write the end to the store unless on paper."""
        position = self.positions.get(intent.position)
        rows = [leg.row_id for leg in position.legs] if position is not None else []
        exits: dict[int, int | None] = dict.fromkeys(rows)  # rows that cancel each other out: no price
        for index, leg in enumerate(intent.legs):
            exits |= dict.fromkeys(leg.rows, intent.exit_paise(index))
        mine = [r for r in self._rows or () if position_id(r.account, r.strategy_id) == intent.position]
        exits |= {row.id: None for row in mine if self._reductions.is_more(row)}  # not all of it our doing
        for row in self._dead.get(intent.position, ()):
            exits.setdefault(row.id, None)  # ended by its expiry, unless traded before it
        # a store away since the start has shown no rows: then what the plan was made from counts
        units = {row: abs(number) for leg in intent.legs for row, number in leg.rows.items()}
        units |= {row.id: self._in_store(row) for row in self._rows or ()}
        kept, job = self._closed.add(intent.id, exits, units, now_s)
        if position is not None:
            self.flat[position.id] = position
        self._drop(intent.position)
        self._memories.pop(intent.position, None)
        # A later position of the same name begins its life anew.
        forgotten = Record("memory", intent.position, Memory().to_json())
        ended = self._overrides.end(intent.position)
        effects: list[Effect] = [kept, forgotten, *ended]
        if not self.paper:
            effects += [*self._reductions.before(exits), job]  # of a process that has died unheard
        return effects + self.subscriptions()

    def _in_store(self, row: TradeRow) -> int:
        """Units of a row as the store has them, once it has been told of what our exits took off it."""
        return row.quantity if self._reductions.is_more(row) else self._reductions.apply(row).quantity

    def close_part(self, intent: Intent, now_s: float) -> list[Effect]:
        """A part of a position is verified closed: its rows shrink, what it brought is remembered."""
        assert intent.part is not None  # noqa: S101 - the caller's choice of method
        closed = closed_by(intent)
        share = (intent.part.left, intent.part.entry)
        memory = self.memory(intent.position)
        if closed.ended and intent.position in self.positions:
            memory = memory.listen(self.positions[intent.position])
        memory = memory.after_part(closed.realised_paise, share)
        units = {row.id: self._in_store(row) for row in self._rows or ()}
        effects: list[Effect] = [
            self._closed.add(intent.id, closed.ended, units, now_s)[0],
            self._reductions.add(intent.id, closed.parts, now_s),
            Record("memory", intent.position, memory.to_json()),
        ]
        self._memories[intent.position] = memory  # for the legs that are left
        if self._rows is not None and self.instruments:
            effects += self._group(now_s)
        if intent.position in self.positions and self._memories.pop(intent.position, None) is not None:
            self.watch.put(self.positions[intent.position], memory, now_s)  # the rows were changed by hand
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

    def remember(self, positions: Iterable[PositionId]) -> list[Effect]:
        """Peaks, troughs and told levels of these that changed since they were last kept."""
        effects: list[Effect] = []
        for position in positions:
            if position not in self.positions:
                continue
            sign, (known, saved) = (
                self.watch.watched(position).memory_sign,
                self._saved.get(position, _UNSAVED),
            )
            if sign == known:
                continue
            memory = self.watch.memory(position)
            self._saved[position] = sign, memory
            if memory != saved:
                effects.append(Record("memory", position, memory.to_json()))
        return effects


def _may_wait(effect: Effect) -> bool:
    """Whether it says no more than that a position is watched, and by which contracts."""
    if isinstance(effect, Audit):
        return effect.event == _TAKEN_OVER
    return isinstance(effect, Record) and effect.kind == "contracts"
