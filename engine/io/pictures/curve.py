"""Draws a P&L through one session: the house's day, or one position beside its stops and targets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from engine.diary import MarkKind
from engine.io.pictures.axis import Axis, brief, signed, spread
from engine.io.pictures.canvas import Canvas
from engine.io.pictures.frame import (
    LEFT,
    MARGIN,
    RIGHT,
    TOP,
    Tile,
    amounts,
    by_sign,
    head,
    rungs,
    tiles,
)
from engine.io.pictures.ink import ALERT, GAIN, GROUND, LOSS, MUTED, RULE, TEXT, of_sign
from engine.sessions import at, ist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.charts import CurveChart
    from engine.diary import Mark, Sample
    from engine.io.pictures.canvas import Place
    from engine.payoff_chart import Level

#: Where the last line ends; how tall the tiles are, one line of the story, and what lies below a plot.
_END, _TILE, _LINE, _HOURS = 1310, 118, 54, 70
#: So many of the day's events are told in words.
_TOLD = 3
#: Samples farther apart than this are not joined: nobody looked in between.
_GAP_S = 200.0
#: A level so many times farther away than the curve is high would flatten it.
_FAR = 3
_LEAST_PAISE = 20_000.0
_HOUR_S = 3600


def curve(chart: CurveChart, title: str) -> Canvas:
    """The picture; ``title`` stands above everything."""
    canvas = Canvas()
    told = chart.marks[-_TOLD:]
    story = _END - len(told) * _LINE
    top = story - _TILE - (24 if told else 0)
    bottom = top - _HOURS
    known = [sample.paise for sample in chart.samples if sample.paise is not None]
    near = _shown(chart, known)
    across = Axis(chart.open_s, chart.close_s, LEFT, RIGHT)
    up = spread([*map(float, known), *(float(each.paise) for each in near)], bottom, TOP, _LEAST_PAISE)
    head(canvas, title, _when(chart), signed(chart.now_paise), of_sign(chart.now_paise), _beside(chart))
    amounts(canvas, up)
    _hours(canvas, across, bottom)
    for run in _runs(chart.samples):
        places = [(across.at(s.at_s), up.at(float(s.paise or 0))) for s in run]
        by_sign(canvas, places if len(places) > 1 else [*places, (places[0][0] + 3, places[0][1])], up.at(0))
    rungs(canvas, up, near)
    _marks(canvas, chart, across, up)
    _now(canvas, chart, across, up)
    if not known:
        canvas.write(
            ((LEFT + RIGHT) / 2, (TOP + bottom) / 2 - 60), "Nothing was seen yet", 38, MUTED, anchor="mm"
        )
    tiles(canvas, top, _facts(chart), _TILE)
    _story(canvas, told, story)
    return canvas


def extremes(chart: CurveChart) -> tuple[Sample, Sample] | None:
    """The highest and the lowest known sample; None = there is none."""
    known = [sample for sample in chart.samples if sample.paise is not None]
    if not known:
        return None
    return max(known, key=lambda s: s.paise or 0), min(known, key=lambda s: s.paise or 0)


def _when(chart: CurveChart) -> str:
    asof = f"{ist(chart.known_s):%H:%M} IST" if chart.now_paise is not None else "no price yet"
    return f"{chart.day:%a} {chart.day.day} {chart.day:%b} · {asof}"


def _beside(chart: CurveChart) -> str:
    if chart.position is not None:
        return "P&L since entry, at mark"
    return "closed and open positions, at mark"


def _facts(chart: CurveChart) -> list[Tile]:
    found = extremes(chart)
    high, low = found or (None, None)
    row = [
        Tile("High" if high is None else f"High {ist(high.at_s):%H:%M}", brief(high and high.paise)),
        Tile("Low" if low is None else f"Low {ist(low.at_s):%H:%M}", brief(low and low.paise)),
    ]
    if chart.position is None:
        open_paise = None if chart.now_paise is None else chart.now_paise - chart.closed_paise
        row += [Tile("Closed", brief(chart.closed_paise)), Tile("Open", brief(open_paise))]
    return [tile._replace(ink=_ink(tile.value)) for tile in row]


def _ink(value: str) -> tuple[int, int, int]:
    return GAIN if value.startswith("+") else LOSS if value.startswith("−") else TEXT


def _shown(chart: CurveChart, known: Sequence[int]) -> list[Level]:
    """The nearest stop and the nearest target; of a whole day only what does not flatten the curve."""
    now = chart.now_paise or 0
    stops = [each for each in chart.levels if each.stops]
    targets = [each for each in chart.levels if not each.stops]
    near = [*sorted(stops, key=lambda e: abs(e.paise - now))[:2], *sorted(targets, key=lambda e: e.paise)[:1]]
    if chart.position is None:
        reach = _FAR * max([_LEAST_PAISE, *(abs(paise) for paise in known)])
        near = [each for each in near if abs(each.paise) <= reach]
    return sorted(near, key=lambda each: each.paise)


def _hours(canvas: Canvas, across: Axis, bottom: float) -> None:
    first = at(ist(across.low).date(), "00:00")
    for hour in range(24):
        moment = first + hour * _HOUR_S
        if across.holds(moment):
            x = across.at(moment)
            canvas.line([(x, TOP), (x, bottom)], RULE, 1.2)
            canvas.write((x, bottom + 14), f"{hour}:00", 27, MUTED, anchor="ma")


def _runs(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Known samples without a gap between them."""
    runs: list[list[Sample]] = []
    known = [sample for sample in samples if sample.paise is not None]
    if known:
        runs.append([known[0]])
    for one, other in pairwise(known):
        if other.at_s - one.at_s > _GAP_S:
            runs.append([])
        runs[-1].append(other)
    return runs


def _place(mark: Mark, chart: CurveChart, across: Axis, up: Axis) -> Place:
    """On the curve where it is known there, else on the zero line."""
    near = [s for s in chart.samples if s.paise is not None and abs(s.at_s - mark.at_s) <= _GAP_S]
    found = min(near, key=lambda s: abs(s.at_s - mark.at_s), default=None)
    return across.at(mark.at_s), up.at(float(found.paise or 0) if found else 0.0)


def _marks(canvas: Canvas, chart: CurveChart, across: Axis, up: Axis) -> None:
    for mark in chart.marks:
        x, y = _place(mark, chart, across, up)
        _symbol(canvas, (x, y), mark.kind, 15)


def _symbol(canvas: Canvas, place: Place, kind: MarkKind, size: float) -> None:
    if kind is MarkKind.EXIT:
        canvas.diamond(place, size + 5, GROUND)
        canvas.diamond(place, size, TEXT)
    else:
        canvas.triangle(place, size + 6, GROUND)
        canvas.triangle(place, size, ALERT)


def _now(canvas: Canvas, chart: CurveChart, across: Axis, up: Axis) -> None:
    if chart.now_paise is not None and chart.samples:
        place = across.at(min(chart.known_s, chart.close_s)), up.at(float(chart.now_paise))
        canvas.dot(place, 13, of_sign(chart.now_paise), GROUND)


def _story(canvas: Canvas, marks: Sequence[Mark], top: float) -> None:
    """The newest exits and alerts in words, in the order in which they came."""
    for number, mark in enumerate(marks):
        y = top + (number + 0.5) * _LINE
        _symbol(canvas, (MARGIN + 14, y), mark.kind, 12)
        canvas.write((MARGIN + 48, y), f"{ist(mark.at_s):%H:%M}", 30, MUTED, anchor="lm")
        made = "" if mark.paise is None else f"{signed(mark.paise)} in all"
        room = RIGHT - MARGIN - 160
        taken = canvas.write((RIGHT, y), made, 30, _ink(made), anchor="rm", room=room) if made else 0.0
        verb = "Closed " if mark.kind is MarkKind.EXIT else ""
        about = f"{mark.position.rpartition('/')[2]} " if mark.position else ""
        canvas.line_of((MARGIN + 150, y), f"{verb}{about}{mark.text}", 30, room - taken - 20)
