"""The positions that the trade store's rows come to, and which of them are watched.

A failed load changes nothing. What a reading comes to is laid beside what is held only when all of it is
worked out: nothing is taken for gone because a part has not been looked at yet. What differs is then worked
in, position by position, each whole and in one piece.

Few news are worked in within the handling that brings them. Many (a start, an import, another master) take
turns, a few at a time (`Holdings.go_on`), with ticks between them, and then:

* At a start nobody is judged before all are watched (`HotPath.filling`): the guards go by contracts beside
  each other, and half of them would be half a guard.
* Later everybody is judged on. Who has news that are not worked in yet has the rules of before, for some
  milliseconds; but nothing is done of what they say: they are brought up to date first (`catch_up`) and asked
  again, so that no decision is made by rows that were known to be old.
* Whoever adds up or compares all positions waits until the last is worked in (`whole`), as he had to when
  that was one piece. A command or a tap works in what is left before it is heard (`finish`).
* A reading that comes meanwhile takes the place of the one that is being worked in: what both say alike is
  not done again, and the newest is what counts.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine import notices
from engine.effects import Audit, GoOn, Record, Subscribe
from engine.expired import expired_words
from engine.last import Last
from engine.model import Position, PositionId, Urgency
from engine.override_book import OverrideBook
from engine.reading import Reading
from engine.reconcile import Opposed, opposed
from engine.reductions import closed_by
from engine.sessions import ist_date
from engine.subscriptions import wish_list
from engine.watch import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
    from datetime import date

    from engine.effects import Effect, RowPart
    from engine.intents import Intent
    from engine.messages import BrokerReport, InstrumentsLoaded
    from engine.model import ExitLevel, Instrument, InstrumentKey, TradeRow
    from engine.rules.base import Rank
    from engine.rules.overrides import Override
    from engine.trades import InvalidPosition
    from engine.watch import Watchlist

__all__ = ["Holdings"]

_TAKEN_OVER = "position taken over"
#: The sign and the memory of a position of which nothing was saved yet.
_UNSAVED = (None, None)
#: So many strategies' rows are worked out in one piece: some 1.5 ms.
GROUPED_AT_ONCE = 40
#: So many positions are put under watch in one piece: some 3 ms; and gone ones, whose lines are left.
WATCHED_AT_ONCE = 8
#: So many lines that the journal keeps of them leave in one piece: some 3 ms.
KEPT_AT_ONCE = 100
#: With more strategies than so many each look at all of them is a piece of its own: some 2 ms for a thousand.
LARGE = 200


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
        loaded: every position that the store lists has been put under watch, once.
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
        self._busy = busy
        self._exiting = exiting
        self._silence = silence
        self.positions: dict[PositionId, Position] = {}
        self.flat: dict[PositionId, Position] = {}
        self.loaded = False
        self._reading = Reading(paper=paper, store=store)
        self._invalid: tuple[InvalidPosition, ...] = ()
        self._dead: dict[PositionId, Sequence[TradeRow]] = {}  # rows of what is watched without them
        self._overrides = OverrideBook()
        self._memories: dict[PositionId, Memory] = {}
        self._saved: dict[PositionId, tuple[tuple[object, ...], Memory]] = {}  # and the sign of it
        self._told_bare: dict[PositionId, date] = {}
        self._opposed: frozenset[Opposed] = frozenset()
        self._wished: tuple[Instrument, ...] = ()
        self._grouping = False  # a reading is being worked out
        self._due: dict[PositionId, Position | None] = {}  # what is to be worked in; None = it is gone
        self._sums: list[Callable[[], list[Effect]]] = []  # what all together come to, to be said anew
        self._owed: list[Effect] = []  # what the journal is yet to have
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
        self._reading.restore(closed, reduced, contracts, today)
        self._overrides.restore(overrides)
        for key, value in memories.items():
            self._memories[PositionId(key)] = Memory.from_json(value)

    # -------------------------------------------------------------------------------- loading

    @property
    def instruments(self) -> Mapping[InstrumentKey, Instrument]:
        """The contracts to go by; empty = not read yet."""
        return self._reading.instruments

    @property
    def known(self) -> bool:
        """Whether it is known what the store lists: positions, or that there are none."""
        return self.loaded or self._reading.rows == ()

    @property
    def whole(self) -> bool:
        """Whether all positions are those of one reading, so that they may be added up and compared."""
        return self.loaded and not self.parted

    @property
    def parted(self) -> bool:
        """Whether a reading is being worked in: some positions may be those of the one before, or missing."""
        return self._grouping or bool(self._due)

    @property
    def unfinished(self) -> bool:
        """Whether `go_on` has something to do."""
        return self._grouping or bool(self._due or self._sums or self._owed)

    @property
    def expects_rows(self) -> bool:
        """Whether an answer without any row would be news: positions are watched, or rows wait to be."""
        return bool(self.positions) or (not self.loaded and bool(self._reading.rows))

    @property
    def changed(self) -> Mapping[PositionId, str]:
        """Positions whose automation is held because a contract has changed, and what has."""
        return self._reading.contracts.why

    def take_instruments(self, message: InstrumentsLoaded, now_s: float) -> list[Effect]:
        """A new instrument master; rows that were waiting for it are grouped again.

        A failed load keeps the last good master; symbols it lacks are asked for again.
        """
        effects = self._reading.take_instruments(message, now_s)
        return effects if message.failed else self._owe([*effects, *self._group(now_s)])

    def ask_for(self, symbols: frozenset[str]) -> list[Effect]:
        """Ask for the contracts of these underlyings too, unless they were asked for."""
        return self._reading.ask_for(symbols)

    def open_rows(self) -> list[TradeRow] | None:
        """Every open row of the store, watched or not, with the security ids found; None = not read yet.

        A row of a position that cannot be watched comes a second time as the contract its words mean.
        """
        return self._reading.open_rows(self._invalid)

    def recorded_nets(self) -> dict[InstrumentKey, int]:
        """Net units per contract over all rows of the store, closed on paper today or not."""
        return self._reading.recorded_nets()

    def reload(self) -> list[Effect]:
        """Ask for the day's instrument master."""
        return self._reading.reload()

    def take_master(self, positions: Collection[PositionId], now_s: float) -> list[Effect]:
        """The owner has seen it: contracts of these are what the newest master says."""
        if self.changed.keys().isdisjoint(positions):
            return []
        self._reading.take_master(positions, now_s)
        return self._group(now_s)

    def correct(self, name: str, parts: Sequence[RowPart], now_s: float, *, in_store: bool) -> list[Effect]:
        """Take off rows what the broker does not hold any more; ``in_store``: there too, else here alone."""
        return self._reading.correct(name, parts, now_s, in_store=in_store) + self._group(now_s)

    def regrow(self, report: BrokerReport, now_s: float) -> list[Effect]:
        """Count rows in full again from which only we took something, once the broker holds it all."""
        kept = self._reading.regrow(report)
        return [*kept, *(self._group(now_s) if kept else [])]

    def take_rows(
        self, rows: tuple[TradeRow, ...], levels: tuple[ExitLevel, ...], now_s: float
    ) -> list[Effect]:
        """New open rows from the store. A position that is exiting is left alone until it has ended.

        Changed levels arm the rules of their position anew.
        """
        if not self._reading.believes(rows, expected=self.expects_rows):
            return [notices.empty_store()]
        return self._reading.take_rows(rows, levels, now_s) + self._group(now_s)

    # ------------------------------------------------------------------------- working a reading in

    def _group(self, now_s: float) -> list[Effect]:
        """Work out what rows and master come to now, and work it in; as much of it as one handling may."""
        if not self._reading.complete:
            return []
        under_way = self.unfinished
        self._reading.group(now_s)
        self._grouping = True
        effects = [] if self._large else self._owe(self._advance(now_s))
        return [*effects, GoOn()] if self.unfinished and not under_way else effects

    def go_on(self, now_s: float) -> list[Effect]:
        """The next piece of what is `unfinished`; the journal's lines come last."""
        if self._grouping or self._due or self._sums:
            return self._owe(self._advance(now_s))
        now, self._owed = self._owed[:KEPT_AT_ONCE], self._owed[KEPT_AT_ONCE:]
        return now

    def finish(self, now_s: float) -> list[Effect]:
        """All of it that changes positions, at once; nothing before the first of them is watched."""
        effects: list[Effect] = []
        while (self._grouping and self.loaded) or self._due:
            effects += self._owe(self._advance(now_s))
        return effects

    def behind(self, name: PositionId) -> bool:
        """Whether rows of it were heard that are not worked in yet; one that exits waits for none."""
        if not self.loaded or self._busy(name):
            return False
        if self._grouping:
            found = self._reading.groups.of(name).positions
            return not found or self._complete(found[0]) != self.positions.get(name)
        return name in self._due

    def catch_up(self, names: Iterable[PositionId], now_s: float) -> list[Effect]:
        """Work these in that are `behind`, before anything is done about them."""
        effects: list[Effect] = []
        for name in names:
            if self._grouping:
                found = self._reading.groups.of(name).positions
                if not found:  # gone, or none that can be watched: told with all of the reading
                    return effects + self.finish(now_s)
                effects += self._change(name, self._complete(found[0]), now_s)
            elif name in self._due:
                effects += self._work_in((name,), now_s)
        return self._owe(effects)

    @property
    def _large(self) -> bool:
        """Whether each look at all strategies is to be a piece of its own."""
        return len(self._reading.groups) > LARGE

    def _advance(self, now_s: float) -> list[Effect]:
        """The next piece; in a house that is not large also what comes after it, as long as it is little."""
        effects: list[Effect] = []
        if self._grouping:
            groups = self._reading.groups
            if groups.due:
                groups.work(GROUPED_AT_ONCE)
                if groups.due or self._large:
                    return effects
            effects += self._compare()
            if self._large or len(self._due) > WATCHED_AT_ONCE:
                return effects
        if self._due:
            effects += self._work_in(tuple(islice(self._due, WATCHED_AT_ONCE)), now_s)
            if self._due or self._large:
                return effects
        while self._sums:
            effects += self._sums.pop(0)()
            if self._large:
                break
        return effects

    def _compare(self) -> list[Effect]:
        """Lay what a reading comes to beside what is held: what is to be worked in."""
        self._grouping = False
        listed_as, contracts = self._reading.groups.answer(), self._reading.contracts
        found = {position.id: position for position in map(self._complete, listed_as.positions)}
        effects = self._reading.ask_for_missed(listed_as.missed) + self._tell_invalid(listed_as.invalid)
        effects += self._set_aside(found.values(), listed_as.aside)
        held = self.positions
        due = {name: position for name, position in found.items() if held.get(name) != position}
        due = {name: position for name, position in due.items() if name not in held or not self._busy(name)}
        effects += contracts.keep(held.keys() | due.keys())
        for name, why in contracts.news():
            position = due.get(name) or held[name]
            effects.append(notices.changed(position, why, contracts.odd(position)))
        gone = [name for name in held if name not in found and not self._busy(name)]
        self._due = {**due, **dict.fromkeys(gone)}
        self.watch.filling = not self.loaded and bool(due)
        if not self._due:
            self._worked_in()
        return effects

    def _work_in(self, names: Iterable[PositionId], now_s: float) -> list[Effect]:
        """Work these in; with the last of them all positions are those of the reading."""
        effects = [effect for name in names for effect in self._change(name, self._due.pop(name), now_s)]
        if not self._due:
            self._worked_in()
        return effects

    def _change(self, name: PositionId, position: Position | None, now_s: float) -> list[Effect]:
        """Watch a position as it is now, or no more; one that has begun to exit is left alone."""
        known = self.positions.get(name)
        if known == position or (known is not None and self._busy(name)):
            return []
        if position is not None:
            return self._watch(position, now_s)
        assert known is not None  # noqa: S101 - else it were equal
        self._drop(name)
        return [Audit("position gone", {"position": name}), notices.gone(known)]

    def _worked_in(self) -> None:
        """All positions are those of one reading: whoever adds them up may."""
        self.loaded, self.watch.filling = True, False
        self._sums = [self._tell_opposed, lambda: [*self._reading.late()], self.subscriptions]

    def _owe(self, effects: list[Effect]) -> list[Effect]:
        """Of many positions the journal hears one after the other; all other effects leave now.

        What waits hangs on nothing: that they are watched, and by which contracts. A crash in between learns
        both again. Nothing of it overtakes what waits already, which may be about the same contracts.
        """
        late = [effect for effect in effects if _may_wait(effect)]
        if not (self._owed or self._due or len(late) > KEPT_AT_ONCE):
            return effects
        self._owed += late
        waits = set(map(id, late))
        return [effect for effect in effects if id(effect) not in waits]

    def _complete(self, position: Position) -> Position:
        """The position with what rows said that our partial exits have ended; most have nothing to add."""
        here = position.id in self.positions and position.id not in self._memories
        if here and self.watch.said(position.id) is None:
            return position
        return self.memory(position.id).complete(position)

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
        kept = self._reading.contracts.learn(position) + self._overrides.follow(
            position, known=known is not None
        )
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

    # --------------------------------------------------------------------------------- ending

    def close(self, intent: Intent, now_s: float) -> list[Effect]:
        """A position is verified flat: remember it, and write the end to the store unless on paper."""
        position = self.positions.get(intent.position)
        rows = [leg.row_id for leg in position.legs] if position is not None else []
        exits: dict[int, int | None] = dict.fromkeys(rows)  # rows that cancel each other out: no price
        for index, leg in enumerate(intent.legs):
            exits |= dict.fromkeys(leg.rows, intent.exit_paise(index))
        for row in self._dead.get(intent.position, ()):
            exits.setdefault(row.id, None)  # ended by its expiry, unless traded before it
        kept, told = self._reading.close(intent, exits, now_s)
        if position is not None:
            self.flat[position.id] = position
        self._drop(intent.position)
        self._memories.pop(intent.position, None)
        # A later position of the same name begins its life anew.
        forgotten = Record("memory", intent.position, Memory().to_json())
        ended = self._overrides.end(intent.position)
        effects: list[Effect] = [kept, forgotten, *ended, *told]
        if self._grouping or self._due:  # what is being worked in may have it still
            effects += self._group(now_s)
        return effects + self.subscriptions()

    def close_part(self, intent: Intent, now_s: float) -> list[Effect]:
        """A part of a position is verified closed: its rows shrink, what it brought is remembered."""
        assert intent.part is not None  # noqa: S101 - the caller's choice of method
        closed = closed_by(intent)
        share = (intent.part.left, intent.part.entry)
        memory = self.memory(intent.position)
        if closed.ended and intent.position in self.positions:
            memory = memory.listen(self.positions[intent.position])
        memory = memory.after_part(closed.realised_paise, share)
        effects = self._reading.close_part(intent, closed, now_s)
        effects.append(Record("memory", intent.position, memory.to_json()))
        self._memories[intent.position] = memory  # for the legs that are left
        effects += self._group(now_s)
        if self.behind(intent.position):  # others may wait for their turn
            effects += self.catch_up((intent.position,), now_s)
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
