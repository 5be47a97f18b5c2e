"""What the exit desk wants done: commands to the broker, records, words to the owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.broker_nouns import OrderRequest
from engine.effects import Alert, CancelOrder, ModifyOrder, PlaceOrder, RecallOrder, Record
from engine.model import Urgency
from engine.orders import Order, OrderState, correlation_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.blotter import Blotter
    from engine.effects import Effect
    from engine.intents import Intent
    from engine.steps import Place, Reprice

__all__ = ["Outgoing"]

#: A correlation id has room for no more; later slices are tries of this one.
LAST_PART = 99


class Outgoing:
    """Collects effects, each command with the record that must be on disk before it leaves.

    Args:
        account: the account's name, part of every correlation id.
        blotter: takes in new orders.
    """

    def __init__(self, account: str, blotter: Blotter) -> None:
        self._account = account
        self._blotter = blotter
        self._told: set[str] = set()
        self._effects: list[Effect] = []

    def add(self, effect: Effect) -> None:
        """One more."""
        self._effects.append(effect)

    @property
    def collected(self) -> int:
        """How many are collected since the last time."""
        return len(self._effects)

    def take(self) -> list[Effect]:
        """Everything collected since the last time, in order."""
        effects, self._effects = self._effects, []
        return effects

    def tell(
        self, intent: Intent, topic: str, title: str, text: str, urgency: Urgency = Urgency.HIGH
    ) -> bool:
        """Alert once per topic; True when it was new."""
        if topic in self._told:
            return False
        self._told.add(topic)
        self.add(Alert(urgency, topic, title, text, intent.position))
        return True

    def keep(self, names: Collection[str]) -> None:
        """Forget what was told of other exits and orders than these."""
        self._told = {topic for topic in self._told if any(name in topic for name in names)}

    def save(self, intent: Intent) -> None:
        """Keep the intent as it is now."""
        self.add(Record("intent", intent.id, intent.to_json()))

    def save_order(self, order: Order) -> None:
        """Keep the order as it is now."""
        self.add(Record("order", order.id, order.to_json()))

    def place(self, intent: Intent, index: int, step: Place, now_s: float) -> None:
        """Send a new order for one leg."""
        leg = intent.legs[index]
        part = min(intent.filled(index) // leg.slice_quantity, LAST_PART)
        attempt = sum(o.leg == index and o.part == part for o in intent.orders)
        name = correlation_id(self._account, intent.id, index, part, attempt)
        request = OrderRequest(
            name, leg.key, leg.side, step.quantity, step.limit_paise, step.product, step.ioc
        )
        order = Order(request, intent.id, index, part, attempt, sent_s=now_s, priced_s=now_s)
        intent.orders.append(order)
        self._blotter.add(order)
        self.save(intent)
        self.save_order(order)
        self.add(PlaceOrder(request))

    def reprice(self, step: Reprice, now_s: float) -> None:
        """Move a working order to a new limit."""
        order = step.order
        order.request = replace(order.request, limit_paise=step.limit_paise)
        order.modifies += 1
        order.priced_s = now_s
        order.pending = True
        self.save_order(order)
        self.add(ModifyOrder(order.order_id, order.request))

    def cancel(self, order: Order, now_s: float) -> None:
        """Cancel a working order."""
        order.cancel_sent_s = now_s
        order.cancels += 1
        order.pending = True
        self.save_order(order)
        self.add(CancelOrder(order.order_id, order.id))

    def recall(self, intent: Intent) -> None:
        """Hold what has been sent on its way and may not have left the house yet."""
        for order in intent.live_orders():
            if order.state is OrderState.SENDING or (order.pending and order.cancel_sent_s is None):
                self.add(RecallOrder(order.id))
