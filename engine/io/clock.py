"""The host's clock: moments that follow the world's time, in steps that never surprise a timer.

The only place besides the log's time stamps that reads what time it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

_log = logging.getLogger(__name__)

#: A disagreement beyond this is a step of the wall clock or a suspended host, not slew by NTP.
STEP_S = 1.0


class SystemClock:
    """Epoch seconds of the monitor's world; implements `engine.io.ports.Clock`.

    Without ``start`` this is the world's time: carried by the monotonic clock between readings, so
    that NTP's small corrections never make a duration negative, and taken over anew from the wall
    clock after a step (a mended clock, a laptop that slept): being an hour wrong about 15:00 is
    worse than one jump. With ``start`` (CLOCK_START, an aware moment) the clock begins there and
    runs in real time.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin now, or at ``start``."""
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._follows_wall = start is None
        begin_s = wall_s() if start is None else start.timestamp()
        self._offset_s = begin_s - monotonic_s()

    def now_s(self) -> float:
        """Epoch seconds of the monitor's world."""
        now_s = self._monotonic_s() + self._offset_s
        if not self._follows_wall:
            return now_s
        step_s = self._wall_s() - now_s
        if -STEP_S <= step_s <= STEP_S:
            return now_s
        self._offset_s += step_s
        _log.warning("the host's clock stepped by %+.1f s; following it", step_s)
        return now_s + step_s

    async def sleep(self, seconds: float) -> None:
        """Wait this long in real time."""
        await asyncio.sleep(seconds)
