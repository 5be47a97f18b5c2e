"""The parts about the way in run, and measure what they say; how fast that was is nobody's business here."""

from __future__ import annotations

import pytest

from engine.io.clock import SystemClock
from tests.bench import burst as bursting
from tests.bench import readers, receiving, report_way_in
from tests.bench.bulk import Bulk
from tests.bench.burst import Bursts, Counting
from tests.bench.house import build
from tests.bench.market import scene
from tests.bench.reading import KINDS, TOGETHER, reading

POSITIONS = 24


def test_the_decoding_part_measures_every_way_of_every_kind():
    """Each packet is decoded alone, together, into the book and in full, beside dhanhq."""
    found = reading(POSITIONS, 300, 1)
    ways = ("dhanhq", "alone", "together", "book", "rest")
    for one in found.good:
        assert set(one) == {f"{kind}/{way}" for kind in KINDS for way in ways} | {
            "full/levels",
            "full/sides",
            "full/all",
        }
    page = report_way_in.reading(found, 300, TOGETHER)
    assert page.count("≥ 10×") == 4
    assert "≥ 20×" in page


def test_the_receiving_part_sees_the_same_contracts_by_every_client():
    """All five clients read every packet to the last; a client that lost one would never end."""
    found = receiving.receiving(POSITIONS, 2_500, 1)
    for one in found.good:
        assert set(one) == {*receiving.VARIANTS, "contracts"}
        assert all(one[name] > 0 for name in receiving.VARIANTS)
        assert one["contracts"] == len(scene(POSITIONS).held)
    assert "≥ 12×" in report_way_in.receiving(found, 2_500)


def test_the_burst_part_decides_every_packet_of_every_burst():
    """Floor, house and dhanhq's feed work off the same bursts; the worst is not below the median."""
    found = bursting.burst(POSITIONS, 400, 3, 1)
    for one in found.good:
        assert set(one) == {f"{name}{what}" for name in bursting.VARIANTS for what in ("", " worst", " cpu")}
        assert all(0 < one[name] <= one[f"{name} worst"] for name in bursting.VARIANTS)
    assert "≤ 4× the floor" in report_way_in.burst(found, POSITIONS, 400)


def test_a_burst_that_is_too_large_is_noticed():
    """Whoever counts a packet twice fails, and does not look quick."""
    with Bulk.of(POSITIONS, 10) as bulk:
        told = Bursts(bulk, 10, 1)
        with pytest.raises(AssertionError, match="1 packets too many"):
            readers.floor(bulk.port, lambda messages: told.decided(len(messages) + 1))
        bulk.end()


def test_dhanhqs_feed_gives_the_monitor_the_same_prices():
    """What goes from its text to the monitor is the price that was packed, with its book."""
    market = scene(POSITIONS)
    monitor = build(market, Counting)
    counted = []
    monitor.begin(counted.append)
    clock = SystemClock()
    one = {
        "exchange_segment": 2, "security_id": market.held[0] & 0xFFFF_FFFF, "LTP": "123.45",
        "volume": 1, "OI": 2,
        "depth": [{"bid_price": "123.40", "bid_quantity": 65, "ask_price": "123.50", "ask_quantity": 130}],
    }  # fmt: skip
    bursting._decide(monitor, clock, [one])
    tick = monitor.watch.book.peek(market.held[0])
    assert (tick.ltp_paise, tick.bid_paise, tick.ask_paise, tick.ask_quantity) == (
        12_345,
        12_340,
        12_350,
        130,
    )
    assert counted == [1]
