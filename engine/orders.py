"""The life of one order: a table of what may follow what, and the id that links it to its intent.

An order is *live* until the broker has said how it ended, or until it has been proved absent.
Unknown is live. The table has the ugly rows of the real world: a fill after a cancel, a fill before
the acknowledgement, an order that appears after it was given up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.broker_nouns import BrokerOrder, OrderRequest, OrderStatus, Product
from engine.model import InstrumentKey, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Event",
    "Order",
    "OrderState",
    "Trade",
    "account_tag",
    "correlation_id",
    "following",
    "read_correlation_id",
]


class OrderState(StrEnum):
    """Where an order of ours stands."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    EXPIRED = "expired"
    ABSENT = "absent"

    @property
    def live(self) -> bool:
        """True while the order may still trade, as far as anybody knows."""
        return self in _LIVE


_LIVE = frozenset({OrderState.SENDING, OrderState.UNKNOWN, OrderState.WORKING})


class Event(StrEnum):
    """What can be learnt about an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    SEEN_WORKING = "seen working"
    SEEN_FILLED = "seen filled"
    SEEN_CANCELLED = "seen cancelled"
    SEEN_REJECTED = "seen rejected"
    SEEN_EXPIRED = "seen expired"
    PROVED_ABSENT = "proved absent"


_S, _E = OrderState, Event

#: (state, event) -> state. A pair that is missing cannot happen and raises KeyError.
TABLE: dict[tuple[OrderState, Event], OrderState] = {
    (_S.SENDING, _E.ACCEPTED): _S.WORKING,
    (_S.SENDING, _E.REFUSED): _S.REFUSED,
    (_S.SENDING, _E.NO_ANSWER): _S.UNKNOWN,
    (_S.SENDING, _E.PROVED_ABSENT): _S.ABSENT,
    (_S.UNKNOWN, _E.ACCEPTED): _S.WORKING,  # the answer came after we had stopped waiting
    (_S.UNKNOWN, _E.REFUSED): _S.REFUSED,
    (_S.UNKNOWN, _E.NO_ANSWER): _S.UNKNOWN,
    (_S.UNKNOWN, _E.PROVED_ABSENT): _S.ABSENT,
    (_S.WORKING, _E.ACCEPTED): _S.WORKING,  # the socket was faster than the REST reply
    (_S.WORKING, _E.NO_ANSWER): _S.WORKING,
    (_S.WORKING, _E.REFUSED): _S.WORKING,  # the book has it: the book is right
    # A known end stays an end, whatever older news is delivered late ...
    **{
        (end, late): end
        for end in (_S.FILLED, _S.CANCELLED, _S.REFUSED, _S.EXPIRED)
        for late in (_E.ACCEPTED, _E.REFUSED, _E.NO_ANSWER, _E.SEEN_WORKING, _E.PROVED_ABSENT)
    },
    # (a refusal that the order book contradicts was none)
    (_S.REFUSED, _E.SEEN_WORKING): _S.WORKING,
    # ... but lost is not dead: an order given up as absent may turn up after all.
    (_S.ABSENT, _E.ACCEPTED): _S.WORKING,
    (_S.ABSENT, _E.REFUSED): _S.ABSENT,
    (_S.ABSENT, _E.NO_ANSWER): _S.ABSENT,
    (_S.ABSENT, _E.PROVED_ABSENT): _S.ABSENT,
    **{(state, _E.SEEN_WORKING): _S.WORKING for state in (_S.SENDING, _S.UNKNOWN, _S.WORKING, _S.ABSENT)},
    # A trade is a trade in every state: fill before acknowledgement, fill after cancel.
    **{(state, _E.SEEN_FILLED): _S.FILLED for state in _S},
    **{
        (state, event): end if state is not _S.FILLED else _S.FILLED
        for event, end in (
            (_E.SEEN_CANCELLED, _S.CANCELLED),
            (_E.SEEN_REJECTED, _S.REFUSED),
            (_E.SEEN_EXPIRED, _S.EXPIRED),
        )
        for state in _S
    },
}

_SEEN: dict[OrderStatus, Event] = {
    OrderStatus.TRANSIT: _E.SEEN_WORKING,
    OrderStatus.PENDING: _E.SEEN_WORKING,
    OrderStatus.PART_TRADED: _E.SEEN_WORKING,
    OrderStatus.TRADED: _E.SEEN_FILLED,
    OrderStatus.CANCELLED: _E.SEEN_CANCELLED,
    OrderStatus.REJECTED: _E.SEEN_REJECTED,
    OrderStatus.EXPIRED: _E.SEEN_EXPIRED,
}


def following(state: OrderState, event: Event) -> OrderState:
    """Look up the state after an event. Raises KeyError for a pair that cannot happen."""
    return TABLE[state, event]


class Trade(NamedTuple):
    """One trade of an order at the exchange: so many units at that price; ``at_s`` None = not told when."""

    units: int
    paise: int
    at_s: float | None = None


@dataclass(slots=True)
class Order:
    """One order of an intent: what was sent, and what became of it.

    Attributes:
        intent: the id of the exit this order belongs to.
        leg, part, attempt: which leg of the plan, which slice of it, which try of that slice.
        sent_s: when the request was last about to leave; the journal knows it before the broker.
        filled_s: when we learnt of its last fill; the position list may lag behind that.
        trades: the exchange's trades of it by their ids, as far as they are told.
        priced_s: when the limit was last changed.
        modifies: how often; Dhan allows 25 in the life of an order.
        unknown_s: since when nobody knows; None = known.
        absent_reads: consistent order-book reads without it since `unknown_s`.
        pending: a modify or cancel is on its way and unanswered.
        cancels: how often its cancel was sent, the last time at ``cancel_sent_s``.
    """

    request: OrderRequest
    intent: str
    leg: int
    part: int
    attempt: int
    sent_s: float
    state: OrderState = OrderState.SENDING
    order_id: str = ""
    filled: int = 0
    average_paise: int = 0
    reason: str = ""
    priced_s: float = 0.0
    modifies: int = 0
    unknown_s: float | None = None
    absent_reads: int = 0
    pending: bool = False
    cancel_sent_s: float | None = None
    cancels: int = 0
    filled_s: float = 0.0
    trades: dict[str, Trade] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The correlation id, which is how everybody finds this order."""
        return self.request.correlation_id

    @property
    def rest(self) -> int:
        """Units that may still trade: 0 once the order is at its end."""
        return self.request.quantity - self.filled if self.state.live else 0

    @property
    def told(self) -> int:
        """Units that the trades add up to which the exchange has told."""
        return sum(trade.units for trade in self.trades.values())

    @property
    def turnover_paise(self) -> int:
        """What the filled units came to: the sum of the trades when all are told, else by the average.

        Before anybody has told a price it is the limit, which is the worst that it can have been.
        """
        if self.told == self.filled:
            return sum(trade.units * trade.paise for trade in self.trades.values())
        return self.filled * (self.average_paise or self.request.limit_paise)

    def learn(self, event: Event) -> bool:
        """Apply one event; True when the state changed."""
        before = self.state
        self.state = following(before, event)
        if self.state is not OrderState.UNKNOWN:
            self.unknown_s = None
        return self.state is not before

    def see(self, seen: BrokerOrder) -> bool:
        """Take in the broker's row; True when state, filled quantity, average or total changed.

        Filled only grows: rows arrive late and out of order. A row that says TRADED for less than
        was ordered is still working (Dhan has no documented partial status on the socket). Limit and
        total are the row's: a modify may have been refused or lost, or somebody changed the order in
        the app.
        """
        resized = self._resize(seen)
        event = _SEEN[seen.status]
        if event is Event.SEEN_FILLED and max(seen.filled, self.filled) < self.request.quantity:
            event = Event.SEEN_WORKING
        before = self.filled, self.average_paise
        if seen.filled >= self.filled:
            self.filled = seen.filled
            self.average_paise = seen.average_paise or self.average_paise  # a frame may come without it
        if self.filled >= self.request.quantity:
            event = Event.SEEN_FILLED
        self.order_id = self.order_id or seen.order_id  # once known it never changes
        self.reason = seen.reason or self.reason
        self.absent_reads = 0
        if seen.limit_paise > 0 and not self.pending:
            self.request = replace(self.request, limit_paise=seen.limit_paise)
        return self.learn(event) or resized or (self.filled, self.average_paise) != before

    def book(self, trades: Mapping[str, Trade]) -> bool:
        """Take in the trade book's word on this order; True when that is news. A shorter one is late."""
        if sum(trade.units for trade in trades.values()) <= self.told:
            return False
        self.trades = dict(trades)
        return True

    def _resize(self, seen: BrokerOrder) -> bool:
        """Take over another total; a change of ours under way may still make a smaller one larger again."""
        shrinks = seen.quantity < self.request.quantity
        late = seen.quantity < self.filled  # an old row: as much as that is traded already
        if seen.quantity == self.request.quantity or late:
            return False
        if shrinks and self.pending and not seen.status.final:
            return False
        self.request = replace(self.request, quantity=seen.quantity)
        return True

    def to_json(self) -> dict[str, Any]:
        """The order as the journal keeps it."""
        r = self.request
        return {
            "id": r.correlation_id, "key": r.key, "side": r.side, "quantity": r.quantity,
            "limit": r.limit_paise, "product": r.product, "ioc": r.ioc, "intent": self.intent,
            "leg": self.leg,
            "part": self.part, "attempt": self.attempt, "sent_s": self.sent_s, "state": self.state,
            "order_id": self.order_id, "filled": self.filled, "average": self.average_paise,
            "reason": self.reason, "priced_s": self.priced_s, "modifies": self.modifies,
            "cancels": self.cancels, "cancel_sent_s": self.cancel_sent_s,
            "filled_s": self.filled_s, "trades": {k: list(v) for k, v in self.trades.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Order:
        """Read the journal's row; an order that was on its way when we died is unknown.

        Nobody knows what became of a cancel that was: it is sent again.
        """
        request = OrderRequest(
            row["id"], InstrumentKey(row["key"]), Side(row["side"]), row["quantity"], row["limit"],
            Product(row["product"]), row["ioc"],
        )  # fmt: skip
        state = OrderState(row["state"])
        order = cls(
            request, row["intent"], row["leg"], row["part"], row["attempt"], row["sent_s"], state,
            row["order_id"],
            row["filled"], row["average"], row["reason"], row["priced_s"], row["modifies"],
            cancels=row.get("cancels", 0),
            filled_s=row.get("filled_s", row["priced_s"]),
            trades={name: Trade(*trade) for name, trade in row.get("trades", {}).items()},
        )  # fmt: skip
        if state in (OrderState.SENDING, OrderState.UNKNOWN):
            order.state = OrderState.UNKNOWN
            order.unknown_s = order.sent_s
        return order


_ID = re.compile(r"P-([A-Za-z0-9]{1,8})-([0-9]{6}[0-9a-z]{3})-(\d{1,2})-(\d{1,2})-(\d{1,2})")


def account_tag(account: str) -> str:
    """The account as order names have it: its first eight letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", account)[:8]


def correlation_id(account: str, intent: str, leg: int, part: int, attempt: int) -> str:
    """Name an order after what it is for; at most 30 characters of ``[A-Za-z0-9-]``.

    Raises:
        ValueError: a part does not fit (accounts are cut to their first eight letters and digits).
    """
    name = f"P-{account_tag(account)}-{intent}-{leg}-{part}-{attempt}"
    if not _ID.fullmatch(name):
        raise ValueError(f"no correlation id can be made of {name!r}")
    return name


def read_correlation_id(text: str) -> tuple[str, str, int, int, int] | None:
    """Read account tag, intent, leg, part and attempt back; None when the id is not ours."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    tag, intent, leg, part, attempt = match.groups()
    return tag, intent, int(leg), int(part), int(attempt)
