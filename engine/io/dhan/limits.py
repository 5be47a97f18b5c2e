"""Dhan's rate limits, kept on our side: one lane per class of calls, each minding its own windows.

Dhan allows 10 order commands a second and 250 a minute, one market quote a second, 20 other reads a
second (rate limits of the v2 introduction), counted per account over all its programs. Ours stay
below, so that another tool of the owner's has room.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.io.ports import Clock

#: (calls, seconds) pairs: no more than so many calls in any such stretch of time.
#: A little longer than Dhan's own, because calls can arrive closer together than they left.
ORDER_WINDOWS = ((8, 1.1), (240, 61.0))
QUOTE_WINDOWS = ((1, 1.05),)
READ_WINDOWS = ((10, 1.0),)
#: Instruments one market quote may ask for.
QUOTES_LIMIT = 1_000


class Lane:
    """Gives out turns, first come first served, at most so many per window.

    A turn is reserved at once and then slept for, so no lock is held while waiting and lanes never
    wait for each other. A waiter that is cancelled leaves its turn unused.
    """

    def __init__(self, clock: Clock, windows: tuple[tuple[int, float], ...]) -> None:
        """Mind these (calls, seconds) windows on this clock."""
        self._clock = clock
        self._windows = [(deque[float](maxlen=calls), seconds) for calls, seconds in windows]
        self._seen_s = 0.0

    async def turn(self) -> None:
        """Wait until one more call is within the limits."""
        now_s = at_s = self._clock.now_s()
        if now_s < self._seen_s:
            # The clock was set back: turns given in its future would block this lane until then.
            for given, _ in self._windows:
                given.clear()
        self._seen_s = now_s
        for given, seconds in self._windows:
            if given.maxlen == len(given):
                at_s = max(at_s, given[0] + seconds)
        for given, _ in self._windows:
            given.append(at_s)
        if at_s > now_s:
            await self._clock.sleep(at_s - now_s)
