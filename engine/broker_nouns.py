"""The nouns of the order path: what the broker is asked, what it says of orders, fills and positions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.model import InstrumentKey, Side


class Product(StrEnum):
    """Dhan's product types that an option position can be held in."""

    INTRADAY = "INTRADAY"
    MARGIN = "MARGIN"
    CNC = "CNC"
    MTF = "MTF"


class OrderStatus(StrEnum):
    """Dhan's order statuses. An unknown word becomes TRANSIT: treat as working and read again."""

    TRANSIT = "TRANSIT"
    PENDING = "PENDING"
    PART_TRADED = "PART_TRADED"
    TRADED = "TRADED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """True when the exchange will do nothing more with the order."""
        return self in _FINAL


_FINAL = frozenset({OrderStatus.TRADED, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One limit order as we send it. There is no other kind (market orders ended in 2026).

    Attributes:
        correlation_id: ours, at most 30 characters of ``[A-Za-z0-9_-]``; see `engine.orders`.
        quantity: units, positive.
    """

    correlation_id: str
    key: InstrumentKey
    side: Side
    quantity: int
    limit_paise: int
    product: Product
    ioc: bool = False


class MarginStep(NamedTuple):
    """One order of a basket whose margin is asked for; nothing is sent."""

    key: InstrumentKey
    side: Side
    quantity: int
    product: Product
    price_paise: int


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker tells it, from REST or from the order-update socket.

    Attributes:
        correlation_id: empty when the broker holds none ("NA").
        filled: units filled so far; average_paise 0 while nothing is filled.
        reason: the broker's words for a rejection, else empty.
    """

    order_id: str
    correlation_id: str
    key: InstrumentKey
    side: Side
    quantity: int
    filled: int
    average_paise: int
    limit_paise: int
    status: OrderStatus
    reason: str = ""
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """One exchange trade; ``trade_id`` is what fills are counted by.

    Attributes:
        at_s: when the exchange made it, whole seconds; None = not told.
    """

    trade_id: str
    order_id: str
    key: InstrumentKey
    side: Side
    quantity: int
    price_paise: int
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """What the broker says is held: net units of one contract in one product."""

    key: InstrumentKey
    product: Product
    net_quantity: int
