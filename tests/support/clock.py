"""Virtual time: sleepers wake in order of their due times when a test says so, never by waiting."""

from __future__ import annotations

import asyncio
import heapq
from typing import Any, cast

#: More turns of the loop than this without coming to rest is a task that spins.
_TURNS = 10_000


class VirtualClock:
    """A `engine.io.ports.Clock` that only moves in `advance`."""

    def __init__(self, now_s: float = 1_770_090_600.0) -> None:
        """Stand at ``now_s`` (by default Tuesday 3 February 2026, 09:20 IST)."""
        self._now_s = now_s
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_s(self) -> float:
        """The virtual moment, epoch seconds."""
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed the due moment; 0 or less only lets others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now_s + seconds, self._order, future))
        await future

    @property
    def sleeping(self) -> int:
        """How many are asleep now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let this much time pass, waking each sleeper at its own moment and letting it run."""
        until_s = self._now_s + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until_s:
            due_s, _, future = heapq.heappop(self._sleepers)
            if future.done():  # its sleeper was cancelled
                continue
            self._now_s = due_s
            future.set_result(None)
            await settle()
        self._now_s = until_s


async def settle() -> None:
    """Let every task run until all of them wait for time, a socket or a thread."""
    # The ready queue is the only honest sign of rest; public asyncio has none.
    ready = cast(Any, asyncio.get_running_loop())._ready
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if not ready:
            return
    raise AssertionError("the tasks never come to rest: one of them spins")
