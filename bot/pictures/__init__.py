"""Pictures of the chat: from `engine.charts` to a PNG, with Pillow; blocking, so drawn in a worker thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.pictures.bars import bars
from bot.pictures.curve import curve
from bot.pictures.payoff import payoff
from engine.charts import BarsChart, CurveChart

if TYPE_CHECKING:
    from bot.pictures.canvas import Canvas
    from engine.charts import Chart

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
