"""Draws docs/performance/*.svg from the medians of a run, which are kept beside them."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from tests.pictures.ink import GRID, LIMIT, MUTED, NOTHING, PNL, RUNS, STYLE, on_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

FOLDER = Path(__file__).parents[2] / "docs" / "performance"
KEPT = FOLDER / "curves.json"
WIDTH, HEIGHT = 560, 340
_LEFT, _RIGHT, _BOTTOM, _TOP = 58, 118, 46, 62
#: What two names need, one above the other.
_APART_PX = 13.0

Medians = dict[str, dict[str, float]]
#: x, y; colour; dashed; what it is called.
_Line = tuple["Sequence[float]", "Sequence[float]", str, bool, str]


def keep(run: Mapping[str, Any]) -> Medians:
    """Of a run's JSON what the pictures need: medians by part.

    Raises:
        ValueError: neither part is in it; says how to get them.
    """
    parts = {
        name: run["parts"][name]["median"] for name in ("load-curve", "cost-curve") if name in run["parts"]
    }
    if not parts:
        raise ValueError(
            'no curve in this file: run `make bench ARGS="--part load-curve --part cost-curve --json FILE"`'
        )
    return parts


def draw(run: Mapping[str, Any], folder: Path = FOLDER) -> list[Path]:
    """Keep a run's medians and draw what is known; what was written."""
    folder.mkdir(exist_ok=True)
    kept = folder / KEPT.name
    before: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    medians = before | keep(run)
    kept.write_text(json.dumps(medians, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    written = [kept]
    for name, svg in pictures(medians).items():
        written.append(folder / f"{name}.svg")
        written[-1].write_text(svg, encoding="utf-8")
    return written


def pictures(medians: Medians) -> dict[str, str]:
    """The drawings, by name."""
    drawn = {}
    if found := medians.get("load-curve"):
        drawn["load"] = _load(found)
    if found := medians.get("cost-curve"):
        drawn["cost"] = _cost(found)
    return drawn


def _numbers(found: Mapping[str, float]) -> list[int]:
    """What the curve goes along: the numbers that the names begin with."""
    return sorted({int(name.split()[0]) for name in found if name[0].isdigit()})


def _load(found: Mapping[str, float]) -> str:
    xs = [found[f"{number} rate"] for number in _numbers(found)]
    lines: list[_Line] = [
        (xs, [found[f"{number} {who} {share}"] for number in _numbers(found)], color, share == "p99",
         f"{who} {share}")
        for who, color in (("house", PNL), ("floor", RUNS))
        for share in ("p50", "p99")
    ]  # fmt: skip
    return _picture(
        "Latency against offered load",
        "sent → decided, 1,000 open positions; the floor is a bare blocking read", lines,
        "ticks a second", "µs", log_y=True,
    )  # fmt: skip


def _cost(found: Mapping[str, float]) -> str:
    numbers = _numbers(found)
    lines: list[_Line] = [
        (numbers, [found[f"{number} {way}"] / found["ticks"] * 1e6 for number in numbers], color, False, text)
        for way, color, text in (("all", LIMIT, "ticks all over them"), ("few", PNL, "ticks on 8 contracts"))
    ]
    return _picture(
        "Cost of a tick against open positions",
        "packet → verdict, CPU time; each tick touches three positions", lines,
        "open positions", "µs", log_y=False,
    )  # fmt: skip


def _picture(title: str, subtitle: str, lines: Sequence[_Line], along: str, up: str, *, log_y: bool) -> str:
    """One drawing: lines with their names at their ends."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        FigureCanvasSVG(figure)
        inner = (WIDTH - _LEFT - _RIGHT) / WIDTH, (HEIGHT - _BOTTOM - _TOP) / HEIGHT
        axes = figure.add_axes((_LEFT / WIDTH, _BOTTOM / HEIGHT, *inner))
        for xs, ys, color, dashed, _name in lines:
            style: Any = (0, (4, 2)) if dashed else "-"
            axes.plot(
                xs, ys, color=color, linewidth=1.7, linestyle=style, marker="o", markersize=3.5, zorder=3
            )
        _scale(axes, lines, log_y=log_y)
        _names(axes, lines)
        figure.text(14 / WIDTH, 1 - 22 / HEIGHT, title, fontsize=12.5, fontweight="bold")
        figure.text(14 / WIDTH, 1 - 37 / HEIGHT, subtitle, fontsize=9.5, color=MUTED)
        figure.text(14 / WIDTH, 1 - 54 / HEIGHT, up, fontsize=9, color=MUTED)
        figure.text(_LEFT / WIDTH + inner[0] / 2, 12 / HEIGHT, along, fontsize=9, color=MUTED, ha="center")
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="none", metadata=NOTHING)
    said = "; ".join(
        f"{name}: " + ", ".join(f"{y:,.1f} µs at {x:,.0f}" for x, y in zip(xs, ys, strict=True))
        for xs, ys, _color, _dashed, name in lines
    )
    return on_card(text.getvalue(), escape(f"{title}: {subtitle}"), escape(said), _digest(said))


def _scale(axes: Axes, lines: Sequence[_Line], *, log_y: bool) -> None:
    xs = sorted({x for line in lines for x in line[0]})
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(xs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    if log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))  # a decade alone names one line
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, max(y for line in lines for y in line[1]) * 1.15)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid(visible=True, axis="y", color=GRID)


def _names(axes: Axes, lines: Sequence[_Line]) -> None:
    """At the end of each line its name, moved up where the one below would touch it."""
    to_px = axes.transData.transform
    lowest_px = -1e9
    for xs, ys, color, _dashed, name in sorted(lines, key=lambda line: line[1][-1]):
        at_px = to_px((xs[-1], ys[-1]))[1]
        written_px = max(at_px, lowest_px + _APART_PX)
        lowest_px = written_px
        axes.annotate(
            name, (xs[-1], ys[-1]), (8, written_px - at_px), textcoords="offset points", color=color,
            va="center", fontsize=9.5, annotation_clip=False,
        )  # fmt: skip


def _short(value: float) -> str:
    """A number of ticks or positions as one reads it: two digits that count."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}"


def _digest(said: str) -> str:
    return sha256(said.encode()).hexdigest()[:16]
