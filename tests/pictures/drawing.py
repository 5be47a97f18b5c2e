"""Draws a scene: what the rule looks at, what it waits for, when it fires, and when the position is flat."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from engine.money import rupees, signed_rupees
from engine.sessions import ist_date
from tests.pictures import words
from tests.pictures.clock import Clock
from tests.pictures.ink import FLAT, GRID, INK, LIMIT, MUTED, NOTHING, PNL, RUNS, STYLE, on_card
from tests.pictures.watching import Point, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from tests.pictures.watching import Scene

WIDTH, HEIGHT, TALLER = 380, 254, 316


class Drawing:
    """One picture in the making."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._pick = scene.pick
        self._fires = [(seconds(event), event) for event in scene.verdicts]
        self._flat_s = seconds(scene.flat)
        self._clock = Clock([scene.points[0].at_s, *(p.at_s for p in scene.points), self._flat_s])
        self._height = TALLER if self._measures else HEIGHT
        self._figure = Figure(figsize=(WIDTH / 72, self._height / 72))
        FigureCanvasSVG(self._figure)

    @property
    def _measures(self) -> bool:
        return self._pick.unit != "pnl"

    def svg(self) -> str:
        """The whole picture."""
        with mpl.rc_context(STYLE):
            if self._measures:
                self._measure(self._axes(156, 96))
                self._pnl(self._axes(60, 76))
            else:
                self._pnl(self._axes(60, 130))
            self._say()
            text = io.StringIO()
            self._figure.savefig(text, format="svg", facecolor="none", metadata=NOTHING)
        title = escape(f"{self._pick.title}: {words.subtitle(self._scene)}")
        return on_card(text.getvalue(), title, escape("; ".join(self._story())), digest(self._scene))

    # ------------------------------------------------------------------------------------- axes

    def _axes(self, bottom: float, height: float) -> Axes:
        left = 58
        box = (left / WIDTH, bottom / self._height, (WIDTH - left - 14) / WIDTH, height / self._height)
        axes = self._figure.add_axes(box)
        axes.set_xlim(*self._clock.span)
        places, names = self._clock.ticks()
        axes.set_xticks(places, names)
        axes.tick_params(axis="x", length=0 if self._clock.nights else 3)
        for x in self._clock.nights:
            axes.axvline(x, color=GRID, linewidth=0.8)
        runs = self._clock.x(self._fires[-1][0]), self._clock.x(self._flat_s)
        axes.axvspan(*runs, color=RUNS, alpha=0.13, linewidth=0)
        return axes

    def _measure(self, axes: Axes) -> None:
        """What the rule looks at, against its limit."""
        points = self._scene.points
        scale = 100 if self._pick.unit == "price" else 1
        self._line(axes, points, lambda p: None if p.measured is None else p.measured / scale, INK)
        self._dot(axes, self._fires[0][0], self._scene.measured / scale, LIMIT, "o")
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(_units(self._pick.unit)))
        axes.margins(y=0.22)
        self._caption(axes, self._pick.measures)
        axes.tick_params(axis="x", labelbottom=False)
        self._threshold(axes, [(p.at_s, p.limit / scale) for p in points if p.limit is not None])

    def _pnl(self, axes: Axes) -> None:
        """P&L, against its threshold where the rule goes by it."""
        points = self._scene.points
        for number in self._scene.members:
            self._line(axes, self._scene.members[number], _rupees, MUTED, 0.9)
        known = [*points, *(Point(at_s, words.paise(event["pnl"])) for at_s, event in self._fires)]
        if self._pick.rule == "profit_scaling":  # what is open has no P&L any more
            axes.axvline(self._clock.x(self._flat_s), color=FLAT, linewidth=1.2)
        else:
            known.append(Point(self._flat_s, self._scene.final_paise))
            self._dot(axes, self._flat_s, self._scene.final_paise / 100, FLAT, "s")
        self._line(axes, sorted(known, key=lambda point: point.at_s), _rupees, PNL)
        for at_s, event in self._fires:
            self._dot(axes, at_s, event["pnl"], LIMIT, "o")
        axes.axhline(0, color=RUNS, linewidth=0.8, zorder=1)
        axes.yaxis.set_major_locator(MaxNLocator(3 if self._measures else 6, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: signed_rupees(round(value) * 100)[:-3]))
        axes.margins(y=0.14)
        self._caption(axes, self._pick.counts)
        if self._measures:
            return
        if self._pick.limit:
            self._threshold(axes, [(p.at_s, p.limit / 100) for p in points if p.limit is not None])
        else:
            x = self._clock.x(self._fires[0][0])
            axes.axvline(x, color=LIMIT, linewidth=1.3, linestyle=(0, (4, 2)))

    # -------------------------------------------------------------------------------- the parts

    def _line(
        self,
        axes: Axes,
        points: Sequence[Any],
        value: Callable[[Any], float | None],
        color: str,
        width: float = 1.7,
    ) -> None:
        """One line a day, through what is known."""
        for day in self._clock.days:
            known = [
                (self._clock.x(p.at_s), v)
                for p in points
                if ist_date(p.at_s) == day and (v := value(p)) is not None
            ]
            if known:
                axes.plot(*zip(*known, strict=True), color=color, linewidth=width, zorder=3)

    def _threshold(self, axes: Axes, levels: Sequence[tuple[float, float]]) -> None:
        """The level that the rule waits for, in steps, up to the end; named where it never moves."""
        xs = [self._clock.x(at_s) for at_s, _ in levels]
        ys = [level for _, level in levels]
        end_s = self._fires[-1][0] if self._pick.rule == "profit_scaling" else self._flat_s
        xs, ys = [*xs, self._clock.x(end_s)], [*ys, ys[-1]]
        axes.step(xs, ys, where="post", color=LIMIT, linewidth=1.3, linestyle=(0, (4, 2)), zorder=2)
        if len(set(ys)) == 1:
            name = f"{self._pick.limit} {words.exact(self._pick.unit, ys[0])}"
            axes.annotate(name, (xs[0], ys[0]), (2, 4), textcoords="offset points", color=LIMIT, zorder=5)

    def _caption(self, axes: Axes, text: str) -> None:
        top = axes.get_position().y1
        self._figure.text(14 / WIDTH, top + 7.5 / self._height, text, fontsize=9, color=MUTED)

    def _dot(self, axes: Axes, at_s: float, value: float, color: str, marker: str) -> None:
        axes.plot(
            [self._clock.x(at_s)], [value], marker, color=color, markersize=5.5, zorder=6, clip_on=False
        )

    # -------------------------------------------------------------------------------- the words

    def _say(self) -> None:
        """Title, position, and below the two moments that matter."""
        figure, height = self._figure, self._height
        figure.text(14 / WIDTH, 1 - 22 / height, self._pick.title, fontsize=12.5, fontweight="bold")
        figure.text(14 / WIDTH, 1 - 37 / height, words.subtitle(self._scene), fontsize=9.5, color=MUTED)
        for line, (text, color, marker) in enumerate(
            zip(self._story(), (LIMIT, FLAT), ("o", "s"), strict=True)
        ):
            y = (27 - 14 * line) / height
            dot = Line2D([19 / WIDTH], [y + 3.5 / height], marker=marker, color=color, markersize=5.5)
            dot.set_transform(figure.transFigure)
            figure.add_artist(dot)
            figure.text(28 / WIDTH, y, text, fontsize=10)

    def _story(self) -> tuple[str, str]:
        """The two moments, in words."""
        scene = self._scene
        return words.fires(scene), words.ends(scene)


def _rupees(point: Any) -> float | None:
    return None if point.pnl_paise is None else point.pnl_paise / 100


def _units(unit: str) -> Callable[[float, int], str]:
    """How the axis of a measure is written."""
    if unit == "price":
        return lambda value, _: rupees(round(value) * 100)[:-3]
    return lambda value, _: (f"{value * 100:.0f} %" if unit == "share" else f"{value:.2f}").replace("-", "−")


def digest(scene: Scene) -> str:
    """Of every number drawn; measures to a ten-thousandth, which every machine agrees on."""
    rows = [
        (p.at_s, p.pnl_paise, p.limit, None if p.measured is None else round(p.measured, 4))
        for points in (scene.points, *scene.members.values())
        for p in points
    ]
    ends = [(seconds(event), event["pnl"]) for event in (*scene.verdicts, scene.flat)]
    return sha256(repr((rows, ends, scene.final_paise)).encode()).hexdigest()[:16]
