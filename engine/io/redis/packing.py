"""Ticks to bytes and back, nothing lost. Pure.

A packed tick is a head (kind, length of the rest) and the rest: a fixed row of integers and the depth as
the feed sent it. The kind says whether the rest is deflated; a reader understands both.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct, error
from typing import NamedTuple

from engine.errors import WireError
from engine.messages import Tick
from engine.model import SEGMENT_BY_CODE, InstrumentKey

_HEAD = Struct("<BH")
_PLAIN, _DEFLATED = 1, 2
#: key, when it arrived (ms of Redis' clock), then the fields of a tick.
_ROW = Struct("<QQqqqqqqqq")
#: Stands for "this source has no quotes".
_NONE = -(2**63)
#: Fastest: half the bytes are gone at any level.
_LEVEL = 1
_RAW_DEFLATE = -15
#: No packed tick is longer; what claims to be is not ours.
_LONGEST = 1_024


class Packed(NamedTuple):
    """A tick, and when it arrived in milliseconds of Redis' clock."""

    tick: Tick
    at_ms: int


def pack(tick: Tick, at_ms: int, *, deflate: bool) -> bytes:
    """One tick as bytes."""
    row = _ROW.pack(
        tick.key,
        at_ms,
        tick.ltp_paise,
        tick.ltt_s,
        _NONE if tick.bid_paise is None else tick.bid_paise,
        tick.bid_quantity,
        _NONE if tick.ask_paise is None else tick.ask_paise,
        tick.ask_quantity,
        tick.volume,
        tick.oi,
    )
    rest = row + tick.depth if tick.depth else row
    if not deflate:
        return _HEAD.pack(_PLAIN, len(rest)) + rest
    rest = zlib.compress(rest, _LEVEL, _RAW_DEFLATE)
    return _HEAD.pack(_DEFLATED, len(rest)) + rest


def unpack(data: bytes, at: int = 0) -> Iterator[Packed]:
    """All ticks of ``data`` from the byte ``at`` on.

    Raises:
        WireError: what follows is not a packed tick.
    """
    while at < len(data):
        try:
            kind, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            yield _read(kind, data[at : at + length], length)
        except (error, zlib.error, ValueError) as fault:
            raise WireError(f"no packed tick at byte {at} of {len(data)}: {fault}") from fault
        at += length


def _read(kind: int, rest: bytes, length: int) -> Packed:
    if len(rest) != length or kind not in {_PLAIN, _DEFLATED}:
        raise ValueError(f"kind {kind}, {len(rest)} bytes of {length}")
    if kind == _DEFLATED:
        rest = zlib.decompressobj(_RAW_DEFLATE).decompress(rest, _LONGEST)
    key, at_ms, ltp, ltt_s, bid, bids, ask, asks, volume, oi = _ROW.unpack_from(rest)
    if key >> 32 not in SEGMENT_BY_CODE:
        raise ValueError(f"instrument {key}")
    tick = Tick(
        InstrumentKey(key), ltp, ltt_s,
        None if bid == _NONE else bid, bids, None if ask == _NONE else ask, asks,
        volume, oi, rest[_ROW.size :] or None,
    )  # fmt: skip
    return Packed(tick, at_ms)
