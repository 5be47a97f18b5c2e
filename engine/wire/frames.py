"""The binary live feed, version 2: one websocket frame of packets -> ticks and small facts.

Layout, little endian, offsets from the packet's start (Dhan's live market feed page, and for the
total length in bytes 1-2 issue 90 of the DhanHQ-py repository, which shows real bytes)::

    0 u8 response code   1 u16 length of the whole packet   3 u8 segment   4 u32 security id

A frame may hold several packets. Packets with codes, segments or lengths we do not know are stepped
over by their own length. The close, open, high, low and totals of Quote and Full are not read, and what
else a tick has beside its prices is read when it is asked for (`engine.tick`).

There are three ways through. `_walk` takes any bytes whatever, packet by packet. `decode_frames` reads the
everyday frame (one Full, Quote or Ticker packet, prices that float32 tells to the paisa, a book that is not
crossed) without a call of ours, and gives every other frame to `_walk`. A handful of everyday frames that
are all of one kind it reads in one pass of `struct` over all their bytes (`_alike`). That all say the same is
a property (`tests/engine/wire/test_frames_together.py`).

Prices are worked out, not looked up: `floor` of a float costs what a dictionary does while that one is in the
processor's caches, and a third of it when it is not.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import repeat
from math import floor
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from engine.errors import WireError
from engine.model import SEGMENT_BY_CODE, InstrumentKey
from engine.tick import Tick
from engine.wire.packets import (
    DISCONNECT_REASONS,
    FeedDisconnect,
    MarketStatus,
    OpenInterest,
    Packet,
    PreviousClose,
)
from engine.wire.prices import PAISE_APART_BELOW, BrokenFrame, paise_of_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_DEFAULT_TICK_PAISE = 5

_HEADER = struct.Struct("<BHBI")
# Pad bytes stand for fields that are read later or never. Prices are read as the bits of their float32
# (see prices.py).
_TICKER = struct.Struct("<xHBII4x")
_DEPTH_V1 = struct.Struct("<xHBIIII4xII80x")
_QUOTE = struct.Struct("<xHBII38x")
_OI = struct.Struct("<xHBII")
_PREVIOUS_CLOSE = struct.Struct("<xHBIII")
_STATUS = struct.Struct("<xHBI")
_FULL = struct.Struct("<xHBII62xII80x")
_DISCONNECT = struct.Struct("<xHBIH")

#: Segment number -> the high part of an instrument key; negative for numbers that name no segment.
_KEY_BASE = tuple(code << 32 if code in SEGMENT_BY_CODE else -1 for code in range(256))


# The same packets alone in their frame: kind, length and segment in one number, and prices as floats.
_TICKER_ALONE = struct.Struct("<IIf4x")
_QUOTE_ALONE = struct.Struct("<IIf38x")
_FULL_ALONE = struct.Struct("<IIf62xff80x")


def _bases(code: int, size: int) -> dict[int, int]:
    """For the first four bytes of each packet of a kind that fills its frame: the high part of the key."""
    return {code | size << 8 | segment << 24: segment << 32 for segment in SEGMENT_BY_CODE}


_TICKERS, _QUOTES, _FULLS = _bases(2, 16), _bases(4, 50), _bases(8, 162)
#: For each size of an everyday frame without a book: how it is read, and what it may begin with.
_BOOKLESS = {16: (_TICKER_ALONE, _TICKERS), 50: (_QUOTE_ALONE, _QUOTES)}
#: From so many frames on it pays to look whether all are alike.
_HANDFUL = 4

_blank = object.__new__


#: What some frames hold: all prices, in the order they came; everything else, in the order it came; one
#: error for each frame that could not be read, or not wholly (what was good of it is in the other two).
Received: TypeAlias = tuple[list[Tick], Sequence[Packet], Sequence[BrokenFrame]]

_NONE: tuple[()] = ()


class _NotOurs(WireError):
    """A packet to step over without calling it a fault."""


def decode(frame: bytes, ticks_paise: Mapping[InstrumentKey, int]) -> list[Packet]:
    """Read every packet of one frame.

    Args:
        frame: one binary websocket message.
        ticks_paise: price grid by instrument, in paise; five paise for instruments not in it.

    Returns:
        The packets understood, in order. `Tick.bid_paise` and `ask_paise` are None for packets
        without a book (Ticker, Quote).

    Raises:
        BrokenFrame: a packet was malformed (a `WireError`). Packets whose framing is intact are
            still read, also behind the bad one; they are in the error's ``good``. Behind a packet
            whose length cannot be true nothing can be found, so nothing is looked for.
    """
    ticks, others, broken = decode_frames((frame,), ticks_paise)
    if others or broken:
        return _walk(frame, ticks_paise)  # for the order of all, and the error
    return ticks  # type: ignore[return-value]  # nobody else has this list


def decode_frames(frames: Sequence[bytes], ticks_paise: Mapping[InstrumentKey, int]) -> Received:
    """Read every packet of some frames; never raises for what is in them.

    Nothing of ours is called for the everyday frame, and the tick is filled here: calls would double its
    price.

    Args:
        frames: binary websocket messages, in the order they came.
        ticks_paise: as for `decode`.
    """
    if len(frames) >= _HANDFUL and (alike := _alike(frames)) is not None:
        return alike, _NONE, _NONE
    received: Received = ([], _NONE, _NONE)
    took, below = received[0].append, PAISE_APART_BELOW
    for frame in frames:
        size = len(frame)
        if size == 162:
            head, security_id, ltp, bid, ask = _FULL_ALONE.unpack(frame)
            base = _FULLS.get(head)
            if base is not None and 0.0 <= bid <= ask < below and 0.0 <= ltp < below:
                tick = _blank(Tick)
                tick.key = base | security_id
                tick.ltp_paise = floor(ltp * 100.0 + 0.5)
                tick.bid_paise = floor(bid * 100.0 + 0.5)
                tick.ask_paise = floor(ask * 100.0 + 0.5)
                tick.packet = frame
                took(tick)
                continue
        elif size in _BOOKLESS:
            layout, bases = _BOOKLESS[size]
            head, security_id, ltp = layout.unpack(frame)
            base = bases.get(head)
            if base is not None and 0.0 <= ltp < below:
                tick = _blank(Tick)
                tick.key = base | security_id
                tick.ltp_paise = floor(ltp * 100.0 + 0.5)
                tick.bid_paise = tick.ask_paise = None
                tick.packet = frame
                took(tick)
                continue
        received = _closely(frame, ticks_paise, received)
    return received


def _alike(frames: Sequence[bytes]) -> list[Tick] | None:
    """The ticks of everyday frames that are all of one kind, in one pass; None = they are not that."""
    count, size = len(frames), len(frames[0])
    if [*map(len, frames)].count(size) != count:
        return None
    ticks: list[Tick] = [*map(_blank, repeat(Tick, count))]
    tick: Any  # whose key is filled in without the call of its type
    packed, below, known, base = b"".join(frames), PAISE_APART_BELOW, -1, 0
    try:
        if size == 162:
            full = zip(ticks, frames, _FULL_ALONE.iter_unpack(packed), strict=True)
            for tick, tick.packet, (head, security_id, ltp, bid, ask) in full:
                if head != known:
                    base, known = _FULLS[head], head
                if not (0.0 <= bid <= ask < below and 0.0 <= ltp < below):
                    return None
                tick.key = base | security_id
                tick.ltp_paise = floor(ltp * 100.0 + 0.5)
                tick.bid_paise = floor(bid * 100.0 + 0.5)
                tick.ask_paise = floor(ask * 100.0 + 0.5)
        else:
            layout, bases = _BOOKLESS[size]
            small = zip(ticks, frames, layout.iter_unpack(packed), strict=True)
            for tick, tick.packet, (head, security_id, ltp) in small:
                if head != known:
                    base, known = bases[head], head
                if not 0.0 <= ltp < below:
                    return None
                tick.key = base | security_id
                tick.ltp_paise = floor(ltp * 100.0 + 0.5)
                tick.bid_paise = tick.ask_paise = None
    except KeyError:  # another size, another packet in a frame of this size, or no segment of ours
        return None
    return ticks


def _closely(frame: bytes, ticks_paise: Mapping[InstrumentKey, int], received: Received) -> Received:
    """Read any frame, one packet after the other; what came before it and from it."""
    ticks, others, broken = received
    packets: Iterable[Packet]
    try:
        packets = _walk(frame, ticks_paise)
    except BrokenFrame as error:
        broken = [*broken, error]
        packets = error.good  # type: ignore[assignment]  # _walk puts packets there
    for packet in packets:
        if isinstance(packet, Tick):
            ticks.append(packet)
        else:
            others = [*others, packet]
    return ticks, others, broken


def _walk(frame: bytes, ticks_paise: Mapping[InstrumentKey, int]) -> list[Packet]:
    """Read packet after packet; what `decode` promises."""
    packets: list[Packet] = []
    faults: list[str] = []
    at, end = 0, len(frame)
    while at < end:
        size, read = _LAYOUTS[frame[at]]
        try:
            packets.append(read(frame, at, ticks_paise))
            at += size
        except (WireError, struct.error) as problem:
            if not isinstance(problem, _NotOurs):
                faults.append(f"packet {frame[at]} at byte {at}: {problem}")
            step = _length(frame, at)
            if step == 0:
                faults.append(f"the packet at byte {at} of {end} does not end inside its frame")
                break
            at += step
    if faults:
        raise BrokenFrame(faults, packets)
    return packets


def _length(frame: bytes, at: int) -> int:
    """How many bytes the packet at ``at`` says it has; 0 when that cannot be true."""
    if len(frame) - at < _HEADER.size:
        return 0
    length: int = _HEADER.unpack_from(frame, at)[1]
    return length if _HEADER.size <= length <= len(frame) - at else 0


def _refuse(length: int, size: int, key: int) -> NoReturn:
    """Say why a packet is not read: another layout or segment (no fault), or too short (a fault)."""
    if length < size:
        msg = f"length {length}, expected {size}"
        raise WireError(msg)
    msg = f"length {length} or instrument {key} unknown"
    raise _NotOurs(msg)


def _full(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 8, 162 bytes: the whole quote with five levels of depth."""
    length, segment, security_id, ltp, bid, ask = _FULL.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != 162 or key < 0:
        _refuse(length, 162, key)
    ltp, bid, ask = (_paise(bits, key, ticks_paise) for bits in (ltp, bid, ask))
    return _tick(key, ltp, bid, ask, frame[at : at + 162])


def _ticker(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 2, 16 bytes: last price and time."""
    length, segment, security_id, ltp = _TICKER.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _TICKER.size or key < 0:
        _refuse(length, _TICKER.size, key)
    return _tick(key, _paise(ltp, key, ticks_paise), None, None, frame[at : at + 16])


def _quote(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 4, 50 bytes: a trade summary without the book."""
    length, segment, security_id, ltp = _QUOTE.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _QUOTE.size or key < 0:
        _refuse(length, _QUOTE.size, key)
    return _tick(key, _paise(ltp, key, ticks_paise), None, None, frame[at : at + 50])


def _tick(key: int, ltp: int, bid: int | None, ask: int | None, packet: bytes) -> Tick:
    """A tick with its prices, the rest of it still in its packet."""
    tick = _blank(Tick)
    tick.key, tick.ltp_paise, tick.bid_paise, tick.ask_paise = InstrumentKey(key), ltp, bid, ask
    tick.packet = packet
    return tick


def _depth_v1(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 3, 112 bytes, deprecated: last price and five levels, no times."""
    length, segment, security_id, ltp, bids, asks, bid, ask = _DEPTH_V1.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _DEPTH_V1.size or key < 0:
        _refuse(length, _DEPTH_V1.size, key)
    ltp, bid, ask = (_paise(bits, key, ticks_paise) for bits in (ltp, bid, ask))
    return Tick(InstrumentKey(key), ltp, 0, bid, bids, ask, asks, depth=frame[at + 12 : at + 112])


def _oi(frame: bytes, at: int, _ticks_paise: Mapping[InstrumentKey, int]) -> OpenInterest:
    """Code 5, 12 bytes."""
    length, segment, security_id, oi = _OI.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _OI.size or key < 0:
        _refuse(length, _OI.size, key)
    return OpenInterest(InstrumentKey(key), oi)


def _previous_close(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> PreviousClose:
    """Code 6, 16 bytes."""
    length, segment, security_id, close, oi = _PREVIOUS_CLOSE.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _PREVIOUS_CLOSE.size or key < 0:
        _refuse(length, _PREVIOUS_CLOSE.size, key)
    return PreviousClose(InstrumentKey(key), _paise(close, key, ticks_paise), oi)


def _status(frame: bytes, at: int, _ticks_paise: Mapping[InstrumentKey, int]) -> MarketStatus:
    """Code 7, header only."""
    length, segment, _ = _STATUS.unpack_from(frame, at)
    if length != _STATUS.size or segment not in SEGMENT_BY_CODE:
        _refuse(length, _STATUS.size, segment)
    return MarketStatus(SEGMENT_BY_CODE[segment])


def _disconnect(frame: bytes, at: int, _ticks_paise: Mapping[InstrumentKey, int]) -> FeedDisconnect:
    """Code 50, 10 bytes: the reason is one of Dhan's data error codes."""
    length, _, _, reason = _DISCONNECT.unpack_from(frame, at)
    if length != _DISCONNECT.size:
        _refuse(length, _DISCONNECT.size, reason)
    return FeedDisconnect(reason, DISCONNECT_REASONS.get(reason, f"unknown reason {reason}"))


def _unknown(_frame: bytes, _at: int, _ticks_paise: Mapping[InstrumentKey, int]) -> NoReturn:
    """Step over codes 0 (heartbeat), 1 (old index packet, layout unpublished) and all others."""
    raise _NotOurs


def _paise(bits: int, key: int, ticks_paise: Mapping[InstrumentKey, int]) -> int:
    """One price off the hot path."""
    return paise_of_bits(bits, ticks_paise.get(InstrumentKey(key), _DEFAULT_TICK_PAISE))


_KNOWN: dict[int, tuple[int, Callable[..., Packet]]] = {
    2: (_TICKER.size, _ticker),
    3: (_DEPTH_V1.size, _depth_v1),
    4: (_QUOTE.size, _quote),
    5: (_OI.size, _oi),
    6: (_PREVIOUS_CLOSE.size, _previous_close),
    7: (_STATUS.size, _status),
    8: (_FULL.size, _full),
    50: (_DISCONNECT.size, _disconnect),
}
#: For each of the 256 response codes its size in bytes and its reader.
_LAYOUTS = tuple(_KNOWN.get(code, (0, _unknown)) for code in range(256))
