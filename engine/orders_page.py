"""What the exits of today have ordered and traded, as a person looks at it. Pure.

Only orders of ours: the broker's books may hold others, of a person's hand, which no exit asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from engine.intents import IntentState
from engine.orders import OrderState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.intents import Intent
    from engine.model import Side
    from engine.monitor import Monitor
    from engine.orders import Order, Trade

__all__ = ["MOST_FILLS", "DeskNow", "ExitNow", "FillNow", "OrderNow", "desk_now"]

#: So many exits fill two messages, however short what is said of each.
MOST_EXITS = 80
#: So many fills are shown at most.
MOST_FILLS = 50

_EXIT_WORDS = {
    IntentState.WORKING: "running",
    IntentState.STOPPING: "being stopped",
    IntentState.FLAT: "verified flat",
    IntentState.CLOSED_OUTSIDE: "closed by somebody else",
    IntentState.STUCK: "stuck",
    IntentState.ABORTED: "stopped",
}
_ENDED = {
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "cancelled",
    OrderState.REFUSED: "refused",
    OrderState.EXPIRED: "expired",
    OrderState.ABSENT: "never arrived",
}


@dataclass(frozen=True, slots=True)
class OrderNow:
    """One order of ours.

    Attributes:
        quantity, filled: units.
        price_paise: what it has traded at on average; before that its limit.
        state: in plain words.
        why: the broker's words for a refusal; empty = there are none.
        live: it may still trade, as far as anybody knows.
    """

    contract: str
    side: Side
    quantity: int
    filled: int
    price_paise: int
    state: str
    why: str
    live: bool
    sent_s: float


@dataclass(frozen=True, slots=True)
class ExitNow:
    """One exit with its orders, those that may still trade first, of each kind the newest first.

    Attributes:
        state: in plain words.
        by: the rule, or the person.
        left: units still to trade, by contract, of a live exit.
    """

    title: str
    state: str
    by: str
    live: bool
    begun_s: float
    orders: tuple[OrderNow, ...]


@dataclass(frozen=True, slots=True)
class FillNow:
    """One trade at the exchange, of an order of ours.

    Attributes:
        at_s: when the exchange made it; where it has not told that, when we learnt of it.
        price_paise: per unit; None = the broker has not told it yet.
        several: the trades of an order together, at their average: they were not told one by one.
    """

    at_s: float
    contract: str
    side: Side
    quantity: int
    price_paise: int | None
    several: bool = False


@dataclass(frozen=True, slots=True)
class DeskNow:
    """The exits of today, those that run first, and the fills, the newest first, as many as anybody is shown.

    Attributes:
        more_exits: so many there are beside those.
        more_working: so many of their orders may still trade.
        more_fills: so many earlier ones there are.
    """

    exits: tuple[ExitNow, ...]
    fills: tuple[FillNow, ...]
    more_exits: int = 0
    more_working: int = 0
    more_fills: int = 0


def desk_now(monitor: Monitor, _now_s: float) -> DeskNow:
    """The orders and fills of the exits that the day knows of; a day may have thousands."""
    intents = sorted(monitor.desk.intents.values(), key=lambda each: (not each.state.live, -each.begun_s))
    told, rest = intents[:MOST_EXITS], intents[MOST_EXITS:]
    filled = [
        (at_s, intent, order, trade)
        for intent in intents
        for order in intent.orders
        for at_s, trade in _fills(order)
    ]
    newest = nlargest(MOST_FILLS, filled, key=lambda each: each[0])
    return DeskNow(
        exits=tuple(map(_exit, told)),
        fills=tuple(_fill(*each) for each in newest),
        more_exits=len(rest),
        more_working=sum(order.state.live for intent in rest for order in intent.orders),
        more_fills=len(filled) - len(newest),
    )


def _exit(intent: Intent) -> ExitNow:
    orders = [_order(intent, order) for order in intent.orders]
    return ExitNow(
        f"{intent.position.removeprefix('default/')} {intent.title}",
        _EXIT_WORDS[intent.state],
        intent.by,
        intent.state.live,
        intent.begun_s,
        tuple(sorted(orders, key=lambda each: (not each.live, -each.sent_s))),
    )


def _order(intent: Intent, order: Order) -> OrderNow:
    asked = order.request
    average = order.turnover_paise // order.filled if order.filled else asked.limit_paise
    return OrderNow(
        intent.legs[order.leg].name,
        asked.side,
        asked.quantity,
        order.filled,
        average,
        _words(order),
        order.reason if order.state is OrderState.REFUSED else "",
        order.state.live,
        order.sent_s,
    )


def _words(order: Order) -> str:
    """What is known of an order."""
    if order.state in _ENDED:
        part = order.state is not OrderState.FILLED and order.filled
        return f"{_ENDED[order.state]}{', part filled' if part else ''}"
    if order.state is OrderState.SENDING:
        return "being sent"
    if order.state is OrderState.UNKNOWN:
        return "no answer yet"
    if order.cancel_sent_s is not None:
        return "being cancelled"
    if order.pending:
        return "being re-priced"
    return "part filled" if order.filled else "working"


def _fills(order: Order) -> Iterator[tuple[float, Trade | None]]:
    """When, and each trade where all are told, else None for all of them together."""
    if not order.filled:
        return
    if order.told != order.filled:
        yield order.filled_s, None
        return
    for trade in order.trades.values():
        yield order.filled_s if trade.at_s is None else trade.at_s, trade


def _fill(at_s: float, intent: Intent, order: Order, trade: Trade | None) -> FillNow:
    name, side = intent.legs[order.leg].name, order.request.side
    if trade is None:
        return FillNow(at_s, name, side, order.filled, order.average_paise or None, several=True)
    return FillNow(at_s, name, side, trade.units, trade.paise)
