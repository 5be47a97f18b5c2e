"""The packet builder, byte for byte."""

from __future__ import annotations

import struct

import pytest

from engine.model import Segment, instrument_key
from sandbox import packets
from sandbox.quotes import Level, Quote

OPTION = instrument_key(Segment.NSE_FNO, 49_081)
NIFTY = instrument_key(Segment.IDX_I, 13)

#: 1781084997 on the wire is the Indian wall clock written as UTC.
TRADED_S = 1_781_084_997 - 19_800

QUOTE = Quote(
    key=OPTION,
    bids=(Level(10_000, 75, 1), Level(9_995, 5_925, 2)),
    asks=(Level(10_010, 65, 2), Level(10_015, 4_935, 3)),
    ltp_paise=10_005,
    ltt_s=TRADED_S,
    last_quantity=75,
    average_paise=9_950,
    volume=123_456,
    oi=3_786_445,
    oi_high=3_800_000,
    oi_low=3_700_000,
    open_paise=9_800,
    high_paise=10_150,
    low_paise=9_605,
    previous_close_paise=9_725,
)


def test_ticker_is_the_known_bytes() -> None:
    """Sixteen bytes: header, last price, Indian time."""
    assert packets.ticker(QUOTE).hex() == "02100002b9bf00009a19c8424533296a"


def test_previous_close_of_an_index_is_the_known_bytes() -> None:
    """Code 6 carries yesterday's close; segment 0, id 13."""
    quote = Quote(key=NIFTY, previous_close_paise=2_480_055)
    assert packets.previous_close(quote).hex() == "061000000d0000001ac1c14600000000"


def test_open_interest_and_disconnect_are_the_known_bytes() -> None:
    """The two short ones."""
    assert packets.open_interest(QUOTE).hex() == "050c0002b9bf0000cdc63900"
    assert packets.disconnect(805).hex() == "320a0000000000002503"


def test_quote_is_the_known_bytes() -> None:
    """Fifty bytes: sellers' total stands before buyers', close is yesterday's."""
    expected = (
        "04320002b9bf00009a19c8424b004533296a0000c74240e2010088130000701700000000c4420080c2420000cb429a19c042"
    )
    assert packets.quote_packet(QUOTE).hex() == expected


def test_full_is_the_known_bytes_and_its_depth_begins_with_the_best_level() -> None:
    """The quote, open interest in the middle, then five levels of twenty bytes."""
    expected = (
        "08a20002b9bf00009a19c8424b004533296a0000c74240e201008813000070170000"
        "cdc63900c0fb3900207538000000c4420080c2420000cb429a19c042"
    )
    packet = packets.full(QUOTE)
    assert packet[:62].hex() == expected
    assert packet[62:82].hex() == "4b00000041000000010002000000c8423333c842"
    assert packet[102:] == bytes(60)


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (packets.ticker, 16),
        (packets.previous_close, 16),
        (packets.quote_packet, 50),
        (packets.open_interest, 12),
        (packets.full, 162),
    ],
)
def test_the_length_field_counts_the_whole_packet(build, size) -> None:
    """Header included: a frame of several packets is walked by it."""
    packet = build(QUOTE)
    assert len(packet) == size == struct.unpack_from("<H", packet, 1)[0]


def test_a_contract_that_never_traded_has_no_time() -> None:
    """Nothing is not five and a half hours past midnight."""
    assert packets.ticker(Quote(key=OPTION))[12:] == bytes(4)


def test_the_last_quantity_wraps_as_sixteen_bits_do() -> None:
    """The field is too small for large trades; the feed has that too."""
    packet = packets.quote_packet(Quote(key=OPTION, last_quantity=65_536 + 75))
    assert struct.unpack_from("<H", packet, 12)[0] == 75
