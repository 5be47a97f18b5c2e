"""The supervisor: who is restarted when, who ends the run, and in which order all stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.io.supervise import Restart, Supervisor
from tests.support.clock import VirtualClock, settle


@pytest.fixture
def clock():
    """Virtual time from 0."""
    return VirtualClock(0.0)


@pytest.fixture
def story():
    """What happened, in order."""
    return []


class Falling:
    """A task that falls over after so many seconds in each life, then stays up."""

    def __init__(self, clock: VirtualClock, *lives_s: float) -> None:
        self.clock = clock
        self.lives_s = list(lives_s)
        self.begun_s: list[float] = []

    async def run(self) -> None:
        """Live once."""
        self.begun_s.append(self.clock.now_s())
        if self.lives_s:
            await self.clock.sleep(self.lives_s.pop(0))
            raise OSError("fell over")
        await asyncio.Event().wait()


@asynccontextmanager
async def running(supervisor: Supervisor):
    """The supervisor's run, stopped and awaited at the end."""
    run = asyncio.create_task(supervisor.run())
    await settle()
    try:
        yield run
    finally:
        supervisor.stop()
        async with asyncio.timeout(5):
            await run


def said(caplog) -> list[tuple[str, str]]:
    """Level and text of what was logged."""
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_a_task_that_falls_is_restarted_after_growing_pauses(clock):
    """Pauses double from one second to a minute and never beyond."""
    falling = Falling(clock, *[0.5] * 9)
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", falling.run, restart=Restart.ALWAYS)
    async with running(supervisor):
        await clock.advance(600)
    pauses_s = [
        later - earlier - 0.5 for earlier, later in zip(falling.begun_s, falling.begun_s[1:], strict=False)
    ]
    assert pauses_s == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_the_log_has_the_first_failure_and_the_recovery_and_nothing_between(clock, caplog):
    """Ten failures in a row are one error with its cause and one line when it is over."""
    falling = Falling(clock, 1, 1, 1)
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", falling.run, restart=Restart.ALWAYS)
    with caplog.at_level(logging.INFO):
        async with running(supervisor):
            await clock.advance(9 + 59)
            assert said(caplog) == [("ERROR", "feed failed; restarting in 1 s")]
            assert "fell over" in str(caplog.records[0].exc_info)
            await clock.advance(5)
            assert said(caplog)[1:] == [("WARNING", "feed runs again after 3 restart(s)")]
            await clock.advance(1000)
    assert len(caplog.records) == 2


async def test_after_a_recovery_the_pauses_begin_anew(clock):
    """A fall long after the last one is answered quickly."""
    falling = Falling(clock, 1, 1, 100, 1)
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", falling.run, restart=Restart.ALWAYS)
    async with running(supervisor):
        await clock.advance(300)
    assert falling.begun_s == [0, 2, 5, 106, 109]


async def test_a_task_that_returns_is_restarted_too_when_it_should_live_for_ever(clock, caplog):
    """A listener that simply ends is as dead as one that failed."""
    lives: list[float] = []

    async def listen() -> None:
        lives.append(clock.now_s())

    supervisor = Supervisor(clock)
    supervisor.supervise("listener", listen, restart=Restart.ALWAYS)
    async with running(supervisor):
        await clock.advance(2)
    assert lives == [0, 1]
    assert said(caplog)[0] == ("ERROR", "listener ended by itself; restarting in 1 s")


async def test_a_task_that_is_not_restarted_leaves_the_others_alone(clock, caplog):
    """A failed extra is logged and gone; its neighbours live on."""
    extra, feed = Falling(clock, 1), Falling(clock)
    supervisor = Supervisor(clock)
    supervisor.supervise("extra", extra.run)
    supervisor.supervise("feed", feed.run)
    async with running(supervisor) as run:
        await clock.advance(500)
        assert not run.done()
    assert (len(extra.begun_s), len(feed.begun_s)) == (1, 1)
    assert said(caplog) == [("ERROR", "extra failed and is not restarted")]


async def test_the_fall_of_a_critical_task_ends_the_run_with_its_error(clock, story):
    """Without its core the house closes: the others are stopped in order, then the error comes out."""
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", stopping("feed", story))
    supervisor.supervise("core", Falling(clock, 3).run, critical=True, restart=Restart.ALWAYS)
    supervisor.supervise("chat", stopping("chat", story))
    run = asyncio.create_task(supervisor.run())
    await clock.advance(4)
    with pytest.raises(OSError, match="fell over"):
        await run
    assert story == ["chat stopped", "feed stopped"]


def stopping(
    name: str, story: list[str], last: Awaitable[object] | None = None
) -> Callable[[], Awaitable[None]]:
    """A task that tells when it stops, after doing one last thing."""

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if last is not None:
                await last
            story.append(f"{name} stopped")

    return run


async def test_all_stop_one_by_one_the_latest_first(clock, story):
    """The chat, started last, says goodbye before the feed under it goes."""
    supervisor = Supervisor(clock)
    for name in ("journal", "feed"):
        supervisor.supervise(name, stopping(name, story))
    supervisor.supervise("chat", stopping("chat", story, clock.sleep(2)))
    async with running(supervisor):
        supervisor.stop()
        await clock.advance(1.9)
        assert story == []
        await clock.advance(0.2)
    assert story == ["chat stopped", "feed stopped", "journal stopped"]


async def test_the_order_holds_when_the_run_is_cancelled_from_outside(clock, story):
    """Ctrl-C cancels the run itself; everything is stopped in order all the same."""
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", stopping("feed", story))
    supervisor.supervise("chat", stopping("chat", story))
    run = asyncio.create_task(supervisor.run())
    await settle()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert story == ["chat stopped", "feed stopped"]


async def test_a_task_that_will_not_stop_is_named_and_left_behind(clock, story, caplog):
    """A deaf task costs its deadline and a line with its name, not the whole shutdown."""
    heard = asyncio.Event()

    async def deaf() -> None:
        while not heard.is_set():
            try:
                await heard.wait()
            except asyncio.CancelledError:
                story.append("ignored")
        raise OSError("far too late")

    supervisor = Supervisor(clock)
    supervisor.supervise("feed", stopping("feed", story))
    supervisor.supervise("deaf", deaf, stop_deadline_s=3)
    async with running(supervisor) as run:
        supervisor.stop()
        await clock.advance(2.9)
        assert not run.done()
        await clock.advance(0.2)
        assert run.done()
    assert story == ["ignored", "feed stopped"]
    assert supervisor.deserters == ("deaf",)
    assert said(caplog) == [("ERROR", "deaf did not stop within 3 s and is left behind")]
    heard.set()
    await settle()


async def test_a_failure_while_stopping_is_told(clock, caplog):
    """An error in a task's own clean-up does not vanish and does not stop the shutdown."""

    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("dropped it")

    supervisor = Supervisor(clock)
    supervisor.supervise("clumsy", clumsy)
    async with running(supervisor):
        pass
    assert said(caplog) == [("ERROR", "clumsy failed while stopping")]


async def test_a_task_may_be_added_while_the_house_runs(clock):
    """Started at once, owned like the others; a name is taken only once."""
    feed = Falling(clock)
    supervisor = Supervisor(clock)
    async with running(supervisor):
        supervisor.supervise("feed", feed.run)
        await settle()
        assert feed.begun_s == [0]
        with pytest.raises(ValueError, match="two tasks are called feed"):
            supervisor.supervise("feed", feed.run)


async def test_a_task_that_cancels_itself_counts_as_fallen(clock, caplog):
    """A stray CancelledError from inside is a failure, not a wish to stop."""

    async def odd() -> None:
        raise asyncio.CancelledError

    supervisor = Supervisor(clock)
    supervisor.supervise("odd", odd)
    async with running(supervisor):
        pass
    assert said(caplog) == [("ERROR", "odd failed and is not restarted")]


async def test_stopping_during_a_pause_does_not_wait_for_it(clock):
    """A task between two lives is stopped at once."""
    falling = Falling(clock, 1)
    supervisor = Supervisor(clock)
    supervisor.supervise("feed", falling.run, restart=Restart.ALWAYS)
    async with running(supervisor):
        await clock.advance(1.5)
    assert falling.begun_s == [0]
    assert clock.now_s() == 1.5
