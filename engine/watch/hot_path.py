"""The hot path from a tick to what has to be said about it.

A tick reaches only the positions that hold its instrument, and of most of them only this: add the
change to the value, and see that it is still in the band in which nothing can happen. Who has left
the band, or whose time has come, is judged in full (`engine.watch.watched`).
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from engine.prices import PriceBook
from engine.sessions import ist_date
from engine.watch.family import Forwards
from engine.watch.lasting import Unbroken
from engine.watch.lines import Lines, modelled, moved_by
from engine.watch.nouns import Judgement
from engine.watch.sightings import WhyLog
from engine.watch.underlying import Rest, Underlying

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from engine.messages import Tick
    from engine.model import InstrumentKey, Position
    from engine.sessions import Calendar
    from engine.watch.family import Family
    from engine.watch.lines import Line
    from engine.watch.watched import Watched

#: How exactly ages are known: a price that was heard elsewhere had a way to go before ours were here.
SLACK_S = 1.0

#: Where more falls due at every beat than one can do, families with something suspect are gathered so often.
SETTLED_EVERY_S = 0.4
#: So many whose quotes are only younger again, or whose peak has lasted, cost as much as one judgement; so do
#: so many contracts that are compared with each other.
RENEWED_FOR_ONE = 8

_NOTHING: tuple[Judgement, ...] = ()
_NO_LEG: frozenset[InstrumentKey] = frozenset()


class HotPath:
    """The prices of everything, who hears of them, and when somebody has to look.

    Attributes:
        book: last quotes of everything the feed carries, legs or not.
        why: what was seen when it mattered.
        unbroken: since when everything is looked at without a break.
        unfinished: the last beat has left some for another one, which should come at once.
        filling: positions are being put under watch, and guards go by all of them: nobody is judged before
            it is over.
    """

    def __init__(self, calendar: Calendar) -> None:
        """Start with nobody listening; nothing is judged outside of the calendar's sessions."""
        self.book = PriceBook()
        self.why = WhyLog()
        self.unbroken = Unbroken()
        self._calendar = calendar
        self._rest = Rest()
        self._held = Lines(self.book, self._rest)
        self._lines = self._held.by_key
        self._underlyings: dict[InstrumentKey, Underlying] = {}
        self._queue: list[tuple[float, int, Watched]] = []
        self._serial = count()
        self._unsettled: deque[Family] = deque()  # families that this beat is yet to look at
        self._settled_s = -inf  # when they were gathered
        self.unfinished = self.filling = False
        self._open_s = self._close_s = -inf

    def tick(self, tick: Tick, now_s: float) -> Sequence[Judgement]:  # noqa: C901, PLR0912, PLR0915 - no calls
        """Take one tick, and judge whom it moves out of the band.

        For an everyday tick nothing is called: what `PriceBook.take` and `Marks.take` do with one is written
        out, for two calls would be a third of all it costs. They themselves do the rest.
        """
        lines = self._lines.get(tick.key)
        if lines is None:
            return self._unheld(tick, now_s)
        bid, ask = tick.bid_paise, tick.ask_paise
        if bid and ask and 0 < bid <= ask:
            self.book.data_s = now_s
            entry = lines.entry
            entry.tick, entry.arrived_s = tick, now_s
            if entry.fault:
                entry.fault = ""
            both, gap = bid + ask, ask - bid
        elif self.book.take(tick, now_s):
            bid = ask = both = gap = 0  # in no box
        else:
            return self._aside(tick, now_s)
        moved: list[Watched] | None = None
        for line in lines:
            marks = line.marks
            long_paise, short_paise = marks.long_paise, marks.short_paise
            if (
                both
                and marks.low <= both <= marks.high
                and (gap <= marks.narrow_paise or gap * 20_000 <= marks.spread_bp * both)
            ):
                marks.bid_paise, marks.ask_paise, marks.arrived_s = bid, ask, now_s
                marks.long_paise = change = both // 2
                marks.short_paise = both - change
                change -= long_paise
            elif marks.take(tick, now_s):
                change = marks.long_paise - long_paise
            else:
                return self._closely(tick, lines, now_s)
            for watched, quantity in line.longs:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    if moved is None:
                        moved = [watched]
                    else:
                        moved.append(watched)
                elif watched.log is not None and self._open_s <= now_s < self._close_s:
                    watched.log.append((now_s, value))
            if not line.shorts:
                continue
            change = marks.short_paise - short_paise
            for watched, quantity in line.shorts:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    if moved is None:
                        moved = [watched]
                    else:
                        moved.append(watched)
                elif watched.log is not None and self._open_s <= now_s < self._close_s:
                    watched.log.append((now_s, value))
        if moved is None or not self._in_session(now_s):
            return _NOTHING
        left = self._stretch(moved, now_s)
        return self._judge(dict.fromkeys(left, frozenset((tick.key,))), now_s) if left else _NOTHING

    def instant(self, ticks: Iterable[Tick], now_s: float, age_s: float = 0.0) -> Sequence[Judgement]:
        """Take ticks that are one instant, all of them, before anything is believed or judged.

        They are as old as ``age_s`` says and believed for that much less time; what has come since stays.
        """
        arrived_s, data_s = now_s - age_s, self.book.data_s
        if age_s:
            ticks = [tick for tick in ticks if (self.book.arrived_s(tick.key) or -inf) < arrived_s + SLACK_S]
        lines: dict[Line, None] = {}
        families: dict[Family, None] = {}
        sound: list[Tick] = []
        for tick in ticks:
            if self.book.take(tick, arrived_s):
                sound.append(tick)
            lines |= dict.fromkeys(self._lines.get(tick.key, ()))
            families |= dict.fromkeys(self._held.by_underlying.get(tick.key, ()))
        if age_s and data_s is not None:
            self.book.data_s = max(data_s, arrived_s)
        heard = [watched for tick in sound for watched in self._take_in(tick, arrived_s)]
        families |= dict.fromkeys(line.family for line in lines)
        others = [line for family in families for line in self._held.settle(family, now_s)]
        for line in lines:
            self._held.count(line)
        touched = moved_by([*lines, *others], now_s)
        for watched in (*heard, *modelled(families)):
            touched.setdefault(watched, _NO_LEG)
        if not self._in_session(now_s):
            for watched in touched:
                watched.empty_band()
            return _NOTHING
        forwards = Forwards(now_s)
        for watched in touched:
            watched.scale.weigh(forwards, instant=True)
        return self._judge(touched, now_s)

    def beat(self, now_s: float, most: float = inf) -> Sequence[Judgement]:
        """Judge the positions whose time has come: clock rules, confirmations, prices grown old.

        ``most``: no more work than that of so many judgements; `unfinished` then says whether others wait
        for the same beat.
        """
        self.unbroken.beat(now_s)
        in_session = self._in_session(now_s)
        if self.filling:
            return _NOTHING  # their time comes with the next beat: all of them are in the queue
        changed, left = self._settle_some(now_s, most * RENEWED_FOR_ONE)
        forwards = Forwards(now_s)
        said: list[Judgement] = []
        if changed and in_session:
            said += self._judge(moved_by(changed, now_s), now_s)
        self.unfinished = bool(self._unsettled)
        while self._queue and self._queue[0][0] <= now_s:
            if left <= 0:
                self.unfinished = True
                break
            due_s, _, watched = heappop(self._queue)
            if watched.queued_s != due_s:
                continue  # dropped, or queued anew for an earlier moment that has been served
            left -= 1
            watched.queued_s = inf
            if not in_session:
                watched.wake_s = max(watched.wake_s, self._open_s)
            elif watched.wake_s <= now_s and not watched.renew(now_s):
                left -= RENEWED_FOR_ONE - 1
                watched.scale.weigh(forwards)
                said += self._judge({watched: frozenset()}, now_s)
            self._enqueue(watched)
        return said

    def next_due_s(self) -> float | None:
        """When `beat` may next have something to do; None = only prices can change anything."""
        while self._queue and self._queue[0][2].queued_s != self._queue[0][0]:
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def suspects(self, ticks: Iterable[Tick], now_s: float) -> frozenset[InstrumentKey]:
        """Of which held instruments the price would be suspect if these ticks came as one instant."""
        book = self.book.copy()
        keys = [tick.key for tick in ticks if book.take(tick, now_s) or tick.key in self._lines]
        families = {line.family: None for key in keys for line in self._lines.get(key, ())}
        return frozenset(
            line.marks.instrument.key for family in families for line in family.faults(now_s, book)
        )

    # -------------------------------------------------------------------------------------- inside

    def _settle_some(self, now_s: float, left: float) -> tuple[list[Line], float]:
        """Look at families with something suspect, each once a beat; what has changed, what is left."""
        if not self._unsettled and (not self.unfinished or now_s >= self._settled_s + SETTLED_EVERY_S):
            self._settled_s = now_s
            self._unsettled.extend(family for family in self._held.families if not family.calm)
        changed: list[Line] = []
        while self._unsettled and left > 0:
            family = self._unsettled.popleft()
            if not family.calm and family.lines:  # nothing else has settled it, and somebody holds it
                left -= len(family.lines)
                changed += self._held.settle(family, now_s)
        return changed, left

    def _stretch(self, moved: Iterable[Watched], now_s: float) -> list[Watched]:
        """Let those go on that are only at a new peak or trough; the others have to be judged."""
        left = []
        for watched in moved:
            if watched.stretch(now_s):
                if watched.wake_s < watched.queued_s:
                    self._enqueue(watched)
            else:
                left.append(watched)
        return left

    def _unheld(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """A tick of something that nobody holds: for the book, and for those to whom it is an underlying."""
        self.book.take(tick, now_s)
        key = tick.key
        if key in self._underlyings or key in self._held.by_underlying:
            return self._aside(tick, now_s)
        return _NOTHING

    def _aside(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """A tick that cannot be true, or that nobody holds.

        After the first what was there before counts while it is young, but for no profit. The second
        may be an underlying; when it is far enough from where it was its options are looked at again.
        """
        lines = self._lines.get(tick.key, ()) if self.book.fault(tick.key) else ()
        families = dict.fromkeys(line.family for line in lines)
        if not lines:
            paise = tick.ltp_paise
            near = self._held.by_underlying.get(tick.key, ())
            families = dict.fromkeys(f for f in near if not f.spot_low <= paise <= f.spot_high)
        changed = [line for family in families for line in self._held.settle(family, now_s)]
        for line in lines:
            self._held.count(line)
        touched = moved_by([*changed, *lines], now_s)
        heard = self._listeners(tick, now_s)
        for watched in heard:
            touched.setdefault(watched, _NO_LEG)
        if touched and self._in_session(now_s):
            return self._judge(touched, now_s)
        for watched in heard:
            watched.empty_band()
            watched.wake_s = min(watched.wake_s, self._open_s)
            self._enqueue(watched)
        return _NOTHING

    def _closely(self, tick: Tick, lines: Sequence[Line], now_s: float) -> Sequence[Judgement]:
        """Take a tick that is not everyday for one of its lines, and judge everyone concerned."""
        concerned = list(lines)
        for line in lines:
            for watched in line.holders:
                watched.empty_band()
            if line.marks.take(tick, now_s):
                continue
            wide = line.marks.shown(tick) is None
            if wide:
                self._held.doubt(line, tick, now_s)
            if not wide:
                concerned += self._held.take_first(line, tick, now_s)
                self._held.count(line)
            elif not line.family.calm:
                concerned += self._held.settle(line.family, now_s)
                self._held.count(line)
        return self._judge(moved_by(concerned, now_s), now_s) if self._in_session(now_s) else _NOTHING

    def _take_in(self, tick: Tick, now_s: float) -> Sequence[Watched]:
        """A sound tick of an instant: doubt what is wide, and say who goes by it as their underlying."""
        for line in self._lines.get(tick.key, ()):
            if line.marks.shown(tick) is None:
                self._held.doubt(line, tick, now_s)
        return self._heard(tick, now_s)

    def _listeners(self, tick: Tick, now_s: float) -> list[Watched]:
        """Who has to look now that an underlying has come to this price."""
        heard = self._heard(tick, now_s) if not self.book.fault(tick.key) else ()
        return [watched for watched in heard if not watched.deaf_to(tick.ltp_paise, now_s)]

    def _heard(self, tick: Tick, now_s: float) -> Sequence[Watched]:
        """Bring an underlying's price forward; who wants to know at once."""
        underlying = self._underlyings.get(tick.key)
        if underlying is None:
            return ()
        self._in_session(now_s)  # today's auction has to be known
        underlying.take(tick.ltp_paise, now_s)
        underlying.holders = [watched for watched in underlying.holders if watched.listens]
        return underlying.holders

    def _judge(self, who: Mapping[Watched, AbstractSet[InstrumentKey]], now_s: float) -> Sequence[Judgement]:
        said = []
        for watched, moved in who.items():
            verdicts = watched.judge(now_s, self._open_s, moved)
            self.why.look(watched, now_s, verdicts)
            said += [Judgement(watched.position.id, verdict) for verdict in verdicts]
            self._enqueue(watched)
        return said or _NOTHING

    def _enqueue(self, watched: Watched) -> None:
        """See that the position is looked at when it wants to be; an entry that comes early does no harm."""
        if watched.wake_s < watched.queued_s:
            watched.queued_s = watched.wake_s
            heappush(self._queue, (watched.wake_s, next(self._serial), watched))

    def _in_session(self, now_s: float) -> bool:
        """Whether the market is open and judging is on; remembers the session: the calendar is asked once."""
        if now_s >= self._close_s:
            self._open_s, self._close_s = self._calendar.window(now_s)
            self._rest.auction = self._calendar.auction(ist_date(self._open_s))
        return now_s >= self._open_s and not self.filling

    def _let_listen(self, watched: Watched) -> None:
        """Put a position that goes by its underlying's price on that one's list, once."""
        holders = watched.scale.spot.holders
        if watched.listens and watched not in holders:
            holders.append(watched)

    def _underlying(self, position: Position) -> Underlying:
        """What the position's contracts are on; the book may know its price already."""
        keys = [leg.instrument.underlying for leg in position.legs if leg.instrument.underlying is not None]
        if not keys:
            return Underlying(self._rest)
        if keys[0] not in self._underlyings:
            self._underlyings[keys[0]] = underlying = Underlying(self._rest)
            tick, arrived_s = self.book.get(keys[0]), self.book.arrived_s(keys[0])
            if tick is not None and arrived_s is not None:
                underlying.take(tick.ltp_paise, arrived_s)
        return self._underlyings[keys[0]]

    def _leave(self, watched: Watched) -> None:
        """Take a position off its lines and off the queue."""
        watched.queued_s = inf
        self._held.leave(watched)
        holders = watched.scale.spot.holders
        if watched in holders:
            holders.remove(watched)
