"""Which P&Ls have lasted: a peak has to be true for a second, like a profit that is acted on.

The legs of a position tick one after another. Between two ticks of one move its P&L is a mixture
of old and new prices that never was at any one moment; it is gone a moment later, and leaves no trace.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lasting:
    """The highs and the lows that wait to be old enough.

    Args:
        lasts_s: how long a P&L must have been reached; 0 = all prices are of one instant anyway.
    """

    __slots__ = ("_highs", "_lasts_s", "_lows")

    def __init__(self, lasts_s: float) -> None:
        self._lasts_s = lasts_s
        # Since when it has been at or beyond which P&L: the later, the further. Lows are negated.
        self._highs: deque[tuple[float, int]] = deque()
        self._lows: deque[tuple[float, int]] = deque()

    def see(self, pnl_paise: int, now_s: float, low_paise: float, high_paise: float) -> None:
        """Take note of the P&L from now on; one between these bounds, both included, is no news."""
        _see(self._highs, pnl_paise, now_s, high_paise)
        _see(self._lows, -pnl_paise, now_s, -low_paise)

    def highs(self, now_s: float) -> Iterator[int]:
        """The P&Ls it has been at or above long enough by now, each once, before what is seen now."""
        while self._highs and self._highs[0][0] + self._lasts_s <= now_s:
            yield self._highs.popleft()[1]

    def lows(self, now_s: float) -> Iterator[int]:
        """The same for those it has been at or below."""
        while self._lows and self._lows[0][0] + self._lasts_s <= now_s:
            yield -self._lows.popleft()[1]

    def forget(self) -> None:
        """The P&L is not known, or nobody looks: what waits has not lasted."""
        self._highs.clear()
        self._lows.clear()

    @property
    def due_s(self) -> float:
        """When the next will have lasted if nothing comes between; inf = none waits."""
        return min([run[0][0] for run in (self._highs, self._lows) if run], default=inf) + self._lasts_s


def _see(run: deque[tuple[float, int]], paise: int, now_s: float, known_paise: float) -> None:
    """What is further than this has not lasted; what is not beyond the known has already."""
    since_s = now_s
    while run and run[-1][1] >= paise:
        since_s = run.pop()[0]
    if paise > known_paise:
        run.append((since_s, paise))
    else:
        run.clear()
