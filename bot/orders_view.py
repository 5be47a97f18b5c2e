"""The pages of /orders and /trades: what exits have ordered and traded today. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.layout import Page, both, count, cut, escape, folded, stacked
from engine.money import rupees
from engine.orders_page import MOST_FILLS
from engine.rules.base import in_words
from engine.sessions import ist

if TYPE_CHECKING:
    from engine.orders_page import DeskNow, ExitNow, FillNow, OrderNow

#: So many orders of one exit are listed, those that may still trade first.
ORDERS_OF_ONE = 8
#: So many fills are shown when nobody says how many, and at most.
TRADES, MOST_TRADES = 10, MOST_FILLS
_WHY_COLUMNS = 90
#: A rule's name among those of people.
_RULE = re.compile(r"[a-z]+(?:_[a-z]+)*")


def orders_pages(desk: DeskNow, at_s: float, title: str = "") -> tuple[Page, ...]:
    """The exits of today with their orders, those that run first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    live = desk.more_working + sum(order.live for each in desk.exits for order in each.orders)
    head = f"{escape(title)}<b>Orders</b> · {live} working · {ist(at_s):%H:%M:%S} IST"
    if not desk.exits:
        return (Page(f"{head}\nNo exit has ordered anything today."),)
    blocks = [_exit(each) for each in desk.exits]
    return stacked(head, blocks, "exits", apart=True, more=desk.more_exits)


def _exit(each: ExitNow) -> list[str]:
    began = f"since {ist(each.begun_s):%H:%M:%S}" if each.live else f"began {ist(each.begun_s):%H:%M:%S}"
    by = in_words(each.by).lower() if _RULE.fullmatch(each.by) else each.by
    lines = [*folded(each.title), *both(each.state, began), *folded(f"by {by}")]
    for order in each.orders[:ORDERS_OF_ONE]:
        lines += _order(order)
    if rest := each.orders[ORDERS_OF_ONE:]:
        lines.append(f"… and {len(rest)} more orders")
    return lines if each.orders else [*lines, "no order yet"]


def _order(order: OrderNow) -> list[str]:
    many = f"{order.filled}/{order.quantity}" if order.live or order.filled else str(order.quantity)
    price = _price(order.price_paise)
    lines = [*folded(order.contract), *both(f"  {order.side} {many} @ {price}", order.state)]
    return lines + folded(cut(order.why, _WHY_COLUMNS), "  > ") if order.why else lines


def trades_pages(desk: DeskNow, last: int, at_s: float, title: str = "") -> tuple[Page, ...]:
    """The last fills of today, the newest first."""
    fills, every = desk.fills[:last], len(desk.fills) + desk.more_fills
    head = f"{escape(title)}<b>Trades</b> · {count(every)} today · {ist(at_s):%H:%M:%S} IST"
    if not fills:
        return (Page(f"{head}\nNo order of ours has traded today."),)
    rest = every - len(fills)
    more = f"{count(rest)} earlier: <code>/trades {min(every, MOST_TRADES)}</code>"
    foot = [more] if rest else []
    if any(fill.several for fill in fills):
        foot.append("~ several trades at their average; the broker has not told them one by one.")
    return stacked(head, [_fill(fill) for fill in fills], "trades", foot="\n".join(foot))


def _fill(fill: FillNow) -> list[str]:
    price = "unknown" if fill.price_paise is None else f"{'~' * fill.several}{_price(fill.price_paise)}"
    return [
        *both(f"{ist(fill.at_s):%H:%M:%S} {fill.side} {fill.quantity}", f"@ {price}"),
        *folded(fill.contract, "  "),
    ]


def _price(paise: int) -> str:
    return rupees(paise).removeprefix("₹")
