"""The paper exchange fills against quotes that really come, and never better than they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import OrderRequest, OrderStatus, Product
from engine.messages import Accepted, Refused
from engine.model import Side
from engine.orders import Order
from engine.paper import PaperExchange
from tests.engine.makers import option, quote, traded

KEY = option(25300, "CE").key


def buy(quantity=65, limit=1010, name="a", *, ioc=False):
    return OrderRequest(name, KEY, Side.BUY, quantity, limit, Product.MARGIN, ioc)


def test_an_order_fills_at_the_quote_of_its_side_that_comes_after_it():
    """Nothing fills before the next quote; then the ask is paid, not the limit."""
    exchange = PaperExchange()
    exchange.place(buy())
    assert exchange.fills() == ()
    (row,) = exchange.quote(quote(KEY, 9.95, 10.05))
    assert (row.status, row.filled, row.average_paise) == (OrderStatus.TRADED, 65, 1005)


def test_a_limit_below_the_ask_rests():
    """The order stays in the book until the market comes to it, or it is re-priced."""
    exchange = PaperExchange()
    said = exchange.place(buy(limit=1000))
    assert exchange.quote(quote(KEY, 9.95, 10.05)) == []
    assert isinstance(said, Accepted)
    exchange.modify(said.order_id, buy(limit=1005))
    assert exchange.quote(quote(KEY, 9.95, 10.05))[0].status is OrderStatus.TRADED


def test_only_what_is_shown_is_filled_and_two_orders_share_it():
    """100 on offer: the first order gets its 65, the second 35."""
    exchange = PaperExchange()
    exchange.place(buy(name="a"))
    exchange.place(buy(name="b"))
    tick = quote(KEY, 9.95, 10.05)
    tick.ask_quantity = 100
    assert [row.filled for row in exchange.quote(tick)] == [65, 35]


def test_a_source_without_quotes_fills_any_quantity_at_the_last_price():
    """An LTP-only recording has no sizes; the price still has to be good enough."""
    exchange = PaperExchange()
    exchange.place(buy(6500))
    assert exchange.quote(traded(KEY, 10.15)) == []
    assert exchange.quote(traded(KEY, 10.05))[0].filled == 6500


def test_an_immediate_order_does_not_rest():
    """IOC: what the next quote does not fill is cancelled."""
    exchange = PaperExchange()
    exchange.place(buy(limit=900, ioc=True))
    assert exchange.quote(quote(KEY, 9.95, 10.05))[0].status is OrderStatus.CANCELLED
    assert exchange.working() == []


def test_a_finished_order_can_neither_be_changed_nor_cancelled():
    """As at Dhan: the order is not open."""
    exchange = PaperExchange()
    exchange.place(buy())
    (row,) = exchange.quote(quote(KEY, 9.95, 10.05))
    assert isinstance(exchange.cancel(row.order_id), Refused)
    assert isinstance(exchange.modify(row.order_id, buy()), Refused)


def test_squared_off_contracts_stay_in_the_list_with_zero():
    """As at Dhan: flat is a row that says 0, not a missing row."""
    exchange = PaperExchange()
    exchange.hold({KEY: -65})
    exchange.place(buy())
    exchange.quote(quote(KEY, 9.95, 10.05))
    assert [(row.key, row.net_quantity) for row in exchange.positions()] == [(KEY, 0)]


@given(st.integers(1, 5), st.booleans())
def test_after_a_restart_the_books_are_what_the_journal_says(lots, cancel):
    """Orders, fills and positions are the same before and after; a resting order goes on resting."""
    one = PaperExchange()
    one.hold({KEY: -65 * lots})
    request = buy(65 * lots)
    said = one.place(request)
    tick = quote(KEY, 9.95, 10.05)
    tick.ask_quantity = 65
    one.quote(tick)
    if cancel:
        one.cancel(said.order_id)
    order = Order(request, "i", 0, 0, 0, sent_s=0.0)
    order.see(one.orders()[0])
    two = PaperExchange()
    two.hold({KEY: -65 * lots})
    two.restore([order])
    assert two.orders() == one.orders()
    assert two.positions() == one.positions()
    assert two.working() == one.working()
