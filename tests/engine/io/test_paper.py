"""The paper exchange as a broker: it lives by the same messages as the house, and closes with the market."""

from __future__ import annotations

from engine.broker_nouns import OrderRequest, OrderStatus, Product
from engine.io.paper import PaperBroker
from engine.messages import Beat, BeatKind, OrderUpdate, Ticks
from engine.model import Side
from engine.orders import Order
from engine.paper import PaperExchange
from tests.engine.makers import option, quote
from tests.support.census import census
from tests.support.clock import VirtualClock

KEY = option(25300, "CE").key
ORDER = OrderRequest("P-a-260203001-0-0-0", KEY, Side.BUY, 65, 1000, Product.MARGIN)


def made():
    """A paper broker with one order that rests, and what it has posted."""
    exchange, posted = PaperExchange(), []
    exchange.place(ORDER)
    return exchange, PaperBroker(exchange, VirtualClock(), dict, posted.append), posted


def test_day_orders_end_with_the_session():
    """At the close what rests expires and is told; the next morning's quotes trade nothing."""
    exchange, broker, posted = made()
    broker.listen(Beat(BeatKind.SESSION_CLOSE))
    (update,) = posted
    assert isinstance(update, OrderUpdate)
    assert update.order.status is OrderStatus.EXPIRED
    broker.listen(Ticks([quote(KEY, 9.9, 9.95)]))
    broker.listen(Beat(BeatKind.SESSION_CLOSE))
    assert len(posted) == 1
    assert exchange.fills() == ()


def test_an_order_of_yesterday_is_dead_after_a_restart():
    """The journal remembers it as live; the exchange of today does not take it up, one of today it does."""
    for sent_s, status in ((99.0, OrderStatus.EXPIRED), (101.0, OrderStatus.PENDING)):
        exchange = PaperExchange()
        order = Order(ORDER, "260203001", 0, 0, 0, sent_s=sent_s, priced_s=sent_s)
        order.order_id = "900000000001"
        exchange.restore([order], since_s=100.0)
        assert [row.status for row in exchange.orders()] == [status]


async def test_books_of_a_month_hold_one_day_and_positions_all_of_it():
    """As at a broker: orders and trades are the day's, what was traded is carried; no name comes twice."""
    exchange, clock = PaperExchange(), VirtualClock()
    broker, sizes, trades = PaperBroker(exchange, clock, dict, lambda _message: None), [], []
    for _ in range(30):
        broker.listen(Beat(BeatKind.PULSE))
        assert (exchange.orders(), exchange.fills()) == ((), ())
        for _ in range(2):
            exchange.place(ORDER)
            broker.listen(Ticks([quote(KEY, 9.9, 9.95)]))
        exchange.place(ORDER)
        trades += [fill.trade_id for fill in exchange.fills()]
        sizes.append(census(exchange=exchange, broker=broker).total())
        await clock.advance(86_400.0)
    assert len(set(trades)) == 60
    assert [row.net_quantity for row in exchange.positions()] == [60 * 65]
    assert sizes[-1] == sizes[0]
