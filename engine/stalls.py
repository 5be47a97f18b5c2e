"""Notices exits that do not get on, so that none waits in silence for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from engine.intents import Intent
    from engine.orders import Order

__all__ = ["Stalls"]

#: An exit that waits for the same thing this long is told of.
STALL_S = 30.0


class Stalls:
    """Since when each exit has stood still.

    An order that rests at the exchange is getting on: it can trade at any moment, and the price ladder
    has words of its own for one that does not.
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[tuple[object, ...], float]] = {}

    def keep(self, names: Container[str]) -> None:
        """Forget all exits but these."""
        self._since = {name: since for name, since in self._since.items() if name in names}

    def stalled(self, intent: Intent, now_s: float) -> bool:
        """True when nothing of this exit has moved for `STALL_S`."""
        mark = (
            intent.state,
            sum(order.filled for order in intent.orders),
            len(intent.orders),
            len(intent.live_orders()),
            any(
                now_s < leg.wait_until_s for leg in intent.legs
            ),  # a pause after a refusal has words of its own
            any(_rests(order) for order in intent.live_orders()),
        )
        known = self._since.get(intent.id)
        if known is None or known[0] != mark or mark[-1]:
            self._since[intent.id] = (mark, now_s)
            return False
        return now_s - known[1] >= STALL_S


def _rests(order: Order) -> bool:
    known = order.order_id and order.unknown_s is None
    return bool(known) and not order.pending and order.cancel_sent_s is None
