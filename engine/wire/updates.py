"""The order-update socket: JSON text -> orders.

The documentation spells the fields in PascalCase, the wire in camelCase with Title-case statuses;
one frame may hold several JSON objects without anything between them; numbers may be missing after
their colon (the documented sample has ``"StrikePrice": ,``). Each of these was met by other people's
clients, so each is read.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from engine.broker_nouns import BrokerOrder, OrderStatus
from engine.errors import WireError
from engine.model import InstrumentKey, Segment
from engine.wire.prices import BrokenFrame
from engine.wire.rows import (
    ForeignRow,
    contract_key,
    filled_units,
    identifier,
    mapping,
    order_status,
    paise,
    required,
    side,
    text,
    units,
)
from engine.wire.sound import sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DECODER = json.JSONDecoder()
_MISSING_VALUE = re.compile(r":\s*(?=[,}])")

#: (exchange, one-letter segment) -> segment; the letter alone decides for indices.
_SEGMENTS = {
    ("NSE", "E"): Segment.NSE_EQ,
    ("NSE", "D"): Segment.NSE_FNO,
    ("NSE", "C"): Segment.NSE_CURRENCY,
    ("BSE", "E"): Segment.BSE_EQ,
    ("BSE", "D"): Segment.BSE_FNO,
    ("BSE", "C"): Segment.BSE_CURRENCY,
    ("MCX", "M"): Segment.MCX_COMM,
}


def parse_order_updates(frame: str) -> list[BrokerOrder]:
    """Read the orders in one text frame.

    Messages that are not order alerts, and orders in segments we never trade, are passed over.

    Raises:
        BrokenFrame: some of it was not JSON or not a whole order (a `WireError`); the orders that
            were understood are in its ``good``.
    """
    orders: list[BrokerOrder] = []
    faults: list[str] = []
    try:
        for message in _messages(frame):
            try:
                if (order := _order(message)) is not None:
                    orders.append(order)
            except ForeignRow:
                continue
            except WireError as problem:
                faults.append(str(problem))
    except (ValueError, RecursionError) as problem:
        faults.append(f"not JSON: {type(problem).__name__}, {frame[:60]!r}")
    if faults:
        raise BrokenFrame(faults, orders)
    return orders


def _messages(text: str) -> Iterator[object]:
    """Yield the JSON values standing one after another in the text."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            message, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError:
            repaired = _MISSING_VALUE.sub(":null", text[at:])
            if repaired == text[at:]:
                raise
            text, at = repaired, 0
            continue
        yield sound(message) if "\\u" in text else message


def _order(message: object) -> BrokerOrder | None:
    """Read one message; None when it is not about an order."""
    envelope = {name.lower(): value for name, value in mapping(message).items()}
    if envelope.get("type") != "order_alert":
        return None
    fields = {name.lower(): value for name, value in mapping(envelope.get("data")).items()}
    quantity, word = units(fields, "quantity"), text(fields, "status")
    filled = filled_units(fields, "tradedqty", "remainingquantity", quantity, word)
    status = order_status(word, quantity, filled)
    return BrokerOrder(
        order_id=identifier(fields, "orderno"),
        correlation_id=text(fields, "correlationid"),
        key=_key(fields),
        side=side(required(fields, "txntype")),
        quantity=quantity,
        filled=filled,
        average_paise=paise(fields, "avgtradedprice"),
        limit_paise=paise(fields, "price"),
        status=status,
        reason=text(fields, "reasondescription") if status is OrderStatus.REJECTED else "",
        updated_at=text(fields, "lastupdatedtime"),
    )


def _key(fields: Mapping[str, Any]) -> InstrumentKey:
    """Find the contract from exchange name, segment letter and id."""
    letter = required(fields, "segment").upper()
    exchange = text(fields, "exchange").upper()
    segment = Segment.IDX_I if letter == "I" else _SEGMENTS.get((exchange, letter))
    return contract_key(segment or f"{exchange} {letter}", fields, "securityid")
