"""The drawing room: pictures for chat and reports as PNG, with Pillow; blocking, so never on the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.charts import BarsChart, CurveChart
from engine.io.pictures.bars import bars
from engine.io.pictures.curve import curve
from engine.io.pictures.payoff import payoff

if TYPE_CHECKING:
    from engine.charts import Chart
    from engine.io.pictures.canvas import Canvas

__all__ = ["draw", "paint"]


def draw(chart: Chart, title: str) -> bytes:
    """The picture as PNG, some 80 ms of work.

    Raises:
        OSError: the letters cannot be read, or there is no memory for the sheet.
    """
    return paint(chart, title).png()


def paint(chart: Chart, title: str) -> Canvas:
    """The same before it is made a PNG."""
    if isinstance(chart, BarsChart):
        return bars(chart, title)
    return curve(chart, title) if isinstance(chart, CurveChart) else payoff(chart, title)
