"""When the house rests: outside of sessions nothing can trade, and little has to be asked.

On a day that the calendar does not cover nobody knows when that is: the house does not rest.

The chat lives on, the clock too, and whoever wants something gets it at once; what rests is the feed and the
half-minute's reading of store and books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sessions import ist_date

if TYPE_CHECKING:
    from engine.sessions import Calendar

__all__ = ["SYNC_AT_REST_S", "Idle", "awake"]

#: So long before a session everything is up: its master, its drill and the first prices come into a house
#: that is awake. So long after it what was traded last is still read.
WAKES_BEFORE_S, RESTS_AFTER_S = 1_200.0, 900.0
#: Store and books are read so often while the house rests.
SYNC_AT_REST_S = 300.0


def awake(calendar: Calendar, now_s: float) -> bool:
    """Whether a session is on, near or just over, or may be: all of a day the calendar does not cover."""
    day = ist_date(now_s)
    if not calendar.covers(day) or now_s >= calendar.window(now_s).open_s - WAKES_BEFORE_S:
        return True
    return calendar.is_session(day) and 0 <= now_s - calendar.session(day).close_s < RESTS_AFTER_S


class Idle:
    """Which of the half-minute's readings are left out.

    Args:
        calendar: when there are sessions.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._read_s: float | None = None

    def leaves_out(self, now_s: float, *, unsettled: bool) -> bool:
        """Whether this reading is left out; what is read counts as read.

        ``unsettled``: something is still to be found out (a start, an exit, a store that fails), whatever the
        hour is.
        """
        rested = self._read_s is not None and 0 <= now_s - self._read_s < SYNC_AT_REST_S
        if rested and not unsettled and not awake(self._calendar, now_s):
            return True
        self._read_s = now_s
        return False
