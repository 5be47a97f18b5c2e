"""Dhan's own tools over a whole account: what it is worth, exit everything, exit at a profit or loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.broker_nouns import Product
from engine.model import Side
from sandbox.orders import Ticket, largest_order
from sandbox.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.account import Account
    from sandbox.exchange import Exchange

_INTRADAY = frozenset({Product.INTRADAY})


def pnl_paise(exchange: Exchange, account: Account, products: Collection[Product]) -> float:
    """Realised and unrealised P&L of the account's positions in these products, at last prices."""
    total = 0.0
    for holding in account.holdings().values():
        if holding.product not in products:
            continue
        total += holding.realised_paise
        quote = exchange.source.quote(holding.key)
        cost = holding.buy_average if holding.net > 0 else holding.sell_average
        if holding.net and quote and quote.ltp_paise:
            total += holding.net * (quote.ltp_paise - cost)
    return total


def exit_all(
    exchange: Exchange, account: Account, now_s: float, products: Collection[Product] = tuple(Product)
) -> None:
    """Cancel every open order and close every position at the market, shorts first.

    It knows no strategies: other people's positions in the same account go too.
    """
    for order in exchange.book(now_s, account.client_id):
        if order.live:  # one that shows up late is found by nobody, this tool included
            exchange.cancel(order.order_id, now_s, client_id=account.client_id)
    held = [h for h in account.holdings().values() if h.net and h.product in products]
    for holding in sorted(held, key=lambda at: at.net):
        instrument = exchange.source.instruments[holding.key]
        left = abs(holding.net)
        while left > 0:
            ticket = Ticket(
                instrument=instrument,
                side=Side.BUY if holding.net < 0 else Side.SELL,
                quantity=min(left, largest_order(instrument, left)),
                price_paise=0,
                order_type="MARKET",
                product=holding.product,
                ioc=False,
            )
            exchange.enter(ticket, now_s, client_id=account.client_id)
            left -= ticket.quantity


def watch_pnl(exchange: Exchange, now_s: float) -> None:
    """Fire the P&L exits that are due; each fires once."""
    for account in exchange.accounts.values():
        terms = account.pnl_exit
        if terms is None or not exchange.is_open(now_s):
            continue
        intraday = _INTRADAY if "INTRADAY" in terms.products else frozenset()
        others = frozenset(Product) - _INTRADAY if "DELIVERY" in terms.products else frozenset()
        pnl = pnl_paise(exchange, account, intraday | others) / 100
        if pnl >= terms.profit_rupees or pnl <= -terms.loss_rupees:
            account.pnl_exit = None
            try:
                exit_all(exchange, account, now_s, intraday | others)
            except Refusal:
                continue  # the kill switch is already on: nothing can be sent
            account.killed = account.killed or terms.kill_switch
