"""The pages of /positions and /p: all positions in two lines each, and one with its legs. Pure.

Everything is of one `MonitorView`; what it does not know is written as unknown, never as zero.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import COLUMNS, Button, Page, cut, escape, folded, pair, span, table
from bot.status import IST, OLD_DATA_S, Line, calm, doing, pages, result, total_lines, waits
from bot.views import EXITABLE
from engine.model import DEFAULT_ACCOUNT
from engine.money import rupees, signed_rupees
from engine.preflight import Light
from engine.view import PositionState

if TYPE_CHECKING:
    from engine.view import LegView, MonitorView, PositionView

#: So much is said of a reason.
_WHY_COLUMNS = 300
#: More legs than this are counted, not listed: a message has an end.
_LEGS = 24


def positions_pages(view: MonitorView, title: str = "") -> tuple[Page, ...]:
    """Each position in two lines, the troubled first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    if view.down:  # there is no house behind it: its positions are not none
        return (Page(f"{escape(title)}<b>Positions</b> unknown: {escape(view.degraded)}"),)
    ordered = sorted(view.positions, key=calm)
    at = datetime.fromtimestamp(view.at_s, IST)
    head = [f"{escape(title)}<b>Positions</b> · {len(ordered)} · {at:%H:%M:%S} IST", *total_lines([view])]
    return pages("\n".join(head), [Line(view, position) for position in ordered], _two_lines)


def _two_lines(line: Line) -> list[str]:
    position = line.position
    days = "" if position.dte is None else f" DTE {position.dte}"
    return [
        *_both(f"{_id(position)} {position.symbol}", result(position)),
        pair(position.strategy, f"{doing(position)}{days}"),
        *([position.snooze.partition(",")[0]] if position.snooze else []),
    ]


def card_page(view: MonitorView, position: PositionView, of: str = "") -> Page:
    """One position: what it is worth at mark and closed now, its legs, its stops.

    ``of``: the account's mark for the buttons. Exit only leads to a question.
    """
    state = position.state
    days = "" if position.dte is None else f" · DTE {position.dte}"
    at = datetime.fromtimestamp(view.at_s, IST)
    lines = [
        f"<b>{escape(f'{_id(position)} {position.symbol} {position.strategy}')}</b>",
        f"{doing(position)} · {position.urgency.name}{days} · {at:%H:%M:%S} IST",
    ]
    if state not in {PositionState.FLAT, PositionState.INVALID}:
        lines += _worth(position)
    if position.snooze:
        lines.append(f"🔕 {escape(position.snooze[:1].upper() + position.snooze[1:])}")
    if position.part:
        lines.append(escape(position.part.capitalize()))
    lines += _troubles(position)
    if position.reason:
        lines.append(escape(cut(position.reason, _WHY_COLUMNS)))
    rows = [text for leg in position.legs[:_LEGS] for text in _leg(leg, open_=view.session_open)]
    if len(position.legs) > _LEGS:
        rows.append(f"and {len(position.legs) - _LEGS} more legs")
    stops = waits(position)
    rows += ["", *stops] if rows and stops else stops
    return Page("\n".join(filter(None, [*lines, table(rows)])), _keyboard(position, of))


def _id(position: PositionView) -> str:
    account = "" if position.account == DEFAULT_ACCOUNT else f"{position.account}/"
    return f"{account}{position.strategy_id}"


def _worth(position: PositionView) -> list[str]:
    mark, closing = position.pnl_paise, position.closing_pnl_paise
    share = "" if position.pnl_pct is None else f" · {position.pnl_pct:+.1f}%"
    at_mark = "unknown" if mark is None else signed_rupees(mark)
    net = "unknown" if closing is None else signed_rupees(closing)
    return [f"P&amp;L at mark <b>{at_mark}</b>{share}", f"Closed now <b>{net}</b>, after charges"]


def _troubles(position: PositionView) -> list[str]:
    lines = ["🔴 <b>Unprotected</b>: no loss rule guards it"] if position.unprotected else []
    ready = position.ready
    loud = [position.differs, ready.text if ready is not None and ready.light is not Light.GREEN else ""]
    return lines + [f"⚠️ {escape(cut(text, _WHY_COLUMNS))}" for text in loud if text]


def _leg(leg: LegView, *, open_: bool) -> list[str]:
    """Its name; below it signed units, entry and mark; what is wrong with its price."""
    entry, mark = (_price(paise) for paise in (leg.entry_paise, leg.mark_paise))
    lines = [*folded(leg.name), *_both(f" {leg.quantity:+d}", f"{entry} now {mark}")]
    if leg.fault:
        lines += folded(leg.fault, " ! ")
    if leg.from_before:
        lines.append(" ! price from before the start")
    elif open_ and leg.age_s is not None and leg.age_s > OLD_DATA_S:
        lines.append(f" ! price {span(leg.age_s)} old")
    return lines


def _both(left: str, right: str) -> list[str]:
    """At the two edges of a line, or of two: neither an id nor a quantity may be cut."""
    if len(left) + len(right) < COLUMNS:
        return [pair(left, right)]
    return [*folded(left), pair("", right)]


def _price(paise: int | None) -> str:
    return "?" if paise is None else rupees(paise).replace("₹", "").replace("−", "-")


def _keyboard(position: PositionView, of: str) -> tuple[tuple[Button, ...], ...]:
    name = f"{of}{position.strategy_id}"
    looks = (Button("Why?", f"w:{name}"), Button("Rules", f"r:{name}"))
    if position.state not in EXITABLE:
        return (looks,)
    return ((Button("Exit…", f"p:{name}", "danger"), Button("Snooze…", f"z:{name}")), looks)
