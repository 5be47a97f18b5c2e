"""Which P&Ls have lasted: a peak has to be true for a second, like a profit that is acted on.

The legs of a position tick one after another. Between two ticks of one move its P&L is a mixture
of old and new prices that never was at any one moment; it is gone a moment later, and leaves no trace.
"""

from __future__ import annotations

from collections import deque
from math import inf


class Lasting:
    """The highs and the lows that wait to be old enough.

    Args:
        lasts_s: how long a P&L must have been reached; 0 = all prices are of one instant anyway.

    Attributes:
        due_s: when the next will have lasted if nothing comes between; inf = none waits.
    """

    __slots__ = ("_highs", "_lasts_s", "_lows", "due_s")

    def __init__(self, lasts_s: float) -> None:
        self._lasts_s = lasts_s
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
        self.due_s = since_s + self._lasts_s

    def lasted(self, now_s: float) -> tuple[list[int], list[int]]:
        """The P&Ls it has been at or above long enough by now, and at or below, each told once.

        Call before what comes at this moment is seen.
        """
        if now_s < self.due_s:
            return [], []
        highs, lows = _lasted(self._highs, now_s - self._lasts_s), _lasted(self._lows, now_s - self._lasts_s)
        self._next_due()
        return highs, lows

    def forget(self) -> None:
        """The P&L is not known, or nobody looks: what waits has not lasted."""
        self._highs.clear()
        self._lows.clear()
        self.due_s = inf

    def _next_due(self) -> None:
        since_s = self._highs[0][0] if self._highs else inf
        if self._lows and self._lows[0][0] < since_s:
            since_s = self._lows[0][0]
        self.due_s = since_s + self._lasts_s


def _lasted(run: deque[tuple[float, int]], since_s: float) -> list[int]:
    """Take off what has been there since then."""
    found = []
    while run and run[0][0] <= since_s:
        found.append(run.popleft()[1])
    return found
