"""REST rows -> orders, fills, positions, profile: recorded shapes, sentinels, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.errors import WireError
from engine.model import Segment, Side, instrument_key
from engine.wire import (
    ForeignRow,
    Profile,
    parse_order_row,
    parse_position_row,
    parse_profile,
    parse_trade_row,
)

ORDER: dict[str, Any] = {
    "dhanClientId": "1100000001", "orderId": "952502167319", "exchangeOrderId": "0", "correlationId": "NA",
    "orderStatus": "PENDING", "transactionType": "BUY", "exchangeSegment": "NSE_FNO", "productType": "MARGIN",
    "orderType": "LIMIT", "validity": "DAY", "tradingSymbol": "NIFTY-Dec2026-25000-CE", "securityId": "49081",
    "quantity": 130, "disclosedQuantity": 0, "price": 100.05, "triggerPrice": 0.0, "afterMarketOrder": False,
    "legName": "NA", "createTime": "2026-11-20 14:39:29", "updateTime": "2026-11-20 14:39:30",
    "exchangeTime": "0001-01-01 00:00:00", "drvExpiryDate": "0001-01-01", "omsErrorCode": "0",
    "omsErrorDescription": "", "algoId": "0", "remainingQuantity": 130, "averageTradedPrice": 0.0,
    "filledQty": 0,
}  # fmt: skip
TRADE: dict[str, Any] = {
    "orderId": "312507074433", "exchangeOrderId": "1100000004845023", "exchangeTradeId": "200764585",
    "transactionType": "SELL", "exchangeSegment": "NSE_FNO", "productType": "MARGIN", "customSymbol": None,
    "securityId": "49081", "tradedQuantity": 65, "tradedPrice": 392.35,
    "exchangeTime": "2026-11-20 14:39:30",
}  # fmt: skip
POSITION: dict[str, Any] = {
    "tradingSymbol": "NIFTY-Dec2026-25000-CE", "securityId": "49081", "positionType": "SHORT",
    "exchangeSegment": "NSE_FNO", "productType": "MARGIN", "buyQty": 0, "sellQty": 130, "netQty": -130,
}  # fmt: skip
OPTION = instrument_key(Segment.NSE_FNO, 49081)
TRADED_S = datetime(2026, 11, 20, 9, 9, 30, tzinfo=UTC).timestamp()


def test_a_resting_order():
    """A pending order reads with its price in paise, and NA means no correlation id."""
    assert parse_order_row(ORDER) == BrokerOrder(
        order_id="952502167319", correlation_id="", key=OPTION, side=Side.BUY, quantity=130, filled=0,
        average_paise=0, limit_paise=10_005, status=OrderStatus.PENDING, updated_at="2026-11-20 14:39:30",
    )  # fmt: skip


def test_a_rejected_order_keeps_the_brokers_words():
    """A rejection carries its reason; other states carry none, whatever the field says."""
    words = {"omsErrorDescription": "RMS: margin exceeds"}
    assert parse_order_row(ORDER | words | {"orderStatus": "REJECTED"}).reason == "RMS: margin exceeds"
    assert parse_order_row(ORDER | words).reason == ""


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("PENDING", 65, OrderStatus.PART_TRADED),
        ("PART_TRADED", 65, OrderStatus.PART_TRADED),
        ("TRADED", 130, OrderStatus.TRADED),
        ("TRADED", 65, OrderStatus.PART_TRADED),
        ("CANCELLED", 65, OrderStatus.CANCELLED),
        ("EXPIRED", 0, OrderStatus.EXPIRED),
        ("MODIFIED", 0, OrderStatus.TRANSIT),
        ("CONFIRM", 65, OrderStatus.PART_TRADED),
        ("", 0, OrderStatus.TRANSIT),
        ("TRANSIT", 0, OrderStatus.TRANSIT),
    ],
)
def test_status_words(word: str, filled: int, status: OrderStatus):
    """The quantities decide what is partial; words we do not know mean working, read again."""
    assert parse_order_row(ORDER | {"orderStatus": word, "filledQty": filled}).status is status


@pytest.mark.parametrize(
    ("changes", "filled"),
    [
        ({"orderStatus": "TRADED", "filledQty": None, "remainingQuantity": 0}, 130),
        ({"orderStatus": "TRADED", "filledQty": None, "remainingQuantity": ""}, 130),
        ({"orderStatus": "TRADED", "filledQty": None, "remainingQuantity": 65}, 65),
        ({"orderStatus": "PENDING", "filledQty": "", "remainingQuantity": 65}, 65),
        ({"orderStatus": "PENDING", "filledQty": None, "remainingQuantity": None}, 0),
        ({"orderStatus": "REJECTED", "filledQty": None, "remainingQuantity": 0}, 0),
    ],
)
def test_missing_filled_quantity(changes: dict[str, Any], filled: int):
    """Without a filled quantity the status and the remaining quantity tell it."""
    assert parse_order_row(ORDER | changes).filled == filled


@pytest.mark.parametrize(
    "changes",
    [
        {"orderId": "0"},
        {"orderId": None},
        {"quantity": 0},
        {"quantity": "many"},
        {"quantity": 12.5},
        {"quantity": float("nan")},
        {"transactionType": "HOLD"},
        {"securityId": "NA"},
        {"securityId": str(1 << 32)},
        {"price": -1.0},
        {"price": float("inf")},
        {"price": 1e308},
        {"price": True},
        {"quantity": True},
        {"orderId": "../positions"},
        {"filledQty": -5},
        {"orderStatus": "CANCELLED", "filledQty": None},
        {"orderStatus": "PENDING", "filledQty": None, "remainingQuantity": 0},
        {"orderStatus": "MODIFIED", "filledQty": "", "remainingQuantity": 0},
    ],
    ids=str,
)
def test_orders_without_what_matters_are_refused(changes: dict[str, Any]):
    """An order whose contract, size, side, price or fill cannot be known is an error, never a default."""
    with pytest.raises(WireError):
        parse_order_row(ORDER | changes)


def test_rows_of_other_segments_and_products_are_foreign():
    """A sound row about something we never trade is told apart from a broken one."""
    with pytest.raises(ForeignRow):
        parse_order_row(ORDER | {"exchangeSegment": "NSE_COMM"})
    with pytest.raises(ForeignRow):
        parse_position_row(POSITION | {"productType": "CO"})


def test_a_fill():
    """A trade's id is joined to its order's, so that two exchanges' numbers never meet."""
    assert parse_trade_row(TRADE) == BrokerFill(
        "312507074433/200764585", "312507074433", OPTION, Side.SELL, 65, 39_235, TRADED_S
    )
    for nothing in ("0001-01-01 00:00:00", "NA", None):
        assert parse_trade_row(TRADE | {"exchangeTime": nothing}).at_s is None


@pytest.mark.parametrize(
    "changes", [{"exchangeTradeId": "0"}, {"tradedPrice": 0}, {"tradedPrice": None}, {"tradedQuantity": None}]
)
def test_fills_that_cannot_be_counted_are_refused(changes: dict[str, Any]):
    """A fill without an id, a price or a quantity is an error: it would be counted wrongly."""
    with pytest.raises(WireError):
        parse_trade_row(TRADE | changes)


def test_positions():
    """The net quantity keeps its sign; a closed row is zero; a row without one is never zero."""
    assert parse_position_row(POSITION) == BrokerPosition(OPTION, Product.MARGIN, -130)
    assert parse_position_row(POSITION | {"positionType": "CLOSED", "netQty": 0}).net_quantity == 0
    for missing in (None, "", "NA", False):
        with pytest.raises(WireError, match="netQty"):
            parse_position_row(POSITION | {"netQty": missing})


def test_profile():
    """The token's end is IST on the wire and epoch seconds with us; an odd text is unknown."""
    row = {"dhanClientId": "1100000001", "tokenValidity": "30/03/2025 15:37", "dataPlan": "Active"}
    assert parse_profile(row) == Profile("1100000001", 1_743_329_220.0, data_plan=True, segments="")
    odd = parse_profile(row | {"tokenValidity": "soon", "dataPlan": "Deactive"})
    assert (odd.token_valid_until_s, odd.data_plan) == (None, False)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
def test_any_json_in_any_field_gives_a_value_or_a_wire_error(data: st.DataObject):
    """Whatever Dhan writes into its fields, the only thing raised is WireError."""
    for row, parse in ((ORDER, parse_order_row), (TRADE, parse_trade_row), (POSITION, parse_position_row)):
        spoiled = row | {
            name: data.draw(json_values) for name in data.draw(st.sets(st.sampled_from(sorted(row))))
        }
        for candidate in (spoiled, data.draw(json_values)):
            try:
                parse(candidate)
            except WireError:
                continue


@pytest.mark.parametrize("segment", ["NSE_EQ", "BSE_EQ", "NSE_CURRENCY", "MCX_COMM"])
@pytest.mark.parametrize(
    ("parse", "row", "fault"),
    [
        (parse_order_row, ORDER, {"quantity": 0}),
        (parse_order_row, ORDER, {"orderStatus": "CANCELLED", "filledQty": None}),
        (parse_trade_row, TRADE, {"tradedPrice": None}),
        (parse_position_row, POSITION, {"netQty": None}),
        (parse_position_row, POSITION, {"securityId": "x"}),
    ],
)
def test_a_broken_row_of_something_that_is_no_option_of_ours_is_foreign(segment, parse, row, fault):
    """An odd row of the owner's shares or futures must not blind every exit."""
    with pytest.raises(ForeignRow, match="broken"):
        parse(row | fault | {"exchangeSegment": segment})


@pytest.mark.parametrize(
    "changes",
    [{"exchangeSegment": "NSE_FNO"}, {"exchangeSegment": None}, {"correlationId": "P-a-260203001-0-0-0"}],
)
def test_a_broken_row_that_may_be_ours_spoils_the_book(changes):
    """In our segments, in one that cannot be read, or with a name of ours: better blind than wrong."""
    with pytest.raises(WireError) as caught:
        parse_order_row(ORDER | {"exchangeSegment": "NSE_EQ", "quantity": 0} | changes)
    assert not isinstance(caught.value, ForeignRow)
