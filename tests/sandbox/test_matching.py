"""The exchange: how orders trade, change, end and are told of, and what always holds."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.broker_nouns import OrderStatus, Product
from engine.model import Right
from sandbox import desk
from sandbox.account import PnlExit
from sandbox.exchange import Exchange
from sandbox.ist import moment_s
from sandbox.market import Market
from sandbox.orders import Order
from sandbox.refusals import Refusal
from tests.sandbox.conftest import MORNING_S, Desk, Hands


def _code(refusal: Refusal) -> str:
    return str(refusal.body["errorCode"])


# ------------------------------------------------------------------------------ trading


def test_a_marketable_order_walks_the_book(desk_, market) -> None:
    """One trade per level, each at the level's price, and the average in the row."""
    market.release(desk_.option.key)
    market.set_spot("NIFTY", 25_310)
    asks = market.quote(desk_.option.key).asks
    quantity = asks[0].quantity + 65
    order = desk_.place(quantity=quantity, price=asks[1].price_paise / 100)
    prices = [(trade.price_paise, trade.quantity) for trade in order.trades]
    assert prices == [(asks[0].price_paise, asks[0].quantity), (asks[1].price_paise, 65)]
    assert asks[0].price_paise / 100 < order.average_rupees < asks[1].price_paise / 100


def test_what_is_shown_trades_once(desk_) -> None:
    """A second order cannot have the quantity the first one took; a new quote brings new quantity."""
    desk_.quote(33_500, 33_600, quantity=130)
    first, second = desk_.place(quantity=65), desk_.place(quantity=130)
    assert (first.status, second.status) == (OrderStatus.TRADED, OrderStatus.PART_TRADED)
    assert (second.filled, second.remaining) == (65, 65)
    desk_.wait()
    assert second.filled == 65
    desk_.quote(33_500, 33_600, quantity=650)
    assert (second.status, desk_.net) == (OrderStatus.TRADED, 195)


def test_a_resting_order_trades_at_its_own_price_when_the_quote_crosses(desk_) -> None:
    """It was there first; the one who crosses it pays."""
    order = desk_.place(price=330.0)
    assert order.status is OrderStatus.PENDING
    desk_.quote(32_000, 32_100)
    assert [(trade.price_paise, trade.quantity) for trade in order.trades] == [(33_000, 65)]


def test_an_ioc_order_leaves_nothing_behind(desk_) -> None:
    """Filled for what is there, the rest cancelled at once."""
    desk_.quote(33_500, 33_600, quantity=65)
    order = desk_.place(quantity=130, validity="IOC")
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 65)
    desk_.quote(33_500, 33_600, quantity=650)
    assert order.filled == 65


def test_a_market_order_is_a_protected_limit_that_can_rest(desk_) -> None:
    """It becomes LIMIT 2 % from the last price; when nobody sells there, it waits as PENDING."""
    order = desk_.place(orderType="MARKET", price=0)
    assert (order.status, order.order_type, order.price_paise) == (OrderStatus.TRADED, "LIMIT", 34_220)
    desk_.quote(33_500, 0)
    lost = desk_.place(orderType="MARKET", price=0)
    assert (lost.status, lost.order_type) == (OrderStatus.PENDING, "LIMIT")


def test_a_stop_waits_for_its_trigger(desk_) -> None:
    """Nothing trades below the trigger; at it the order is an ordinary limit."""
    order = desk_.place(price=350.0, orderType="STOP_LOSS", triggerPrice=345.0)
    desk_.quote(34_000, 34_100)
    assert order.filled == 0
    desk_.quote(34_600, 34_700)
    assert order.status is OrderStatus.TRADED


def test_a_triggered_order_is_changed_into_another(desk_) -> None:
    """Its trigger moves with the change; made a limit it trades at once, made a stop again it waits."""
    order = desk_.place(price=350.0, orderType="STOP_LOSS", triggerPrice=345.0)
    desk_.change(order, triggerPrice=348.0)
    desk_.quote(34_600, 34_700)
    assert (order.filled, order.ticket.trigger_paise) == (0, 34_800)
    with pytest.raises(Refusal, match="Trigger Price should be less than Price"):
        desk_.exchange.modify(order.order_id, {"triggerPrice": 351.0}, desk_.clock())
    desk_.quote(34_700, 34_800, quantity=65)
    desk_.change(order, orderType="LIMIT", quantity=130)
    assert (order.filled, order.order_type) == (65, "LIMIT")
    desk_.change(order, orderType="STOP_LOSS")
    desk_.quote(34_600, 34_700)
    assert order.filled == 65
    desk_.quote(34_800, 34_900)
    assert order.status is OrderStatus.TRADED


def test_validity_and_the_disclosed_share_can_change(desk_) -> None:
    """What the change does not name stays; a disclosed share too small is refused; IOC ends it there."""
    order = desk_.place(price=300.0, quantity=650, disclosedQuantity=325)
    with pytest.raises(Refusal) as refused:
        desk_.exchange.modify(order.order_id, {"disclosedQuantity": 65}, desk_.clock())
    assert _code(refused.value) == "DH-905"
    desk_.change(order, validity="IOC")
    assert (order.ticket.disclosed, order.quantity, order.status) == (325, 650, OrderStatus.CANCELLED)


def test_the_close_ends_resting_orders(desk_) -> None:
    """A day order expires with the day."""
    order = desk_.place(price=300.0)
    desk_.clock.now = moment_s(date(2026, 2, 3), 15, 30)
    desk_.wait()
    assert order.status is OrderStatus.EXPIRED


# ------------------------------------------------------------------------------ change, cancel


def test_a_changed_quantity_is_the_orders_total(desk_) -> None:
    """Not what is left: a part-filled 130 changed to 195 buys 195 altogether."""
    desk_.quote(33_500, 33_600, quantity=65)
    order = desk_.place(quantity=130)
    desk_.exchange.modify(order.order_id, {"quantity": 195, "price": 336.0}, desk_.clock())
    desk_.wait()
    desk_.quote(33_500, 33_600, quantity=6_500)
    assert (order.quantity, desk_.net) == (195, 195)


def test_a_change_below_what_is_filled_does_nothing_and_to_it_ends_the_order(desk_) -> None:
    """The exchange does not take trades back."""
    desk_.quote(33_500, 33_600, quantity=130)
    order = desk_.place(quantity=260)
    desk_.exchange.modify(order.order_id, {"quantity": 65}, desk_.clock())
    desk_.wait()
    assert (order.quantity, order.filled) == (260, 130)
    desk_.exchange.modify(order.order_id, {"quantity": 130}, desk_.clock())
    desk_.wait()
    assert order.status is OrderStatus.TRADED


def test_a_change_the_exchange_does_not_like_leaves_the_order_as_it_was(desk_) -> None:
    """Off the grid: told with the reason, still working at the old price."""
    order = desk_.place(price=330.0)
    desk_.exchange.updates.clear()
    desk_.exchange.modify(order.order_id, {"price": 330.02}, desk_.clock())
    desk_.wait()
    assert (order.status, order.price_paise) == (OrderStatus.PENDING, 33_000)
    assert "tick size" in desk_.exchange.updates[0].data["reasonDescription"]


def test_twenty_five_changes_are_enough(desk_) -> None:
    """The twenty-sixth is refused."""
    order = desk_.place(price=300.0)
    for step in range(25):
        desk_.exchange.modify(order.order_id, {"price": 300.0 + step}, desk_.clock())
    with pytest.raises(Refusal, match="number of order modifications"):
        desk_.exchange.modify(order.order_id, {"price": 330.0}, desk_.clock())


def test_a_fill_can_overtake_a_cancellation(desk_) -> None:
    """Accepted is not yet cancelled: between request and effect the order still trades."""
    desk_.exchange.latency_s = 0.5
    order = desk_.place(price=330.0)
    desk_.exchange.cancel(order.order_id, desk_.clock())
    desk_.quote(32_900, 33_000)
    desk_.wait()
    assert (order.status, desk_.net) == (OrderStatus.TRADED, 65)


def test_a_part_filled_order_can_be_cancelled_and_keeps_its_trades(desk_) -> None:
    """What is bought is bought."""
    desk_.quote(33_500, 33_600, quantity=65)
    order = desk_.place(quantity=130)
    desk_.exchange.cancel(order.order_id, desk_.clock())
    desk_.wait()
    assert (order.status, order.filled, desk_.net) == (OrderStatus.CANCELLED, 65, 65)
    with pytest.raises(Refusal, match="already cancelled"):
        desk_.exchange.cancel(order.order_id, desk_.clock())


# ------------------------------------------------------------------------------ what is told


def test_every_change_is_told_in_order(desk_) -> None:
    """Transit, pending, and pending again with a traded quantity: there is no word for partial."""
    desk_.quote(33_500, 33_600, quantity=65)
    desk_.place(quantity=130, correlationId="exit-3359-1")
    desk_.quote(33_500, 33_600, quantity=65)
    told = [
        (u.data["status"], u.data["tradedQty"], u.data["remainingQuantity"]) for u in desk_.exchange.updates
    ]
    assert told == [("Transit", 0, 130), ("Pending", 0, 130), ("Pending", 65, 65), ("Traded", 130, 0)]
    last = desk_.exchange.updates[-1].data
    assert (last["correlationId"], last["txnType"], last["product"]) == ("exit-3359-1", "B", "M")
    assert last["optType"] == "CE"


def test_a_late_order_is_nowhere_until_it_is_there(desk_) -> None:
    """Accepted, but not in the book and not at the exchange before its time."""
    order = desk_.exchange.place(desk_.body(), desk_.clock(), late_s=5.0)
    desk_.wait(4.0)
    assert desk_.exchange.book(desk_.clock()) == []
    with pytest.raises(Refusal):
        desk_.exchange.find(order.order_id, desk_.clock())
    desk_.wait(1.1)
    assert desk_.exchange.book(desk_.clock()) == [order]
    assert desk_.net == 65


def test_carried_positions_close_and_stay_listed(desk_) -> None:
    """A squared-off contract has net 0 and its profit, and yesterday's half is told apart."""
    desk_.exchange.carry(desk_.option.key, -65, 40_000)
    desk_.place("BUY")
    (holding,) = desk_.exchange.account().holdings().values()
    assert (holding.net, holding.carried_sell, holding.day_buy) == (0, 65, 65)
    assert holding.realised_paise == 65 * (40_000 - 33_600)


def test_a_pnl_exit_fires_once_and_closes_everything(desk_) -> None:
    """The broker's own backstop: at the set loss all positions go, shorts first."""
    wing = desk_.market.option("NIFTY", 25_500, Right.CALL)
    desk_.quote(24_000, 24_100, option=wing)
    desk_.exchange.carry(desk_.option.key, -65, 30_000)
    desk_.exchange.carry(wing.key, 65, 24_000)
    account = desk_.exchange.account()
    account.pnl_exit = PnlExit(1_000_000.0, 5_000.0, ["DELIVERY"], kill_switch=True)
    desk.watch_pnl(desk_.exchange, desk_.clock())
    assert not account.orders
    desk_.quote(38_500, 38_600)
    desk.watch_pnl(desk_.exchange, desk_.clock())
    desk.watch_pnl(desk_.exchange, desk_.clock())
    desk_.wait()
    assert [o.ticket.side.value for o in account.orders.values()] == ["BUY", "SELL"]
    assert account.net() == {}
    with pytest.raises(Refusal, match="Kill Switch"):
        desk_.place()


def test_exit_all_closes_what_is_no_whole_lot_too(desk_) -> None:
    """Units left over by a change of lots are sold as they are; what may not be sold at once, in slices."""
    exchange, account = desk_.exchange, desk_.exchange.account()
    stock = desk_.market.option("RELIANCE", 1_440, Right.CALL)
    desk_.quote(33_500, 33_600, quantity=65_000)
    exchange.carry(desk_.option.key, 1_810, 30_000)
    exchange.carry(stock.key, 10, 3_000)
    desk.exit_all(exchange, account, desk_.clock())
    desk_.wait()
    assert [order.quantity for order in account.orders.values()] == [10, 1_755, 55]
    assert account.net() == {}


def test_exit_all_passes_over_an_order_that_shows_up_late(desk_) -> None:
    """What is not in the book yet cannot be cancelled; the positions are closed all the same."""
    exchange, account = desk_.exchange, desk_.exchange.account()
    exchange.carry(desk_.option.key, 65, 30_000)
    exchange.place(desk_.body("BUY", price=200.0), desk_.clock(), late_s=20.0)
    desk.exit_all(exchange, account, desk_.clock())
    desk_.wait()
    assert account.net() == {}


def test_products_are_separate_positions(desk_) -> None:
    """The same contract in two products is two rows."""
    desk_.place("BUY")
    desk_.place("SELL", price=335.0, productType="INTRADAY")
    nets = {product: at.net for (_, product), at in desk_.exchange.account().holdings().items()}
    assert nets == {Product.MARGIN: 65, Product.INTRADAY: -65}


# ------------------------------------------------------------------------------ what always holds


class Trading(RuleBasedStateMachine):
    """Orders, changes, cancellations and quotes in any order."""

    @initialize()
    def open(self) -> None:
        clock = Hands(MORNING_S)
        market = Market(MORNING_S)
        market.freeze()
        self.at = Desk(market, Exchange(market), clock)
        self.at.exchange.account().funds_paise *= 1_000
        self.orders: list[Order] = []
        self.shown = 0
        self.bought_at_ask = 0

    @rule(
        side=st.sampled_from(["BUY", "SELL"]),
        lots=st.integers(1, 6),
        off=st.integers(-40, 40),
        ioc=st.booleans(),
    )
    def place(self, side, lots, off, ioc) -> None:
        validity = "IOC" if ioc else "DAY"
        self.orders.append(self.at.place(side, lots * 65, 335.0 + off / 20, wait=False, validity=validity))

    @precondition(lambda self: any(order.live for order in self.orders))
    @rule(data=st.data(), lots=st.integers(1, 6), off=st.integers(-40, 40))
    def modify(self, data, lots, off) -> None:
        order = data.draw(st.sampled_from([o for o in self.orders if o.live]))
        if order.modifications < 25:
            terms = {"quantity": lots * 65, "price": 335.0 + off / 20}
            self.at.exchange.modify(order.order_id, terms, self.at.clock())

    @precondition(lambda self: any(order.live for order in self.orders))
    @rule(data=st.data())
    def cancel(self, data) -> None:
        order = data.draw(st.sampled_from([o for o in self.orders if o.live]))
        self.at.exchange.cancel(order.order_id, self.at.clock())

    @rule(bid=st.integers(660, 680), width=st.integers(1, 8), lots=st.integers(1, 4))
    def quote(self, bid, width, lots) -> None:
        self.at.quote(bid * 50, (bid + width) * 50, quantity=lots * 65)

    @rule(seconds=st.sampled_from([0.01, 0.05, 1.0]))
    def wait(self, seconds) -> None:
        self.at.wait(seconds)

    @invariant()
    def the_book_adds_up(self) -> None:
        """No order trades more than its quantity or beyond its limit; position = sum of trades."""
        total = 0
        for order in getattr(self, "orders", []):
            assert 0 <= order.filled <= order.quantity
            assert (order.status is OrderStatus.TRADED) == (order.filled == order.quantity)
            total += order.ticket.side.sign * order.filled
            if not order.modifications:
                for trade in order.trades:
                    assert (trade.price_paise - order.price_paise) * order.ticket.side.sign <= 0
        if hasattr(self, "at"):
            account = self.at.exchange.account()
            assert self.at.net == total
            if not total:
                realised = sum(at.realised_paise for at in account.holdings().values())
                assert account.cash_paise - account.funds_paise == pytest.approx(realised)
            ids = [trade.trade_id for trade in account.trades]
            assert len(ids) == len(set(ids))


def test_trading_in_any_order_adds_up():
    """Whatever is placed, changed, cancelled and filled: the net is the sum of the trades."""
    run_state_machine_as_test(
        Trading, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
