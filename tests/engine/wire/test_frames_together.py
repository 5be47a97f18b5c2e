"""Frames read together, and a decoder that is as plain as can be: both say the same of any bytes."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.messages import Tick
from engine.model import SEGMENT_CODE
from engine.wire import (
    BrokenFrame,
    FeedDisconnect,
    MarketStatus,
    OpenInterest,
    Packet,
    PreviousClose,
    decode,
    decode_frames,
)
from engine.wire import frames as frames_module
from tests.engine.wire import packets as build
from tests.engine.wire import plain

u32 = st.integers(0, 2**32 - 1)
segments = st.one_of(st.sampled_from(sorted(SEGMENT_CODE.values())), st.integers(0, 255))
#: Everyday prices, and any four bytes whatever.
prices = st.one_of(
    st.integers(0, 60_000_000).map(lambda paise: struct.pack("<f", paise / 100)),
    st.binary(min_size=4, max_size=4),
)


sensible = st.integers(0, 13_000_000).map(lambda paise: struct.pack("<f", paise / 100))


@st.composite
def packet(
    draw: st.DrawFn,
    codes: tuple[int, ...] = tuple(sorted(plain.SIZES)),
    segments: st.SearchStrategy[int] = segments,
    prices: st.SearchStrategy[bytes] = prices,
) -> bytes:
    """A packet of any known kind whose every field is anything."""
    code = draw(st.sampled_from(codes))
    body = bytearray(draw(st.binary(min_size=plain.SIZES[code] - 8, max_size=plain.SIZES[code] - 8)))
    for at in {8: (0, 66, 70), 3: (0, 16, 20)}.get(code, (0,)):
        if len(body) >= at + 4:
            body[at : at + 4] = draw(prices)
    return build.header(code, plain.SIZES[code], draw(segments), draw(u32)) + body


@st.composite
def strange(draw: st.DrawFn) -> bytes:
    """A header that need not be true, with whatever behind it."""
    code = draw(st.one_of(st.sampled_from(sorted(plain.SIZES)), st.integers(0, 255)))
    length = draw(
        st.one_of(st.sampled_from([0, 7, 8, *plain.SIZES.values(), 163, 200]), st.integers(0, 65_535))
    )
    size = draw(st.sampled_from([0, 4, 8, 42, 154, 160]))
    return build.header(code, length, draw(segments), draw(u32)) + draw(
        st.binary(min_size=size, max_size=size)
    )


@st.composite
def cut(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """The beginning of something."""
    made = draw(whole)
    return made[: draw(st.integers(0, len(made)))]


everyday = packet((2, 4, 8, 8), st.sampled_from(sorted(SEGMENT_CODE.values())), sensible)
frames = st.one_of(
    everyday,
    everyday,
    packet(),
    cut(packet()),
    strange(),
    st.binary(max_size=200),
    st.lists(st.one_of(packet(), strange()), max_size=4).map(b"".join),
    cut(st.lists(packet(), min_size=2, max_size=3).map(b"".join)),
)


def told(packet: Packet) -> tuple[Any, ...]:
    """One packet of ours as the plain decoder tells it."""
    match packet:
        case Tick():
            return ("tick", *(getattr(packet, name) for name in Tick.FIELDS))
        case OpenInterest():
            return ("interest", packet.key, packet.oi)
        case PreviousClose():
            return ("close", packet.key, packet.close_paise, packet.oi)
        case MarketStatus():
            return ("status", SEGMENT_CODE[packet.segment])
        case FeedDisconnect():
            return ("goodbye", packet.reason_code)


@given(handful=st.lists(frames, max_size=6))
@example(handful=[build.ticker(2, 1, 100.05, 1_781_084_997) + build.header(99, 34, 2, 1) + bytes(26)])
@example(handful=[build.header(8, 162, 6, 1) + bytes(154), build.header(4, 16, 2, 1) + bytes(8)])
def test_frames_together_say_what_the_plain_decoder_says(handful: list[bytes]):
    """Prices, everything else and the number of broken frames are the same."""
    expected = [plain.read(frame) for frame in handful]
    facts = [fact for found, _ in expected for fact in found]
    ticks, others, broken = decode_frames(handful, {})
    assert [told(tick) for tick in ticks] == [fact for fact in facts if fact[0] == "tick"]
    assert [told(other) for other in others] == [fact for fact in facts if fact[0] != "tick"]
    assert len(broken) == sum(bad for _, bad in expected)


@given(frame=frames)
def test_a_frame_alone_says_what_the_plain_decoder_says(frame: bytes):
    """Every packet in its order, and an error where the plain decoder finds something broken."""
    expected, bad = plain.read(frame)
    try:
        packets, broken = decode(frame, {}), False
    except BrokenFrame as error:
        packets, broken = list(error.good), True
    assert ([told(packet) for packet in packets], broken) == (expected, bad)


def test_frames_that_are_read_together_need_not_be_alike():
    """A broken frame, text in between and a stacked one cost their neighbours nothing."""
    good = build.ticker(2, 1, 100.05, 1_781_084_997)
    handful = [good, b"", b"{}", build.disconnect(807), good + good, good[:9], good]
    ticks, others, broken = decode_frames(handful, {})
    assert [tick.ltp_paise for tick in ticks] == [10_005] * 4
    assert others == [FeedDisconnect(807, "the access token has expired")]
    assert len(broken) == 2


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("kind", ["ticker", "quote", "full"])
def test_an_everyday_packet_is_not_looked_at_closely(kind: str, count: int, monkeypatch: pytest.MonkeyPatch):
    """Nothing is called for it, alone or among its like; it is for an unknown segment or too high a price."""
    made = {
        "ticker": lambda segment, number, price: build.ticker(segment, number, price, 1_781_084_997),
        "quote": lambda segment, number, price: build.quote(
            segment, number, price, 75, 1_781_084_997, 7, (1.0,) * 5
        ),
        "full": lambda segment, number, price: build.full(
            (segment, number), price, 1_781_084_997, 7, 7, (1.0,) * 5, bytes(100)
        ),
    }[kind]
    looked_at: list[bytes] = []

    def closely(frame, _grid, received):
        looked_at.append(frame)
        return received

    monkeypatch.setattr(frames_module, "_closely", closely)
    good = [made(2, number, 77.05) for number in range(count)]
    ticks, _, _ = decode_frames(good, {})
    assert [(tick.key & 0xFFFF, tick.ltp_paise) for tick in ticks] == [(n, 7_705) for n in range(count)]
    assert not looked_at
    odd = [made(6, 1, 77.05), made(2, 1, 140_000.0)]
    assert len(decode_frames(good + odd, {})[0]) == count
    assert looked_at == odd


def uncrossed(frame: bytes) -> bytes:
    """A Full packet with the lower of its two best prices as the bid."""
    bid, ask = frame[74:78], frame[78:82]
    swapped = len(frame) == plain.SIZES[8] and struct.unpack("<f", bid) > struct.unpack("<f", ask)
    return frame[:74] + ask + bid + frame[82:] if swapped else frame


kinds = st.sampled_from((2, 4, 8))
alike = kinds.flatmap(
    lambda code: st.lists(
        packet((code,), st.sampled_from(sorted(SEGMENT_CODE.values())), sensible).map(uncrossed),
        min_size=4,
        max_size=9,
    )
)


@given(handful=alike, stranger=st.one_of(st.none(), frames), place=st.integers(0, 9))
def test_a_handful_of_one_kind_says_what_the_plain_decoder_says(
    handful: list[bytes], stranger: bytes | None, place: int
):
    """Read in one pass, or frame by frame for one stranger among them: the same ticks, in the same order."""
    if stranger is not None:
        handful.insert(place, stranger)
    expected = [plain.read(frame) for frame in handful]
    facts = [fact for found, _ in expected for fact in found]
    ticks, others, broken = decode_frames(handful, {})
    assert [told(tick) for tick in ticks] == [fact for fact in facts if fact[0] == "tick"]
    assert [told(other) for other in others] == [fact for fact in facts if fact[0] != "tick"]
    assert len(broken) == sum(bad for _, bad in expected)
