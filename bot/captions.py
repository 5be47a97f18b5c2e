"""What stands below a picture, or in its place: its numbers as text, and the buttons that lead on. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.layout import Button, Page, cut, escape
from bot.views import under
from engine.charts import BarsChart, CurveChart, Scope
from engine.diary import MarkKind
from engine.io.pictures import draw
from engine.model import DEFAULT_ACCOUNT
from engine.money import rupees, signed_rupees
from engine.payoff_chart import expiry_paise
from engine.sessions import ist

if TYPE_CHECKING:
    from engine.charts import Chart
    from engine.effects import Digest
    from engine.payoff_chart import Level, PayoffChart

#: So many days, levels or breakevens are listed: below a picture there is room for 1,024 characters.
_LISTED = 6
_NAME_COLUMNS = 40
#: A P&L this old is not called the present one, seconds.
_OLD_S = 90.0
_PART = ", not the whole day"
#: How the days of a picture are called.
SPANS = {Scope.DAY: "today", Scope.WEEK: "this week", Scope.MONTH: "this month"}


def heading(chart: Chart, title: str = "") -> str:
    """What stands above the drawing; ``title``: the account, ``HUF · ``; empty when there is one alone."""
    if isinstance(chart, BarsChart):
        return f"{title}P&L {SPANS[chart.scope]}"
    if isinstance(chart, CurveChart):
        if chart.position is None:
            return f"{title}P&L {'today' if ist(chart.at_s).date() == chart.day else 'of the last session'}"
        chart_of = chart.position
        return cut(f"{title}{chart_of.symbol} {chart_of.strategy} · {chart_of.strategy_id}", _NAME_COLUMNS)
    return cut(f"{title}{chart.symbol} {chart.strategy} · {chart.strategy_id}", _NAME_COLUMNS)


def illustrated(chart: Chart, title: str = "", of: str = "") -> Page:
    """The whole answer: text, buttons, and what draws the picture.

    Args:
        chart: what is drawn.
        title: the account, ``HUF · ``; empty when there is one alone.
        of: the account's mark for the buttons.
    """
    page = caption(chart, title.removesuffix(" · "), of)
    return under(title, replace(page, draw=partial(draw, chart, heading(chart, title))))


def digest_page(digest: Digest, title: str = "", of: str = "") -> Page:
    """What a session came to, and its week and month so far; as `illustrated`."""
    page = illustrated(digest.day, title, of)
    spans = (chart for chart in digest.spans if isinstance(chart, BarsChart) and chart.known)
    sums = [f"{SPANS[each.scope].capitalize()} {_signed(each.total_paise)}" for each in spans]
    books = [escape(digest.books)] if digest.books else []
    return replace(page, html="\n".join(["<b>The session is over</b>", page.html, *sums, *books]))


def caption(chart: Chart, account: str = "", of: str = "") -> Page:
    """The text and the buttons.

    Args:
        chart: what is drawn.
        account: its name for the buttons that are commands; empty when there is one alone.
        of: the account's mark for all other buttons.
    """
    if isinstance(chart, BarsChart):
        lines, scope = _of_bars(chart), chart.scope
    elif isinstance(chart, CurveChart):
        lines, scope = _of_curve(chart), Scope.DAY if chart.position is None else Scope.POSITION
    else:
        lines, scope = _of_payoff(chart), Scope.PAYOFF
    text = "\n".join([f"<b>{escape(heading(chart))}</b>", *lines])
    return Page(text, _spans(scope, account) if scope in SPANS else _looks(chart, of))


def _spans(scope: Scope, account: str) -> tuple[tuple[Button, ...], ...]:
    name = f"{account} " if account else ""
    return (tuple(Button(s.capitalize(), f"x:/pnl {name}{s}") for s in SPANS if s is not scope),)


def _looks(chart: Chart, of: str) -> tuple[tuple[Button, ...], ...]:
    """From a position's one picture to its other, and to its card."""
    if isinstance(chart, BarsChart):
        return ()
    if isinstance(chart, CurveChart):
        strategy_id = 0 if chart.position is None else chart.position.strategy_id
        other = Button("Payoff", f"g:{of}{strategy_id}")
    else:
        strategy_id = chart.strategy_id
        other = Button("P&L today", f"l:{of}{strategy_id}")
    name = f"{of}{strategy_id}"
    return ((other, Button("Position", f"i:{name}"), Button("Rules", f"r:{name}")),)


# --------------------------------------------------------------------------------- the day, a position


def _of_curve(chart: CurveChart) -> list[str]:
    now = chart.now_paise
    old = min(chart.at_s, chart.close_s) - chart.known_s >= _OLD_S
    late = ", the last that is known" if now is not None and old else ""
    lines = [
        f"{chart.day:%a %d %b}, {ist(chart.known_s):%H:%M} IST{late}",
        f"P&amp;L <b>{_signed(now)}</b>",
    ]
    if chart.position is None and now is not None:
        closed = chart.closed_paise
        lines.append(f"Closed {signed_rupees(closed)} · open {signed_rupees(now - closed)}")
    known = [sample for sample in chart.samples if sample.paise is not None]
    if known:
        high, low = max(known, key=lambda s: s.paise or 0), min(known, key=lambda s: s.paise or 0)
        lines.append(
            f"High {_signed(high.paise)} at {ist(high.at_s):%H:%M}"
            f" · low {_signed(low.paise)} at {ist(low.at_s):%H:%M}"
        )
    lines += [_level(each, now) for each in chart.levels[:_LISTED]]
    lines += _happened(chart)
    if chart.blind:
        names = ", ".join(name.removeprefix(f"{DEFAULT_ACCOUNT}/") for name in chart.blind[:_LISTED])
        more = f" and {len(chart.blind) - _LISTED} more" if len(chart.blind) > _LISTED else ""
        lines.append(f"⚠️ Without a price now: {escape(names)}{more}")
    return lines


def _happened(chart: CurveChart) -> list[str]:
    exits = sum(mark.kind is MarkKind.EXIT for mark in chart.marks)
    alerts = len(chart.marks) - exits
    said = [f"{exits} exit{'s' * (exits != 1)}"] if exits else []
    said += [f"{alerts} alert{'s' * (alerts != 1)}"] if alerts else []
    return [" · ".join(said)] if said else []


def _level(level: Level, now_paise: int | None) -> str:
    """A level, and what is left to it."""
    left = "" if now_paise is None else f" ({rupees(abs(level.paise - now_paise))} away)"
    return f"{escape(level.text)} at {signed_rupees(level.paise)}{left}"


# --------------------------------------------------------------------------------- week and month


def _of_bars(chart: BarsChart) -> list[str]:
    number = len(chart.known)
    lines = [f"Sum of {number} session{'s' * (number != 1)} <b>{_signed(chart.total_paise)}</b>"]
    if not number:
        return ["No day is on record yet: a result is kept from the first session on."]
    shown = chart.known[-_LISTED:]
    lines += [
        f"{bar.day:%a %d %b} {_signed(bar.paise)}{'' if bar.whole else ', not the whole day'}"
        for bar in shown
    ]
    results = [bar.paise or 0 for bar in chart.known]
    up, down = sum(paise > 0 for paise in results), sum(paise < 0 for paise in results)
    lines.append(f"{up} up, {down} down · best {_signed(max(results))} · worst {_signed(min(results))}")
    gaps = sum(bar.paise is None and not bar.ahead for bar in chart.bars)
    if gaps:
        lines.append(f"{gaps} session{'s' * (gaps != 1)} without a record: not in the sum")
    return lines


# ----------------------------------------------------------------------------------------- payoff


def _of_payoff(chart: PayoffChart) -> list[str]:
    days = "" if chart.dte is None else f" · DTE {chart.dte}"
    at = f"{ist(chart.at_s):%H:%M} IST{'' if chart.in_session else ', market closed'}"
    lines = [f"{at}{days}", f"P&amp;L <b>{_signed(chart.pnl_paise)}</b>"]
    most, least = chart.payoff.max_profit_paise, chart.payoff.max_loss_paise
    if chart.payoff.one_expiry:
        lines.append(f"At expiry: at most {_bound(most)}, at worst {_bound(least)}")
    else:
        lines.append("Its legs expire on different days: the curve at the first of them is the model's")
    if chart.payoff.breakevens_paise:
        points = (_points(float(each)) for each in chart.payoff.breakevens_paise[:_LISTED])
        lines.append(f"Breakeven {' and '.join(points)}")
    if chart.level_paise is not None:
        here = expiry_paise(chart, chart.level_paise)
        lines.append(f"{escape(chart.symbol)} {_points(chart.level_paise)}: at expiry here {_signed(here)}")
    if chart.level_paise is None:
        lines.append("Today's curve is missing: the price of the underlying is not known")
    elif not chart.modelled:
        lines.append("Today's curve is missing: not every leg has a price that the model explains")
    lines += [_level(each, chart.pnl_paise) for each in chart.levels[:_LISTED]]
    return lines


def _bound(paise: int | None) -> str:
    return "unlimited" if paise is None else signed_rupees(paise)


def _signed(paise: int | None) -> str:
    return "unknown" if paise is None else signed_rupees(paise)


def _points(paise: float) -> str:
    return rupees(round(paise)).replace("₹", "")
