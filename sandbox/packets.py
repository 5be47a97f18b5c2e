"""Builder of Dhan's binary feed packets, version 2: little-endian, the length field counts the whole packet.

A second opinion on the format: the engine's decoder is tested against these bytes and shares no code
with them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from engine.model import SEGMENT_CODE, Segment, key_parts
from sandbox.ist import IST_OFFSET_S
from sandbox.quotes import DEPTH, Level

if TYPE_CHECKING:
    from engine.model import InstrumentKey
    from sandbox.quotes import Quote

_HEADER = struct.Struct("<BHBI")
_U16 = 0xFFFF
_U32 = 0xFFFFFFFF
_NOBODY = Level(0, 0, 0)


def ticker(quote: Quote) -> bytes:
    """Code 2: last price and its time."""
    return _packet(2, quote.key, "<fI", _rupees(quote.ltp_paise), _last_trade_time(quote))


def previous_close(quote: Quote) -> bytes:
    """Code 6: yesterday's close and open interest."""
    return _packet(6, quote.key, "<fI", _rupees(quote.previous_close_paise), quote.previous_oi & _U32)


def open_interest(quote: Quote) -> bytes:
    """Code 5: sent beside a Quote packet."""
    return _packet(5, quote.key, "<I", quote.oi & _U32)


def quote_packet(quote: Quote) -> bytes:
    """Code 4: the day's figures without depth."""
    return _packet(4, quote.key, "<fHIfIIIffff", *_day(quote), *_ohlc(quote))


def full(quote: Quote) -> bytes:
    """Code 8: the day's figures, open interest (its extremes on NSE only) and five levels of depth."""
    extremes = (quote.oi_high, quote.oi_low) if key_parts(quote.key)[0] is Segment.NSE_FNO else (0, 0)
    interest = tuple(units & _U32 for units in (quote.oi, *extremes))
    head = _packet(8, quote.key, "<fHIfIIIIIIffff", *_day(quote), *interest, *_ohlc(quote), tail=100)
    return head + depth(quote)


def depth(quote: Quote) -> bytes:
    """The hundred bytes of five levels, best first, empty levels as zeros."""
    out = bytearray()
    for n in range(DEPTH):
        bid = quote.bids[n] if n < len(quote.bids) else _NOBODY
        ask = quote.asks[n] if n < len(quote.asks) else _NOBODY
        out += struct.pack(
            "<IIHHff",
            bid.quantity & _U32,
            ask.quantity & _U32,
            bid.orders & _U16,
            ask.orders & _U16,
            _rupees(bid.price_paise),
            _rupees(ask.price_paise),
        )
    return bytes(out)


def market_status(segment_code: int) -> bytes:
    """Code 7: a bare header; the value of the status is not in it."""
    return _HEADER.pack(7, 8, segment_code, 0)


def disconnect(reason: int) -> bytes:
    """Code 50: why the server hangs up (800 to 814)."""
    return _HEADER.pack(50, 10, 0, 0) + struct.pack("<H", reason)


def _packet(code: int, key: InstrumentKey, form: str, *values: float, tail: int = 0) -> bytes:
    segment, security_id = key_parts(key)
    body = struct.pack(form, *values)
    length = _HEADER.size + len(body) + tail
    return _HEADER.pack(code, length, SEGMENT_CODE[segment], security_id) + body


def _day(quote: Quote) -> tuple[float, ...]:
    return (
        _rupees(quote.ltp_paise),
        quote.last_quantity & _U16,
        _last_trade_time(quote),
        _rupees(quote.average_paise),
        quote.volume & _U32,
        sum(level.quantity for level in quote.asks) & _U32,
        sum(level.quantity for level in quote.bids) & _U32,
    )


def _ohlc(quote: Quote) -> tuple[float, ...]:
    return (
        _rupees(quote.open_paise),
        _rupees(quote.previous_close_paise),
        _rupees(quote.high_paise),
        _rupees(quote.low_paise),
    )


def _rupees(paise: int) -> float:
    return paise / 100


def _last_trade_time(quote: Quote) -> int:
    # The exchange writes the Indian wall clock as if it were UTC.
    return quote.ltt_s + IST_OFFSET_S if quote.ltt_s else 0
