"""The time axis: sessions one after the other, as if there were no nights."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from engine.sessions import at, ist, ist_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

#: A session in the pictures of several days, seconds: from 09:15 to 15:30.
OPENS, SESSION_S = "09:15", 22_500
#: Steps of the ticks of one day, seconds.
_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 5400, 7200)
#: So many ticks fit.
_TICKS = 6


class Clock:
    """Turns moments into places.

    Args:
        moments: of everything drawn, ascending.
    """

    def __init__(self, moments: Sequence[float]) -> None:
        self.days: list[date] = sorted({ist_date(at_s) for at_s in moments})
        self._opens = {day: at(day, OPENS) for day in self.days}
        self._first_s, self._last_s = moments[0], moments[-1]

    def x(self, at_s: float) -> float:
        """Seconds of session since the first day's opening."""
        day = ist_date(at_s)
        return self.days.index(day) * SESSION_S + at_s - self._opens[day]

    @property
    def span(self) -> tuple[float, float]:
        """What the axis shows: everything, and a little air."""
        low, high = self.x(self._first_s), self.x(self._last_s)
        if len(self.days) > 1:
            return low - 0.02 * (high - low), max(high * 1.02, (len(self.days) - 0.4) * SESSION_S)
        return low - 0.02 * (high - low), high + 0.06 * (high - low)

    @property
    def nights(self) -> list[float]:
        """Where one session ends and the next begins."""
        return [n * SESSION_S for n in range(1, len(self.days))]

    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and words: the time of one day, or each of several days."""
        if len(self.days) > 1:
            return self._day_ticks()
        open_s, span_s = self._opens[self.days[0]], self._last_s - self._first_s
        step_s = next((s for s in _STEPS_S if span_s / s <= _TICKS), _STEPS_S[-1])
        first_s = -(-self._first_s // step_s) * step_s + (1800 if step_s > 1800 else 0)
        moments = [first_s + n * step_s for n in range(-1, _TICKS + 2)]
        low, high = self.span
        shown = [s for s in moments if low <= s - open_s <= high - 0.03 * (high - low)]
        return [s - open_s for s in shown], [f"{ist(s):%H:%M}" for s in shown]

    def _day_ticks(self) -> tuple[list[float], list[str]]:
        low, high = self.span
        edges = [low, *self.nights, high]
        words = [
            f"{day.day} {day:%b}" if n == 0 or len(self.days) < 7 else f"{day.day}"
            for n, day in enumerate(self.days)
        ]
        return [(a + b) / 2 for a, b in pairwise(edges)], words
