"""What stands below the picture of /report: a week or a month in figures. Pure.

Days are what all positions made at mark, gross; exits what they realised after their charges. The two are
not the same money: a position that is open counts in the days alone, one of last week in the exits whole.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bot.captions import SPANS, heading
from bot.layout import Button, Page, count, cut, escape, pair, span, table
from bot.views import under
from engine.charts import Scope
from engine.io.pictures import draw
from engine.money import rupees, signed_rupees
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.charts import Bar, BarsChart
    from engine.exit_sums import ExitSums, Share

Number = TypeVar("Number", int, float)

#: So many strategies and rules are listed: those that won or lost most.
_LISTED = 3
_WHY_COLUMNS = 200
_OTHER = {Scope.WEEK: Scope.MONTH, Scope.MONTH: Scope.WEEK}


def report_page(chart: BarsChart, exits: ExitSums | str, title: str = "") -> Page:
    """The whole answer: the picture of the days, the figures of days and exits, and the way on.

    Args:
        chart: the sessions of the week or the month.
        exits: those that ended in it, or why the journal cannot be read.
        title: the account, ``HUF · ``; empty when there is one alone.
    """
    first, last = chart.bars[0].day, chart.bars[-1]
    running = last.ahead or (not last.whole and ist_date(chart.at_s) == last.day)
    parts = [
        f"<b>Report of {SPANS[chart.scope]}</b>",
        f"{first:%d %b} to {last.day:%d %b %Y}{' · so far' if running else ''}",
        table([*_days(chart), "", *(["Exits unknown"] if isinstance(exits, str) else _exits(exits))]),
        *_lacking(chart, exits),
    ]
    page = Page("\n".join(parts), _ways(chart.scope, title), draw=partial(draw, chart, heading(chart, title)))
    return under(title, page)


def _ways(scope: Scope, title: str) -> tuple[tuple[Button, ...], ...]:
    name = f"{title.removesuffix(' · ')} " if title else ""
    other = _OTHER[scope]
    return (
        (
            Button(f"Report, {other}", f"x:/report {name}{other}"),
            Button(f"P&L, {scope}", f"x:/pnl {name}{scope}"),
        ),
    )


def _days(chart: BarsChart) -> list[str]:
    known = chart.known
    if not known:
        return ["No day is on record"]
    best, worst = max(known, key=_made), min(known, key=_made)
    return [
        "P&L at mark, gross",
        pair("Days traded", str(len(known))),
        pair("Sum", signed_rupees(sum(map(_made, known)))),
        pair(f"Best {best.day:%a %d}", signed_rupees(_made(best))),
        pair(f"Worst {worst.day:%a %d}", signed_rupees(_made(worst))),
    ]


def _made(bar: Bar) -> int:
    return bar.paise or 0


def _exits(sums: ExitSums) -> list[str]:
    if not sums.exits:
        return ["No exit has ended"]
    head = [
        "Exits, after charges",
        pair(f"{count(sums.exits)} exit{'s' * (sums.exits != 1)}", f"{sums.won} won, {sums.lost} lost"),
    ]
    return [
        *head,
        pair("Win rate", _or_unknown(sums.win_rate, lambda rate: f"{100 * rate:.0f} %")),
        pair("Realised", signed_rupees(sums.after_paise) if sums.known else "unknown"),
        pair("Expectancy", _or_unknown(sums.expectancy_paise, signed_rupees)),
        pair("Profit factor", _factor(sums)),
        pair("Drawdown", rupees(sums.drawdown_paise) if sums.known else "unknown"),
        pair("Charges", rupees(sums.charges_paise) if sums.uncharged < sums.exits else "unknown"),
        pair("Slippage", rupees(sums.slippage_paise) if sums.unslipped < sums.exits else "unknown"),
        pair("To flat, median", _or_unknown(sums.flat_s, span)),
        *_top("By strategy", sums.strategies),
        *_top("By rule", sums.rules),
    ]


def _or_unknown(value: Number | None, told: Callable[[Number], str]) -> str:
    return "unknown" if value is None else told(value)


def _factor(sums: ExitSums) -> str:
    if sums.profit_factor is None:
        return "nothing lost" if sums.known else "unknown"
    return f"{sums.profit_factor:.2f}"


def _top(head: str, shares: Sequence[Share]) -> list[str]:
    """The shares that won or lost most, the best first."""
    most = sorted(shares, key=lambda each: -abs(each.paise or 0))[:_LISTED]
    shown = [each for each in shares if each in most]
    rest = len(shares) - len(shown)
    lines = [pair(each.name, _or_unknown(each.paise, signed_rupees)) for each in shown]
    return [head, *lines, *([f"… and {rest} more"] if rest else [])]


def _lacking(chart: BarsChart, sums: ExitSums | str) -> list[str]:
    """What is in no sum, and why."""
    gaps = sum(bar.paise is None and not bar.ahead for bar in chart.bars)
    lacks = {f"{gaps} session{'s' * (gaps != 1)} without a record": gaps}
    why = []
    if isinstance(sums, str):
        why = [f"The journal cannot be read now: {escape(cut(sums, _WHY_COLUMNS))}"]
    else:
        lacks |= {
            f"{sums.unknown} of unknown result": sums.unknown,
            f"{sums.uncharged} of unknown charges": sums.uncharged,
            f"{sums.unslipped} of unknown slippage": sums.unslipped,
        }
    said = ", ".join(text for text, number in lacks.items() if number)
    return [*why, *([f"In no sum: {said}"] if said else [])]
