"""How long each callback of a loop holds it, by the CPU time of its thread.

What waits for a core, or for an answer, does not hold the loop.
"""

from __future__ import annotations

import asyncio
import time
from asyncio.events import Handle
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

#: What is longer than this is named.
LONG_MS = 5.0


class Stopwatch:
    """The CPU time of every callback of the running loop, and what the longest were."""

    def __init__(self) -> None:
        """Begin with nothing; `install` makes it run."""
        self.ms = 0.0
        self.long: list[tuple[float, str]] = []
        self.longest_ms = 0.0
        self._followed: asyncio.Task[Any] | None = None
        self._pieces: list[float] = []

    def install(self) -> None:
        """Time every handle that any loop of this process runs from now on."""
        plain, clock_ns, watch = Handle._run, time.thread_time_ns, self

        def timed(handle: Handle) -> None:
            began_ns = clock_ns()
            plain(handle)
            watch.took(handle, (clock_ns() - began_ns) / 1e6)

        setattr(Handle, "_run", timed)  # noqa: B010 - mypy

    def took(self, handle: Handle, took_ms: float) -> None:
        """Count one callback."""
        self.ms += took_ms
        self.longest_ms = max(self.longest_ms, took_ms)
        if took_ms > LONG_MS:
            self.long.append((round(took_ms, 1), _name(handle)))
        if self._followed is not None and _task_of(handle) is self._followed:
            self._pieces.append(took_ms)

    async def pieces(self, doing: Coroutine[Any, Any, object]) -> list[float]:
        """Have something done as a task of its own; the CPU time of each of its pieces, in milliseconds."""
        self._pieces, self._followed = [], asyncio.create_task(doing)
        try:
            await self._followed
        finally:
            self._followed = None
        return self._pieces

    def read(self) -> dict[str, Any]:
        """Since the last reading: all of it, the longest, and what was long; begins anew."""
        found = {"ms": self.ms, "longest_ms": self.longest_ms, "long": self.long}
        self.ms, self.longest_ms, self.long = 0.0, 0.0, []
        return found


class Turns:
    """The CPU time of every turn of the running loop: what comes meanwhile waits until it is over."""

    def __init__(self) -> None:
        """Begin with nothing; `install` makes it run."""
        self.ms: list[float] = []

    def install(self) -> None:
        """Time every turn of the running loop from now on."""
        loop: Any = asyncio.get_running_loop()
        plain, clock_ns, ms = loop._run_once, time.thread_time_ns, self.ms

        def timed() -> None:
            began_ns = clock_ns()
            plain()
            ms.append((clock_ns() - began_ns) / 1e6)

        loop._run_once = timed

    def wait_ms(self, share: float, within_s: float) -> float:
        """How long that share of all moments of so many seconds has to wait at most for the next turn."""
        longest = [*sorted(self.ms, reverse=True), 0.0]
        waits, past = 0.0, (1 - share) * within_s * 1e3
        for number, (ms, shorter) in enumerate(pairwise(longest), start=1):
            if waits + number * (ms - shorter) >= past:
                return ms - (past - waits) / number
            waits += number * (ms - shorter)
        return 0.0


def _task_of(handle: Handle) -> asyncio.Task[Any] | None:
    """The task that a callback steps; None = it steps none."""
    task = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return task if isinstance(task, asyncio.Task) else None


def _name(handle: Handle) -> str:
    """Whose callback it is: the task's, if it steps one."""
    task = _task_of(handle)
    if task is not None:
        return f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '')})"
    return str(getattr(handle._callback, "__qualname__", handle._callback))  # type: ignore[attr-defined]
