"""Our decoder beside dhanhq's own parser, on the same bytes; every difference is listed with its reason."""

from __future__ import annotations

import random
import struct
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dhanhq.marketfeed import MarketFeed

from engine.messages import Tick
from engine.model import SEGMENT_BY_CODE
from engine.wire import (
    BrokenFrame,
    FeedDisconnect,
    Level,
    MarketStatus,
    OpenInterest,
    Packet,
    PreviousClose,
    decode,
    depth,
)
from tests.engine.wire import packets as build

PACKETS = 100_000
SEGMENTS = sorted(SEGMENT_BY_CODE)

#: Where the two parsers differ on purpose; each has its test below.
DIFFERENCES = {
    "price text": "dhanhq gives prices as text of two decimals; above 131,072 rupees float32 cannot hold"
    " two decimals, and only the tick grid finds the price again",
    "time": "dhanhq shows the IST clock and drops the date; ours is the UTC moment",
    "many packets": "dhanhq reads the first packet of a frame only",
    "status": "dhanhq calls every status packet 'Markets Open' though the packet does not say so",
    "disconnect": "dhanhq prints the reason and returns nothing",
    "no such segment": "dhanhq reports prices of segments that do not exist",
    "length": "dhanhq ignores the length in the header",
    "not a price": "dhanhq prints nan, inf and negative prices",
}


def dhanhq_parser() -> MarketFeed:
    """A MarketFeed without its constructor, which would install an event loop of its own."""
    feed = object.__new__(MarketFeed)
    feed.on_close = None
    return feed


def rupees(chance: random.Random) -> float:
    """A price on the five-paise grid below 131,072 rupees, small ones more often."""
    return chance.randrange(int(chance.choice([400, 40_000, 2_621_440]))) * 5 / 100


def generate(chance: random.Random) -> Iterator[bytes]:
    """Endless single packets of every layout, as a server would pack them."""
    u32 = 2**32 - 1
    while True:
        segment, security_id = chance.choice(SEGMENTS), chance.randint(1, u32)
        ltp, ltt = rupees(chance), chance.randint(1_700_000_000, 1_900_000_000)
        rest = tuple(rupees(chance) for _ in range(5))
        levels = b"".join(
            build.level(
                chance.randint(0, u32), chance.randint(0, u32), (chance.randint(0, 65_535), 1),
                rupees(chance), rupees(chance),
            )
            for _ in range(5)
        )  # fmt: skip
        yield build.ticker(segment, security_id, ltp, ltt)
        yield build.quote(segment, security_id, ltp, 75, ltt, chance.randint(0, u32), rest)
        yield build.full((segment, security_id), ltp, ltt, 7, chance.randint(0, u32), rest, levels)
        yield build.depth_v1(segment, security_id, ltp, levels)
        yield build.previous_close(segment, security_id, ltp, chance.randint(0, u32))
        yield build.open_interest(segment, security_id, chance.randint(0, u32))


def theirs(told: dict[str, Any]) -> dict[str, Any]:
    """What dhanhq said, in our units: paise as integers, its IST clock text as it is."""
    seen = {"key": told["exchange_segment"] << 32 | told["security_id"], "kind": told["type"]}
    for ours, name in {"ltp": "LTP", "close": "prev_close"}.items():
        if name in told:
            seen[ours] = round(float(told[name]) * 100)
    for ours, name in {"clock": "LTT", "volume": "volume", "oi": "OI", "old_oi": "prev_OI"}.items():
        if name in told:
            seen[ours] = told[name]
    if "depth" in told:
        seen["depth"] = tuple(
            Level(
                round(float(level["bid_price"]) * 100), level["bid_quantity"], level["bid_orders"],
                round(float(level["ask_price"]) * 100), level["ask_quantity"], level["ask_orders"],
            )
            for level in told["depth"]
        )  # fmt: skip
    return seen


def clock_ist(ltt_s: int) -> str:
    """The IST wall clock of a UTC moment, as dhanhq shows it."""
    minutes, seconds = divmod((ltt_s + 19_800) % 86_400, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def ours(packet: Packet) -> dict[str, Any]:
    """What our decoder said, under the same names; only what that kind of packet carries."""
    if isinstance(packet, OpenInterest):
        return {"key": packet.key, "kind": "OI Data", "oi": packet.oi}
    if isinstance(packet, PreviousClose):
        told = {"key": packet.key, "kind": "Previous Close", "close": packet.close_paise}
        return told | {"old_oi": packet.oi}
    assert isinstance(packet, Tick)
    told = {"key": packet.key, "ltp": packet.ltp_paise}
    if packet.ltt_s == 0:
        return told | {"kind": "Market Depth", "depth": depth(packet)}
    told |= {"clock": clock_ist(packet.ltt_s)}
    if packet.depth is not None:
        levels = depth(packet)
        assert (packet.bid_paise, packet.bid_quantity) == (levels[0].bid_paise, levels[0].bid_quantity)
        assert (packet.ask_paise, packet.ask_quantity) == (levels[0].ask_paise, levels[0].ask_quantity)
        return told | {"kind": "Full Data", "volume": packet.volume, "oi": packet.oi, "depth": levels}
    if packet.volume:
        return told | {"kind": "Quote Data", "volume": packet.volume}
    return told | {"kind": "Ticker Data"}


def test_both_read_the_same_from_100_000_packets():
    """On a hundred thousand generated packets of six layouts the two parsers say the same."""
    parser, stream = dhanhq_parser(), generate(random.Random(23))
    for _ in range(PACKETS):
        frame = next(stream)
        (packet,) = decode(frame, {})
        told = theirs(parser.process_data(frame))
        if told["kind"] == "Quote Data" and not told["volume"]:
            continue
        assert ours(packet) == told


def test_faster_than_dhanhq():
    """A full packet is read several times faster than by dhanhq, in the same process on the same bytes."""
    levels = build.level(75, 65, (1, 2), 100.0, 100.1) * 5
    frame = build.full((2, 49081), 100.05, 1_781_084_997, 1, 1, (1.0,) * 5, levels)
    parser = dhanhq_parser()

    def best_s(read: Callable[[], object]) -> float:
        return min(timeit.repeat(read, number=2_000, repeat=7))

    assert best_s(lambda: parser.process_data(frame)) > 6 * best_s(lambda: decode(frame, {}))


def test_difference_price_text():
    """Price text: at 200,000.15 rupees dhanhq's two decimals are a paisa off, the tick grid is not."""
    frame = build.ticker(4, 1, 200_000.15, 1_781_084_997)
    (tick,) = decode(frame, {})
    assert isinstance(tick, Tick)
    assert (dhanhq_parser().process_data(frame)["LTP"], tick.ltp_paise) == ("200000.16", 20_000_015)


def test_difference_time():
    """Time: dhanhq shows 09:49:57 without a date; ours is that IST moment in UTC."""
    frame = build.ticker(2, 1, 1.0, 1_781_084_997)
    (tick,) = decode(frame, {})
    assert isinstance(tick, Tick)
    assert (dhanhq_parser().process_data(frame)["LTT"], tick.ltt_s) == ("09:49:57", 1_781_065_197)


def test_difference_many_packets():
    """Many packets: of two tickers in a frame dhanhq sees one."""
    frame = build.ticker(2, 1, 1.0, 1_781_084_997) + build.ticker(2, 2, 2.0, 1_781_084_997)
    assert dhanhq_parser().process_data(frame)["security_id"] == 1
    assert len(decode(frame, {})) == 2


def test_difference_status_and_disconnect(capsys: pytest.CaptureFixture[str]):
    """Status and disconnect: dhanhq says the market is open, and keeps the reason to itself."""
    parser = dhanhq_parser()
    assert parser.process_data(build.market_status(2)) == "Markets Open"
    assert isinstance(decode(build.market_status(2), {})[0], MarketStatus)
    assert parser.process_data(build.disconnect(807)) is None
    assert decode(build.disconnect(807), {}) == [FeedDisconnect(807, "the access token has expired")]
    assert "expired" in capsys.readouterr().out


def test_difference_no_such_segment_and_length():
    """No such segment, length: what is not in the published layout gives no price of ours."""
    strange = build.ticker(6, 1, 100.05, 1_781_084_997)
    longer = build.header(2, 24, 2, 1) + struct.pack("<fI", 100.05, 1) + bytes(8)
    for frame in (strange, longer):
        assert dhanhq_parser().process_data(frame)["LTP"] == "100.05"
        assert decode(frame, {}) == []


def test_difference_not_a_price():
    """Not a price: dhanhq prints nan and minus one; ours is an error."""
    for bad, shown in ((float("nan"), "nan"), (-1.0, "-1.00")):
        frame = build.ticker(2, 1, bad, 1_781_084_997)
        assert dhanhq_parser().process_data(frame)["LTP"] == shown
        with pytest.raises(BrokenFrame):
            decode(frame, {})


def test_every_difference_has_its_test():
    """The list of differences and the tests that show them stay together."""
    told = " ".join(str(test.__doc__).lower() for name, test in globals().items() if "test_diff" in name)
    assert all(difference in told for difference in DIFFERENCES)
