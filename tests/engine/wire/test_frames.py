"""The binary feed: golden bytes, round trips, several packets in a frame, and every kind of damage."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WireError
from engine.messages import Tick
from engine.model import SEGMENT_BY_CODE, InstrumentKey, Segment, instrument_key
from engine.wire import (
    BrokenFrame,
    FeedDisconnect,
    Level,
    MarketStatus,
    OpenInterest,
    PreviousClose,
    decode,
    depth,
)
from tests.engine.wire import packets as build

NIFTY_OPTION = instrument_key(Segment.NSE_FNO, 49081)
LTT_UTC_S = 1781084997 - 19800

GOLDEN_LEVEL = bytes.fromhex("4b00000041000000010002000000c8423333c842")
GOLDEN_FULL = bytes.fromhex(
    "08a20002b9bf00009a19c8424b004533296a0000c74240e201008813000070170000"
    "cdc63900c0fb3900207538000000c4420080c2420000cb429a19c042"
) + (GOLDEN_LEVEL + bytes(80))

segments = st.sampled_from(sorted(SEGMENT_BY_CODE))
ids = st.integers(1, 2**32 - 1)
u32 = st.integers(0, 2**32 - 1)
#: Prices on the five-paise grid, up to where float32 still tells them apart.
grid_paise = st.integers(0, 52_428_799 // 5).map(lambda ticks: ticks * 5)
real_ltts = st.integers(1_000_000_001, 2**32 - 1)


def fields(tick: object) -> dict[str, object]:
    """Every field of a tick, for comparison."""
    assert isinstance(tick, Tick)
    return {name: getattr(tick, name) for name in Tick.FIELDS}


def one_tick(frame: bytes, ticks_paise: dict[InstrumentKey, int] | None = None) -> Tick:
    """Decode a frame that holds exactly one tick."""
    (tick,) = decode(frame, ticks_paise or {})
    assert isinstance(tick, Tick)
    return tick


def test_golden_ticker():
    """A ticker of 100.05 rupees reads as 10,005 paise at the trade's time in UTC."""
    tick = one_tick(bytes.fromhex("02100002b9bf00009a19c8424533296a"))
    assert fields(tick) == fields(Tick(NIFTY_OPTION, 10_005, LTT_UTC_S))


def test_golden_previous_close():
    """The previous close of NIFTY reads to the paisa although its float32 is 24800.55078125."""
    golden = bytes.fromhex("061000000d0000001ac1c14600000000")
    assert decode(golden, {}) == [PreviousClose(instrument_key(Segment.IDX_I, 13), 2_480_055, 0)]


def test_golden_open_interest():
    """Open interest has its own small packet."""
    assert decode(bytes.fromhex("050c0002b9bf0000cdc63900"), {}) == [OpenInterest(NIFTY_OPTION, 3_786_445)]


def test_golden_disconnect():
    """A disconnect carries its reason, in words as well."""
    (packet,) = decode(bytes.fromhex("320a0000000000002503"), {})
    assert packet == FeedDisconnect(805, "too many requests or connections")


def test_golden_quote():
    """A quote has price, time and volume, and no book: its sides are unknown, not empty."""
    golden = (
        "04320002b9bf00009a19c8424b004533296a0000c74240e2010088130000701700000000c4420080c2420000cb429a19c042"
    )
    tick = one_tick(bytes.fromhex(golden))
    assert fields(tick) == fields(Tick(NIFTY_OPTION, 10_005, LTT_UTC_S, volume=123_456))
    assert tick.bid_paise is None


def test_golden_full():
    """The full packet gives price, best sides, volume, open interest and its levels."""
    tick = one_tick(GOLDEN_FULL, {NIFTY_OPTION: 5})
    assert fields(tick) == fields(
        Tick(NIFTY_OPTION, 10_005, LTT_UTC_S, 10_000, 75, 10_010, 65, 123_456, 3_786_445, GOLDEN_FULL[62:])
    )
    empty = Level(0, 0, 0, 0, 0, 0)
    assert depth(tick) == (Level(10_000, 75, 1, 10_010, 65, 2), empty, empty, empty, empty)


def test_several_packets_in_one_frame():
    """Every packet of a frame is read, and unknown codes between them are stepped over by length."""
    heartbeat, new_kind = build.header(0, 8, 0, 0), build.header(99, 20, 2, 7) + bytes(12)
    frame = (
        heartbeat
        + build.ticker(0, 13, 24_800.55, 1781084997)
        + new_kind
        + GOLDEN_FULL
        + build.market_status(2)
    )
    index, option, status = decode(frame, {})
    assert isinstance(index, Tick)
    assert isinstance(option, Tick)
    assert (index.key, index.ltp_paise, option.key) == (13, 2_480_055, NIFTY_OPTION)
    assert status == MarketStatus(Segment.NSE_FNO)


def test_never_traded_has_no_time():
    """A last-trade time of 0 or of 1980 means never, whatever the clock offset."""
    for ltt in (0, 315_532_800):
        assert one_tick(build.ticker(2, 1, 0.0, ltt)).ltt_s == 0
        full = build.full((2, 1), 0.0, ltt, 0, 0, (0.0,) * 5, bytes(100))
        assert one_tick(full).ltt_s == 0


@pytest.mark.parametrize("rupees", [81_234.05, 131_072.05, 250_000.35, 524_287.95])
def test_large_prices_find_their_tick(rupees: float):
    """Far above what two decimals survive in float32, the five-paise grid still gives the price back."""
    tick = one_tick(build.ticker(4, 1, rupees, 1781084997))
    assert tick.ltp_paise == round(rupees * 100)


def test_grid_comes_from_the_table():
    """A one-paisa instrument keeps its paise; the same bytes off a five-paise grid are kept as well."""
    frame = build.ticker(1, 77, 85_000.01, 1781084997)
    key = instrument_key(Segment.NSE_EQ, 77)
    for table in ({key: 1}, {}):
        tick = one_tick(frame, table)
        assert tick.ltp_paise == 8_500_001


@pytest.mark.parametrize("rupees", [math.nan, math.inf, -math.inf, -0.05, 3e38, 600_000.05], ids=str)
def test_impossible_prices_are_errors(rupees: float):
    """Not a number, infinite, negative, or too large to tell ticks apart: an error, never a price."""
    with pytest.raises(WireError, match="price"):
        decode(build.ticker(2, 49081, rupees, 1781084997), {})


def test_broken_packet_does_not_cost_its_neighbours():
    """With intact framing the packets around a bad one are read, and the error carries them."""
    good = build.ticker(0, 13, 24_800.55, 1781084997)
    frame = good + build.ticker(2, 49081, math.nan, 0) + build.header(8, 12, 2, 1) + bytes(4) + GOLDEN_FULL
    with pytest.raises(BrokenFrame) as caught:
        decode(frame, {})
    assert [packet.key for packet in caught.value.good if isinstance(packet, Tick)] == [13, NIFTY_OPTION]
    assert "length 12, expected 162" in str(caught.value)


@pytest.mark.parametrize(
    "tail",
    [
        GOLDEN_FULL[:100],
        GOLDEN_FULL[:5],
        build.header(2, 7, 2, 1) + bytes(8),
        build.header(99, 200, 2, 1),
        b"\x02",
    ],
    ids=["cut full", "cut header", "length below header", "length beyond frame", "one byte"],
)
def test_broken_framing_keeps_what_came_before(tail: bytes):
    """Behind a length that cannot be true nothing is guessed; what came before is kept."""
    with pytest.raises(BrokenFrame) as caught:
        decode(build.open_interest(2, 49081, 5) + tail, {})
    assert caught.value.good == (OpenInterest(NIFTY_OPTION, 5),)


@pytest.mark.parametrize(
    "oversize",
    [
        build.header(8, 170, 2, 49081) + GOLDEN_FULL[8:] + bytes(8),
        build.header(2, 16, 6, 1) + struct.pack("<fI", 100.05, 1),
        build.header(7, 8, 9, 0),
        build.header(8, 162, 6, 49081) + GOLDEN_FULL[8:],
    ],
    ids=["another layout", "ticker of segment 6", "status of segment 9", "full of segment 6"],
)
def test_unknown_layouts_and_segments_are_stepped_over(oversize: bytes):
    """A known code with another length, or a segment that does not exist, is not read as a price."""
    assert decode(oversize + build.open_interest(2, 49081, 5), {}) == [OpenInterest(NIFTY_OPTION, 5)]


def test_book_ends_at_an_impossible_level():
    """A level that cannot be read ends the book: it is not liquidity, and not an error either."""
    levels = GOLDEN_LEVEL + build.level(1, 1, (1, 1), math.nan, 100.15) + GOLDEN_LEVEL * 3
    tick = one_tick(GOLDEN_FULL[:62] + levels)
    assert len(depth(tick)) == 1
    assert depth(Tick(NIFTY_OPTION, 1)) == ()


@given(segment=segments, security_id=ids, paise=grid_paise, ltt=real_ltts)
def test_ticker_round_trip(segment: int, security_id: int, paise: int, ltt: int):
    """Whatever a server packs into a ticker on the grid comes out exactly."""
    tick = one_tick(build.ticker(segment, security_id, paise / 100, ltt))
    assert fields(tick) == fields(
        Tick(instrument_key(SEGMENT_BY_CODE[segment], security_id), paise, ltt - 19_800)
    )


@given(segment=segments, security_id=ids, prices=st.tuples(grid_paise, grid_paise, grid_paise), numbers=u32)
def test_full_and_old_depth_round_trip(
    segment: int, security_id: int, prices: tuple[int, int, int], numbers: int
):
    """Full and the old depth packet give price, book and quantities back."""
    ltp, bid, ask = prices
    levels = build.level(numbers, 7, (1, 2), bid / 100, ask / 100) * 5
    rest = (1.0, 2.0, 3.0, 4.0, 5.0)
    key = instrument_key(SEGMENT_BY_CODE[segment], security_id)
    frame = build.full((segment, security_id), ltp / 100, 1781084997, numbers, numbers, rest, levels)
    whole, old = decode(frame + build.depth_v1(segment, security_id, ltp / 100, levels), {})
    assert fields(whole) == fields(Tick(key, ltp, LTT_UTC_S, bid, numbers, ask, 7, numbers, numbers, levels))
    assert fields(old) == fields(Tick(key, ltp, 0, bid, numbers, ask, 7, depth=levels))
    assert depth(old) == (Level(bid, numbers, 1, ask, 7, 2),) * 5


@given(segment=segments, security_id=ids, paise=grid_paise, number=u32, reason=st.integers(0, 65_535))
def test_small_packets_round_trip(segment: int, security_id: int, paise: int, number: int, reason: int):
    """Quote, previous close, open interest, status and disconnect in one frame come out as sent."""
    frame = (
        build.quote(segment, security_id, paise / 100, 65_535, 1781084997, number, (1.0,) * 5)
        + build.previous_close(segment, security_id, paise / 100, number)
        + build.open_interest(segment, security_id, number)
        + build.market_status(segment)
        + build.disconnect(reason)
    )
    quote, *others = decode(frame, {})
    key = instrument_key(SEGMENT_BY_CODE[segment], security_id)
    assert fields(quote) == fields(Tick(key, paise, LTT_UTC_S, volume=number))
    assert others[:3] == [
        PreviousClose(key, paise, number),
        OpenInterest(key, number),
        MarketStatus(SEGMENT_BY_CODE[segment]),
    ]
    assert isinstance(others[3], FeedDisconnect)
    assert others[3].reason_code == reason


packet_like = st.builds(
    lambda code, length, segment, security_id, body: build.header(code, length, segment, security_id) + body,
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 50, 255]),
    st.sampled_from([0, 7, 8, 10, 12, 16, 50, 112, 162, 200]),
    st.integers(0, 255),
    u32,
    st.binary(max_size=170),
)


@given(frame=st.one_of(st.binary(max_size=600), st.lists(packet_like, max_size=4).map(b"".join)))
def test_any_bytes_give_packets_or_a_wire_error(frame: bytes):
    """No bytes whatever raise anything but WireError, and no price comes out negative."""
    try:
        packets = decode(frame, {})
    except BrokenFrame as broken:
        packets = list(broken.good)
    for packet in packets:
        if isinstance(packet, Tick):
            assert packet.ltp_paise >= 0
            assert (packet.bid_paise or 0) >= 0
            depth(packet)


@given(paise=grid_paise, cut=st.integers(1, 161))
def test_every_truncation_is_an_error(paise: int, cut: int):
    """A full packet cut anywhere is an error, never a shorter packet."""
    frame = build.full((2, 1), paise / 100, 1781084997, 1, 1, (1.0,) * 5, GOLDEN_LEVEL * 5)
    with pytest.raises(BrokenFrame) as caught:
        decode(frame[:cut], {})
    assert caught.value.good == ()
