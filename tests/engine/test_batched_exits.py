"""Exits in batches against a broker: the same ends as ever, and the legs in their ratio on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.effects import Alert
from engine.intents import IntentState
from engine.messages import Tick, Ticks, Wish
from engine.model import Action, Mode, Side
from engine.pricing import Style
from engine.tuning import BY_SLICE, Tuning
from tests.engine.makers import SPOT, condors, leg, position
from tests.support.broker import Fault, Fill, ModelBroker, World
from tests.support.rig import Rig, frozen

LOT = 65
FOURS = Tuning(batch_lots=4)


class OneRests(ModelBroker):
    """Trades everything at once but the long put, which nobody buys."""

    def admit(self, request, now_s):
        long_put = condors(1).legs[0].key
        self.fills_as = Fill.NEVER if request.key == long_put else Fill.AT_ONCE
        return super().admit(request, now_s)


def lots_of(world) -> list[tuple[Side, int]]:
    """The orders in lots, in the order of their arrival."""
    return [(order.side, order.quantity // LOT) for order in world.broker.placed]


def left(world) -> list[int]:
    """Lots that the broker holds of each leg."""
    return [world.broker.net[key] / LOT for key in world.held]


def batched(broker=None, lots=10, tuning=FOURS, **more) -> World:
    """Ten condors whose exit has begun."""
    world = World(condors(lots), broker, tuning)
    world.exit(**more)
    return world


def test_ten_condors_leave_by_fours_shorts_first_each_time_and_end_verified_flat():
    """Four, four and two of each leg; nothing is told, because nothing was wrong."""
    world = batched()
    assert world.run() is IntentState.FLAT
    assert lots_of(world) == [(side, n) for n in (4, 4, 2) for side in (Side.BUY, Side.SELL) for _ in "cp"]
    assert world.flat
    assert not world.alerts
    assert world.intent.naked_s == 0.0


def test_partial_fills_are_waited_for_at_every_boundary():
    """Half now, half two seconds later: `World` sees no long go before the shorts of its batch."""
    world = batched(ModelBroker(fills_as=Fill.HALVES))
    assert world.run(240.0) is IntentState.FLAT
    assert len(world.broker.placed) == 12


@pytest.mark.parametrize("after", [1, 3, 5, 7])
def test_a_restart_in_the_middle_of_a_batch_goes_on_where_it_was(after):
    """The process dies while an order is half filled: no order is doubled, and the batches are the same."""
    world = batched(ModelBroker(fills_as=Fill.HALVES))
    while len(world.broker.placed) < after:
        world.step()
    world.restart()
    assert world.run(240.0) is IntentState.FLAT
    assert [n for _, n in lots_of(world)] == [4] * 8 + [2] * 4


def test_stop_at_a_boundary_leaves_the_legs_in_their_ratio():
    """/stop when the first batch is done: six condors are left, whole."""
    world = batched()
    while left(world) != [6, -6, -6, 6]:
        world.step()
    world.carry(world.desk.stop(world.now_s))
    assert world.run(10.0) is IntentState.ABORTED
    assert left(world) == [6, -6, -6, 6]


def test_stop_within_a_batch_leaves_no_short_without_its_long():
    """/stop when the shorts of the second batch are half bought back."""
    world = batched(ModelBroker(fills_as=Fill.HALVES))
    while left(world)[1] <= -6:
        world.step()
    world.carry(world.desk.stop(world.now_s))
    world.run(10.0)
    assert left(world) == [6, -4, -4, 6]


def test_a_short_that_is_blocked_in_its_second_batch_keeps_its_hedge():
    """The put is refused for good after one batch: the calls are bought back, six of each long stay."""
    world = batched()
    while left(world) != [6, -6, -6, 6]:
        world.step()
    world.broker.faults.extend([Fault.REFUSED])
    assert world.run() is IntentState.STUCK
    assert left(world) == [6, -6, 0, 6]
    (told,) = [alert for alert in world.alerts if alert.title.startswith("Exit is stuck")]
    assert "Left alone until expiry, the position ends at −₹" in told.text


def test_a_long_that_nobody_buys_holds_the_shorts_up_only_for_a_while():
    """The first long rests at its cap: after a while all shorts go on, and it can still be sold."""
    world = batched(OneRests(), lots=8)
    world.run(60.0)
    assert left(world)[1:] == [0, 0, 0]
    assert left(world)[0] == 8


def test_a_patient_exit_goes_in_batches_too():
    """Each leg begins at its mid and is done in its turn."""
    world = batched(action=Action.CLOSE_POSITION, style=Style.PATIENT)
    assert world.run(400.0) is IntentState.FLAT
    assert len(world.broker.placed) == 12


def test_batches_by_the_slice_are_one_order_a_leg_and_batch():
    """Freeze four lots: batches of three, because three orders a leg are needed anyway."""
    world = World(frozen(condors(10), 4 * LOT), tuning=Tuning(batch_lots=BY_SLICE))
    world.exit()
    assert world.run() is IntentState.FLAT
    assert [n for _, n in lots_of(world)] == [3] * 12 + [1] * 4


@settings(max_examples=25, deadline=None)
@given(
    faults=st.lists(st.sampled_from([f for f in Fault if f is not Fault.STALLED]), max_size=6),
    fills=st.sampled_from([Fill.AT_ONCE, Fill.HALVES]),
    batch=st.sampled_from([1, 2, BY_SLICE]),
    dies_s=st.sets(st.integers(1, 60), max_size=3),
)
def test_whatever_goes_wrong_the_hedge_holds_and_the_exit_ends(faults, fills, batch, dies_s):
    """Lost, late and refused orders and restarts: flat, or stuck and told; `World` looks at every fill."""
    made = position(leg(2 * LOT, 24_500, "PE", 20), leg(-4 * LOT, 24_700, "PE", 45),
                    leg(-3 * LOT, 25_300, "CE", 40), leg(3 * LOT, 25_500, "CE", 18))  # fmt: skip
    world = World(frozen(made, 2 * LOT), ModelBroker(fills_as=fills), Tuning(batch_lots=batch))
    world.broker.faults.extend(faults)
    world.exit()
    for second in range(1, 61):
        world.run(1.0)
        if second in dies_s:
            world.restart()
    end = world.run(600.0)
    assert end in (IntentState.FLAT, IntentState.STUCK)
    assert end is IntentState.STUCK or world.flat
    assert end is IntentState.FLAT or "Exit is stuck: look at the broker now" in world.titles()


def test_the_nearest_short_leaves_first_when_the_index_is_known():
    """The index stands at 25,250, next to the sold call; the plan of the whole house knows it."""
    made = Rig(Mode.EXECUTE)
    made.wait(1, 20, 45, 40, 18)
    made.tell(Ticks([Tick(SPOT, 25_250_00)]))
    made.command(Wish.EXIT, confirmed=True)
    made.wait(5, 20, 45, 40, 18)
    by_key = {each.key: each.instrument.strike_paise // 100 for each in made.legs}
    assert [by_key[order.key] for order in made.placed] == [25_300, 24_700, 25_500, 24_500]
    assert made.flat
    assert not [alert for alert in made.of(Alert) if "hedge" in alert.title]
