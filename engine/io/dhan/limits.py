"""Dhan's rate limits, kept on our side: one lane per class of calls, each minding its own windows.

Dhan allows 10 order commands a second, 250 a minute, 1,000 an hour and 7,000 a day, one market quote
a second, 20 other reads a second (rate limits of the v2 introduction), counted per account over all
its programs. Ours stay below, so that another tool of the owner's has room. A new process is told what
its predecessors have sent: Dhan goes on counting, however often we die.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from enum import IntEnum
from itertools import count
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.io.ports import Clock


class Window(NamedTuple):
    """No more than so many calls in any such stretch of time.

    Attributes:
        kept: of these calls, so many are never given to what may wait (`Rank.yields`).
    """

    calls: int
    seconds: float
    kept: int = 0


class Rank(IntEnum):
    """Who goes first when there is not room for all.

    An order must be stopped before another leaves; what an exit waits for (order book, trades, positions,
    an order by its name) is read before what anybody else would like to know.
    """

    CANCEL = 0
    PLACE = 1
    MODIFY = 2
    BOOKS = 3
    OTHER = 4

    @property
    def yields(self) -> bool:
        """Whether it leaves alone what is kept for the others of its lane."""
        return self in {Rank.MODIFY, Rank.OTHER}


#: A little longer than Dhan's own, because calls can arrive closer together than they left.
ORDER_WINDOWS = (
    Window(8, 1.1, kept=2),
    Window(240, 61.0, kept=40),
    Window(950, 3_605.0, kept=100),
    Window(6_600, 86_400.0, kept=600),
)
QUOTE_WINDOWS = (Window(1, 1.05),)
#: A whole report with one re-read takes six.
READ_WINDOWS = (Window(10, 1.0, kept=6),)
#: Instruments one market quote may ask for.
QUOTES_LIMIT = 1_000


class _Waiter(NamedTuple):
    """One caller in the queue: by rank, within it first come first served."""

    rank: Rank
    number: int
    turn: asyncio.Future[None]


class Lane:
    """Gives out turns by rank, within a rank first come first served, at most so many per window.

    A turn is given only when it can be used at once; whoever waits can be overtaken until then. A
    waiter that is cancelled in the moment it is given its turn leaves it unused.
    """

    def __init__(self, clock: Clock, windows: tuple[Window, ...]) -> None:
        """Mind these windows on this clock."""
        self._clock = clock
        self._windows = [(deque[float](maxlen=window.calls), window) for window in windows]
        self._waiting: list[_Waiter] = []
        self._numbers = count()
        self._seen_s = 0.0

    def remember(self, given_s: Sequence[float]) -> None:
        """Count turns that an earlier process took (epoch seconds, the oldest first).

        Turns that would lie in the future, because the clock was set back since, are moved back with it.
        """
        now_s = self._now_s()
        ahead_s = max(given_s[-1] - now_s, 0.0) if given_s else 0.0
        for given, _ in self._windows:
            given.extend(moment_s - ahead_s for moment_s in given_s)

    async def turn(self, rank: Rank = Rank.PLACE, patience_s: float = inf) -> bool:
        """Wait until one more call is within the limits; False when that took longer than allowed."""
        until_s = self._now_s() + patience_s
        waiter = _Waiter(rank, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, waiter)
        try:
            while True:
                now_s = self._now_s()
                self._give(now_s)
                if waiter.turn.done() or now_s >= until_s:
                    return waiter.turn.done()
                await self._either(waiter.turn, min(self._free_s(rank), until_s) - now_s)
        finally:
            waiter.turn.cancel()

    def at_once(self, rank: Rank) -> bool:
        """Take a turn if one is free now and nobody waits for one."""
        now_s = self._now_s()
        self._give(now_s)
        if self._waiting or self._free_s(rank) > now_s:
            return False
        for given, _ in self._windows:
            given.append(now_s)
        return True

    def _give(self, now_s: float) -> None:
        """Give out what is free now, in order; who is behind one that must wait has no more room than it."""
        while self._waiting:
            best = self._waiting[0]
            if not best.turn.done():
                if self._free_s(best.rank) > now_s:
                    return
                for given, _ in self._windows:
                    given.append(now_s)
                best.turn.set_result(None)
            heapq.heappop(self._waiting)

    def _free_s(self, rank: Rank) -> float:
        """From when on one more call of this rank is within every window."""
        free_s = -inf
        for given, window in self._windows:
            room = window.calls - (window.kept if rank.yields else 0)
            if len(given) >= room:
                free_s = max(free_s, given[-room] + window.seconds)
        return free_s

    async def _either(self, turn: asyncio.Future[None], seconds: float) -> None:
        """Wait for the turn, or for as long as nobody ahead can make one free."""
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    def _now_s(self) -> float:
        """The moment; when the clock was set back, the turns given are moved back with it.

        They would block this lane until then; and forgotten altogether, the day's count would be lost.
        """
        now_s = self._clock.now_s()
        back_s = self._seen_s - now_s
        if back_s > 0.0:
            for given, _ in self._windows:
                for index, moment_s in enumerate(given):
                    given[index] = moment_s - back_s
        self._seen_s = now_s
        return now_s


class Slots:
    """So many calls at once, by rank, within a rank first come first served.

    The last ones are kept for what does not yield, because a call that nobody answers holds its slot.
    """

    def __init__(self, most: int, kept: int = 0) -> None:
        """``kept`` of them are never taken by what may wait (`Rank.yields`)."""
        self._most = most
        self._kept = kept
        self._taken = 0
        self._waiting: list[_Waiter] = []
        self._numbers = count()

    async def take(self, rank: Rank) -> None:
        """Wait for a slot; whoever has one gives it back by `free`."""
        waiter = _Waiter(rank, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, waiter)
        self._give()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if not waiter.turn.cancel() and not waiter.turn.cancelled():
                self.free()  # it was given its slot in this very moment
            raise

    def free(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._give()

    def _give(self) -> None:
        """Hand out what is free now; who is behind one that must wait has no more room than it."""
        while self._waiting:
            best = self._waiting[0]
            if not best.turn.done():
                if self._taken >= self._most - (self._kept if best.rank.yields else 0):
                    return
                self._taken += 1
                best.turn.set_result(None)
            heapq.heappop(self._waiting)
