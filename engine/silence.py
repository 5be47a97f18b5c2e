"""Notices that the order-update socket has gone silent: its pings live on when nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert, ReopenUpdates
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect

__all__ = ["Silence"]

#: An update that comes later than this after the books have told is none.
GRACE_S = 10.0
#: So many orders in a row of whose last fill only the books have told.
TOO_MANY = 3


class Silence:
    """Compares what the books tell first with what the socket tells later.

    Both together are faster than one, either alone is enough; so that one of them says nothing any
    more would never be noticed by what happens to an exit.
    """

    def __init__(self) -> None:
        self._waiting_s: dict[str, float] = {}  # order id -> when the books told of its last fill
        self._missed = 0

    def books_told(self, order_id: str, now_s: float) -> None:
        """The books were first to tell that an order is filled."""
        self._waiting_s[order_id] = now_s

    def socket_told(self, order_id: str) -> None:
        """The socket speaks."""
        self._waiting_s.pop(order_id, None)
        self._missed = 0

    def look(self, now_s: float) -> list[Effect]:
        """Count what has not come; when it is too much, open another and tell, once until it has spoken."""
        late = [order_id for order_id, at_s in self._waiting_s.items() if now_s - at_s >= GRACE_S]
        for order_id in late:
            del self._waiting_s[order_id]
        before, self._missed = self._missed, self._missed + len(late)
        if not before < TOO_MANY <= self._missed:
            return []
        text = (
            f"Of the last {self._missed} orders that were filled only the books have told. Orders are "
            "followed by reading those every few seconds, which is slower. The socket is opened anew."
        )
        return [ReopenUpdates(), Alert(Urgency.MEDIUM, "updates-silent", "Order updates are silent", text)]
