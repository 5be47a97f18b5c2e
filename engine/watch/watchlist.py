"""All watched positions: the hot path from a tick to what has to be said about it.

A tick reaches only the positions that hold its instrument, and of most of them only this: add the
change to the value, and see that it is still in the band in which nothing can happen. Who has left
the band, or whose time has come, is judged in full (`engine.watch.watched`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from engine.payoff import payoff
from engine.pnl import Marks
from engine.prices import PriceBook
from engine.rules.base import Rank, Situation
from engine.watch.figures import figures
from engine.watch.nouns import Judgement
from engine.watch.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from engine.guards import Guard, ReplayGuard
    from engine.messages import Tick
    from engine.model import Instrument, InstrumentKey, Position, PositionId
    from engine.rules.rulebook import Rulebook
    from engine.sessions import Calendar
    from engine.watch.figures import Figures
    from engine.watch.nouns import Memory, RuleNote

_NOTHING: tuple[Judgement, ...] = ()


@dataclass(slots=True)
class _Line:
    """One instrument under one set of guards, and who holds how many units of it."""

    marks: Marks
    longs: list[tuple[Watched, int]] = field(default_factory=list)
    shorts: list[tuple[Watched, int]] = field(default_factory=list)

    def leave(self, watched: Watched) -> bool:
        """Take a holder off; True when nobody is left."""
        self.longs = [holder for holder in self.longs if holder[0] is not watched]
        self.shorts = [holder for holder in self.shorts if holder[0] is not watched]
        return not (self.longs or self.shorts)


class Watchlist:
    """Positions under watch, and the price book they are watched by.

    Attributes:
        book: last quotes of everything the feed carries, legs or not.
    """

    def __init__(self, calendar: Calendar, rulebook: Rulebook, *, replay: ReplayGuard | None = None) -> None:
        """Start empty.

        Args:
            calendar: sessions; nothing is judged outside of them.
            rulebook: which rules a position has.
            replay: how old the quotes of a recording may be.
        """
        self.book = PriceBook()
        self._calendar = calendar
        self._rulebook = rulebook
        self._replay = replay
        self._positions: dict[PositionId, Watched] = {}
        self._lines: dict[InstrumentKey, list[_Line]] = {}
        self._queue: list[tuple[float, int, Watched]] = []
        self._serial = count()
        self._open_s = self._close_s = -inf

    # ------------------------------------------------------------------------------- who is watched

    def put(self, position: Position, memory: Memory, now_s: float) -> tuple[RuleNote, ...]:
        """Watch a position, or go on watching it with other legs or another memory.

        Changed legs mean a new basis and rules that may fire anew; unchanged legs keep what has
        begun. A hold stays. Returns the rules that do not guard the position, and why.

        Raises:
            BadInput: there are no legs, or one has no entry price or no strike.
        """
        known = self._positions.get(position.id)
        if known is not None and known.position == position:
            watched = known
            watched.remember(memory)
        else:
            watched = self._watch(position, memory)
            if known is not None:
                watched.held = known.held
                self._leave(known)
            self._positions[position.id] = watched
        watched.wake_s = now_s
        self._enqueue(watched)
        return watched.notes

    def drop(self, position: PositionId) -> None:
        """Watch a position no longer; one that is not watched is no error."""
        watched = self._positions.pop(position, None)
        if watched is not None:
            self._leave(watched)

    def keys(self) -> frozenset[InstrumentKey]:
        """All instruments that some watched position holds."""
        return frozenset(self._lines)

    def hold(self, position: PositionId, by: Rank = Rank.FORCED) -> None:
        """An exit of this position is running or asked about: value it on, judge only what ranks above it."""
        self._positions[position].hold(by)
        self._enqueue(self._positions[position])

    def shares(self, position: PositionId) -> tuple[int, int]:
        """Open combinations of a watched position, and those at entry."""
        return self._positions[position].shares

    def spend(self, position: PositionId, threshold_paise: int) -> None:
        """The scaling levels up to this threshold have acted; they never do again."""
        self._positions[position].spend(threshold_paise)

    def freeze(self, position: PositionId) -> None:
        """Some of its legs are traded already: note no peak and no trough until they are others."""
        self._positions[position].frozen = True

    def release(self, position: PositionId) -> None:
        """The exit ended and the position did not: every rule may speak again from the next price on."""
        self._positions[position].release()
        self._enqueue(self._positions[position])

    # -------------------------------------------------------------------------------- what comes in

    def tick(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """Take one tick, and judge whom it moves out of the band."""
        if not self.book.take(tick, now_s):
            return _NOTHING
        lines = self._lines.get(tick.key)
        if lines is None:
            return _NOTHING
        moved: list[Watched] = []
        for line in lines:
            marks = line.marks
            long, short = marks.long_paise, marks.short_paise
            if not marks.take(tick, now_s):
                self._doubt(line, now_s)
            change = marks.long_paise - long
            for watched, quantity in line.longs:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    moved.append(watched)
            change = marks.short_paise - short
            for watched, quantity in line.shorts:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    moved.append(watched)
        if not moved or not self._in_session(now_s):
            return _NOTHING
        key = frozenset((tick.key,))
        return self._judge({watched: key for watched in moved if not watched.stretch(now_s)}, now_s)

    def instant(self, ticks: Iterable[Tick], now_s: float) -> Sequence[Judgement]:
        """Take ticks that are one instant, all of them, before anything is judged."""
        touched: dict[Watched, set[InstrumentKey]] = {}
        for tick in [tick for tick in ticks if self.book.take(tick, now_s)]:
            for line in self._lines.get(tick.key, ()):
                if not line.marks.take(tick, now_s):
                    self._doubt(line, now_s)
                for watched, _ in (*line.longs, *line.shorts):
                    touched.setdefault(watched, set()).add(tick.key)
        if not self._in_session(now_s):
            for watched in touched:
                watched.empty_band()
            return _NOTHING
        return self._judge(touched, now_s)

    def beat(self, now_s: float) -> Sequence[Judgement]:
        """Judge the positions whose time has come: clock rules, confirmations, prices grown old."""
        said: list[Judgement] = []
        in_session = self._in_session(now_s)
        while self._queue and self._queue[0][0] <= now_s:
            due_s, _, watched = heappop(self._queue)
            if watched.queued_s != due_s:
                continue  # dropped, or queued anew for an earlier moment that has been served
            watched.queued_s = inf
            if not in_session:
                watched.wake_s = max(watched.wake_s, self._open_s)
            elif watched.wake_s <= now_s and not watched.renew(now_s):
                said += self._judge({watched: frozenset()}, now_s)
            self._enqueue(watched)
        return said

    def next_due_s(self) -> float | None:
        """When `beat` may next have something to do; None = only prices can change anything."""
        while self._queue and self._queue[0][2].queued_s != self._queue[0][0]:
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    # --------------------------------------------------------------------------- what can be learnt

    def memory(self, position: PositionId) -> Memory:
        """What has to survive a restart."""
        return self._positions[position].memory

    def figures(self, position: PositionId, now_s: float) -> Figures:
        """The position in figures, for people."""
        return figures(self._positions[position], now_s, in_session=self._in_session(now_s))

    # -------------------------------------------------------------------------------------- inside

    def _judge(self, who: Mapping[Watched, AbstractSet[InstrumentKey]], now_s: float) -> Sequence[Judgement]:
        said = []
        for watched, moved in who.items():
            verdicts = watched.judge(now_s, self._open_s, moved)
            said += [Judgement(watched.position.id, verdict) for verdict in verdicts]
            self._enqueue(watched)
        return said or _NOTHING

    def _enqueue(self, watched: Watched) -> None:
        """See that the position is looked at when it wants to be; an entry that comes early does no harm."""
        if watched.wake_s < watched.queued_s:
            watched.queued_s = watched.wake_s
            heappush(self._queue, (watched.wake_s, next(self._serial), watched))

    def _in_session(self, now_s: float) -> bool:
        """Whether the market is open; remembers the session so that the calendar is asked once."""
        if now_s >= self._close_s:
            self._open_s, self._close_s = self._calendar.window(now_s)
        return now_s >= self._open_s

    def _watch(self, position: Position, memory: Memory) -> Watched:
        """Set up a position on its lines; what the book knows already counts."""
        shape = payoff(position.legs)
        ruleset = self._rulebook.rules_for(
            position.symbol, position.strategy, defined_risk=shape.defined_risk is True
        )
        guard = ruleset.settings.guard
        if self._replay is not None:
            guard = replace(guard, max_quote_age_s=self._replay.max_quote_age_s)
        lines = [self._line(leg.instrument, guard) for leg in position.legs]
        _, entry = memory.shares(position.combinations)
        situation = Situation(position, shape, self._calendar, ruleset.settings, entry)
        watched = Watched(situation, ruleset, memory, [line.marks for line in lines])
        for leg, line in zip(position.legs, lines, strict=True):
            (line.longs if leg.quantity > 0 else line.shorts).append((watched, leg.quantity))
        return watched

    def _line(self, instrument: Instrument, guard: Guard) -> _Line:
        """The line of an instrument under these guards, a new one if need be."""
        lines = self._lines.setdefault(instrument.key, [])
        for line in lines:
            if line.marks.guard == guard:
                return line
        line = _Line(Marks(instrument, guard))
        lines.append(line)
        tick, arrived_s = self.book.get(instrument.key), self.book.arrived_s(instrument.key)
        if tick is not None and arrived_s is not None and not line.marks.take(tick, arrived_s):
            self._doubt(line, arrived_s)
        return line

    def _doubt(self, line: _Line, now_s: float) -> None:
        """A book without a mark: bound what it may count, and judge its holders at every tick."""
        marks = line.marks
        key = marks.instrument.underlying
        underlying = None if key is None else self.book.get(key)
        arrived_s = None if key is None else self.book.arrived_s(key)
        young = arrived_s is not None and now_s <= arrived_s + marks.guard.max_quote_age_s
        marks.bound(underlying.ltp_paise if underlying is not None and young else None)
        for watched, _ in (*line.longs, *line.shorts):
            watched.empty_band()

    def _leave(self, watched: Watched) -> None:
        """Take a position off its lines and off the queue."""
        watched.queued_s = inf
        for leg in watched.position.legs:
            lines = [line for line in self._lines.get(leg.key, ()) if not line.leave(watched)]
            if lines:
                self._lines[leg.key] = lines
            else:
                self._lines.pop(leg.key, None)
