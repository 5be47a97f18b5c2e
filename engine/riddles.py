"""Orders that nobody answers for or nobody asked for: looked up, taken back, and told."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.again import Again
from engine.effects import Audit, CancelOrder, QueryOrder
from engine.steps import cancel_due

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.blotter import Blotter
    from engine.intents import Intent
    from engine.orders import Order
    from engine.outgoing import Outgoing

__all__ = ["Riddles"]

#: An order of whose fate nobody knows is asked for by name this often, beside the reading of the books.
LOOK_UP_EVERY_S = 5.0


class Riddles:
    """Deals with doubtful, late and doubled orders of one account, exit or not.

    Args:
        intents: all of them, by id; an order's intent is always among them.
        blotter: all orders.
        out: takes the effects.
    """

    def __init__(self, intents: Mapping[str, Intent], blotter: Blotter, out: Outgoing) -> None:
        self._intents = intents
        self._blotter = blotter
        self._out = out
        self._cancels = Again()  # of doubles, by the broker's number
        self._looked_up_s: dict[str, float] = {}

    def start_day(self) -> None:
        """Yesterday's orders are dead."""
        self._cancels.clear()
        self._looked_up_s.clear()

    def solve(self, hindrance: str, now_s: float) -> bool:
        """Do what can be done now; True when a report would help.

        ``hindrance``: why no cancel may be sent; empty = it may.
        """
        late = self._take_back_late(hindrance, now_s)
        doubled = self._take_back_doubles(hindrance, now_s)
        self._look_up(now_s)
        for order in self._blotter.doubtful(now_s):
            self._alarm(order)
        return late or doubled

    def _take_back_late(self, hindrance: str, now_s: float) -> bool:
        """An order that was given up and turns up after its exit has ended has no purpose any more."""
        found = False
        for order in self._blotter.live():
            intent = self._intents[order.intent]
            if intent.state.live or order.unknown_s is not None or not cancel_due(order, now_s):
                continue
            text = (
                f"{intent.legs[order.leg].name}: order {order.id} was taken for lost. {_then(hindrance)} "
                "Check the position at the broker."
            )
            self._out.tell(intent, f"late:{order.id}", "An order turned up after its exit had ended", text)
            if hindrance:
                continue
            self._out.cancel(order, now_s)
            found = True
        return found

    def _take_back_doubles(self, hindrance: str, now_s: float) -> bool:
        """A second order that the broker has made of one request of ours has no purpose either."""
        found = False
        for row in self._blotter.doubles():
            order = self._blotter.get(row.correlation_id)
            if order is None:
                continue
            intent = self._intents[order.intent]
            text = (
                f"{intent.legs[order.leg].name}: order {order.id} is in the book twice, also as order "
                f"{row.order_id}. Check the position."
            )
            topic = f"double:{row.order_id}"
            self._out.tell(intent, topic, "The broker has made two orders of one", text)
            if hindrance or not self._cancels.due(row.order_id, now_s):
                continue
            self._out.add(Audit("double", {"order": order.id, "order_id": row.order_id}))
            if not row.status.final:
                self._out.add(CancelOrder(row.order_id, order.id))
            found = True
        return found

    def _look_up(self, now_s: float) -> None:
        """Ask for a doubtful order by its name, one at a time: the order book may list it late."""
        for order in self._blotter.live():
            due_s = self._looked_up_s.get(order.id, -inf) + LOOK_UP_EVERY_S
            if order.unknown_s is not None and now_s >= due_s:
                self._looked_up_s[order.id] = now_s
                self._out.add(QueryOrder(order.id))
                return

    def _alarm(self, order: Order) -> None:
        intent, request = self._intents[order.intent], order.request
        text = (
            f"{intent.legs[order.leg].name}: nobody knows whether order {order.id} "
            f"({request.side} {request.quantity}) reached the exchange. "
            "Nothing more is sent for this leg until that is known."
        )
        self._out.tell(intent, f"unknown:{order.id}", "An order's fate is unknown", text)


def _then(hindrance: str) -> str:
    return f"It is left alone for now: {hindrance.rstrip('. ')}." if hindrance else "It is cancelled."
