"""Dhan's rate limits, kept on our side: one lane per class of calls, each minding its own windows.

Dhan allows 10 order commands a second, 250 a minute, 1,000 an hour and 7,000 a day, one market quote
a second, 20 other reads a second (rate limits of the v2 introduction), counted per account over all
its programs. Ours stay below, so that another tool of the owner's has room.
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
    from engine.io.ports import Clock


class Window(NamedTuple):
    """No more than so many calls in any such stretch of time.

    Attributes:
        kept: of these calls, so many are never given to what may wait (`Rank.MODIFY`).
    """

    calls: int
    seconds: float
    kept: int = 0


class Rank(IntEnum):
    """Who goes first when there is not room for all: an order must be stopped before another leaves."""

    CANCEL = 0
    PLACE = 1
    MODIFY = 2


#: A little longer than Dhan's own, because calls can arrive closer together than they left.
ORDER_WINDOWS = (
    Window(8, 1.1, kept=2),
    Window(240, 61.0, kept=40),
    Window(950, 3_605.0, kept=100),
    Window(6_600, 86_400.0, kept=600),
)
QUOTE_WINDOWS = (Window(1, 1.05),)
READ_WINDOWS = (Window(10, 1.0),)
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
            room = window.calls - (window.kept if rank is Rank.MODIFY else 0)
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
        """The moment; a clock that was set back forgets the turns it gave in its future.

        They would block this lane until then.
        """
        now_s = self._clock.now_s()
        if now_s < self._seen_s:
            for given, _ in self._windows:
                given.clear()
        self._seen_s = now_s
        return now_s
