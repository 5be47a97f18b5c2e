"""The binary live feed, version 2: one websocket frame of packets -> ticks and small facts.

Layout, little endian, offsets from the packet's start (Dhan's live market feed page, and for the
total length in bytes 1-2 issue 90 of the DhanHQ-py repository, which shows real bytes)::

    0 u8 response code   1 u16 length of the whole packet   3 u8 segment   4 u32 security id

A frame may hold several packets. Packets with codes, segments or lengths we do not know are stepped
over by their own length. The close, open, high, low and totals of Quote and Full are not read, and what
else a tick has beside its prices is read when it is asked for (`engine.tick`).

There are two ways through. `_walk` takes any bytes whatever, packet by packet. `decode_frames` reads the
everyday frame (one Full, Quote or Ticker packet, instrument and prices seen before) without a call, and
gives every other frame to `_walk`; that both say the same is a property
(`tests/engine/wire/test_frames_together.py`).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from engine.errors import WireError
from engine.model import SEGMENT_BY_CODE, InstrumentKey
from engine.tick import Tick
from engine.wire.packets import (
    DISCONNECT_REASONS,
    FeedDisconnect,
    Level,
    MarketStatus,
    OpenInterest,
    Packet,
    PreviousClose,
)
from engine.wire.prices import KNOWN_PAISE, BrokenFrame, paise_of_bits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DEFAULT_TICK_PAISE = 5

_HEADER = struct.Struct("<BHBI")
_LEVEL = struct.Struct("<IIHHII")
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


# The same packets alone in their frame: the whole header in one number, which names kind and instrument.
_TICKER_ALONE = struct.Struct("<QI4x").unpack
_QUOTE_ALONE = struct.Struct("<QI38x").unpack
_FULL_ALONE = struct.Struct("<QI62xII80x").unpack

#: Headers that a packet of that length has had, and the instrument each names: pure memos (bounded), like
#: that of the prices. To look a header up costs half of what checking it costs.
_TICKER_KEYS: dict[int, InstrumentKey] = {}
_QUOTE_KEYS: dict[int, InstrumentKey] = {}
_FULL_KEYS: dict[int, InstrumentKey] = {}
#: For each size of an everyday frame its response code and its memo.
_ALONE = {16: (2, _TICKER_KEYS), 50: (4, _QUOTE_KEYS), 162: (8, _FULL_KEYS)}
_MEMO_LIMIT = 65_536

_blank = object.__new__
_new_level = tuple.__new__  # a third of what the class of a NamedTuple takes


#: What some frames hold: all prices, in the order they came; everything else, in the order it came; one
#: error for each frame that could not be read, or not wholly (what was good of it is in the other two).
Received: TypeAlias = tuple[list[Tick], list[Packet], list[BrokenFrame]]


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


def decode_frames(frames: Iterable[bytes], ticks_paise: Mapping[InstrumentKey, int]) -> Received:
    """Read every packet of some frames; never raises for what is in them.

    Nothing is called for the everyday frame, and the tick is filled here: calls would double its price.

    Args:
        frames: binary websocket messages, in the order they came.
        ticks_paise: as for `decode`.
    """
    received: Received = ([], [], [])
    took, known = received[0].append, KNOWN_PAISE
    for frame in frames:
        try:
            size = len(frame)
            if size == 162:
                header, ltp, bid, ask = _FULL_ALONE(frame)
                tick = _blank(Tick)
                tick.key = _FULL_KEYS[header]
                tick.ltp_paise, tick.bid_paise, tick.ask_paise = known[ltp], known[bid], known[ask]
            elif size == 16:
                header, ltp = _TICKER_ALONE(frame)
                tick = _blank(Tick)
                tick.key, tick.ltp_paise = _TICKER_KEYS[header], known[ltp]
                tick.bid_paise = tick.ask_paise = None
            elif size == 50:
                header, ltp = _QUOTE_ALONE(frame)
                tick = _blank(Tick)
                tick.key, tick.ltp_paise = _QUOTE_KEYS[header], known[ltp]
                tick.bid_paise = tick.ask_paise = None
            else:
                _closely(frame, ticks_paise, received)
                continue
            tick.packet = frame
            took(tick)
        except KeyError:  # an instrument or a price not seen before, several packets, another layout
            _closely(frame, ticks_paise, received)
            _learn(frame)
    return received


def _learn(frame: bytes) -> None:
    """Note whose packet this frame is, if it is one alone and we know its layout and segment."""
    code, keys = _ALONE[len(frame)]
    said, length, segment, security_id = _HEADER.unpack_from(frame)
    if (said, length) == (code, len(frame)) and segment in SEGMENT_BY_CODE:
        if len(keys) >= _MEMO_LIMIT:
            keys.clear()
        keys[int.from_bytes(frame[: _HEADER.size], "little")] = InstrumentKey(segment << 32 | security_id)


def _closely(frame: bytes, ticks_paise: Mapping[InstrumentKey, int], received: Received) -> None:
    """Read any frame, one packet after the other."""
    ticks, others, broken = received
    packets: Iterable[Packet]
    try:
        packets = _walk(frame, ticks_paise)
    except BrokenFrame as error:
        broken.append(error)
        packets = error.good  # type: ignore[assignment]  # _walk puts packets there
    for packet in packets:
        if isinstance(packet, Tick):
            ticks.append(packet)
        else:
            others.append(packet)


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


def depth(tick: Tick, tick_paise: int = _DEFAULT_TICK_PAISE) -> tuple[Level, ...]:
    """Read the five levels a tick carries, best first.

    A level with an impossible price ends the book there: what cannot be read is not liquidity.

    Args:
        tick: a quote; one without depth has no levels.
        tick_paise: the instrument's price grid in paise.
    """
    packed, known = tick.depth or b"", KNOWN_PAISE
    try:
        levels = [
            _new_level(Level, (known[bid], bids, bid_orders, known[ask], asks, ask_orders))
            for bids, asks, bid_orders, ask_orders, bid, ask in _LEVEL.iter_unpack(packed)
        ]
    except KeyError:  # a price not seen before
        return tuple(_levels(packed, tick_paise))
    return tuple(levels)


def _levels(packed: bytes, tick_paise: int) -> Iterator[Level]:
    """The same for prices seen or not, until one is impossible."""
    for bids, asks, bid_orders, ask_orders, bid, ask in _LEVEL.iter_unpack(packed):
        try:
            bid_paise, ask_paise = paise_of_bits(bid, tick_paise), paise_of_bits(ask, tick_paise)
        except WireError:
            return
        yield Level(bid_paise, bids, bid_orders, ask_paise, asks, ask_orders)


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
    try:
        ltp, bid, ask = KNOWN_PAISE[ltp], KNOWN_PAISE[bid], KNOWN_PAISE[ask]
    except KeyError:
        ltp, bid, ask = (_paise(bits, key, ticks_paise) for bits in (ltp, bid, ask))
    return _tick(key, ltp, bid, ask, frame[at : at + 162])


def _ticker(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 2, 16 bytes: last price and time."""
    length, segment, security_id, ltp = _TICKER.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _TICKER.size or key < 0:
        _refuse(length, _TICKER.size, key)
    paise = KNOWN_PAISE.get(ltp) or _paise(ltp, key, ticks_paise)
    return _tick(key, paise, None, None, frame[at : at + 16])


def _quote(frame: bytes, at: int, ticks_paise: Mapping[InstrumentKey, int]) -> Tick:
    """Code 4, 50 bytes: a trade summary without the book."""
    length, segment, security_id, ltp = _QUOTE.unpack_from(frame, at)
    key = _KEY_BASE[segment] | security_id
    if length != _QUOTE.size or key < 0:
        _refuse(length, _QUOTE.size, key)
    paise = KNOWN_PAISE.get(ltp) or _paise(ltp, key, ticks_paise)
    return _tick(key, paise, None, None, frame[at : at + 50])


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
