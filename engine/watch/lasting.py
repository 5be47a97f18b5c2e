"""Which P&Ls have lasted: a peak has to be true for a second, like a profit that is acted on.

The legs of a position tick one after another. Between two ticks of one move its P&L is a mixture
of old and new prices that never was at any one moment; it is gone a moment later, and leaves no trace.
"""

from __future__ import annotations

from collections import deque
from math import inf

#: Beats come every half second. After a longer pause than this the loop has stood, and what the sockets hold
#: unread has happened meanwhile: nobody knows what was true all the time.
BREAK_S = 0.8
#: Pauses up to the first of these, so soon after one that let all begin anew, are the pace of a slow machine:
#: if each of them did so too, no peak would ever count there, and no trailing stop rise.
SLOW_S, SOON_S = 2.0, 5.0


class Unbroken:
    """Since when somebody has looked without a break: one for all that is watched together.

    A pure function of the beats' moments, so that it does not matter who asks, and how often.

    Attributes:
        since_s: as of the last beat; -inf = since the start.
    """

    __slots__ = ("_beaten_s", "since_s")

    def __init__(self) -> None:
        self.since_s = -inf
        self._beaten_s: float | None = None

    def beat(self, now_s: float) -> None:
        """The clock has struck."""
        self.since_s, self._beaten_s = self.begun_s(now_s), now_s

    def begun_s(self, now_s: float) -> float:
        """Since when at this moment; the moment itself when the last beat is too long ago, or yet to come."""
        if self._beaten_s is None:
            return self.since_s
        most_s = SLOW_S if now_s - self.since_s < SOON_S else BREAK_S
        return self.since_s if 0 <= now_s - self._beaten_s <= most_s else now_s


class Lasting:
    """The highs and the lows that wait to be old enough.

    Args:
        lasts_s: how long a P&L must have been reached; 0 = all prices are of one instant anyway.
        unbroken: since when it was watched; what waited through a break begins anew after it.

    Attributes:
        due_s: when the next will have lasted if nothing comes between; inf = none waits.
    """

    __slots__ = ("_highs", "_lasts_s", "_lows", "_unbroken", "due_s")

    def __init__(self, lasts_s: float, unbroken: Unbroken) -> None:
        self._lasts_s = lasts_s
        self._unbroken = unbroken
        # Since when it has been at or beyond which P&L: the later, the further.
        self._highs: deque[tuple[float, int]] = deque()
        self._lows: deque[tuple[float, int]] = deque()
        self.due_s = inf

    def see(self, pnl_paise: int, now_s: float, low_paise: float, high_paise: float) -> None:
        """Take note of the P&L from now on; one between these bounds, both included, is no news."""
        highs, lows = self._highs, self._lows
        # in a market that moves most ticks come by here: no calls, and nothing of what cannot change
        if highs or pnl_paise > high_paise:
            since_s = now_s
            while highs and highs[-1][1] >= pnl_paise:  # what is further than this has not lasted
                since_s = highs.pop()[0]
            if pnl_paise > high_paise:
                highs.append((since_s, pnl_paise))
            else:  # what is not beyond the known has lasted already
                highs.clear()
        if lows or pnl_paise < low_paise:
            since_s = now_s
            while lows and lows[-1][1] <= pnl_paise:
                since_s = lows.pop()[0]
            if pnl_paise < low_paise:
                lows.append((since_s, pnl_paise))
            else:
                lows.clear()
        since_s = highs[0][0] if highs else inf
        if lows and lows[0][0] < since_s:
            since_s = lows[0][0]
        since_s = max(since_s, self._unbroken.since_s)
        self.due_s = since_s + self._lasts_s

    def lasted(self, now_s: float) -> tuple[list[int], list[int]]:
        """The P&Ls it has been at or above long enough by now, and at or below, each told once.

        Call before what comes at this moment is seen.
        """
        if now_s < self.due_s:
            return [], []
        highs: list[int] = []
        lows: list[int] = []
        since_s = now_s - self._lasts_s
        if self._unbroken.begun_s(now_s) <= since_s:
            highs, lows = _lasted(self._highs, since_s), _lasted(self._lows, since_s)
        self._next_due()
        return highs, lows

    def forget(self) -> None:
        """The P&L is not known, or nobody looks: what waits has not lasted."""
        self._highs.clear()
        self._lows.clear()
        self.due_s = inf

    def _next_due(self) -> None:
        first_s = min(run[0][0] if run else inf for run in (self._highs, self._lows))
        self.due_s = max(first_s, self._unbroken.since_s) + self._lasts_s


def _lasted(run: deque[tuple[float, int]], since_s: float) -> list[int]:
    """Take off what has been there since then."""
    found = []
    while run and run[0][0] <= since_s:
        found.append(run.popleft()[1])
    return found
