"""How our use of Redis stands: when it is tried again, and when the machine is told."""

from __future__ import annotations

import logging
from collections.abc import Callable

from engine.io.ports import Clock
from engine.messages import CacheState

_log = logging.getLogger(__name__)

#: After a failure so long, doubled with each further one, until it is tried again.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
#: It works again once it has for so long: a Redis that comes and goes is told of once.
STEADY_S = 10.0
#: How often the machine is told of the lag, once there is one.
TELL_EVERY_S = 5.0


class Standing:
    """A breaker that tells.

    Attributes:
        again_s: not before this moment is Redis tried again.
        failed: why it does not work, as the machine was told; empty = it does.
    """

    def __init__(self, role: str, post: Callable[[CacheState], None], clock: Clock) -> None:
        self.role = role
        self.again_s = 0.0
        self.failed = ""
        self._post = post
        self._clock = clock
        self._pause_s = FIRST_PAUSE_S
        self._works_since_s: float | None = None
        self._told_s, self._knows_lag = float("-inf"), False

    def failure(self, why: str, *, rest: bool = True) -> None:
        """It did not work: unless told otherwise leave it alone for a while. The first of a row is told."""
        if rest:
            self.again_s = self._clock.now_s() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._works_since_s = None
        if not self.failed:
            _log.warning("%s: %s", self.role, why)
            self.failed = why
            self._tell(None)

    def success(self, lag_s: float | None) -> None:
        """It worked, with so much of a lag; None = nothing was to be done."""
        now_s = self._clock.now_s()
        self._works_since_s = now_s if self._works_since_s is None else self._works_since_s
        self._pause_s = FIRST_PAUSE_S
        if self.failed:
            if now_s - self._works_since_s < STEADY_S:
                return
            _log.warning("%s: works again", self.role)
            self.failed = ""
        elif now_s - self._told_s < TELL_EVERY_S and (self._knows_lag or lag_s is None):
            return
        self._tell(lag_s)

    def _tell(self, lag_s: float | None) -> None:
        self._told_s, self._knows_lag = self._clock.now_s(), lag_s is not None
        self._post(CacheState(self.role, self.failed, lag_s))
