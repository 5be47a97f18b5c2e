"""An order as the exchange keeps it, and the checks a request passes before it becomes one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.broker_nouns import OrderStatus, Product
from engine.model import InstrumentKind, Side
from sandbox.instruments import read_key
from sandbox.refusals import bad_input, order_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Instrument, InstrumentKey

LIVE = frozenset({OrderStatus.TRANSIT, OrderStatus.PENDING, OrderStatus.PART_TRADED})
MAX_MODIFICATIONS = 25

_CORRELATION = re.compile(r"[A-Za-z0-9 _.-]{0,30}")
_TYPES = ("LIMIT", "MARKET", "STOP_LOSS")
_VALIDITIES = ("DAY", "IOC")
_OPTION_PRODUCTS = frozenset({Product.INTRADAY, Product.MARGIN})


@dataclass(frozen=True, slots=True)
class Ticket:
    """What somebody asked for, readable and complete.

    Attributes:
        quantity: units.
        price_paise: limit; 0 for MARKET. May be off the tick grid: the exchange looks at that.
        order_type: ``LIMIT``, ``MARKET`` or ``STOP_LOSS``.
        trigger_paise: for STOP_LOSS, else 0.
    """

    instrument: Instrument
    side: Side
    quantity: int
    price_paise: int
    order_type: str
    product: Product
    ioc: bool
    correlation_id: str = ""
    trigger_paise: int = 0
    disclosed: int = 0
    after_market: bool = False

    @property
    def key(self) -> InstrumentKey:
        """The contract's key."""
        return self.instrument.key


class Terms(NamedTuple):
    """What a change can change; fields as in `Ticket`."""

    quantity: int
    price_paise: int
    order_type: str
    trigger_paise: int
    disclosed: int
    ioc: bool


@dataclass(frozen=True, slots=True)
class Trade:
    """One match at the exchange."""

    trade_id: str
    order_id: str
    key: InstrumentKey
    product: Product
    side: Side
    quantity: int
    price_paise: int
    at_s: float


@dataclass(slots=True)
class Order:
    """One order and its life so far.

    Attributes:
        quantity, price_paise: as last modified.
        visible_s: the order book shows it from this moment on.
        doom: the exchange will reject it with these words when it arrives there; empty = not.
        protected: a market order becomes a limit at the exchange.
        triggered: False while a stop waits for its trigger.
        told: what the order book showed of it, from which moment on each.
    """

    order_id: str
    client_id: str
    ticket: Ticket
    created_s: float
    quantity: int
    price_paise: int
    order_type: str
    visible_s: float
    status: OrderStatus = OrderStatus.TRANSIT
    updated_s: float = 0.0
    exchange_id: str = "0"
    exchange_s: float = 0.0
    reason: str = ""
    doom: str = ""
    protected: bool = True
    triggered: bool = True
    modifications: int = 0
    trades: list[Trade] = field(default_factory=list)
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """True while something can still happen to it."""
        return self.status in LIVE

    @property
    def filled(self) -> int:
        """Units traded so far."""
        return sum(trade.quantity for trade in self.trades)

    @property
    def remaining(self) -> int:
        """Units still to trade (the unfilled rest, also of a dead order)."""
        return self.quantity - self.filled

    @property
    def average_rupees(self) -> float:
        """Average traded price in rupees; 0.0 while nothing is filled."""
        filled = self.filled
        if not filled:
            return 0.0
        return round(sum(t.quantity * t.price_paise for t in self.trades) / filled / 100, 4)


def read_ticket(body: Mapping[str, Any], instruments: Mapping[InstrumentKey, Instrument]) -> Ticket:
    """Understand a place request. Raises Refusal (DH-905, DH-906) as Dhan does before an order exists."""
    instrument = find_instrument(body, instruments)
    try:
        side = Side(body["transactionType"])
        product = Product(body["productType"])
    except (KeyError, ValueError) as wrong:
        raise bad_input() from wrong
    order_type, validity = body.get("orderType"), body.get("validity", "DAY")
    if validity not in _VALIDITIES or not isinstance(order_type, str):
        raise bad_input()
    correlation_id = str(body.get("correlationId") or "")
    if not _CORRELATION.fullmatch(correlation_id):
        raise bad_input()
    if instrument.kind is InstrumentKind.OPTION and product not in _OPTION_PRODUCTS:
        raise bad_input()
    ticket = Ticket(
        instrument=instrument,
        side=side,
        quantity=whole(body.get("quantity")),
        price_paise=paise(body.get("price")),
        order_type=order_type,
        product=product,
        ioc=validity == "IOC",
        correlation_id=correlation_id,
        trigger_paise=paise(body.get("triggerPrice")),
        disclosed=whole(body.get("disclosedQuantity") or 0),
        after_market=bool(body.get("afterMarketOrder")),
    )
    check_terms(instrument, side, ticket)
    return ticket


def read_terms(body: Mapping[str, Any], order: Order) -> Terms:
    """Understand a change: what is missing, null or 0 stays as it is. Raises Refusal.

    ``quantity`` is the order's total, what has already traded included.
    """
    ticket = order.ticket
    validity = body.get("validity") or ("IOC" if ticket.ioc else "DAY")
    if validity not in _VALIDITIES:
        raise bad_input()
    terms = Terms(
        quantity=whole(body.get("quantity") or order.quantity),
        price_paise=paise(body.get("price")) or order.price_paise,
        order_type=body.get("orderType") or order.order_type,
        trigger_paise=paise(body.get("triggerPrice")) or ticket.trigger_paise,
        disclosed=whole(body.get("disclosedQuantity") or ticket.disclosed),
        ioc=validity == "IOC",
    )
    check_terms(ticket.instrument, ticket.side, terms)
    return terms


def largest_order(instrument: Instrument, quantity: int) -> int:
    """How much of a quantity fits into one order: whole lots up to the freeze quantity, one lot at least."""
    most = min(quantity, instrument.freeze_quantity or quantity)
    return max(most // instrument.lot, 1) * instrument.lot


def find_instrument(body: Mapping[str, Any], instruments: Mapping[InstrumentKey, Instrument]) -> Instrument:
    """The tradable contract a request names. Raises Refusal (DH-905)."""
    try:
        key = read_key(body["exchangeSegment"], body["securityId"])
    except (KeyError, ValueError) as wrong:
        raise bad_input() from wrong
    instrument = instruments.get(key)
    if instrument is None or instrument.kind is InstrumentKind.INDEX:
        raise bad_input()
    return instrument


def check_terms(instrument: Instrument, side: Side, terms: Ticket | Terms) -> None:
    """Quantity, price, trigger and type belong together. Raises Refusal."""
    if terms.order_type == "STOP_LOSS_MARKET":
        raise order_error("SL-M orders are not allowed for options")
    if terms.order_type not in _TYPES:
        raise bad_input()
    if terms.quantity <= 0 or terms.quantity % instrument.lot:
        raise bad_input()
    if terms.disclosed and terms.disclosed * 10 < terms.quantity * 3:
        raise bad_input()
    if terms.order_type != "MARKET" and terms.price_paise <= 0:
        raise bad_input()
    if terms.order_type == "STOP_LOSS":
        _check_trigger(side, terms.price_paise, terms.trigger_paise)


def _check_trigger(side: Side, price_paise: int, trigger_paise: int) -> None:
    if trigger_paise <= 0:
        raise bad_input()
    if (trigger_paise - price_paise) * side.sign > 0:
        wanted = "less" if side is Side.BUY else "greater"
        raise order_error(f"Trigger Price should be {wanted} than Price")


def paise(value: Any) -> int:
    """Rupees of a JSON body as paise; null and "" are 0. Raises Refusal when it is no amount."""
    try:
        amount = float(value or 0)
    except (TypeError, ValueError) as wrong:
        raise bad_input() from wrong
    if not 0 <= amount < 10_000_000:
        raise bad_input()
    return round(amount * 100)


def whole(value: Any) -> int:
    """A JSON quantity as int. Raises Refusal when it is none."""
    if isinstance(value, bool):
        raise bad_input()
    try:
        quantity = int(value)
    except (TypeError, ValueError) as wrong:
        raise bad_input() from wrong
    if quantity != float(value):
        raise bad_input()
    return quantity
