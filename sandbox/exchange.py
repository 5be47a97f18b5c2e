"""The broker's order side: accounts, the order book, and what is refused before an order exists.

Nothing here waits or reads a clock; time is an argument. An order is taken at once (TRANSIT), arrives at
the exchange ``latency_s`` later, is turned down there or rests and trades against the shown quotes
(`sandbox.matching`). Changes and cancellations take the same way, so that a fill can overtake them.
`advance` makes happen what is due.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.broker_nouns import OrderStatus, Product
from sandbox import rows
from sandbox.account import TOKEN_LIFE_S, Account, Carried
from sandbox.ist import CALENDAR, ist
from sandbox.matching import Matcher, What
from sandbox.orders import MAX_MODIFICATIONS, Order, Ticket, read_terms, read_ticket
from sandbox.refusals import bad_input, order_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import InstrumentKey
    from sandbox.quotes import QuoteSource

DEFAULT_CLIENT = "1000000001"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One request that would change something, as it was received."""

    at_s: float
    client_id: str
    verb: str
    path: str
    body: Any


@dataclass(frozen=True, slots=True)
class Update:
    """One order-update frame's data (camelCase) for one client."""

    client_id: str
    data: Mapping[str, Any]


class Exchange:
    """Dhan's order side.

    Attributes:
        source: where quotes come from.
        latency_s: time an order, a change or a cancellation takes to the exchange.
        always_open: trade at any hour.
        protect_market: MARKET becomes a limit some per cent away, as since March 2026; else it takes all.
        log: every request received that would change something, refused ones included.
        updates: order-update frames not yet sent.
    """

    def __init__(
        self,
        source: QuoteSource,
        *,
        latency_s: float = 0.05,
        always_open: bool = False,
        hedge_aware: bool = True,
    ) -> None:
        """Open for business without accounts; ``hedge_aware``: longs lower the margin of their shorts."""
        self.source = source
        self.latency_s = latency_s
        self.always_open = always_open
        self.accounts: dict[str, Account] = {}
        self.log: list[Mutation] = []
        self.updates: deque[Update] = deque()
        self.hedge_aware = hedge_aware
        self.protect_market = True
        self._orders_taken = 0
        self._matcher = Matcher(source, self.accounts, self._tell, hedge_aware=hedge_aware)

    def open_account(self, client_id: str, token: str, now_s: float) -> Account:
        """Begin an account whose token lives a day from now."""
        account = self.accounts[client_id] = Account(client_id, token, now_s + TOKEN_LIFE_S)
        return account

    def account(self, client_id: str = DEFAULT_CLIENT) -> Account:
        """One account. Raises KeyError when there is none."""
        return self.accounts[client_id]

    def carry(
        self,
        key: InstrumentKey,
        quantity: int,
        price_paise: int,
        *,
        product: Product = Product.MARGIN,
        client_id: str = DEFAULT_CLIENT,
    ) -> None:
        """Put a position into an account as if carried in from yesterday (signed units)."""
        self.account(client_id).carried.append(Carried(key, product, quantity, price_paise))

    def net(self, key: InstrumentKey, client_id: str = DEFAULT_CLIENT) -> int:
        """Signed units of a contract held now, all products together."""
        return self.account(client_id).net().get(key, 0)

    def is_open(self, now_s: float) -> bool:
        """Whether equity derivatives trade at this moment."""
        return self.always_open or CALENDAR.is_open(now_s)

    def place(
        self,
        body: Mapping[str, Any],
        now_s: float,
        *,
        client_id: str = DEFAULT_CLIENT,
        late_s: float = 0.0,
        doom: str = "",
    ) -> Order:
        """Take an order. Raises Refusal for what Dhan refuses at once.

        ``late_s``: it shows up in the book, and sets out to the exchange, only that much later.
        ``doom``: the exchange will reject it with these words.
        """
        ticket = read_ticket(body, self.source.instruments)
        return self.enter(ticket, now_s, client_id=client_id, late_s=late_s, doom=doom)

    def enter(
        self,
        ticket: Ticket,
        now_s: float,
        *,
        client_id: str = DEFAULT_CLIENT,
        late_s: float = 0.0,
        doom: str = "",
    ) -> Order:
        """Take an order that is already understood. Raises Refusal when closed or killed."""
        account = self.account(client_id)
        if account.killed:
            raise order_error("Kill Switch is active. Orders are not allowed for the day.")
        opened = self.is_open(now_s)
        if not opened and not ticket.after_market:
            raise order_error("Market is Closed! Want to place an offline order?")
        self._orders_taken += 1
        order = Order(
            order_id=f"32{ist(now_s):%y%m%d}{self._orders_taken:05d}",
            client_id=client_id,
            ticket=ticket,
            created_s=now_s,
            quantity=ticket.quantity,
            price_paise=ticket.price_paise,
            order_type=ticket.order_type,
            protected=self.protect_market,
            visible_s=now_s + late_s,
            status=OrderStatus.TRANSIT if opened else OrderStatus.PENDING,
            updated_s=now_s,
            doom=doom,
            triggered=ticket.order_type != "STOP_LOSS",
        )
        account.orders[order.order_id] = order
        if not late_s:
            self._tell(order, now_s)
        sets_out_s = now_s + late_s if opened else CALENDAR.window(now_s).open_s
        self._matcher.send(sets_out_s + self.latency_s, What.ARRIVE, order)
        return order

    def modify(
        self, order_id: str, body: Mapping[str, Any], now_s: float, *, client_id: str = DEFAULT_CLIENT
    ) -> Order:
        """Take a change; ``quantity`` is the order's total, not what is left. Raises Refusal."""
        order = self._changeable(order_id, client_id, now_s)
        if order.modifications >= MAX_MODIFICATIONS:
            raise order_error("Maximum number of order modifications is exceeded")
        terms = read_terms(body, order)
        order.modifications += 1
        self._matcher.send(now_s + self.latency_s, What.MODIFY, order, terms)
        return order

    def cancel(self, order_id: str, now_s: float, *, client_id: str = DEFAULT_CLIENT) -> Order:
        """Take a cancellation; a fill may still come first. Raises Refusal."""
        order = self._changeable(order_id, client_id, now_s)
        self._matcher.send(now_s + self.latency_s, What.CANCEL, order)
        return order

    def find(self, order_id: str, now_s: float, *, client_id: str = DEFAULT_CLIENT) -> Order:
        """One order of the book as shown now. Raises Refusal when it is not there."""
        order = self.account(client_id).orders.get(order_id)
        if order is None or order.visible_s > now_s:
            raise bad_input()
        return order

    def book(self, now_s: float, client_id: str = DEFAULT_CLIENT) -> list[Order]:
        """The day's orders as shown now."""
        return [o for o in self.account(client_id).orders.values() if o.visible_s <= now_s]

    def next_due_s(self) -> float | None:
        """When `advance` has something to do next, new quotes apart; None = nothing is on its way."""
        return self._matcher.next_due_s()

    def advance(self, now_s: float) -> None:
        """Make happen what is due by this moment."""
        self._matcher.advance(now_s, opened=self.is_open(now_s))

    def _changeable(self, order_id: str, client_id: str, now_s: float) -> Order:
        order = self.find(order_id, now_s, client_id=client_id)
        if not self.is_open(now_s) and not order.ticket.after_market:
            raise order_error("Market is Closed! You cannot modify/cancel an order now.")
        if not order.live:
            raise order_error(f"Order is already {order.status.value.lower()}")
        return order

    def _tell(self, order: Order, at_s: float) -> None:
        order.told.append((at_s, rows.order_row(order)))
        self.updates.append(Update(order.client_id, rows.order_update(order, at_s)))
