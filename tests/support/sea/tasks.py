"""Coroutines of the product on virtual time, without an event loop: they may only nap."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Coroutine, Generator
from itertools import count
from typing import Any, cast


class Nap:
    """Await it to let so many virtual seconds pass."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


class Agenda:
    """What happens when: the world's own events, and the tasks of the one process that lives.

    Attributes:
        at_s: the moment, epoch seconds.
    """

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._tasks: dict[Coroutine[Any, Any, None], None] = {}  # a dict: its order is theirs

    def now_s(self) -> float:
        """A `engine.io.ports.Clock`."""
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        """A `engine.io.ports.Clock`."""
        await Nap(seconds)

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._due, (self.at_s + seconds, next(self._number), event))

    def spawn(self, _name: str, work: Awaitable[None]) -> None:
        """Start a task of the process; it runs at once up to its first nap."""
        task = cast("Coroutine[Any, Any, None]", work)
        self._tasks[task] = None
        self._drive(task)

    def kill(self) -> None:
        """The process is gone, and with it all its tasks."""
        for task in self._tasks:
            task.close()
        self._tasks.clear()

    def next_s(self) -> float:
        """When the next event is due; endless when there is none."""
        return self._due[0][0] if self._due else float("inf")

    def step(self) -> None:
        """Let the next event happen, at its moment."""
        due_s, _, event = heapq.heappop(self._due)
        self.at_s = max(self.at_s, due_s)
        event()

    def _drive(self, task: Coroutine[Any, Any, None]) -> None:
        if task not in self._tasks:
            return
        try:
            seconds = task.send(None)
        except StopIteration:
            self._tasks.pop(task, None)
        else:
            self.later(seconds, lambda: self._drive(task))
