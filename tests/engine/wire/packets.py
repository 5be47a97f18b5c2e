"""Builds Dhan packets from the published layout with struct alone, as a server would."""

from __future__ import annotations

import struct


def header(code: int, length: int, segment: int, security_id: int) -> bytes:
    """Eight bytes; the length counts the whole packet."""
    return struct.pack("<BHBI", code, length, segment, security_id)


def ticker(segment: int, security_id: int, ltp: float, ltt: int) -> bytes:
    return header(2, 16, segment, security_id) + struct.pack("<fI", ltp, ltt)


def previous_close(segment: int, security_id: int, close: float, oi: int) -> bytes:
    return header(6, 16, segment, security_id) + struct.pack("<fI", close, oi)


def open_interest(segment: int, security_id: int, oi: int) -> bytes:
    return header(5, 12, segment, security_id) + struct.pack("<I", oi)


def market_status(segment: int, security_id: int = 0) -> bytes:
    return header(7, 8, segment, security_id)


def disconnect(reason: int) -> bytes:
    return header(50, 10, 0, 0) + struct.pack("<H", reason)


def quote(
    segment: int, security_id: int, ltp: float, ltq: int, ltt: int, volume: int, rest: tuple[float, ...]
) -> bytes:
    """``rest``: average price, then open, close, high, low in rupees."""
    average, *day = rest
    body = struct.pack("<fHIfIII4f", ltp, ltq, ltt, average, volume, 5000, 6000, *day)
    return header(4, 50, segment, security_id) + body


def level(bid_quantity: int, ask_quantity: int, orders: tuple[int, int], bid: float, ask: float) -> bytes:
    return struct.pack("<IIHHff", bid_quantity, ask_quantity, *orders, bid, ask)


def depth_v1(segment: int, security_id: int, ltp: float, levels: bytes) -> bytes:
    return header(3, 112, segment, security_id) + struct.pack("<f", ltp) + levels


def full(
    key: tuple[int, int], ltp: float, ltt: int, volume: int, oi: int, rest: tuple[float, ...], levels: bytes
) -> bytes:
    """``key``: segment number and id; ``rest``: average price, then open, close, high, low in rupees."""
    average, *day = rest
    body = struct.pack("<fHIfIIIIII4f", ltp, 75, ltt, average, volume, 5000, 6000, oi, oi, oi, *day)
    return header(8, 162, *key) + body + levels
