"""Ticks to bytes and back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WireError
from engine.io.redis.packing import pack, unpack
from engine.messages import Tick
from engine.model import SEGMENT_BY_CODE

WHOLE = st.integers(-(2**62), 2**62)
KEYS = st.builds(
    lambda code, number: code << 32 | number,
    st.sampled_from(sorted(SEGMENT_BY_CODE)),
    st.integers(0, 2**32 - 1),
)
SIDES = st.none() | WHOLE
TICKS = st.builds(
    Tick, KEYS, WHOLE, WHOLE, SIDES, WHOLE, SIDES, WHOLE, WHOLE, WHOLE,
    st.none() | st.binary(min_size=100, max_size=100),
)  # fmt: skip


def fields(tick):
    """All that a tick is."""
    return [getattr(tick, name) for name in Tick.FIELDS]


@given(st.lists(st.tuples(TICKS, st.integers(0, 2**63), st.booleans()), max_size=4))
def test_nothing_of_a_tick_is_lost(ticks):
    """Every field, the depth and the arrival come back, deflated or not, one after the other."""
    data = b"".join(pack(tick, at_ms, deflate=deflate) for tick, at_ms, deflate in ticks)
    found = list(unpack(b"head" + data, 4))
    assert [(fields(tick), at_ms) for tick, at_ms in found] == [(fields(t), at_ms) for t, at_ms, _ in ticks]


@given(st.binary(max_size=300))
def test_other_bytes_are_refused_and_nothing_else(data):
    """Whatever somebody writes there, it is ticks or a WireError."""
    with suppress(WireError):
        list(unpack(data))


def test_half_a_tick_is_refused():
    """A value that was cut, and one that names no segment of Dhan's, are not read."""
    whole = pack(Tick(2 << 32 | 7, 100), 5, deflate=False)
    for broken in (whole[:-1], whole[:2], pack(Tick(6 << 32 | 7, 100), 5, deflate=True)):
        with pytest.raises(WireError):
            list(unpack(broken))
