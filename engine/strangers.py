"""Orders in the broker's book that bear a name of ours and are in no journal of ours: taken back, and told.

They come from a journal that was lost, or from another monitor that had the account before. What they
ask for counts as asked for by us (`engine.ledger`); nothing else is sent in their contract until they
are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.again import Again
from engine.effects import Alert, Audit, CancelOrder
from engine.model import Urgency, key_parts
from engine.orders import account_tag, read_correlation_id

if TYPE_CHECKING:
    from engine.blotter import Blotter
    from engine.broker_nouns import BrokerOrder
    from engine.model import InstrumentKey
    from engine.outgoing import Outgoing

__all__ = ["Strangers"]


class Strangers:
    """Deals with the strangers of one account.

    Args:
        account: the account's name; orders of others are not ours to cancel.
        blotter: all orders that the journal knows.
        out: takes the effects.
    """

    def __init__(self, account: str, blotter: Blotter, out: Outgoing) -> None:
        self._tag = account_tag(account)
        self._blotter = blotter
        self._out = out
        self._cancels = Again()
        self._told: set[str] = set()

    def start_day(self) -> None:
        """Yesterday's orders are dead, theirs too."""
        self._cancels.clear()
        self._told.clear()

    def live(self) -> list[BrokerOrder]:
        """Those that may still trade, as the last report shows them."""
        return [row for row in self._blotter.ledger.strays if not row.status.final and self._mine(row)]

    def _mine(self, row: BrokerOrder) -> bool:
        name = read_correlation_id(row.correlation_id)
        return name is not None and name[0] == self._tag and self._blotter.get(row.correlation_id) is None

    def stand_in(self, key: InstrumentKey) -> bool:
        """Whether one may still trade in this contract."""
        return any(row.key == key for row in self.live())

    def deal(self, hindrance: str, now_s: float) -> bool:
        """Tell of each once, and cancel it as far as that is ours to do; True when a report would help.

        ``hindrance``: why nothing may be sent; empty = it may.
        """
        dealt = False
        for row in self.live():
            self._tell(row, hindrance)
            if hindrance or not self._cancels.due(row.order_id, now_s):
                continue
            self._out.add(Audit("stranger", {"order": row.correlation_id, "order_id": row.order_id}))
            self._out.add(CancelOrder(row.order_id, row.correlation_id))
            dealt = True
        return dealt

    def _tell(self, row: BrokerOrder, hindrance: str) -> None:
        if row.order_id in self._told:
            return
        self._told.add(row.order_id)
        then = f"It is left alone for now: {hindrance}" if hindrance else "It is cancelled"
        what = f"{row.side} {row.quantity - row.filled} of security id {key_parts(row.key)[1]}"
        text = (
            f"{what}, order {row.order_id} ({row.correlation_id}): a journal was lost, or another monitor "
            f"has sent it. {then}. Nothing else is sent in that contract before it is gone."
        )
        title = "An order of ours is in the book that no journal knows"
        self._out.add(Alert(Urgency.HIGH, f"stranger:{row.order_id}", title, text))
