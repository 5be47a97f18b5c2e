"""Draws what one position can come to: at expiry and today, over the price of its underlying."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.io.pictures.axis import Axis, level, round_steps, signed, spread
from engine.io.pictures.canvas import Canvas
from engine.io.pictures.frame import LEFT, MARGIN, RIGHT, Tile, amounts, by_sign, head, rungs, tiles
from engine.io.pictures.ink import (
    ALERT,
    GAIN,
    GROUND,
    LOSS,
    MUTED,
    PANEL,
    RULE,
    STRONG,
    TEXT,
    TODAY,
    mixed,
    of_sign,
)
from engine.payoff_chart import expiry_paise, move_paise, prices, today_paise
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.payoff_chart import Level, PayoffChart

_TOP, _BOTTOM, _BREAKS, _TILES = 446, 962, 1040, 1088
_LEAST_PAISE = 20_000.0
#: A level beyond the curves by more than this share of their height is told below, not drawn.
_BEYOND = 0.35
#: Labels of the axis need so many pixels each.
_TICK_ROOM = 170


class _Point(NamedTuple):
    """One price of the underlying, and what the position comes to there."""

    price_paise: int
    expiry_paise: int | None
    today_paise: int | None


def payoff(chart: PayoffChart, title: str) -> Canvas:
    """The picture; ``title`` stands above everything."""
    canvas = Canvas()
    points = [_Point(at, expiry_paise(chart, at), today_paise(chart, at)) for at in prices(chart)]
    across = Axis(points[0].price_paise, points[-1].price_paise, LEFT, RIGHT)
    values = [float(v) for p in points for v in (p.expiry_paise, p.today_paise) if v is not None]
    up = _height(values, chart.levels)
    head(canvas, title, _when(chart), signed(chart.pnl_paise), of_sign(chart.pnl_paise), _share(chart))
    _legend(canvas, chart)
    _likely(canvas, chart, across)
    amounts(canvas, up)
    _ticks(canvas, across)
    _expiry(canvas, points, across, up)
    _today(canvas, points, across, up)
    _levels(canvas, chart, across, up)
    _spot(canvas, chart, across, up)
    _breakevens(canvas, chart, across, up)
    tiles(canvas, _TILES, _edges(chart, points), 104)
    tiles(canvas, _TILES + 118, _here(chart), 104)
    return canvas


def _when(chart: PayoffChart) -> str:
    parts = [] if chart.expiry is None else [f"{chart.expiry.day} {chart.expiry:%b} expiry"]
    parts += [] if chart.dte is None else [f"DTE {chart.dte}"]
    return " · ".join([*parts, f"{_clock(chart)} IST"])


def _clock(chart: PayoffChart) -> str:
    return f"{ist(chart.at_s):%H:%M}" if chart.in_session else f"{ist(chart.at_s):%H:%M}, market closed"


def _share(chart: PayoffChart) -> str:
    """What the P&L is, and how much of the most that is possible that way."""
    now, most, least = chart.pnl_paise, chart.payoff.max_profit_paise, chart.payoff.max_loss_paise
    bound, name = (most, "profit") if now is not None and now > 0 else (least, "loss")
    if not now or not bound or now * bound < 0:
        return "P&L now, at mark"
    return f"P&L now, at mark · {100 * now / bound:.0f} % of max {name}"


def _height(values: Sequence[float], found: Sequence[Level]) -> Axis:
    low, high = min([0.0, *values]), max([0.0, *values])
    air = (high - low) * _BEYOND
    near = [float(each.paise) for each in found if low - air <= each.paise <= high + air]
    return spread([*values, *near], _BOTTOM, _TOP, _LEAST_PAISE)


def _legend(canvas: Canvas, chart: PayoffChart) -> None:
    y = 368
    canvas.line([(MARGIN, y), (MARGIN + 26, y)], LOSS, 7)
    canvas.line([(MARGIN + 30, y), (MARGIN + 56, y)], GAIN, 7)
    name = "at expiry" if chart.payoff.one_expiry else "at the first expiry, by the model"
    x = MARGIN + 72 + canvas.write((MARGIN + 72, y), name, 29, anchor="lm")
    if chart.modelled:
        canvas.line([(x + 44, y), (x + 100, y)], TODAY, 5)
        canvas.write((x + 116, y), "today, by the model", 29, anchor="lm")


def _likely(canvas: Canvas, chart: PayoffChart, across: Axis) -> None:
    """One standard deviation to expiry around the underlying, as a lighter ground."""
    move = move_paise(chart)
    if move and chart.level_paise is not None:
        low, high = max(chart.level_paise - move, across.low), min(chart.level_paise + move, across.high)
        canvas.box((across.at(low), _TOP), (across.at(high), _BOTTOM), mixed(TEXT, 0.05))


def _ticks(canvas: Canvas, across: Axis) -> None:
    most = int((RIGHT - LEFT) / _TICK_ROOM)
    for value in round_steps(across, most):
        x = across.at(value)
        canvas.line([(x, _TOP), (x, _BOTTOM)], RULE, 1.2)
        canvas.write((x, _BOTTOM + 14), level(value), 27, MUTED, anchor="ma")


def _expiry(canvas: Canvas, points: Sequence[_Point], across: Axis, up: Axis) -> None:
    known = [
        (across.at(p.price_paise), up.at(float(p.expiry_paise))) for p in points if p.expiry_paise is not None
    ]
    if known:
        by_sign(canvas, known, up.at(0), 6)


def _today(canvas: Canvas, points: Sequence[_Point], across: Axis, up: Axis) -> None:
    known = [
        (across.at(p.price_paise), up.at(float(p.today_paise))) for p in points if p.today_paise is not None
    ]
    canvas.line(known, TODAY, 4)


def _levels(canvas: Canvas, chart: PayoffChart, across: Axis, up: Axis) -> None:
    rungs(canvas, up, [each for each in chart.levels if up.holds(each.paise)])
    for at_paise, text in chart.bounds_paise:
        if across.holds(at_paise):
            x = across.at(at_paise)
            canvas.dashes((x, _TOP), (x, _BOTTOM), ALERT)
            canvas.write((x + 10, _BOTTOM - 12), text, 26, ALERT, weight=STRONG, anchor="ls")


def _spot(canvas: Canvas, chart: PayoffChart, across: Axis, up: Axis) -> None:
    if chart.level_paise is None or not across.holds(chart.level_paise):
        return
    x = across.at(chart.level_paise)
    canvas.line([(x, _TOP), (x, _BOTTOM)], TEXT, 2)
    canvas.pill((x, _TOP - 16), f"{chart.symbol} {level(chart.level_paise)}", GROUND, TEXT, 29)
    if chart.pnl_paise is not None:
        canvas.dot((x, up.at(float(chart.pnl_paise))), 13, of_sign(chart.pnl_paise), GROUND)


def _breakevens(canvas: Canvas, chart: PayoffChart, across: Axis, up: Axis) -> None:
    for value in chart.payoff.breakevens_paise:
        if across.holds(float(value)):
            x = across.at(float(value))
            canvas.dashes((x, up.at(0)), (x, _BREAKS - 24), MUTED, 2, 8)
            canvas.dot((x, up.at(0)), 9, GROUND, TEXT)
            canvas.pill((x, _BREAKS), level(float(value)), TEXT, PANEL, 28)


def _edges(chart: PayoffChart, points: Sequence[_Point]) -> list[Tile]:
    """The most that can be won and lost; of several expiries only what the model shows in the picture."""
    if not chart.payoff.one_expiry:
        known = [p.expiry_paise for p in points if p.expiry_paise is not None]
        high, low = max(known, default=None), min(known, default=None)
        return [
            Tile("Best in sight", signed(high), of_sign(high)),
            Tile("Worst in sight", signed(low), of_sign(low)),
        ]
    most, least = chart.payoff.max_profit_paise, chart.payoff.max_loss_paise
    return [
        Tile(
            "Max profit",
            "unlimited" if most is None else signed(most),
            GAIN if most is None else of_sign(most),
        ),
        Tile(
            "Max loss",
            "unlimited" if least is None else signed(least),
            LOSS if least is None else of_sign(least),
        ),
    ]


def _here(chart: PayoffChart) -> list[Tile]:
    here = None if chart.level_paise is None else expiry_paise(chart, chart.level_paise)
    move = move_paise(chart)
    likely = "unknown" if move is None else f"±{level(round(move, -2))}"
    return [Tile("If it expired here", signed(here), of_sign(here)), Tile("Likely move, 1σ", likely)]
