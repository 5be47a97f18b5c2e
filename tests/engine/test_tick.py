"""A tick reads the rest of its packet when somebody asks, and is then like any other."""

from __future__ import annotations

import pytest

from engine.messages import Tick
from engine.model import InstrumentKey
from engine.wire import decode, depth
from tests.engine.wire import packets as build

LEVELS = build.level(75, 65, (1, 2), 100.0, 100.1) * 5
FULL = build.full((2, 49_081), 100.05, 1_781_084_997, 123_456, 3_786_445, (1.0,) * 5, LEVELS)


def fresh() -> Tick:
    (tick,) = decode(FULL, {})
    assert isinstance(tick, Tick)
    return tick


def held(tick: Tick) -> bytes | None:
    """The packet that it still has."""
    return tick.packet


def test_prices_are_there_before_anything_else_is_read():
    """What every tick is asked for does not open its packet; another question does, and lets it go."""
    tick = fresh()
    assert (tick.ltp_paise, tick.bid_paise, tick.ask_paise) == (10_005, 10_000, 10_010)
    assert held(tick) is FULL
    assert tick.oi == 3_786_445
    assert held(tick) is None
    assert (tick.ltt_s, tick.volume, tick.depth) == (1_781_084_997 - 19_800, 123_456, LEVELS)


@pytest.mark.parametrize("name", [name for name in Tick.FIELDS if name not in {"key", "ltp_paise"}])
def test_every_field_may_be_the_first_that_is_asked_for(name):
    """In whatever order, the answers are those of a tick that was made with them."""
    made = Tick(
        InstrumentKey(2 << 32 | 49_081),
        10_005,
        1_781_065_197,
        10_000,
        75,
        10_010,
        65,
        123_456,
        3_786_445,
        LEVELS,
    )
    assert getattr(fresh(), name) == getattr(made, name)


def test_quantities_that_are_set_stay_and_cost_nothing_else():
    """A made-up quantity stands, whether the packet had been read or not."""
    tick = fresh()
    tick.bid_quantity = tick.ask_quantity = 1
    assert (tick.bid_quantity, tick.ask_quantity, tick.volume) == (1, 1, 123_456)
    assert len(depth(tick)) == 5


def test_a_packet_in_a_larger_frame_leaves_the_frame():
    """A tick keeps its own packet, not the frame in which it came beside others."""
    first, second = decode(FULL + FULL, {})
    assert isinstance(first, Tick)
    assert isinstance(second, Tick)
    assert first.packet == second.packet == FULL
