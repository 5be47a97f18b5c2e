"""A sheet to draw on: smooth shapes first, words on top of them, a small PNG at the end.

Places are pixels of the finished picture from its top left corner. Shapes are drawn at twice the size and
made smaller once, which smooths them all; words are smooth by themselves.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from engine.io.pictures.ink import GROUND, REGULAR, STRONG, TEXT, Ink, Weight, font

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 1080, 1350
_TWICE = 2
#: A picture of flat colours and soft edges needs no more.
_COLOURS = 128
_SQUEEZE = 6

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Words:
    """Something written: where its anchor is, and how Pillow is to hold it there."""

    place: Place
    text: str
    ink: Ink
    weight: Weight
    size: int
    anchor: str


class Canvas:
    """One picture in the making."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (WIDTH * _TWICE, HEIGHT * _TWICE), GROUND)
        self._draw = ImageDraw.Draw(self._image)
        self.words: list[Words] = []

    # ----------------------------------------------------------------------------------- shapes

    def line(self, places: Sequence[Place], ink: Ink, width: float = 4) -> None:
        """A line through these places, its ends and corners round."""
        if len(places) < 2:
            return
        big, thick = [_big(place) for place in places], round(width * _TWICE)
        self._draw.line(big, ink, thick, joint="curve")
        for place in (places[0], places[-1]):
            self.dot(place, width / 2, ink)

    def dashes(self, start: Place, end: Place, ink: Ink, width: float = 3, dash: float = 14) -> None:
        """A straight line with gaps."""
        (x0, y0), (x1, y1) = start, end
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1.0)
        for begun in range(0, round(length), round(dash * 1.8)):
            a, b = begun / length, min((begun + dash) / length, 1.0)
            ends = [_big((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t)) for t in (a, b)]
            self._draw.line(ends, ink, round(width * _TWICE))

    def area(self, places: Sequence[Place], ink: Ink) -> None:
        """A filled shape with these corners."""
        if len(places) > 2:
            self._draw.polygon([_big(place) for place in places], ink)

    def box(self, low: Place, high: Place, ink: Ink, radius: float = 0, rim: Ink | None = None) -> None:
        """A filled rectangle between two corners; ``rim``: only its outline, in that colour."""
        corners = [*_big(low), *_big(high)]
        fill, outline = (ink, None) if rim is None else (ink, rim)
        self._draw.rounded_rectangle(corners, radius * _TWICE, fill, outline, width=3 * _TWICE)

    def dot(self, place: Place, radius: float, ink: Ink, rim: Ink | None = None) -> None:
        """A filled circle, with a rim around it."""
        x, y = _big(place)
        wide = radius * _TWICE
        width = 0 if rim is None else 4 * _TWICE
        self._draw.ellipse([x - wide, y - wide, x + wide, y + wide], ink, rim, width)

    def triangle(self, place: Place, size: float, ink: Ink, *, up: bool = True) -> None:
        """A triangle around a place, its point up or down."""
        x, y = place
        tip = -size if up else size
        self.area([(x, y + tip), (x - size, y - tip * 0.7), (x + size, y - tip * 0.7)], ink)

    def diamond(self, place: Place, size: float, ink: Ink) -> None:
        """A square on its corner around a place."""
        x, y = place
        self.area([(x, y - size), (x + size, y), (x, y + size), (x - size, y)], ink)

    # ------------------------------------------------------------------------------------ words

    def write(
        self,
        place: Place,
        text: str,
        size: int = 32,
        ink: Ink = TEXT,
        *,
        weight: Weight = REGULAR,
        anchor: str = "la",
        room: float = WIDTH,
    ) -> float:
        """Put words down, smaller where they need more than ``room``; the answer is their width."""
        while size > 18 and _width(text, weight, size) > room:
            size -= 2
        self.words.append(Words(place, text, ink, weight, size, anchor))
        return _width(text, weight, size)

    def line_of(self, place: Place, text: str, size: int, room: float) -> None:
        """One line of text from a place on, cut where the room ends."""
        shown = text
        while len(shown) > 1 and _width(shown, REGULAR, size) > room:
            shown = shown[:-2].rstrip() + "…"
        self.write(place, shown, size, anchor="lm")

    def plate(self, place: Place, text: str, ink: Ink, size: int = 27) -> None:
        """Words that end at a place, on a piece of bare ground: whatever lies below can be read through."""
        x, y = place
        wide = _width(text, STRONG, size)
        self.box((x - wide - 14, y - size * 0.72), (x + 2, y + size * 0.72), GROUND, 8)
        self.write((x - 6, y), text, size, ink, weight=STRONG, anchor="rm")

    def pill(self, place: Place, text: str, ink: Ink, on: Ink, size: int = 28) -> None:
        """Words on a small plate, centred on a place and kept inside the picture."""
        half = _width(text, REGULAR, size) / 2 + 16
        x = min(max(place[0], half + 8), WIDTH - half - 8)
        y, tall = place[1], size * 0.8
        self.box((x - half, y - tall), (x + half, y + tall), on, tall)
        self.write((x, y), text, size, ink, anchor="mm")

    def png(self) -> bytes:
        """The finished picture."""
        image = self._image.reduce(_TWICE)
        draw = ImageDraw.Draw(image)
        for each in self.words:
            letters = font(each.weight, each.size)
            draw.text(each.place, each.text, each.ink, letters, each.anchor)
        flat = image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        out = io.BytesIO()
        flat.save(out, "PNG", compress_level=_SQUEEZE)
        return out.getvalue()


def _big(place: Place) -> Place:
    return place[0] * _TWICE, place[1] * _TWICE


def _width(text: str, weight: Weight, size: int) -> float:
    return font(weight, size).getlength(text)
