"""Draws the sessions of a week or a month: a bar for each day, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.charts import Scope
from engine.io.pictures.axis import Axis, short, signed, spread
from engine.io.pictures.canvas import Canvas
from engine.io.pictures.frame import LEFT, RIGHT, TOP, Tile, amounts, head, tiles
from engine.io.pictures.ink import MUTED, RULE, TEXT, ZERO, mixed, of_sign

if TYPE_CHECKING:
    from engine.charts import Bar, BarsChart

_BOTTOM, _TILES = 964, 1070
_LEAST_PAISE = 20_000.0
#: Up to so many bars each has its amount beside it.
_NAMED = 7


def bars(chart: BarsChart, title: str) -> Canvas:
    """The picture; ``title`` stands above everything."""
    canvas = Canvas()
    total = chart.total_paise
    up = spread([float(bar.paise or 0) for bar in chart.known], _BOTTOM, TOP, _LEAST_PAISE, 0.14)
    head(canvas, title, _span(chart), signed(total), of_sign(total), _beside(chart))
    amounts(canvas, up)
    slot = (RIGHT - LEFT) / max(len(chart.bars), 1)
    for number, bar in enumerate(chart.bars):
        _one(canvas, bar, LEFT + slot * (number + 0.5), slot, up, named=len(chart.bars) <= _NAMED)
    if not chart.known:
        canvas.write(((LEFT + RIGHT) / 2, 580), "No day is on record yet", 38, MUTED, anchor="mm")
    tiles(canvas, _TILES, _days(chart), 106)
    tiles(canvas, _TILES + 122, _means(chart), 106)
    return canvas


def _span(chart: BarsChart) -> str:
    if not chart.bars:
        return ""
    first, last = chart.bars[0].day, chart.bars[-1].day
    if chart.scope is Scope.MONTH:
        return f"{first:%B %Y}"
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"


def _beside(chart: BarsChart) -> str:
    begun = sum(not bar.ahead for bar in chart.bars)
    number = len(chart.known)
    missing = f", {begun - number} without a record" if begun > number else ""
    return f"sum of {number} session{'s' * (number != 1)}{missing}"


def _one(canvas: Canvas, bar: Bar, x: float, slot: float, up: Axis, *, named: bool) -> None:
    zero, half = up.at(0), slot * 0.33
    ink = MUTED if bar.ahead else TEXT
    words = f"{bar.day:%a}\n{bar.day.day}" if named else str(bar.day.day)
    for line, word in enumerate(words.split("\n")):
        canvas.write((x, _BOTTOM + 12 + line * 34), word, 29 if named else 25, ink, anchor="ma", room=slot)
    if bar.paise is None:
        width = half * 0.5
        canvas.line([(x - width, zero), (x + width, zero)], RULE if bar.ahead else ZERO, 8)
        return
    end, own = up.at(float(bar.paise)), of_sign(bar.paise)
    low, high = min(zero, end), max(zero, end)
    if bar.paise:
        fill = own if bar.whole else mixed(own, 0.3)
        canvas.box((x - half, low), (x + half, max(high, low + 3)), fill, 6, None if bar.whole else own)
    if named:
        above = bar.paise >= 0
        text = ("+" if bar.paise > 0 else "") + short(bar.paise)
        place = (x, low - 12 if above else high + 12)
        canvas.write(place, text, 30, own, anchor="ms" if above else "ma", room=slot - 6)


def _days(chart: BarsChart) -> list[Tile]:
    results = [bar.paise or 0 for bar in chart.known]
    best, worst = max(results, default=None), min(results, default=None)
    return [
        Tile("Best day", signed(best), of_sign(best)),
        Tile("Worst day", signed(worst), of_sign(worst)),
    ]


def _means(chart: BarsChart) -> list[Tile]:
    results = [bar.paise or 0 for bar in chart.known]
    mean = round(sum(results) / len(results)) if results else None
    up, down = sum(paise > 0 for paise in results), sum(paise < 0 for paise in results)
    return [Tile("Average day", signed(mean), of_sign(mean)), Tile("Days up, down", f"{up} up, {down} down")]
