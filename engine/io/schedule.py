"""The clock that wakes the machine: every job only posts a `Beat`.

APScheduler is the one scheduler of the house. Its jobs here are coroutines, because it runs plain
functions in threads and the inbox belongs to the loop. The half-second pulse alone is a plain loop
of ours: a turn of APScheduler holds the event loop for 0.3 ms (up to 0.8 ms, measured), which is
nothing twice a minute and too much twice a second beside ticks that want an answer within 1 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.io.ports import Clock
from engine.messages import Beat, BeatKind, Message
from engine.sessions import Session

_ZONE = ZoneInfo("Asia/Kolkata")

PULSE_S = 0.5
#: How long before the open everything is looked at once (09:10 on a usual day).
DRILL_BEFORE_S = 300.0
#: The instrument master of the day is there by then, and a change in it can still be looked at.
MASTER_BEFORE_S = 900.0
INTERVALS_S = {BeatKind.SYNC: 30, BeatKind.HEALTH: 60, BeatKind.CLEAN: 300, BeatKind.ACCOUNT: 300}
#: What comes before a session, in this order.
_MORNING = (BeatKind.MASTER, BeatKind.DRILL, BeatKind.SESSION_OPEN)
#: A job that is late by more than this (the host slept) waits for its next turn.
_GRACE_S = 30


class SessionCalendar(Protocol):
    """What the schedule asks of `engine.sessions.Calendar`."""

    def window(self, now_s: float) -> Session:
        """The session that is running at this moment, else the next one to open."""


class Boundaries:
    """The master, drill, opening and close of one session after the other, as time passes them.

    Attributes:
        next: what comes next, and when (epoch seconds).
    """

    def __init__(self, calendar: SessionCalendar, now_s: float) -> None:
        """Stand at this moment: what lies before it is over."""
        self._calendar = calendar
        self.next = self._after(now_s)

    def passed(self, now_s: float) -> list[BeatKind]:
        """What this moment has passed since the last look, all of it if the clock has stepped."""
        kind, at_s = self.next
        if now_s < at_s:
            return []
        self.next = self._after(now_s)
        return self._from(kind)

    def _from(self, kind: BeatKind) -> list[BeatKind]:
        """That boundary and those before the next one; an overtaken drill is of no use any more."""
        if kind not in _MORNING:
            return [kind]
        begun, to_come = _MORNING.index(kind), self.next[0]
        ended = _MORNING.index(to_come) if to_come in _MORNING[begun + 1 :] else len(_MORNING)
        passed = _MORNING[begun:ended]
        return [each for each in passed if each is not BeatKind.DRILL or BeatKind.SESSION_OPEN not in passed]

    def _after(self, now_s: float) -> tuple[BeatKind, float]:
        session = self._calendar.window(now_s)
        if now_s < session.open_s - MASTER_BEFORE_S:
            return BeatKind.MASTER, session.open_s - MASTER_BEFORE_S
        if now_s < session.open_s - DRILL_BEFORE_S:
            return BeatKind.DRILL, session.open_s - DRILL_BEFORE_S
        if now_s < session.open_s:
            return BeatKind.SESSION_OPEN, session.open_s
        return BeatKind.SESSION_CLOSE, session.close_s


class Schedule:
    """Posts the beats: PULSE and `INTERVALS_S` at their intervals; those of `_MORNING` and the close on time.

    Sessions follow the monitor's clock, which may be shifted (CLOCK_START) or stepped; intervals are
    real time.
    """

    def __init__(self, post: Callable[[Message], None], calendar: SessionCalendar, clock: Clock) -> None:
        """Prepare; `run` starts it."""
        self._post = post
        self._calendar = calendar
        self._clock = clock

    async def run(self) -> None:
        """Post beats until cancelled; may be run again after that."""
        # After a stepped clock many turns are due at once: coalesce makes them one beat.
        self._scheduler = AsyncIOScheduler(
            timezone=_ZONE,
            job_defaults={"coalesce": True, "misfire_grace_time": _GRACE_S, "max_instances": 1},
        )
        self._boundaries = Boundaries(self._calendar, self._clock.now_s())
        for kind, seconds in INTERVALS_S.items():
            self._scheduler.add_job(partial(self._beat, kind), "interval", seconds=seconds, id=kind.value)
        self._plan_boundary()
        self._scheduler.start()
        try:
            while True:
                self._post(Beat(BeatKind.PULSE))
                await self._clock.sleep(PULSE_S)
        finally:
            self._scheduler.shutdown(wait=False)

    async def _beat(self, kind: BeatKind) -> None:
        self._post(Beat(kind))
        if kind is BeatKind.HEALTH:  # the clock may have stepped since the boundary was planned
            await self._session()

    async def _session(self) -> None:
        """Post the boundaries that have passed, and plan the next one anew."""
        for passed in self._boundaries.passed(self._clock.now_s()):
            self._post(Beat(passed))
        self._plan_boundary()

    def _plan_boundary(self) -> None:
        """One job at the boundary; it runs however late it is, because nothing repeats it."""
        wait_s = max(self._boundaries.next[1] - self._clock.now_s(), 0.0)
        self._scheduler.add_job(
            self._session,
            "date",
            run_date=datetime.now(_ZONE) + timedelta(seconds=wait_s),
            id="session",
            replace_existing=True,
            misfire_grace_time=None,
        )
