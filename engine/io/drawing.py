"""Pictures of a whole house, drawn between ticks: a few positions, then everybody else has the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import chain

from engine.drawing import Drawing
from engine.io.ports import Clock
from engine.model import PositionId
from engine.monitor import Monitor
from engine.view import MonitorView

__all__ = ["Easel"]

#: How long others have the loop between two pieces. A thread would have to share with it what the machine
#: goes on changing; a process would have to be sent all that is known.
PAUSE_S = 0.001


class Easel:
    """Where one house is drawn: one glance at a time, so that many who ask cost what one does.

    Who asks while one is drawn has the next one, together with all who have asked by then: in
    nobody's picture is anything from before they asked.

    Args:
        monitor: the machine.
        clock: its time.
    """

    def __init__(self, monitor: Monitor, clock: Clock) -> None:
        self._monitor, self._clock = monitor, clock
        self._turn = asyncio.Lock()
        self._asked = self._answered = 0
        self._wanted: dict[int, Collection[PositionId]] = {}  # of everybody who waits
        self._seen: MonitorView | None = None

    async def draw(self, strategy_id: int | None = None) -> MonitorView:
        """The machine with all figures of all its positions, or of those of one strategy id alone."""
        return await self._drawn(Drawing(self._monitor, strategy_id))

    async def glance(self, wanted: Collection[PositionId] = ()) -> MonitorView:
        """The machine with the figures of its loudest positions, and of these; the others are in brief."""
        self._asked += 1
        mine = self._asked
        self._wanted[mine] = wanted
        try:
            async with self._turn:
                if self._seen is None or self._answered < mine:  # that one was begun before
                    answers, everybodys = self._asked, frozenset(chain.from_iterable(self._wanted.values()))
                    self._seen = await self._drawn(Drawing(self._monitor, wanted=everybodys))
                    self._answered = answers
                return self._seen
        finally:
            del self._wanted[mine]
            if not self._wanted:
                self._seen = None  # as many objects as may start the garbage collector

    async def _drawn(self, drawing: Drawing) -> MonitorView:
        while (seen := drawing.go_on(self._clock.now_s())) is None:
            await self._clock.sleep(PAUSE_S)
        return seen
