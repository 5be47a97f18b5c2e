"""Short tasks that somebody must own: each order command, each read, each load."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

_log = logging.getLogger(__name__)


class Errands:
    """Starts short tasks, keeps hold of them, and says which one failed.

    `run` is their owner's life: when it is cancelled, what still runs gets a moment to end, because
    an order command that is cut off leaves an unknown behind.
    """

    def __init__(self, grace_s: float = 4.0) -> None:
        self._tasks: set[asyncio.Future[None]] = set()
        self._grace_s = grace_s

    def spawn(self, name: str, work: Awaitable[None]) -> None:
        """Start one."""
        task = asyncio.ensure_future(work)
        if isinstance(task, asyncio.Task):
            task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def run(self) -> None:
        """Live until cancelled, then wait for what is under way, and cut off what takes too long."""
        try:
            await asyncio.Event().wait()
        finally:
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=self._grace_s)
                for task in late:
                    _log.warning("cut off while stopping: %s", _name(task))
                    task.cancel()

    def _done(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", _name(task), exc_info=error)


def _name(task: asyncio.Future[None]) -> str:
    return task.get_name() if isinstance(task, asyncio.Task) else repr(task)
