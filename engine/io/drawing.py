"""Pictures of a whole house, drawn between ticks: a few positions, then everybody else has the loop."""

from __future__ import annotations

import asyncio

from engine.io.ports import Clock
from engine.monitor import Monitor
from engine.picture import Drawing
from engine.view import MonitorView

__all__ = ["Easel"]

#: How long others have the loop between two pieces. A thread would have to share with it what the machine
#: goes on changing; a process would have to be sent all that is known.
PAUSE_S = 0.001


class Easel:
    """Where one house is drawn: one whole picture at a time, so that many who ask cost what one does.

    Who asks while a picture is drawn has the next one, together with all who have asked by then: in
    nobody's picture is anything from before they asked.

    Args:
        monitor: the machine.
        clock: its time.
    """

    def __init__(self, monitor: Monitor, clock: Clock) -> None:
        self._monitor, self._clock = monitor, clock
        self._turn = asyncio.Lock()
        self._asked = self._answered = self._waiting = 0
        self._seen: MonitorView | None = None

    async def draw(self, strategy_id: int | None = None) -> MonitorView:
        """The machine with all its positions, or at once with those of one strategy id."""
        if strategy_id is not None:
            return await self._drawn(strategy_id)
        self._asked += 1
        self._waiting += 1
        mine = self._asked
        try:
            async with self._turn:
                if self._seen is None or self._answered < mine:  # that one was begun before
                    answers = self._asked
                    self._seen = await self._drawn(None)
                    self._answered = answers
                return self._seen
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._seen = None  # two at once are so many objects that they are collected as garbage

    async def _drawn(self, strategy_id: int | None) -> MonitorView:
        drawing = Drawing(self._monitor, strategy_id)
        while (seen := drawing.go_on(self._clock.now_s())) is None:
            await self._clock.sleep(PAUSE_S)
        return seen
