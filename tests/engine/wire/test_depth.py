"""Levels of a book are read when somebody asks, and are then what they always were."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import Tick
from engine.model import InstrumentKey
from engine.wire import Depth, Level, decode, depth
from tests.engine.wire import packets as build
from tests.engine.wire import plain

_KEY = InstrumentKey(1)
prices = st.one_of(
    st.integers(0, 60_000_000).map(lambda paise: struct.pack("<f", paise / 100)),
    st.binary(min_size=4, max_size=4),
)
u32 = st.integers(0, 2**32 - 1)
u16 = st.integers(0, 2**16 - 1)
levels = st.builds(
    lambda units, orders, bid, ask: struct.pack("<IIHH", *units, *orders) + bid + ask,
    st.tuples(u32, u32), st.tuples(u16, u16), prices, prices,
)  # fmt: skip


def book_of(packed: bytes) -> tuple[Level, ...]:
    """The same levels as the plain decoder's prices tell them."""
    found = []
    for at in range(0, len(packed), 20):
        bids, asks, bid_orders, ask_orders = struct.unpack_from("<IIHH", packed, at)
        try:
            bid, ask = plain.paise(packed, at + 12), plain.paise(packed, at + 16)
        except plain.Bad:
            break
        found.append(Level(bid, bids, bid_orders, ask, asks, ask_orders))
    return tuple(found)


@given(packed=st.lists(levels, min_size=5, max_size=5).map(b"".join))
def test_whatever_the_bytes_levels_and_sides_say_the_same(packed: bytes):
    """One by one, all together, a side at a time, from the packet or from what a tick keeps: one book."""
    expected = book_of(packed)
    book = Depth(packed)
    assert book.bids == [(level.bid_paise, level.bid_quantity) for level in expected]
    assert book.asks == [(level.ask_paise, level.ask_quantity) for level in expected]
    assert book == expected
    assert (tuple(book), len(book), list(book)) == (expected, len(expected), list(expected))
    assert depth(Tick(_KEY, 1, depth=packed)) == book


def test_a_packet_is_not_read_on_for_its_levels():
    """Its book is read out of the packet; the tick's other fields still wait, and say the same afterwards."""
    packed = build.level(65, 130, (2, 3), 77.05, 77.15) * 5
    (tick,) = decode(build.full((2, 1), 77.1, 1_781_084_997, 7, 9, (1.0,) * 5, packed), {})
    assert isinstance(tick, Tick)
    early = depth(tick)
    assert early == (Level(7_705, 65, 2, 7_715, 130, 3),) * 5
    assert tick.packet is not None
    assert tick.volume == 7
    assert depth(tick) == early
    assert early[4] == early[0]


def test_a_tick_without_depth_has_no_levels():
    """A last price alone is a book of nothing, and so is what comes before an impossible first level."""
    assert depth(Tick(_KEY, 1)) == ()
    assert not depth(Tick(_KEY, 1)).bids
    assert len(Depth(build.level(1, 1, (1, 1), math.nan, 1.0))) == 0


def test_a_book_is_no_key():
    """It equals a tuple but has no hash of its own: nobody shall look a book up."""
    with pytest.raises(TypeError):
        hash(Depth(b""))
