"""What may still be traded of a contract: fresh reads, own fills, and everything that is under way."""

from __future__ import annotations

from engine.blotter import Blotter
from engine.broker_nouns import BrokerOrder, BrokerPosition, OrderRequest, OrderStatus, Product
from engine.intents import LegPlan
from engine.messages import BrokerReport
from engine.model import InstrumentKey, Side
from engine.orders import Order, OrderState

KEY = InstrumentKey(7)
NOW_S = 1_770_090_600.0


def leg() -> LegPlan:
    """A short of 195 units that is to be bought back."""
    return LegPlan(KEY, "NIFTY 25300 CE", Side.BUY, 195, 0, 65, 5, 1800, {1: -195})


def order(name: str, state=OrderState.WORKING, filled=0, order_id="") -> Order:
    """An order of 65 units in that contract."""
    request = OrderRequest(name, KEY, Side.BUY, 65, 1000, Product.MARGIN)
    return Order(request, "260203001", 0, 0, 0, NOW_S, state, order_id, filled)


def row(name: str, order_id: str, filled=0, status=OrderStatus.PENDING) -> BrokerOrder:
    """The broker's row of such an order."""
    return BrokerOrder(order_id, name, KEY, Side.BUY, 65, filled, 1000, 1000, status)


def report(request: int, *orders: BrokerOrder, net=-195) -> BrokerReport:
    """The broker's books."""
    held = (BrokerPosition(KEY, Product.MARGIN, net),)
    return BrokerReport(request, NOW_S + request, orders, (), held)


def test_only_a_report_asked_for_after_the_last_news_counts():
    """A fill that is learnt makes the report that is there, and the one under way, too old."""
    blotter = Blotter()
    ours = order("P-a-260203001-0-0-0", order_id="1")
    blotter.add(ours)
    first, second = blotter.ledger.next_request(), blotter.ledger.next_request()
    blotter.report(report(first), NOW_S)
    assert blotter.ledger.fresh(KEY)
    blotter.update(row(ours.id, "1", 65, OrderStatus.TRADED), NOW_S)
    assert not blotter.ledger.fresh(KEY)
    blotter.report(report(second), NOW_S)
    assert not blotter.ledger.fresh(KEY)
    blotter.report(report(blotter.ledger.next_request()), NOW_S)
    assert blotter.ledger.fresh(KEY)


def test_what_is_under_way_is_not_free():
    """Live and unknown orders of every exit count in full, and so do strangers with our prefix."""
    blotter, plan = Blotter(), leg()
    live = [order("P-a-260203001-0-0-0", OrderState.UNKNOWN), order("P-a-260203002-0-0-0")]
    for each in live:
        blotter.add(each)
    blotter.report(report(blotter.ledger.next_request(), row(live[1].id, "2")), NOW_S)
    assert blotter.ledger.free(plan, -195, blotter.live()) == 65
    blotter.report(
        report(blotter.ledger.next_request(), row(live[1].id, "2"), row("P-a-260203009-0-0-0", "3")), NOW_S
    )
    assert blotter.ledger.free(plan, -195, blotter.live()) == 0


def test_a_correlation_id_that_stands_twice_in_the_book_is_read_by_the_broker_s_own_id():
    """An older order has the same name: its fill is not taken for ours."""
    blotter = Blotter()
    ours = order("P-a-260203001-0-0-0", order_id="2")
    blotter.add(ours)
    old = row(ours.id, "1", 65, OrderStatus.TRADED)
    blotter.report(report(blotter.ledger.next_request(), row(ours.id, "2"), old), NOW_S)
    assert (ours.state, ours.filled) == (OrderState.WORKING, 0)


def test_an_update_is_matched_by_the_broker_s_own_id_before_the_name_we_gave():
    """The gateway made two orders of one name: the other one's fill is not ours, nor is its id."""
    blotter = Blotter()
    ours = order("P-a-260203001-0-0-0", order_id="2")
    blotter.add(ours)
    blotter.update(row(ours.id, "1", 65, OrderStatus.TRADED), NOW_S)
    assert (ours.order_id, ours.filled) == ("2", 0)
    blotter.update(row("NA", "2", 65, OrderStatus.TRADED), NOW_S)
    assert ours.filled == 65


def test_a_second_order_of_the_same_name_counts_as_asked_for():
    """One request has become two orders at the exchange: what both ask for is not free."""
    blotter, plan = Blotter(), leg()
    ours = order("P-a-260203001-0-0-0", OrderState.UNKNOWN)
    blotter.add(ours)
    books = report(blotter.ledger.next_request(), row(ours.id, "1"), row(ours.id, "2"))
    blotter.report(books, NOW_S)
    assert ours.order_id == "1"
    assert blotter.ledger.free(plan, -195, blotter.live()) == 65
    assert [double.order_id for double in blotter.doubles()] == ["2"]


def by_hand(quantity: int) -> BrokerOrder:
    """The broker's row of an order from the app, which has bought so many units."""
    return BrokerOrder("77", "", KEY, Side.BUY, quantity, quantity, 1000, 1000, OrderStatus.TRADED)


def test_what_a_hand_has_traded_is_not_free_although_the_position_list_lags():
    """The order book knows of a purchase that the list does not show yet; what it left over may be bought."""
    ledger, plan = Blotter().ledger, leg()
    ledger.take(report(ledger.next_request()), {}, NOW_S)
    ledger.take(report(ledger.next_request(), by_hand(65)), {}, NOW_S)
    assert ledger.free(plan, -195, []) == 130
    assert ledger.free(plan, -130, []) == 130
    assert ledger.explained(plan) == -130


def test_a_hand_s_trade_is_forgotten_once_the_list_must_know_of_it():
    """It was of another product, or before our first read: the list alone says what is held."""
    ledger, plan = Blotter().ledger, leg()
    ledger.take(report(ledger.next_request(), by_hand(65)), {}, NOW_S)
    assert ledger.free(plan, -195, []) == 195
    ledger.take(report(ledger.next_request(), by_hand(130)), {}, NOW_S)
    assert ledger.free(plan, -195, []) == 130
    for _ in range(70):
        ledger.take(report(ledger.next_request(), by_hand(130)), {}, NOW_S)
    assert ledger.free(plan, -195, []) == 195


def test_an_order_of_ours_whose_name_the_broker_has_lost_is_nobody_else_s():
    """Its fill counts once, as ours."""
    blotter, plan = Blotter(), leg()
    ours = order("P-a-260203001-0-0-0", order_id="77")
    blotter.add(ours)
    blotter.report(report(blotter.ledger.next_request()), NOW_S)
    blotter.report(report(blotter.ledger.next_request(), by_hand(65)), NOW_S)
    assert ours.filled == 65
    assert blotter.ledger.free(plan, -130, []) == 130
