"""Somebody else's hand on our working orders: what was cancelled or moved, and not by us.

Once may be a mistake, or the exchange; whoever cancels a leg's order again does not want it, and two
who send and cancel against each other help nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intents import IntentState
from engine.money import rupees
from engine.orders import OrderState

if TYPE_CHECKING:
    from collections.abc import Container

    from engine.intents import Intent
    from engine.orders import Order
    from engine.outgoing import Outgoing

__all__ = ["Meddling"]

#: Cancels of one leg's orders by somebody else after which its exit is held.
HOLD_AFTER = 2


class Meddling:
    """Knows what we have asked of each order, and tells of what nobody here has asked.

    Orders of an earlier life of this process are passed over: what was asked of those is not known.

    Args:
        out: where it is told.
    """

    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._former: set[str] = set()
        self._limits: dict[str, set[int]] = {}
        self._cancelled: set[str] = set()

    def restored(self, order: Order) -> None:
        """Pass over an order that the journal remembers."""
        self._former.add(order.id)

    def keep(self, names: Container[str]) -> None:
        """Forget all orders but these."""
        self._former = {name for name in self._former if name in names}
        self._limits = {name: asked for name, asked in self._limits.items() if name in names}
        self._cancelled = {name for name in self._cancelled if name in names}

    def cancelled(self, intent: Intent, order: Order) -> None:
        """Take in an order's news: tell of a cancel that is not ours, and hold the exit at the second.

        An order that is to fill at once or not at all is cancelled by the exchange, as it was meant to be.
        """
        if order.state is not OrderState.CANCELLED or intent.state is not IntentState.WORKING:
            return
        passed = order.id in self._cancelled or order.id in self._former
        if passed or order.request.ioc or order.cancel_sent_s is not None:
            return
        self._cancelled.add(order.id)
        leg = intent.legs[order.leg]
        leg.hands += 1
        then = "A new one is placed; if that goes too, the exit is held"
        if leg.hands >= HOLD_AFTER:
            then = "The exit is held"
            intent.state = IntentState.STOPPING
            intent.note = f"{leg.name}: somebody else cancels our orders; nothing more is sent"
        self._out.save(intent)
        why = f" ({order.reason})" if order.reason else ""
        text = f"{leg.name}: order {order.id} was cancelled, and not by us{why}. {then}."
        self._out.tell(intent, f"cancelled:{order.id}", "An order was cancelled by somebody else", text)

    def look(self, intent: Intent) -> None:
        """Learn what is being asked for, and tell of working orders whose limit nobody here has asked for."""
        for order in intent.live_orders():
            if order.id in self._former:
                continue
            limit, asked = order.request.limit_paise, self._limits.setdefault(order.id, set())
            if limit in asked:
                continue
            if asked and order.state is OrderState.WORKING and not order.pending:
                name = intent.legs[order.leg].name
                text = (
                    f"{name}: the limit of order {order.id} is {rupees(limit)} now; nobody here asked for it."
                )
                topic = f"moved:{order.id}:{limit}"
                self._out.tell(intent, topic, "An order was changed by somebody else", text)
            asked.add(limit)
