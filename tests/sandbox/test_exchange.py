"""The exchange: what is refused at once, and what is rejected later."""

from __future__ import annotations

from datetime import date

import pytest

from engine.broker_nouns import OrderStatus
from engine.model import Right
from sandbox.exchange import Exchange
from sandbox.ist import moment_s
from sandbox.refusals import Refusal
from tests.sandbox.conftest import Desk


def _code(refusal: Refusal) -> str:
    return str(refusal.body["errorCode"])


# ------------------------------------------------------------------------------ refused at once


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 1},
        {"quantity": 0},
        {"quantity": -65},
        {"quantity": 65.5},
        {"quantity": None},
        {"quantity": True},
        {"price": 0},
        {"price": -1},
        {"price": "dear"},
        {"price": float("nan")},
        {"securityId": "999999"},
        {"securityId": None},
        {"exchangeSegment": "IDX_I", "securityId": "13"},
        {"exchangeSegment": "MOON"},
        {"transactionType": "SHORT"},
        {"productType": "CNC"},
        {"orderType": "ICEBERG"},
        {"validity": "GTC"},
        {"correlationId": "x" * 31},
        {"correlationId": "no/slashes"},
        {"disclosedQuantity": 10},
    ],
)
def test_wrong_input_is_refused_before_an_order_exists(desk_, wrong) -> None:
    """DH-905, and the book stays empty."""
    with pytest.raises(Refusal) as refused:
        desk_.place(**wrong)
    assert (refused.value.status, _code(refused.value)) == (400, "DH-905")
    assert desk_.exchange.account().orders == {}


def test_stop_loss_market_does_not_exist_for_options(desk_) -> None:
    """The exchange took it away; Dhan says DH-906."""
    with pytest.raises(Refusal) as refused:
        desk_.place(orderType="STOP_LOSS_MARKET", triggerPrice=330)
    assert _code(refused.value) == "DH-906"


def test_a_trigger_on_the_wrong_side_is_refused_in_dhans_words(desk_) -> None:
    """A selling stop triggers at or above its price, a buying one at or below."""
    with pytest.raises(Refusal, match="Trigger Price should be greater than Price"):
        desk_.place("SELL", price=336.0, orderType="STOP_LOSS", triggerPrice=330)
    with pytest.raises(Refusal, match="Trigger Price should be less than Price"):
        desk_.place("BUY", price=336.0, orderType="STOP_LOSS", triggerPrice=340)


def test_outside_hours_nothing_is_taken_but_after_market_orders(desk_) -> None:
    """Closed is closed; an after-market order waits as PENDING and sets out at the opening."""
    desk_.clock.now = moment_s(date(2026, 2, 3), 20)
    with pytest.raises(Refusal, match="Market is Closed"):
        desk_.place()
    order = desk_.place(afterMarketOrder=True)
    assert order.status is OrderStatus.PENDING
    assert desk_.net == 0
    desk_.clock.now = moment_s(date(2026, 2, 4), 9, 15)
    desk_.wait()
    assert (order.status, desk_.net) == (OrderStatus.TRADED, 65)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "expected"),
    [
        (date(2026, 2, 3), 9, 14, False),
        (date(2026, 2, 3), 9, 15, True),
        (date(2026, 2, 3), 15, 30, False),
        (date(2026, 8, 3), 15, 39, True),
        (date(2026, 8, 3), 15, 40, False),
        (date(2026, 2, 7), 11, 0, False),
        (date(2026, 2, 1), 11, 0, True),
        (date(2026, 11, 10), 11, 0, False),
    ],
)
def test_the_session_is_as_long_as_the_date_says(desk_, day, hour, minute, expected) -> None:
    """15:30 until July 2026, 15:40 from August on; no weekends but a budget Sunday, no holidays."""
    assert desk_.exchange.is_open(moment_s(day, hour, minute)) is expected


# ------------------------------------------------------------------------------ rejected later


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"price": 336.02}, "tick size"),
        ({"price": 480.0}, "circuit limit"),
        ({"side": "SELL", "price": 190.0}, "circuit limit"),
        ({"price": 3_000.0}, "execution range"),
        ({"quantity": 1_820}, "freeze quantity 1800"),
    ],
)
def test_the_exchange_rejects_later_through_the_book(desk_, more, words) -> None:
    """The order has an id and was in transit; the reason stands in the order row."""
    desk_.exchange.account().funds_paise *= 100
    order = desk_.place(**more, wait=False)
    assert order.live
    desk_.wait()
    assert order.status is OrderStatus.REJECTED
    assert words in order.reason
    assert desk_.net == 0


def test_the_freeze_quantity_itself_passes(desk_) -> None:
    """The limit is the largest size allowed, here the last whole lot below it."""
    desk_.exchange.account().funds_paise *= 100
    assert desk_.place(quantity=1_755).status is not OrderStatus.REJECTED


def test_cheap_options_have_a_band_of_twenty_rupees(desk_) -> None:
    """Up to a reference of 50 the protection is an amount, not a share."""
    desk_.quote(3_000, 3_010)
    assert desk_.place(price=50.05).status is OrderStatus.TRADED
    assert desk_.place(price=50.10).status is OrderStatus.REJECTED


def test_a_short_needs_margin_and_its_hedge_makes_it_cheaper(desk_) -> None:
    """Selling the hedge first turns a spread into a naked short: rejected for margin."""
    wing = desk_.market.option("NIFTY", 25_500, Right.CALL)
    account = desk_.exchange.account()
    account.funds_paise = 5_000_000
    assert "Margin Exceeds" in desk_.place("SELL", price=335.0).reason
    desk_.exchange.carry(wing.key, 65, 24_000)
    assert desk_.place("SELL", price=335.0).status is OrderStatus.TRADED
    bid = desk_.market.quote(wing.key).bid_paise / 100
    hedge = {"securityId": str(wing.security_id), "price": bid}
    assert "Margin Exceeds" in desk_.place("SELL", **hedge).reason
    assert desk_.place("BUY").status is OrderStatus.TRADED
    assert desk_.place("SELL", **hedge).status is OrderStatus.TRADED


def test_premiums_are_paid_from_the_cash_and_received_into_it(desk_) -> None:
    """What was bought is no longer there to buy with, what was sold is, and flat leaves the profit."""
    account = desk_.exchange.account()
    account.funds_paise = 3_000_000
    desk_.place()
    assert account.cash_paise == 3_000_000 - 65 * 33_600
    poor = desk_.place()
    assert (poor.status, "Available:8160.00" in poor.reason) == (OrderStatus.REJECTED, True)
    desk_.place("SELL", price=335.0)
    assert account.cash_paise == 3_000_000 - 65 * 100


def test_working_orders_hold_the_money_they_would_need(desk_) -> None:
    """Two resting purchases cannot both count on the same cash, nor two sales on the same margin."""
    account = desk_.exchange.account()
    account.funds_paise = 3_000_000
    first = desk_.place(price=300.0)
    assert (first.status, desk_.place(price=300.0).status) == (OrderStatus.PENDING, OrderStatus.REJECTED)
    desk_.exchange.cancel(first.order_id, desk_.clock())
    desk_.wait()
    third = desk_.place(price=300.0)
    desk_.change(third, price=310.0)
    assert (third.status, third.price_paise) == (OrderStatus.PENDING, 31_000)
    account.funds_paise = 25_000_000
    assert desk_.place("SELL", price=400.0).status is OrderStatus.PENDING
    assert desk_.place("SELL", price=400.0).status is OrderStatus.REJECTED


def test_what_closes_needs_no_money(desk_) -> None:
    """An exit is never refused because a resting order has taken the cash."""
    account = desk_.exchange.account()
    desk_.exchange.carry(desk_.option.key, -65, 30_000)
    account.funds_paise = 0
    exit_ = desk_.place(price=330.0)
    desk_.quote(32_900, 33_000)
    assert (exit_.status, desk_.net) == (OrderStatus.TRADED, 0)


def test_without_hedge_benefit_the_spread_needs_the_full_margin(market, clock) -> None:
    """The switch for a broker that does not see hedges."""
    blind = Desk(market, Exchange(market, hedge_aware=False), clock)
    blind.exchange.account().funds_paise = 5_000_000
    blind.exchange.carry(market.option("NIFTY", 25_500, Right.CALL).key, 65, 24_000)
    assert "Margin Exceeds" in blind.place("SELL", price=335.0).reason
