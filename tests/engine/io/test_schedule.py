"""The schedule: which beats come, how often, and that sessions follow the monitor's clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from engine.io.clock import SystemClock
from engine.io.schedule import DRILL_BEFORE_S, INTERVALS_S, MASTER_BEFORE_S, Schedule
from engine.messages import Beat, BeatKind
from engine.sessions import IST, Session
from tests.support.clock import VirtualClock, settle

NINE = datetime(2026, 2, 3, 9, 0, tzinfo=IST)


class OneSession:
    """A calendar whose session opens and closes at these moments, and again a day later."""

    def __init__(self, open_s: float, close_s: float) -> None:
        self.session = Session(open_s, close_s)

    def window(self, now_s: float) -> Session:
        """The running session, else the next one."""
        late_s = 86_400.0 if now_s >= self.session.close_s else 0.0
        return Session(self.session.open_s + late_s, self.session.close_s + late_s)


class Inbox:
    """Keeps what is posted and wakes who waits for it."""

    def __init__(self) -> None:
        self.kinds: list[BeatKind] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, beat: object) -> None:
        """What the schedule calls."""
        assert isinstance(beat, Beat)
        self.kinds.append(beat.kind)
        task = asyncio.ensure_future(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, *kinds: BeatKind) -> None:
        """Wait until each of these was posted."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: set(kinds) <= set(self.kinds))


@asynccontextmanager
async def running(schedule: Schedule):
    """The schedule at work."""
    task = asyncio.create_task(schedule.run())
    await settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


async def test_the_pulse_comes_every_half_second():
    """From the start on, by the monitor's own clock."""
    clock, inbox = VirtualClock(NINE.timestamp()), Inbox()
    async with running(Schedule(inbox.post, OneSession(2e9, 3e9), clock)):
        await clock.advance(2.1)
        assert inbox.kinds == [BeatKind.PULSE] * 5


async def test_it_can_be_run_again_after_a_fall():
    """The supervisor may give it another life."""
    inbox = Inbox()
    schedule = Schedule(inbox.post, OneSession(2e9, 3e9), VirtualClock())
    for _ in range(2):
        async with running(schedule):
            assert len(schedule._scheduler.get_jobs()) == 5
    assert inbox.kinds == [BeatKind.PULSE] * 2


async def test_the_slow_beats_have_their_intervals_and_forgive_lateness():
    """Sync 30 s, health 60 s, clean-up and account 300 s in Indian time; late turns are one turn."""
    schedule = Schedule(Inbox().post, OneSession(2e9, 3e9), VirtualClock())
    async with running(schedule):
        jobs = {job.id: job for job in schedule._scheduler.get_jobs()}
        intervals_s = {kind: jobs[kind.value].trigger.interval.total_seconds() for kind in INTERVALS_S}
        assert intervals_s == {
            BeatKind.SYNC: 30,
            BeatKind.HEALTH: 60,
            BeatKind.CLEAN: 300,
            BeatKind.ACCOUNT: 300,
        }
        assert all(
            jobs[kind.value].misfire_grace_time >= 30 and jobs[kind.value].coalesce for kind in INTERVALS_S
        )
        assert jobs["session"].misfire_grace_time is None
        assert str(schedule._scheduler.timezone) == "Asia/Kolkata"


async def test_an_interval_job_posts_its_beat_on_the_loop():
    """APScheduler's turn ends in the inbox, in the loop's own thread (the inbox starts tasks)."""
    inbox = Inbox()
    schedule = Schedule(inbox.post, OneSession(2e9, 3e9), VirtualClock())
    async with running(schedule):
        for kind in INTERVALS_S:
            schedule._scheduler.modify_job(kind.value, next_run_time=datetime.now(IST))
        await inbox.until(*INTERVALS_S)


async def test_opening_and_close_follow_the_shifted_clock():
    """With CLOCK_START just before nine on 3 February, that day's session opens within the real second."""
    inbox = Inbox()
    open_s = NINE.timestamp()
    clock = SystemClock(datetime.fromtimestamp(open_s - 0.05, IST))
    async with running(Schedule(inbox.post, OneSession(open_s, open_s + 0.1), clock)):
        await inbox.until(BeatKind.SESSION_OPEN, BeatKind.SESSION_CLOSE)
    told = [kind for kind in inbox.kinds if kind is not BeatKind.PULSE]
    assert told == [BeatKind.SESSION_OPEN, BeatKind.SESSION_CLOSE]


async def test_the_instrument_master_comes_a_quarter_of_an_hour_before_the_opening():
    """Its beat alone, and only then; the opening is planned next."""
    inbox = Inbox()
    open_s = NINE.timestamp()
    clock = VirtualClock(open_s - 901)
    schedule = Schedule(inbox.post, OneSession(open_s, open_s + 600), clock)
    async with running(schedule):
        await schedule._session()
        assert BeatKind.MASTER not in inbox.kinds
        clock._now_s = open_s - 900
        await schedule._session()
        await inbox.until(BeatKind.MASTER)
        assert BeatKind.SESSION_OPEN not in inbox.kinds
        assert schedule._boundaries.next == (BeatKind.DRILL, open_s - DRILL_BEFORE_S)


async def test_a_clock_that_steps_over_the_opening_is_noticed_by_the_next_health_beat():
    """After a suspended host the opening is posted once, late, and the close is planned anew."""
    inbox = Inbox()
    open_s = NINE.timestamp()
    clock = VirtualClock(open_s - 3600)
    schedule = Schedule(inbox.post, OneSession(open_s, open_s + 600), clock)
    async with running(schedule):
        before = schedule._scheduler.get_job("session").next_run_time
        clock._now_s = open_s + 5
        schedule._scheduler.modify_job(BeatKind.HEALTH.value, next_run_time=datetime.now(IST))
        await inbox.until(BeatKind.HEALTH, BeatKind.SESSION_OPEN)
        after = schedule._scheduler.get_job("session").next_run_time
    told = [kind for kind in inbox.kinds if kind in (BeatKind.MASTER, BeatKind.DRILL, BeatKind.SESSION_OPEN)]
    assert told == [BeatKind.MASTER, BeatKind.SESSION_OPEN]  # a drill would come too late
    assert (before - after).total_seconds() == pytest.approx(3600 - MASTER_BEFORE_S - 595, abs=5)


async def test_a_job_that_wakes_before_the_boundary_plans_again_and_posts_nothing():
    """A wall clock that ran ahead of the monitor's does not open the session early."""
    inbox = Inbox()
    schedule = Schedule(inbox.post, OneSession(NINE.timestamp(), 3e9), VirtualClock(NINE.timestamp() - 60))
    async with running(schedule):
        await schedule._session()
        assert BeatKind.SESSION_OPEN not in inbox.kinds
        assert schedule._scheduler.get_job("session") is not None


async def test_the_drill_comes_five_minutes_before_the_open_and_the_open_after_it():
    """Each once, in order."""
    inbox, open_s = Inbox(), NINE.timestamp()
    clock = VirtualClock(open_s - 400)
    schedule = Schedule(inbox.post, OneSession(open_s, open_s + 600), clock)
    async with running(schedule):
        for seconds, kind in ((120, BeatKind.DRILL), (290, BeatKind.SESSION_OPEN)):
            await clock.advance(seconds)
            schedule._scheduler.modify_job("session", next_run_time=datetime.now(IST))
            await inbox.until(kind)
    assert [k for k in inbox.kinds if k is not BeatKind.PULSE] == [BeatKind.DRILL, BeatKind.SESSION_OPEN]
