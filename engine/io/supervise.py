"""The owner of every task: each has a name, a way to be restarted, and a deadline to stop.

The only place where any exception at all is dealt with, because here one means that a part of the
house fell over: the part is started again or the house is closed, and the log says which.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.io.ports import Clock

_log = logging.getLogger(__name__)


class Restart(StrEnum):
    """What happens when a task ends by itself, by an error or by returning."""

    NEVER = "never"
    ALWAYS = "always"


class Pauses(NamedTuple):
    """The pause before the n-th restart doubles from the first up to the longest."""

    first_s: float = 1.0
    longest_s: float = 60.0


#: A task that has run this long after a restart has recovered; its pauses begin anew.
STEADY_S = 60.0


@dataclass(slots=True)
class _Job:
    name: str
    make: Callable[[], Awaitable[None]]
    restart: Restart
    critical: bool
    stop_deadline_s: float
    pauses: Pauses
    told: Callable[[Exception | None, float], None]
    failures: int = 0
    keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Runs the house's tasks in one task group and closes them in the reverse order of their start.

    ::

        supervisor.supervise("feed", feed.run, restart=Restart.ALWAYS)
        supervisor.supervise("runner", runner.run, critical=True)
        await supervisor.run()          # until supervisor.stop(), or a critical task fails
    """

    def __init__(self, clock: Clock) -> None:
        """Own nothing yet."""
        self._clock = clock
        self._jobs: list[_Job] = []
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._fatal: BaseException | None = None
        self._deserters: list[str] = []

    def supervise(
        self,
        name: str,
        make: Callable[[], Awaitable[None]],
        *,
        restart: Restart = Restart.NEVER,
        critical: bool = False,
        stop_deadline_s: float = 5.0,
        pauses: Pauses = Pauses(),  # noqa: B008 - immutable
        told: Callable[[Exception | None, float], None] = lambda _error, _pause_s: None,
    ) -> None:
        """Take over a task: it starts with `run`, or at once when that is under way.

        Args:
            name: unique; what the log calls it.
            make: begins a life of the task.
            restart: ALWAYS begins another life after a pause.
            critical: the first failure ends the whole run with that error.
            stop_deadline_s: how long it may take to stop once it is cancelled.
            pauses: how those pauses grow.
            told: called before each of them with what it failed with (None: it returned) and the pause.

        Raises:
            ValueError: the name is taken.
        """
        if any(job.name == name for job in self._jobs):
            raise ValueError(f"two tasks are called {name}")
        job = _Job(name, make, restart, critical, stop_deadline_s, pauses, told)
        self._jobs.append(job)
        if self._group is not None and not self._closing.is_set():
            job.keeper = self._group.create_task(self._keep(job), name=f"keep {name}")

    async def run(self) -> None:
        """Run everything until `stop`; then stop it all, the latest first.

        Raises:
            BaseException: whatever a critical task failed with, after everything has stopped.
        """
        async with asyncio.TaskGroup() as self._group:
            for job in self._jobs:
                job.keeper = self._group.create_task(self._keep(job), name=f"keep {job.name}")
            try:
                await self._closing.wait()
            finally:  # also when run itself is cancelled: the order of stopping holds
                self._closing.set()
                for job in reversed(self._jobs):
                    await _end(job.keeper)
        if self._fatal is not None:
            raise self._fatal

    def stop(self) -> None:
        """Ask for the end; may be called from a signal handler of the loop."""
        self._closing.set()

    @property
    def deserters(self) -> tuple[str, ...]:
        """Tasks that did not stop by their deadline and were left behind."""
        return tuple(self._deserters)

    async def _keep(self, job: _Job) -> None:
        """One task through all its lives."""
        while True:
            error = await self._live(job)
            if error is None and job.restart is Restart.NEVER:
                _log.debug("%s has finished", job.name)
                return
            if job.critical and error is not None:
                _log.critical("%s failed; closing down", job.name, exc_info=error)
                self._fatal = error
                self._closing.set()
                return
            if job.restart is Restart.NEVER:
                _log.error("%s failed and is not restarted", job.name, exc_info=error)
                return
            pause_s = min(job.pauses.first_s * 2 ** min(job.failures, 10), job.pauses.longest_s)
            job.failures += 1
            self._tell_failure(job, error, pause_s)
            job.told(error, pause_s)
            await self._clock.sleep(pause_s)

    async def _live(self, job: _Job) -> Exception | None:
        """One life of a task; what it failed with, or None when it returned."""
        life = asyncio.ensure_future(_begin(job.make))
        steady = asyncio.ensure_future(self._recover(job)) if job.failures else None
        try:
            await asyncio.wait({life})
        except asyncio.CancelledError:
            await self._dismiss(job, life)
            raise
        finally:
            await _end(steady)
        if life.cancelled():
            return RuntimeError(f"{job.name} cancelled itself")
        error = life.exception()
        if error is None or isinstance(error, Exception):
            return error
        raise error  # KeyboardInterrupt, SystemExit: the loop itself ends

    async def _recover(self, job: _Job) -> None:
        """Say that a restarted task runs well again, once it has for a while."""
        await self._clock.sleep(STEADY_S)
        _log.warning("%s runs again after %d restart(s)", job.name, job.failures)
        job.failures = 0

    async def _dismiss(self, job: _Job, life: asyncio.Future[None]) -> None:
        """Cancel a life and wait for its end, but not beyond the deadline."""
        life.cancel()
        deadline = asyncio.ensure_future(self._clock.sleep(job.stop_deadline_s))
        try:
            await asyncio.wait({life, deadline}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(deadline)
        if not life.done():
            self._deserters.append(job.name)
            _log.error("%s did not stop within %g s and is left behind", job.name, job.stop_deadline_s)
            life.add_done_callback(_forget)
        elif not life.cancelled() and life.exception() is not None:
            _log.error("%s failed while stopping", job.name, exc_info=life.exception())

    def _tell_failure(self, job: _Job, error: Exception | None, pause_s: float) -> None:
        """The first failure in full; the following ones until it recovers are for a debug log."""
        if job.failures > 1:
            _log.debug("%s failed again (%d): %r", job.name, job.failures, error)
        elif error is None:
            _log.error("%s ended by itself; restarting in %g s", job.name, pause_s)
        else:
            _log.error("%s failed; restarting in %g s", job.name, pause_s, exc_info=error)


async def _begin(make: Callable[[], Awaitable[None]]) -> None:
    """Begin inside the task, so that an error in making is an error of the task."""
    await make()


async def _end(task: asyncio.Future[None] | None) -> None:
    """Cancel and wait until it is over; its errors were told where they belong."""
    if task is not None:
        task.cancel()
        await asyncio.wait({task})


def _forget(life: asyncio.Future[None]) -> None:
    """Take a deserter's late error, so that nobody complains that it was never looked at."""
    if not life.cancelled():
        life.exception()
