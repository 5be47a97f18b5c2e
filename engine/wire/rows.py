"""Rows of Dhan's REST answers -> our nouns. Words are read here and nowhere else.

Dhan writes "nothing" as ``"NA"``, ``"0"``, ``""`` or null, depending on the field (order, trade and
position pages of the v2 documentation, and recorded replies). What an exit depends on - which
contract, how many, filled how far - is never given a default: a row without it is a `WireError`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.errors import WireError
from engine.model import InstrumentKey, Segment, Side, instrument_key
from engine.wire.prices import utc_of_ist_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOTHING = frozenset({"", "NA", "NR", "0"})
_SEGMENTS = frozenset(Segment)
_PRODUCTS = frozenset(Product)
_STATUSES = frozenset(OrderStatus)
#: Where the options are that an exit trades.
_OURS = frozenset({Segment.NSE_FNO, Segment.BSE_FNO})
_OUR_NAMES = "P-"
_MOMENT = "%Y-%m-%d %H:%M:%S"


class ForeignRow(WireError):
    """A row about something we never trade: another segment, a bracket or cover product.

    A broken row is one too when its segment is known, has none of our options, and no name of ours is
    on it: the owner's other business must not blind an exit.
    """


@dataclass(frozen=True, slots=True)
class Profile:
    """What Dhan says of the account and its token.

    Attributes:
        token_valid_until_s: epoch seconds; None = not told in a form we know.
        data_plan: True when the market data API is subscribed.
    """

    client_id: str
    token_valid_until_s: float | None
    data_plan: bool
    segments: str


def parse_order_row(row: object) -> BrokerOrder:
    """Read one row of the order book.

    Raises:
        ForeignRow: the order is in a segment we do not know.
        WireError: not an order row, or one without id, contract, side or quantity.
    """
    fields = mapping(row)
    with _sorted_out(fields):
        return _order(fields)


def _order(fields: Mapping[str, Any]) -> BrokerOrder:
    quantity, word = units(fields, "quantity"), text(fields, "orderStatus")
    filled = filled_units(fields, "filledQty", "remainingQuantity", quantity, word)
    status = order_status(word, quantity, filled)
    return BrokerOrder(
        order_id=identifier(fields, "orderId"),
        correlation_id=text(fields, "correlationId"),
        key=_key(fields),
        side=side(required(fields, "transactionType")),
        quantity=quantity,
        filled=filled,
        average_paise=paise(fields, "averageTradedPrice"),
        limit_paise=paise(fields, "price"),
        status=status,
        reason=text(fields, "omsErrorDescription") if status is OrderStatus.REJECTED else "",
        updated_at=text(fields, "updateTime"),
    )


def parse_trade_row(row: object) -> BrokerFill:
    """Read one row of today's trade book: one fill at the exchange.

    The trade id is joined to the order's: an exchange's numbers are only unique within a segment.

    Raises:
        ForeignRow: the trade is in a segment we do not know.
        WireError: not a trade row, or one without ids, contract, side, quantity or price.
    """
    fields = mapping(row)
    with _sorted_out(fields):
        return _trade(fields)


def _trade(fields: Mapping[str, Any]) -> BrokerFill:
    order_id = identifier(fields, "orderId")
    price_paise = paise(fields, "tradedPrice")
    if price_paise <= 0:
        msg = f"tradedPrice {fields.get('tradedPrice')!r}: expected a price above zero"
        raise WireError(msg)
    return BrokerFill(
        trade_id=f"{order_id}/{required(fields, 'exchangeTradeId')}",
        order_id=order_id,
        key=_key(fields),
        side=side(required(fields, "transactionType")),
        quantity=units(fields, "tradedQuantity"),
        price_paise=price_paise,
        at_s=utc_of_ist_text(text(fields, "exchangeTime"), _MOMENT) or None,
    )


def parse_position_row(row: object) -> BrokerPosition:
    """Read one row of the positions; a closed one has a net quantity of 0.

    Raises:
        ForeignRow: held in a segment or product (bracket, cover) that our orders cannot close.
        WireError: not a position row, or one without contract, product or net quantity.
    """
    fields = mapping(row)
    with _sorted_out(fields):
        return _position(fields)


def _position(fields: Mapping[str, Any]) -> BrokerPosition:
    product = required(fields, "productType")
    if product not in _PRODUCTS:
        msg = f"product {product} is not one of ours"
        raise ForeignRow(msg)
    return BrokerPosition(_key(fields), Product(product), whole(fields, "netQty"))


def parse_profile(row: object) -> Profile:
    """Read the profile; ``tokenValidity`` is IST as ``30/03/2025 15:37``.

    Raises:
        WireError: not a profile.
    """
    fields = mapping(row)
    until_s = utc_of_ist_text(text(fields, "tokenValidity"), "%d/%m/%Y %H:%M")
    return Profile(
        client_id=required(fields, "dhanClientId"),
        token_valid_until_s=float(until_s) if until_s else None,
        data_plan=text(fields, "dataPlan").casefold() == "active",
        segments=text(fields, "activeSegment"),
    )


def parse_renewal(row: object) -> str:
    """Read the new token out of the answer to RenewToken; its words are never in an error.

    Raises:
        WireError: there is none.
    """
    token = text(mapping(row), "accessToken")
    if token and len(token.split()) == 1 and token.isascii():
        return token
    raise WireError("the answer holds no accessToken")


@contextmanager
def _sorted_out(fields: Mapping[str, Any]) -> Iterator[None]:
    """Raise ForeignRow for what is broken and none of our business."""
    try:
        yield
    except ForeignRow:
        raise
    except WireError as problem:
        segment = text(fields, "exchangeSegment")
        ours = segment in _OURS or text(fields, "correlationId").startswith(_OUR_NAMES)
        if segment not in _SEGMENTS or ours:
            raise
        msg = f"a broken row of {segment}, which is not ours: {problem}"
        raise ForeignRow(msg) from problem


def mapping(row: object) -> Mapping[str, Any]:
    """Raise WireError unless the row is a JSON object."""
    if isinstance(row, dict):
        return row
    msg = f"a row is {type(row).__name__}, expected a JSON object"
    raise WireError(msg)


def text(row: Mapping[str, Any], name: str) -> str:
    """Return the field as text, Dhan's many words for nothing as the empty string."""
    value = row.get(name)
    words = "" if value is None else str(value).strip()
    return "" if words in _NOTHING else words


def required(row: Mapping[str, Any], name: str) -> str:
    """Return the field as text; raise WireError when there is none."""
    if words := text(row, name):
        return words
    msg = f"{name} is {row.get(name)!r}: expected a value"
    raise WireError(msg)


def identifier(row: Mapping[str, Any], name: str) -> str:
    """Return an order's number; raise WireError for what could lead a request to another address."""
    words = required(row, name)
    if type(row[name]) in {str, int} and words.isascii() and words.isalnum():
        return words
    msg = f"{name} is {words!r}: expected letters and digits"
    raise WireError(msg)


def number(row: Mapping[str, Any], name: str) -> float | None:
    """Return the field as a finite number, None when it is empty; strings of digits count."""
    value = row.get(name)
    if value is None or (isinstance(value, str) and value.strip() in {"", "NA"}):
        return None
    try:
        amount = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        amount = math.nan
    if math.isfinite(amount):
        return amount
    msg = f"{name} is {value!r}: expected a number"
    raise WireError(msg)


def whole(row: Mapping[str, Any], name: str) -> int:
    """Return the field as a whole number; raise WireError when it is missing or has a fraction."""
    amount = number(row, name)
    if amount is not None and amount.is_integer():
        return int(amount)
    msg = f"{name} is {row.get(name)!r}: expected a whole number"
    raise WireError(msg)


def units(row: Mapping[str, Any], name: str) -> int:
    """Return a quantity: a whole number above zero; raise WireError otherwise."""
    amount = whole(row, name)
    if amount > 0:
        return amount
    msg = f"{name} is {amount}: expected more than zero"
    raise WireError(msg)


def paise(row: Mapping[str, Any], name: str) -> int:
    """Return a price in rupees as paise, 0 when empty; raise WireError when negative or endless."""
    amount = (number(row, name) or 0.0) * 100.0
    if 0.0 <= amount < math.inf:
        return round(amount)
    msg = f"{name} is {row.get(name)!r} rupees: expected zero or more"
    raise WireError(msg)


def side(word: str) -> Side:
    """Read BUY, SELL, B or S."""
    for known in Side:
        if word.upper() in {known.value, known.value[0]}:
            return known
    msg = f"side is {word!r}: expected BUY or SELL"
    raise WireError(msg)


def filled_units(row: Mapping[str, Any], filled: str, remaining: str, quantity: int, status: str) -> int:
    """Return the filled quantity.

    When that field is empty the status tells: rejected is none, and of all others that is filled which
    does not remain: all of a traded order of which nothing is said to remain. A cancelled order is
    different: Dhan writes 0 remaining whatever was filled, so without the filled quantity nothing is
    known; nor is it of a working order of which nothing remains.

    Args:
        row: the fields.
        filled: name of the filled quantity's field.
        remaining: name of the remaining quantity's field.
        quantity: the order's total in units.
        status: the status word as it came.

    Raises:
        WireError: a negative number, or nothing in the row says how much was filled.
    """
    word = status.upper()
    traded = word == OrderStatus.TRADED
    if number(row, filled) is not None:
        done = whole(row, filled)
    elif word == OrderStatus.REJECTED:
        done = 0
    else:
        left = None if number(row, remaining) is None else whole(row, remaining)
        if word in {OrderStatus.CANCELLED, OrderStatus.EXPIRED} or (left == 0 and not traded):
            msg = f"{filled} is missing in a {word} order, {remaining} is {left}"
            raise WireError(msg)
        done = quantity - (left if left is not None else 0 if traded else quantity)
    if done >= 0:
        return done
    msg = f"{filled} is {done} of {quantity}: expected zero or more"
    raise WireError(msg)


def order_status(word: str, quantity: int, filled: int) -> OrderStatus:
    """Read a status word of either socket or REST.

    Words we do not know (CONFIRM, MODIFIED, ...) mean "working, read again". There is no word for a
    partial fill on the order-update socket, so the quantities decide: an order that is called traded
    but is not filled up is still working.
    """
    name = word.upper().replace(" ", "_").replace("-", "_")
    status = OrderStatus(name) if name in _STATUSES else OrderStatus.TRANSIT
    if status is OrderStatus.TRADED and filled < quantity:
        return OrderStatus.PART_TRADED
    if not status.final and 0 < filled < quantity:
        return OrderStatus.PART_TRADED
    return status


def contract_key(segment: str, row: Mapping[str, Any], name: str) -> InstrumentKey:
    """Join segment word and security id; ForeignRow for a segment we do not know."""
    if segment not in _SEGMENTS:
        msg = f"segment {segment!r} is not one of ours"
        raise ForeignRow(msg)
    security_id = units(row, name)
    if security_id < 1 << 32:
        return instrument_key(Segment(segment), security_id)
    msg = f"{name} is {security_id}: more than 32 bits"
    raise WireError(msg)


def _key(row: Mapping[str, Any]) -> InstrumentKey:
    """Contract of a REST row."""
    return contract_key(required(row, "exchangeSegment"), row, "securityId")
