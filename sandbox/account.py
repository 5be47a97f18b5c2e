"""One client's account: token, orders, trades, positions carried in, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.broker_nouns import Product
    from engine.model import InstrumentKey
    from sandbox.orders import Order, Trade

TOKEN_LIFE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Carried:
    """A position brought in from yesterday: signed units at a price per unit."""

    key: InstrumentKey
    product: Product
    quantity: int
    price_paise: int


@dataclass(slots=True)
class Holding:
    """What was bought and sold of one contract in one product; values in paise."""

    key: InstrumentKey
    product: Product
    carried_buy: int = 0
    carried_sell: int = 0
    carried_buy_paise: int = 0
    carried_sell_paise: int = 0
    day_buy: int = 0
    day_sell: int = 0
    day_buy_paise: int = 0
    day_sell_paise: int = 0

    @property
    def bought(self) -> int:
        """Units bought, carried in included."""
        return self.carried_buy + self.day_buy

    @property
    def sold(self) -> int:
        """Units sold, carried in included."""
        return self.carried_sell + self.day_sell

    @property
    def net(self) -> int:
        """Signed units held."""
        return self.bought - self.sold

    @property
    def buy_average(self) -> float:
        """Average buying price in paise; 0 when nothing was bought."""
        return (self.carried_buy_paise + self.day_buy_paise) / self.bought if self.bought else 0.0

    @property
    def sell_average(self) -> float:
        """Average selling price in paise; 0 when nothing was sold."""
        return (self.carried_sell_paise + self.day_sell_paise) / self.sold if self.sold else 0.0

    @property
    def realised_paise(self) -> float:
        """Profit of the units that went both ways."""
        return min(self.bought, self.sold) * (self.sell_average - self.buy_average) + 0.0


@dataclass(slots=True)
class PnlExit:
    """Dhan's own exit at an account profit or loss (rupees, as configured)."""

    profit_rupees: float
    loss_rupees: float
    products: list[str]
    kill_switch: bool


@dataclass(slots=True)
class Account:
    """Everything the broker knows of one client.

    Attributes:
        token_type: ``SELF`` (made on the web, renewable) or ``APP``.
        mints: how many tokens the API has made.
        minted_s: when the last token was made; ``-inf`` = never by the API.
        funds_paise: cash and collateral at the start of the day.
    """

    client_id: str
    token: str
    token_expires_s: float
    token_type: str = "SELF"  # noqa: S105 - a kind, not a token
    pin: str = "000000"
    minted_s: float = float("-inf")
    mints: int = 0
    funds_paise: int = 200_000_000
    carried: list[Carried] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    killed: bool = False
    pnl_exit: PnlExit | None = None
    ip: dict[str, str] = field(default_factory=dict)

    def holdings(self, until_s: float = float("inf")) -> dict[tuple[InstrumentKey, Product], Holding]:
        """Positions by contract and product, counting trades up to a moment."""
        book: dict[tuple[InstrumentKey, Product], Holding] = {}
        for row in self.carried:
            at = book.setdefault((row.key, row.product), Holding(row.key, row.product))
            if row.quantity > 0:
                at.carried_buy += row.quantity
                at.carried_buy_paise += row.quantity * row.price_paise
            else:
                at.carried_sell -= row.quantity
                at.carried_sell_paise -= row.quantity * row.price_paise
        for trade in self.trades:
            if trade.at_s > until_s:
                continue
            at = book.setdefault((trade.key, trade.product), Holding(trade.key, trade.product))
            if trade.side is Side.BUY:
                at.day_buy += trade.quantity
                at.day_buy_paise += trade.quantity * trade.price_paise
            else:
                at.day_sell += trade.quantity
                at.day_sell_paise += trade.quantity * trade.price_paise
        return book

    @property
    def cash_paise(self) -> int:
        """What the day began with, less premiums paid today, plus premiums received today."""
        return self.funds_paise - sum(t.side.sign * t.quantity * t.price_paise for t in self.trades)

    def net(self) -> dict[InstrumentKey, int]:
        """Signed units per contract, all products together; flat contracts left out."""
        total: dict[InstrumentKey, int] = {}
        for holding in self.holdings().values():
            total[holding.key] = total.get(holding.key, 0) + holding.net
        return {key: units for key, units in total.items() if units}

    def live_orders(self) -> Iterable[Order]:
        """Orders that may still trade."""
        return [order for order in self.orders.values() if order.live]
