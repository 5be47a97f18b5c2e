"""How often the broker's books are read: at once when something new was learnt, else at a calm pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace"]

#: Reports follow each other at this distance while an exit waits for one.
REPORT_EVERY_S = 1.0
#: After a failed one the broker gets a little longer.
FAILED_AGAIN_S = 3.0
#: A report that has not come by then is counted as lost.
REPORT_LOST_S = 8.0
#: An order that only rests is looked at this often, should the update socket be silent.
RESTING_POLL_S = 5.0


class Pace:
    """Decides when to ask; knows nothing of what is in a report.

    Attributes:
        wanted: somebody waits for a report.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._asked_s: float | None = None
        self._answered_s = 0.0
        self._failed = False

    def asked(self, now_s: float) -> None:
        """A report was asked for."""
        self.wanted = False
        self._asked_s = now_s

    def overtake(self) -> None:
        """What was asked for before is too old for who begins now: the next report does not wait for it."""
        self.wanted = True
        self._asked_s = None

    def answered(self, now_s: float, *, newest: bool, failed: bool) -> None:
        """A report came; ``newest`` when it is the last one asked for.

        A broker that was away is asked again until it answers.
        """
        if newest:
            self._asked_s = None
        self._answered_s, self._failed = now_s, failed
        self.wanted = self.wanted or failed

    def due(self, now_s: float, resting: Callable[[], bool], stale: Callable[[], bool]) -> bool:
        """True when it is time to ask again.

        Args:
            now_s: the moment.
            resting: whether an order of ours is at the exchange; asked only where it matters, like
            stale: whether an exit cannot go on with what was read last.
        """
        idle_s = now_s - self._answered_s
        outstanding = self._asked_s is not None and now_s - self._asked_s < REPORT_LOST_S
        if outstanding or not (self.wanted or (idle_s >= RESTING_POLL_S and resting())):
            return False
        pause_s = FAILED_AGAIN_S if self._failed else REPORT_EVERY_S
        return idle_s >= pause_s or (not self._failed and stale())
