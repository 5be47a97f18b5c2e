"""A picture of a whole house, drawn between ticks: a few positions, then everybody else has the loop."""

from __future__ import annotations

from engine.io.ports import Clock
from engine.monitor import Monitor
from engine.picture import Drawing
from engine.view import MonitorView

__all__ = ["drawn"]

#: How long others have the loop between two pieces. A thread would share the interpreter with the loop, which
#: waits 5 ms for its turn then; a process would have to be sent all that is known.
PAUSE_S = 0.001


async def drawn(monitor: Monitor, clock: Clock, strategy_id: int | None = None) -> MonitorView:
    """The machine with all its positions, or those of one strategy id."""
    drawing = Drawing(monitor, strategy_id)
    while (seen := drawing.go_on(clock.now_s())) is None:
        await clock.sleep(PAUSE_S)
    return seen
