"""docs/chat/*.png: what /pnl and /payoff answer with, drawn by the chat's own hand from made-up days."""

from __future__ import annotations

from pathlib import Path

from bot.captions import heading
from engine.io.pictures import draw
from tests.support.charted import CHARTS

FOLDER = Path(__file__).parents[2] / "docs" / "chat"
#: Those of `tests.support.charted.CHARTS` that the page shows.
SHOWN = ("pnl-day", "payoff-condor", "pnl-week")


def drawn(name: str) -> bytes:
    """One of them as PNG."""
    chart = CHARTS[name]()
    return draw(chart, heading(chart))


def write() -> None:
    """All of them anew."""
    FOLDER.mkdir(exist_ok=True)
    for name in SHOWN:
        (FOLDER / f"{name}.png").write_bytes(drawn(name))
