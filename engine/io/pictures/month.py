"""Draws a month of exits: what they came to one after the other, how deep it fell, and which rule made it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from engine.io.pictures.axis import Axis, short, signed, spread, whole
from engine.io.pictures.canvas import Canvas
from engine.io.pictures.frame import LEFT, MARGIN, RIGHT, TOP, Tile, amounts, by_sign, head, tiles
from engine.io.pictures.ink import GROUND, LOSS, MUTED, RULE, STRONG, TEXT, ZERO, mixed, of_sign
from engine.rules.base import in_words
from engine.sessions import at

if TYPE_CHECKING:
    from engine.exit_sums import Share
    from engine.io.pictures.canvas import Place
    from engine.monthly import MonthChart

__all__ = ["month", "month_png"]

#: Where the curve ends, the strip of its falls lies, and the days stand.
_BOTTOM, _FALL, _DEEP, _DAYS = 704, 738, 828, 838
#: The rules: where their head stands, their first row, how tall a row is, and how many there are.
_RULES, _ROW, _TALL, _MOST = 896, 976, 46, 5
#: Names end and bars begin; bars end where amounts begin.
_BARS, _BARS_END = 390, 836
_TILES = 1216
_LEAST_PAISE = 20_000.0
_NAMED_DAYS = (1, 5, 10, 15, 20, 25)


def month_png(chart: MonthChart) -> bytes:
    """The picture as PNG.

    Raises:
        OSError: the letters cannot be read, or there is no memory for the sheet.
    """
    return month(chart).png()


def month(chart: MonthChart) -> Canvas:
    """The picture before it is made a PNG."""
    canvas, sums = Canvas(), chart.sums
    made = sums.after_paise if sums.known else None
    head(
        canvas, f"Exits of {chart.first:%B %Y}", _how_many(chart), signed(made), of_sign(made), _beside(chart)
    )
    across = Axis(at(chart.first, "00:00"), at(chart.end, "00:00"), LEFT, RIGHT)
    if chart.running:
        _curve(canvas, chart, across)
        _falls(canvas, chart, across)
        _days(canvas, chart, across)
        _rules(canvas, sums.rules)
    else:
        words = "No exit has a known result" if sums.exits else "None has ended"
        canvas.write((_middle(), 640), words, 38, MUTED, anchor="mm")
    tiles(canvas, _TILES, _figures(chart), 104)
    return canvas


def _middle() -> float:
    return (MARGIN + RIGHT) / 2


def _how_many(chart: MonthChart) -> str:
    sums = chart.sums
    exits = f"{sums.exits} exit{'s' * (sums.exits != 1)}"
    days = f" on {sums.days} day{'s' * (sums.days != 1)}" if sums.days else ""
    return f"{exits}{days}" + (f", {sums.unknown} of unknown result" if sums.unknown else "")


def _beside(chart: MonthChart) -> str:
    sums = chart.sums
    if not sums.known:
        return "realised after charges"
    return f"realised after charges · {sums.won} won, {sums.lost} lost"


def _curve(canvas: Canvas, chart: MonthChart, across: Axis) -> None:
    """The running sum in steps: it moves when an exit ends and never between."""
    up = spread([float(paise) for _, paise in chart.running], _BOTTOM, TOP, _LEAST_PAISE, 0.1)
    amounts(canvas, up, 5)
    places = _steps(chart, across, up)
    by_sign(canvas, places, up.at(0), 5)
    x, y = places[-1]
    canvas.dashes((x, y), (RIGHT, y), MUTED, 2, 9)  # nothing more has come
    canvas.dot((x, y), 11, of_sign(chart.running[-1][1]), GROUND)


def _steps(chart: MonthChart, across: Axis, up: Axis) -> list[Place]:
    places, before = [(across.start, up.at(0))], up.at(0)
    for at_s, paise in chart.running:
        x, y = across.at(at_s), up.at(float(paise))
        places += [(x, before), (x, y)]
        before = y
    return places


def _falls(canvas: Canvas, chart: MonthChart, across: Axis) -> None:
    """How far the sum lies below its highest: the strip under the curve."""
    sums = [paise for _, paise in chart.running]
    peaks = accumulate(sums, max, initial=0)
    next(peaks)
    falls = [(at_s, peak - paise) for (at_s, paise), peak in zip(chart.running, peaks, strict=True)]
    deepest = max(fall for _, fall in falls)
    down = Axis(0.0, float(max(deepest, 1)), _FALL, _DEEP)
    canvas.line([(LEFT, _FALL), (RIGHT, _FALL)], RULE, 1.5)
    canvas.write((LEFT - 20, _FALL), "Drawdown", 26, MUTED, anchor="rm", room=LEFT - 44)
    for (from_s, fall), (to_s, _) in pairwise([*falls, (falls[-1][0], 0)]):
        if fall and to_s > from_s:
            low, high = (across.at(from_s), _FALL), (across.at(to_s), down.at(fall))
            canvas.box(low, high, mixed(LOSS, 0.5))
    if deepest:
        canvas.write((LEFT - 20, _DEEP - 8), short(-deepest), 28, LOSS, anchor="rm", room=LEFT - 44)


def _days(canvas: Canvas, chart: MonthChart, across: Axis) -> None:
    last = (chart.end - timedelta(days=1)).day
    for day in (*_NAMED_DAYS, last):
        noon = at(date(chart.first.year, chart.first.month, day), "12:00")
        x = across.at(noon)
        canvas.write((x, _DAYS), str(day), 27, MUTED, anchor="ma")


def _rules(canvas: Canvas, shares: tuple[Share, ...]) -> None:
    """A bar for each rule, the best first; those that made and lost least are left to the table."""
    most = sorted(shares, key=lambda each: -abs(each.paise or 0))[:_MOST]
    shown = [each for each in shares if each in most]
    rest = len(shares) - len(shown)
    wide = canvas.write((MARGIN, _RULES), "By rule", 34, TEXT, weight=STRONG)
    if rest:
        canvas.write((MARGIN + wide + 18, _RULES + 6), f"and {rest} more in the table", 27, MUTED)
    over = spread([float(each.paise or 0) for each in shown], _BARS, _BARS_END, _LEAST_PAISE / 10, 0.0)
    zero = over.at(0)
    for number, each in enumerate(shown):
        y = _ROW + number * _TALL
        _rule(canvas, each, y, over)
    canvas.line([(zero, _ROW - 22), (zero, _ROW + (len(shown) - 1) * _TALL + 22)], ZERO, 2)


def _rule(canvas: Canvas, share: Share, y: float, over: Axis) -> None:
    name = canvas.write((MARGIN, y), in_words(share.name), 29, anchor="lm", room=_BARS - MARGIN - 84)
    canvas.write((MARGIN + name + 12, y), f"× {share.exits}", 26, MUTED, anchor="lm", room=64)
    ink = of_sign(share.paise)
    if share.paise:
        low, high = sorted((over.at(0), over.at(float(share.paise))))
        canvas.box((low, y - 15), (max(high, low + 3), y + 15), ink, 5)
    canvas.write(
        (RIGHT, y), signed(share.paise), 29, ink, weight=STRONG, anchor="rm", room=RIGHT - _BARS_END - 16
    )


def _figures(chart: MonthChart) -> list[Tile]:
    sums, saved = chart.sums, chart.saved
    rate = "unknown" if sums.win_rate is None else f"{100 * sums.win_rate:.0f} %"
    factor = "–" if sums.profit_factor is None else f"{sums.profit_factor:.2f}"
    together = saved.paise if saved.known else None
    kept = "Saved by exits" if together is None or together >= 0 else "Missed by exits"
    return [
        Tile("Win rate", rate),
        Tile("Profit factor", factor),
        Tile(
            "Drawdown",
            whole(-sums.drawdown_paise) if sums.known else "unknown",
            of_sign(-sums.drawdown_paise),
        ),
        Tile(kept, "unknown" if together is None else signed(together), of_sign(together)),
    ]
