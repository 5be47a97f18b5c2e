"""The REST market quote (``POST /marketfeed/quote``) -> ticks, with depth in the feed's own bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from engine.errors import WireError
from engine.messages import Tick
from engine.model import InstrumentKey, Segment
from engine.wire.prices import paise_of_float, utc_of_ist_text
from engine.wire.rows import contract_key, mapping, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LEVEL = struct.Struct("<IIHHff")
_LEVELS = 5


def parse_quotes(reply: object, ticks_paise: Mapping[InstrumentKey, int]) -> list[Tick]:
    """Read a quote reply.

    Instruments Dhan does not know are missing from its reply, and so from ours; one that makes no
    sense is left out as well, because a neighbour's bad row must not cost the others their price.

    Args:
        reply: the decoded JSON body.
        ticks_paise: price grid by instrument, in paise; five paise for instruments not in it.

    Raises:
        WireError: not a quote reply at all.
    """
    segments = mapping(mapping(reply).get("data"))
    ticks = []
    for segment, by_id in segments.items():
        for security_id, row in mapping(by_id).items():
            try:
                ticks.append(_tick(segment, security_id, mapping(row), ticks_paise))
            except WireError:
                continue
    return ticks


def _tick(
    segment: str, security_id: str, row: Mapping[str, Any], ticks_paise: Mapping[InstrumentKey, int]
) -> Tick:
    """Read one instrument's row; ``last_trade_time`` is IST as ``20/11/2026 14:39:29``."""
    key = contract_key(segment, {"id": security_id}, "id")
    tick_paise = ticks_paise.get(key, 5)
    last = number(row, "last_price")
    if last is None:
        msg = "a quote without last_price"
        raise WireError(msg)
    head = (
        key,
        paise_of_float(last, tick_paise),
        utc_of_ist_text(text(row, "last_trade_time"), "%d/%m/%Y %H:%M:%S"),
    )
    volume, oi = int(number(row, "volume") or 0), int(number(row, "oi") or 0)
    if segment == Segment.IDX_I or not row.get("depth"):  # an index has no book
        return Tick(*head, volume=volume, oi=oi)
    book = mapping(row["depth"])
    bids, asks = _side(book, "buy", tick_paise), _side(book, "sell", tick_paise)
    (best_bids, _, bid_paise), (best_asks, _, ask_paise) = bids[0], asks[0]
    return Tick(*head, bid_paise, best_bids, ask_paise, best_asks, volume, oi, _packed(bids, asks))


def _packed(bids: Sequence[tuple[int, int, int]], asks: Sequence[tuple[int, int, int]]) -> bytes:
    """The five levels as the feed writes them."""
    return b"".join(
        _LEVEL.pack(bid[0], ask[0], bid[1], ask[1], bid[2] / 100, ask[2] / 100)
        for bid, ask in zip(bids, asks, strict=True)
    )


def _side(book: Mapping[str, Any], name: str, tick_paise: int) -> list[tuple[int, int, int]]:
    """Read one side as five (quantity, orders, paise), zeros where the book is shorter."""
    rows = book.get(name) or []
    if not isinstance(rows, list):
        msg = f"depth.{name} is {type(rows).__name__}, expected a list"
        raise WireError(msg)
    levels = [_level(mapping(row), tick_paise) for row in rows[:_LEVELS]]
    return levels + [(0, 0, 0)] * (_LEVELS - len(levels))


def _level(row: Mapping[str, Any], tick_paise: int) -> tuple[int, int, int]:
    """Read one level; numbers too large for the feed's fields are as good as the largest."""
    quantity, orders = number(row, "quantity") or 0.0, number(row, "orders") or 0.0
    if quantity < 0 or orders < 0:
        msg = f"a level of {quantity} units in {orders} orders: expected zero or more"
        raise WireError(msg)
    price_paise = paise_of_float(number(row, "price") or 0.0, tick_paise)
    return min(int(quantity), 0xFFFFFFFF), min(int(orders), 0xFFFF), price_paise
