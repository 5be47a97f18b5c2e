"""What is worked out once for all positions is what each would have found alone."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drawing import picture
from engine.effects import GoOn
from engine.liquidation import walk
from engine.messages import Beat, BeatKind, Further, Ticks
from engine.monitor import Monitor
from engine.upkeep import GLANCED_AT_ONCE, REMEMBERED_AT_ONCE
from engine.watch.family import Forwards
from engine.watch.nouns import Memory, Said
from engine.watch.sightings import sight
from engine.wire import decode, depth
from tests.bench.house import build
from tests.bench.market import LOT, NOW_S, Move, packet, scene

_CONDORS = 12


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-40, 40)), max_size=12))
def test_the_picture_shows_each_position_as_one_that_is_looked_at_alone(moves):
    """After any ticks: figures of all at one moment are those of each, looked at by itself."""
    market = scene(_CONDORS)
    monitor = build(market, Monitor)
    for second, (index, change) in enumerate(moves, start=1):
        key = market.held[index % len(market.held)]
        frame = packet(Move(key, max(market.contracts[key].usual_paise + 5 * change, 5)))
        monitor.handle(Ticks(decode(frame, market.grid)), NOW_S + second / 10)
    at_s, forwards = NOW_S + 2, Forwards(NOW_S + 2)
    for name in monitor.holdings.positions:
        assert monitor.watch.seen(name, forwards) == monitor.watch.figures(name, at_s)
    shown = {view.id: view for view in picture(monitor, at_s).full}
    assert all(
        view.thresholds == monitor.watch.figures(name, at_s).thresholds for name, view in shown.items()
    )


@given(st.integers(1, 5_000), st.booleans())
def test_the_best_price_alone_is_enough_where_it_takes_all(units, bought):
    """The way through the depth and the short way past it give the same."""
    market = scene(1)
    key, contract = next(iter(market.contracts.items()))
    (tick,) = decode(packet(Move(key, contract.usual_paise)), market.grid)
    quantity, wanted, value = (units if bought else -units), units, 0
    for level in depth(tick, contract.instrument.tick_paise):
        paise, there = (
            (level.bid_paise, level.bid_quantity) if bought else (level.ask_paise, level.ask_quantity)
        )
        value, wanted = value + min(wanted, there) * paise, wanted - min(wanted, there)
    found = walk(tick, quantity, contract.instrument)
    assert found.covered == units - wanted
    assert found.value_paise == (None if wanted else value if bought else -value)
    assert LOT > 0


def test_a_look_is_written_with_all_that_it_holds():
    """Field by field it is what `dataclasses.asdict` would have copied."""
    monitor = build(scene(2), Monitor)
    for watched in monitor.watch._positions.values():
        seen = sight(watched, NOW_S + 1)
        assert seen.to_json() == asdict(seen)
        assert type(seen).from_json(seen.to_json()) == seen


def test_a_memory_is_written_with_all_that_it_holds():
    """And read back it is the same."""
    memory = Memory(peak_paise=5, peaks={"trailing_stop": 7}, said=Said("Condor", ("a",), 1.0, None))
    assert memory.to_json().keys() == asdict(memory).keys()
    assert Memory.from_json(memory.to_json()) == memory
    assert replace(memory, said=None).to_json()["said"] is None


def pulsed(monitor, now_s):
    """A pulse, and all further turns that it asks for."""
    found, effects = [], monitor.handle(Beat(BeatKind.PULSE), now_s)
    while GoOn() in effects:
        found += effects
        effects = monitor.handle(Further(), now_s)
    return found + effects


@pytest.mark.parametrize("condors", [GLANCED_AT_ONCE * 2, REMEMBERED_AT_ONCE + 20])
def test_a_pulse_writes_of_a_few_positions_and_in_the_end_of_all(condors):
    """Peaks of many positions come down in turns, none of them twice and none left out."""
    monitor = build(scene(condors), Monitor)
    written: list[str] = []
    looked: list[str] = []
    for beat in range(2 * condors // GLANCED_AT_ONCE):
        effects = pulsed(monitor, NOW_S + 1 + beat / 100)
        kept = [each.key for each in effects if getattr(each, "kind", "") == "memory"]
        seen = [each.position for each in effects if type(each).__name__ == "Seen" and each.passing]
        assert len(kept) <= REMEMBERED_AT_ONCE
        assert len(seen) <= GLANCED_AT_ONCE
        written += kept
        looked += seen
    assert sorted(written) == sorted(monitor.holdings.positions)
    assert sorted(looked) == sorted(monitor.holdings.positions)
