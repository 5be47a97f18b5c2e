"""What all pictures have in common: the head with its big number, the tiles below, the curve by its sign."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from engine.io.pictures.axis import round_steps, short, signed
from engine.io.pictures.canvas import WIDTH, Canvas
from engine.io.pictures.ink import GAIN, HEAVY, LOSS, MUTED, PANEL, RULE, STRONG, TEXT, ZERO, mixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.io.pictures.axis import Axis
    from engine.io.pictures.canvas import Place
    from engine.io.pictures.ink import Ink
    from engine.payoff_chart import Level

MARGIN = 56
#: Where a plot lies; its numbers stand in the gap at its left.
LEFT, RIGHT, TOP = 216, WIDTH - MARGIN, 378
_TILE_GAP = 20
#: The words of two levels need so much room.
_APART = 44


class Tile(NamedTuple):
    """A number and what it is."""

    name: str
    value: str
    ink: Ink = TEXT


def head(canvas: Canvas, title: str, below: str, number: str, ink: Ink, beside: str) -> None:
    """Title, what it is of, the number that counts, and a word about it."""
    room = WIDTH - 2 * MARGIN
    canvas.write((MARGIN, 50), title, 46, weight=HEAVY, room=room)
    canvas.write((MARGIN, 116), below, 32, MUTED, room=room)
    canvas.write((MARGIN, 176), number, 92, ink, weight=HEAVY, room=room)
    canvas.write((MARGIN, 292), beside, 32, MUTED, room=room)


def tiles(canvas: Canvas, top: float, row: Sequence[Tile], tall: float = 118) -> None:
    """A row of tiles over the whole width."""
    wide = (WIDTH - 2 * MARGIN - _TILE_GAP * (len(row) - 1)) / len(row)
    for number, tile in enumerate(row):
        x = MARGIN + number * (wide + _TILE_GAP)
        canvas.box((x, top), (x + wide, top + tall), PANEL, 18)
        canvas.write((x + 22, top + tall * 0.12), tile.name, 28, MUTED, room=wide - 36)
        canvas.write((x + 22, top + tall * 0.45), tile.value, 38, tile.ink, weight=STRONG, room=wide - 36)


def amounts(canvas: Canvas, axis: Axis, most: int = 6) -> None:
    """Lines at round amounts, their numbers at the left, the zero line stronger."""
    for value in round_steps(axis, most):
        y = axis.at(value)
        ink, width = (ZERO, 3.0) if value == 0 else (RULE, 1.5)
        canvas.line([(LEFT, y), (RIGHT, y)], ink, width)
        canvas.write((LEFT - 20, y), short(value), 28, MUTED, anchor="rm", room=LEFT - 44)


def by_sign(canvas: Canvas, places: Sequence[Place], zero: float, width: float = 5) -> None:
    """A curve over the line at height ``zero``: gain above it, loss below, its area tinted."""
    for run in _runs(places, zero):
        above = min(y for _, y in run) < zero
        ink = GAIN if above else LOSS
        canvas.area([(run[0][0], zero), *run, (run[-1][0], zero)], mixed(ink, 0.22))
    for run in _runs(places, zero):
        above = min(y for _, y in run) < zero
        canvas.line(run, GAIN if above else LOSS if max(y for _, y in run) > zero else ZERO, width)


def rungs(canvas: Canvas, axis: Axis, found: Sequence[Level]) -> None:
    """Levels as dashed lines over the whole plot, their words at the right end, none on another."""
    last = -float(_APART)
    for each in sorted(found, key=lambda each: -each.paise):
        y, ink = axis.at(each.paise), LOSS if each.stops else GAIN
        canvas.dashes((LEFT, y), (RIGHT, y), ink, 3)
        last = max(y, last + _APART)
        canvas.plate((RIGHT, last), f"{each.text} {signed(each.paise)}", ink)


def _runs(places: Sequence[Place], zero: float) -> list[list[Place]]:
    """The curve cut where it crosses the line, the crossings in both parts."""
    runs: list[list[Place]] = [[places[0]]]
    for (x0, y0), (x1, y1) in pairwise(places):
        if (y0 - zero) * (y1 - zero) < 0:
            cross = x0 + (x1 - x0) * (zero - y0) / (y1 - y0), zero
            runs[-1].append(cross)
            runs.append([cross])
        elif y0 == zero and len(runs[-1]) > 1:
            runs.append([(x0, y0)])
        runs[-1].append((x1, y1))
    return runs
