"""Other hands on the account: the owner's in the app, and the broker's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.broker_nouns import Product
from engine.model import Side
from sandbox import desk
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.orders import Ticket, largest_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import InstrumentKey
    from sandbox.exchange import Exchange
    from sandbox.orders import Order


def trade(exchange: Exchange, key: InstrumentKey, quantity: int, now_s: float) -> None:
    """Trade so many signed units at the market, in orders without a name; it takes the exchange's latency.

    Raises:
        ValueError: no whole lots, or none at all.
        KeyError: the contract is not listed.
        Refusal: the market is closed, or the kill switch is on.
    """
    instrument = exchange.source.instruments[key]
    left = abs(quantity)
    if not left or left % instrument.lot:
        raise ValueError(f"read quantity {quantity}, expected whole lots of {instrument.lot}")
    while left:
        size = min(left, largest_order(instrument, left))
        side = Side.BUY if quantity > 0 else Side.SELL
        exchange.enter(Ticket(instrument, side, size, 0, "MARKET", Product.MARGIN, ioc=False), now_s)
        left -= size


def cancel(exchange: Exchange, key: InstrumentKey, now_s: float) -> None:
    """Cancel every live order in a contract, whoever has sent it. Raises KeyError when there is none."""
    for order in _live(exchange, key):
        exchange.cancel(order.order_id, now_s)


def change(exchange: Exchange, key: InstrumentKey, price_paise: int, now_s: float) -> None:
    """Move every live order in a contract to a limit price. Raises KeyError when there is none."""
    for order in _live(exchange, key):
        exchange.modify(order.order_id, {"price": price_paise / 100}, now_s)


def square_off(exchange: Exchange, key: InstrumentKey | None, now_s: float) -> None:
    """The risk desk closes a contract at the market, or everything; orders in it are cancelled first."""
    if key is None:
        desk.exit_all(exchange, exchange.account(), now_s)
        return
    for order in _orders(exchange, key):
        exchange.cancel(order.order_id, now_s)
    if net := exchange.net(key):
        trade(exchange, key, -net, now_s)


def _live(exchange: Exchange, key: InstrumentKey) -> list[Order]:
    found = list(_orders(exchange, key))
    if not found:
        raise KeyError(f"a live order in {exchange.source.instruments[key].display}")
    return found


def _orders(exchange: Exchange, key: InstrumentKey) -> Iterable[Order]:
    return [o for o in exchange.account(DEFAULT_CLIENT).live_orders() if o.ticket.key == key]
