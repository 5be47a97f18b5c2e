"""The order-update socket: both spellings, several objects in a frame, missing numbers, garbage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import BrokerOrder, OrderStatus
from engine.errors import WireError
from engine.model import Segment, Side, instrument_key
from engine.wire import BrokenFrame, parse_order_updates

DATA: dict[str, Any] = {
    "exchange": "NSE", "segment": "D", "source": "P", "securityId": "49081", "clientId": "1100000001",
    "exchOrderNo": "1400000000404591", "orderNo": "1124091136546", "product": "I", "txnType": "S",
    "orderType": "LMT", "validity": "DAY", "remainingQuantity": 0, "quantity": 65, "tradedQty": 65,
    "price": 100.05, "tradedPrice": 100.05, "avgTradedPrice": 100.05, "remarks": "NR",
    "lastUpdatedTime": "2026-11-20 14:39:29", "reasonDescription": "CONFIRMED", "status": "Traded",
    "strikePrice": 25000, "correlationId": "abc_1-x",
}  # fmt: skip
SOLD = BrokerOrder(
    order_id="1124091136546", correlation_id="abc_1-x", key=instrument_key(Segment.NSE_FNO, 49081),
    side=Side.SELL, quantity=65, filled=65, average_paise=10_005, limit_paise=10_005,
    status=OrderStatus.TRADED, updated_at="2026-11-20 14:39:29",
)  # fmt: skip


def frame(**changes: object) -> str:
    """One order alert as the wire spells it."""
    return json.dumps({"Data": DATA | changes, "Type": "order_alert"})


def pascal(text: str) -> str:
    """The same message as the documentation spells it."""
    message = json.loads(text)
    message["Data"] = {name[0].upper() + name[1:]: value for name, value in message["Data"].items()}
    return json.dumps(message)


def test_both_spellings():
    """The wire's camelCase and the documentation's PascalCase give the same order."""
    assert parse_order_updates(frame()) == [SOLD]
    assert parse_order_updates(pascal(frame(status="TRADED"))) == [SOLD]


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("Transit", 0, OrderStatus.TRANSIT),
        ("Pending", 0, OrderStatus.PENDING),
        ("Pending", 20, OrderStatus.PART_TRADED),
        ("Traded", 20, OrderStatus.PART_TRADED),
        ("Cancelled", 20, OrderStatus.CANCELLED),
        ("Rejected", 0, OrderStatus.REJECTED),
        ("Expired", 0, OrderStatus.EXPIRED),
        ("Frozen", 0, OrderStatus.TRANSIT),
    ],
)
def test_title_case_statuses(word: str, filled: int, status: OrderStatus):
    """There is no word for a partial fill on this socket: the quantities tell it."""
    (order,) = parse_order_updates(frame(status=word, tradedQty=filled))
    assert (order.status, order.filled) == (status, filled)


def test_rejection_reason():
    """The reason is the broker's words for a rejection and nothing else."""
    (order,) = parse_order_updates(frame(status="Rejected", tradedQty=0, reasonDescription="price band"))
    assert order.reason == "price band"


def test_several_objects_in_one_frame():
    """Objects standing one after another are all read; messages about other things are passed over."""
    text = '{"Type":"login"}' + frame() + "\n" + frame(orderNo="77") + '{"Type":"order_alert_ack","Data":1}'
    assert [order.order_id for order in parse_order_updates(text)] == ["1124091136546", "77"]


def test_missing_numbers():
    """Nulls, empty texts and numbers missing behind their colon do not spoil an order."""
    text = frame(strikePrice="@", tradedQty="@", avgTradedPrice=None, price="").replace('"@"', "")
    (order,) = parse_order_updates(text)
    assert (order.filled, order.average_paise, order.limit_paise) == (65, 0, 0)


def test_segments():
    """Exchange and letter name the segment; what we never trade is passed over."""
    (order,) = parse_order_updates(frame(exchange="BSE", segment="D"))
    assert order.key == instrument_key(Segment.BSE_FNO, 49081)
    assert parse_order_updates(frame(exchange="NSE", segment="X")) == []


@pytest.mark.parametrize(
    "garbage",
    ["429 too many requests", "[1, 2", '"text"', "[" * 5_000, frame(orderNo=None), frame()[:200]],
    ids=["text", "cut", "a string", "deep", "no order number", "half an order"],
)
def test_garbage_is_a_wire_error_that_keeps_the_good(garbage: str):
    """What cannot be read is WireError; the orders before it are kept in the error."""
    with pytest.raises(WireError):
        parse_order_updates(garbage)
    with pytest.raises(BrokenFrame) as caught:
        parse_order_updates(frame() + garbage)
    assert caught.value.good == (SOLD,)


@given(
    text=st.one_of(
        st.text(max_size=80),
        st.text(alphabet='{}[]":,0123456789eE.-NaInfity Dt', max_size=60),
        st.dictionaries(st.sampled_from(sorted(DATA)), st.none() | st.floats() | st.text(max_size=5)).map(
            lambda changes: frame(**changes)
        ),
    )
)
def test_any_text_gives_orders_or_a_wire_error(text: str):
    """No text whatever raises anything but WireError."""
    try:
        orders = parse_order_updates(text)
    except WireError:
        return
    assert all(isinstance(order, BrokerOrder) for order in orders)


def test_half_a_character_in_the_exchanges_words_can_be_kept():
    """A lone surrogate has no encoding: neither the journal's file nor a message would take it."""
    [order] = parse_order_updates(frame(status="Rejected", reasonDescription="RMS \ud83d <\ud83d\ude00>"))
    assert order.reason == "RMS ? <\U0001f600>"
    order.reason.encode()
