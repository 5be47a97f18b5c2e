"""The exit desk against a broker that fails in every way the desk can meet."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker_nouns import BrokerPosition, Product
from engine.effects import RecallOrder
from engine.intents import IntentState
from engine.messages import Verb
from engine.model import Action, Side
from engine.money import rupees
from engine.pricing import Style, Touch
from tests.engine.makers import condor, leg, position
from tests.support.broker import Fault, Fill, Meanwhile, ModelBroker, World


def test_an_exit_buys_the_shorts_back_before_it_sells_the_longs_and_ends_verified_flat():
    """An iron condor is closed shorts first, each leg once, and the end is verified."""
    world = World(condor())
    world.exit()
    assert world.run() is IntentState.FLAT
    assert [o.side for o in world.broker.placed] == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]
    assert world.flat
    assert not world.alerts


def test_the_moment_of_an_end_is_kept():
    """Not before it, and a restart later it is still that moment."""
    world = World(condor())
    assert world.exit().ended_s is None
    world.run()
    ended_s = world.intent.ended_s
    assert ended_s == world.now_s
    world.now_s += 600
    assert world.restart().ended_s == ended_s


def test_an_order_whose_answer_was_lost_is_found_and_never_sent_again():
    """Accepted, but the connection died: the book is asked, one order and one fill remain."""
    world = World(condor(), ModelBroker(deque([Fault.ANSWER_LOST])))
    world.exit()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def test_an_order_that_never_arrived_is_sent_again_only_after_it_is_proved_absent():
    """The owner is told after 15 s, and the second order leaves no sooner than 35 s."""
    world = World(condor(), ModelBroker(deque([Fault.REQUEST_LOST])))
    world.exit()
    world.run(30.0)
    assert len(world.broker.placed) == 2
    assert "An order's fate is unknown" in world.titles()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 5


def test_an_order_that_arrives_late_is_not_doubled():
    """Twenty seconds of silence, then the order is in the book: it is ours, and the only one."""
    world = World(condor(), ModelBroker(deque([Fault.LATE])))
    world.exit()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def test_positions_that_lag_behind_the_fills_do_not_cause_a_second_order():
    """The broker shows the old position for ten seconds after the fill; nothing is sold twice."""
    world = World(condor(), ModelBroker(lag_s=10.0))
    world.exit()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def test_an_empty_position_list_is_not_flat():
    """A broker that lists no positions at all gets no order, and the owner is called."""
    world = World(condor(), ModelBroker(lists_positions=False))
    world.exit()
    assert world.run() is IntentState.STUCK
    assert not world.broker.placed
    assert "unknown is not flat" in world.intent.note
    assert world.intent.ended_s is None  # it may still get flat


def test_a_short_that_cannot_be_bought_back_keeps_its_hedge():
    """One short is refused for good: the other is closed, no long is touched, the owner is told the risk."""
    made = condor()
    legs = tuple(replace(each, row_id=number) for number, each in enumerate(made.legs))
    world = World(replace(made, legs=legs), ModelBroker(deque([Fault.REFUSED])))
    world.exit()
    assert world.run() is IntentState.STUCK
    assert [o.side for o in world.broker.placed] == [Side.BUY, Side.BUY]
    (told,) = [alert for alert in world.alerts if alert.title == "Exit is stuck: look at the broker now"]
    paid_paise = 65 * world.broker.placed[1].limit_paise
    worst = rupees(200 * 6_500 - 305_500 + paid_paise)
    assert told.text == (
        "NIFTY 24 FEB 24700 PE: refused: RMS:Blocked for test. "
        f"Left alone until expiry, the position ends at −{worst} at worst."
    )


def test_a_refusal_for_too_many_requests_is_tried_again():
    """A rate limit is no reason to leave a position open."""
    world = World(condor(), ModelBroker(deque([Fault.REFUSED]), reason="Too many requests"))
    world.exit()
    assert world.run() is IntentState.FLAT


def test_a_quantity_above_the_freeze_limit_is_sliced_one_after_the_other():
    """Freeze 130 units: 390 leave as three orders of at most 130."""
    frozen = condor()
    big = position(*(_with_freeze(item, 390, 130) for item in frozen.legs))
    world = World(big)
    world.exit()
    assert world.run() is IntentState.FLAT
    assert {o.quantity for o in world.broker.placed} == {130}
    assert len(world.broker.placed) == 12
    assert len({o.correlation_id for o in world.broker.placed}) == 12


def test_partial_fills_are_waited_for():
    """Half now, half later: one order a leg is enough."""
    world = World(condor(), ModelBroker(fills_as=Fill.HALVES))
    world.exit()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def test_stop_cancels_what_works_and_leaves_the_position():
    """/stop in the middle: own orders are cancelled, the rest stays as it is."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(3.0)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(10.0) is IntentState.ABORTED
    assert all(o.status == "CANCELLED" for o in world.broker.orders.values())
    assert (world.broker.net, world.intent.ended_s) == (world.held, world.now_s)


def test_stop_reaches_an_order_that_has_not_left_the_house_yet():
    """An order waits for its turn; /stop holds it, and the exit ends at once with nothing sent."""
    world = World(short_call()[0], ModelBroker(deque([Fault.STALLED])))
    world.exit()
    world.run(1.0)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(2.0) is IntentState.ABORTED
    world.run(100.0)
    assert not world.broker.orders


def test_stop_holds_a_new_price_that_has_not_left_the_house_yet():
    """An order with a change under way is recalled too, so that its cancel need not wait for the answer."""
    world = World(short_call()[0], ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(0.5)
    (order,) = world.intent.orders
    order.pending = True
    assert RecallOrder(order.id) in world.desk.stop(world.now_s)


def test_an_unfilled_urgent_order_steps_deeper_up_to_its_cap_and_then_to_the_band():
    """The limit only ever moves against us, at most twenty times, and the owner hears of the cap."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    limits = []
    for _ in range(120):
        world.step()
        limits += [o.limit_paise for o in world.broker.orders.values() if not o.status.final]
    assert limits == sorted(limits)
    assert limits[0] == 1010
    assert 1105 in limits
    assert "Exit needs an eye" in world.titles()
    assert max(limits) > 1105


def test_a_patient_exit_starts_at_mid_and_reaches_the_touch_in_twenty_seconds():
    """Profit is taken without haste, inside three per cent of the mid."""
    world = World(position(leg(65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    key = world.position.legs[0].key
    world.touches[key] = Touch(990, 1010, 1000)
    world.exit(style=Style.PATIENT)
    first = next(iter(world.broker.orders.values())).limit_paise
    world.run(22.0)
    assert first == 1000
    assert next(iter(world.broker.orders.values())).limit_paise == 990


def test_the_cap_of_a_long_is_the_trigger_s_although_its_order_comes_later():
    """The long falls by a tenth while the short is bought back: it is asked for at most 3 % less."""
    world = World(
        position(leg(-65, 25300, "CE", 40), leg(65, 25500, "CE", 18)), ModelBroker(fills_as=Fill.HALVES)
    )
    long = world.position.legs[1].key
    world.touches[long] = Touch(990, 1_010, 1_000)
    world.exit(action=Action.CLOSE_POSITION, style=Style.PATIENT)
    world.touches[long] = Touch(890, 910, 900)
    world.run(1.0)
    assert len(world.broker.placed) == 1
    world.run(5.0)
    assert world.broker.placed[1].limit_paise == 970


def test_a_patient_exit_stays_at_its_cap_when_its_order_is_replaced():
    """The owner was told that it stays there: the order after a cancelled one goes no deeper either."""
    world = World(position(leg(65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.touches[world.position.legs[0].key] = Touch(900, 1_200, 1_050)
    world.exit(action=Action.CLOSE_POSITION, style=Style.PATIENT)
    world.run(60.0)
    (told,) = world.alerts
    assert told.text.endswith("It stays there.")
    world.broker.cancel(world.intent.orders[0].order_id)
    world.run(30.0)
    assert [order.request.limit_paise for order in world.intent.orders] == [1_020, 1_020]


def test_a_position_that_shrank_by_hand_shrinks_the_plan():
    """The owner closed part of a leg in the app: never more than what is left is sent."""
    world = World(position(leg(-130, 25300, "CE", 40)))
    key = world.position.legs[0].key
    world.broker.net[key] = -65
    world.broker.history.append((world.now_s, dict(world.broker.net)))
    world.exit()
    assert world.run() is IntentState.CLOSED_OUTSIDE
    assert [o.quantity for o in world.broker.placed] == [65]


def test_a_position_turned_round_by_hand_stops_the_exit():
    """The owner is long where the store says short: nothing is sent, the owner is called."""
    world = World(position(leg(-65, 25300, "CE", 40)))
    key = world.position.legs[0].key
    world.held[key] = world.broker.net[key] = 65
    world.broker.history.append((world.now_s, dict(world.broker.net)))
    world.exit()
    assert world.run() is IntentState.STUCK
    assert not world.broker.placed


def test_a_closed_gate_holds_an_exit_back_and_says_so_once():
    """No order while the gate is shut; it leaves when the gate opens."""
    world = World(condor())
    world.gate = "The market is closed"
    world.exit()
    world.run(20.0)
    assert not world.broker.placed
    assert len(world.alerts) == 1
    world.gate = ""
    assert world.run() is IntentState.FLAT


def test_a_broker_that_cannot_be_read_gets_no_order():
    """Reads fail: nothing is sent; when they come back the exit goes through."""
    world = World(condor(), ModelBroker(reads_fail=True))
    world.exit()
    world.run(20.0)
    assert not world.broker.placed
    world.broker.reads_fail = False
    assert world.run() is IntentState.FLAT


def test_a_process_that_dies_before_the_answer_finds_its_order_after_the_restart():
    """SIGKILL between acceptance and acknowledgement: exactly one order, one fill."""
    world = World(condor(), ModelBroker(deque([Fault.UNDER_WAY])))
    world.exit()
    world.restart()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def test_a_command_that_has_not_answered_yet_is_never_taken_for_absent():
    """The request waits in our own process: it may still leave, so nothing is sent beside it."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(deque([Fault.STALLED])))
    world.exit()
    assert world.run(120.0) is IntentState.FLAT
    assert len(world.broker.placed) == 1
    assert "An order's fate is unknown" in world.titles()


@pytest.mark.parametrize(("age_s", "told"), [(10.0, False), (600.0, True), (None, False)])
def test_an_order_priced_from_an_old_quote_is_told(age_s, told):
    """The feed has been dead for ten minutes: the exit goes on, and the owner knows from what prices."""
    made, key = short_call()
    world = World(made)
    arrived_s = 0.0 if age_s is None else world.now_s - age_s
    world.touches[key] = Touch(1000, 1010, 1005, arrived_s)
    world.exit()
    assert world.run() is IntentState.FLAT
    assert ("An exit is priced from old quotes" in world.titles()) is told


def test_a_working_order_that_vanishes_from_the_book_is_doubtful_and_not_replaced():
    """The book forgets a resting order: the owner is told, nothing new is sent."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.broker.orders.clear()
    world.run(120.0)
    assert len(world.broker.placed) == 1
    assert "An order's fate is unknown" in world.titles()


def test_two_exits_of_one_contract_never_trade_more_than_the_broker_holds():
    """Two strategies claim 65 each, 65 are held, and the position list lags: 65 are traded."""
    one, two = (position(leg(-65, 25300, "CE", 40), strategy_id=number) for number in (1, 2))
    world = World(one, ModelBroker(lag_s=15.0))
    world.exit()
    world.exit(of=two, name="260203002")
    world.run(200.0)
    assert sum(trade.quantity for trade in world.broker.trades) == 65


@pytest.mark.parametrize("steps", range(12))
@pytest.mark.parametrize("fault", [Fault.NONE, Fault.ANSWER_LOST, Fault.LATE])
def test_a_restart_at_any_step_reaches_the_same_end(steps, fault):
    """Killed after any number of half seconds, the exit goes on and ends flat, nothing doubled."""
    world = World(condor(), ModelBroker(deque([fault]), fills_as=Fill.HALVES))
    world.exit()
    for _ in range(steps):
        world.step()
    world.restart()
    assert world.run() is IntentState.FLAT
    assert len(world.broker.placed) == 4


def short_call(lots=1):
    """One short leg, whose key is wanted in many tests below."""
    made = position(leg(-65 * lots, 25300, "CE", 40))
    return made, made.legs[0].key


def test_a_cancel_whose_answer_is_lost_is_sent_again_until_the_order_is_gone():
    """/stop, and the cancel never arrives: five seconds later another one leaves, and the exit ends."""
    world = World(short_call()[0], ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.broker.meanwhile = deque([Meanwhile.LOST])
    world.carry(world.desk.stop(world.now_s))
    assert world.run(30.0) is IntentState.ABORTED
    assert world.broker.commands.count(Verb.CANCEL) == 2


def test_a_cancel_that_is_refused_is_not_hammered():
    """The broker will not cancel: one try every five seconds, not one for every answer."""
    world = World(short_call()[0], ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.broker.meanwhile = deque([Meanwhile.REFUSED] * 100)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(20.0) is IntentState.STOPPING
    assert world.broker.commands.count(Verb.CANCEL) == 5


@pytest.mark.parametrize("fault", list(Meanwhile))
def test_a_new_price_that_did_not_reach_the_exchange_is_asked_for_again(fault):
    """The last step of a patient ladder is refused or lost: the limit that counts is the book's."""
    made = position(leg(65, 25300, "CE", 40))
    world = World(made, ModelBroker(fills_as=Fill.NEVER))
    world.touches[made.legs[0].key] = Touch(990, 1010, 1000)
    world.exit(style=Style.PATIENT)
    world.run(8.0)
    assert next(iter(world.broker.orders.values())).limit_paise > 990
    world.broker.meanwhile = deque([fault] * 3)
    world.run(15.0)
    assert not world.broker.meanwhile
    assert next(iter(world.broker.orders.values())).limit_paise == 990


def test_an_order_that_turns_up_after_it_was_given_up_is_taken_back_at_once():
    """Absent for 35 s, replaced, filled; then it is in the book after all: it is cancelled, not priced."""
    made, key = short_call()
    world = World(made, ModelBroker(deque([Fault.LATE]), late_s=42.0))
    world.exit()
    world.broker.fills_as = Fill.NEVER
    world.run(41.0)
    assert len(world.broker.placed) == 2
    second = world.broker.placed[1].correlation_id
    late = world.broker.placed[0].correlation_id
    world.run(10.0)
    status = {o.correlation_id: o.status for o in world.broker.orders.values()}
    assert "CANCELLED" in (status[second], status[late])
    assert world.broker.net[key] == -65
    world.broker.fills_as = Fill.AT_ONCE
    for order in [o for o in world.broker.orders.values() if not o.status.final]:
        world.broker.trade(order.order_id, order.quantity, world.now_s)
    assert world.run() is IntentState.FLAT


def test_an_order_that_turns_up_after_its_exit_has_ended_is_taken_back_and_told():
    """The exit gave up on a leg; its lost order appears later: it is cancelled, the owner is called."""
    world = World(short_call()[0], ModelBroker(deque([Fault.LATE, Fault.REFUSED]), late_s=60.0))
    world.exit()
    world.broker.fills_as = Fill.NEVER
    assert world.run(50.0) is IntentState.STUCK
    for _ in range(60):
        world.step()
    world.desk.ask(world.now_s, "sync")
    world.step()
    world.step()
    assert [o.status for o in world.broker.orders.values()] == ["CANCELLED"]
    (told,) = [a for a in world.alerts if a.title == "An order turned up after its exit had ended"]
    assert told.text.startswith(f"{world.position.legs[0].instrument.display}: order ")


def test_a_resting_order_is_cancelled_when_the_position_shrinks_by_hand():
    """The owner closes the leg in the app while our order rests: ours is taken back, nothing is bought."""
    made, key = short_call()
    world = World(made, ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(3.0)
    world.broker.by_hand(key, 65, world.now_s)
    assert world.run(40.0) is IntentState.CLOSED_OUTSIDE
    assert [o.status for o in world.broker.orders.values()] == ["CANCELLED"]
    assert "Exit needs an eye" in world.titles()


def test_a_second_exit_of_the_same_position_does_not_believe_a_list_that_lags():
    """The first exit bought the leg back; the list still shows half of it: nothing more is bought."""
    made, key = short_call(2)
    world = World(made)
    world.exit()
    world.carry(world.desk.stop(world.now_s))
    world.run(5.0)
    world.broker.history[:] = [(0.0, {key: -65})]  # the list stands still in the middle of the fill
    world.exit(name="260203002")
    world.run(45.0)
    assert sum(trade.quantity for trade in world.broker.trades) == 130


def test_a_stop_that_comes_after_the_last_fill_ends_flat():
    """The cancel crosses the fill that completes the exit: it is verified like any other."""
    world = World(short_call()[0], ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    (order_id,) = world.broker.orders
    world.broker.trade(order_id, 65, world.now_s)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(20.0) is IntentState.FLAT


def test_units_held_as_another_product_are_not_called_flat():
    """Half is held as margin and half as intraday: what we cannot close is left and told, never flat."""
    made, key = short_call(2)
    world = World(made)
    world.broker.net[key] = -65
    world.broker.history.append((world.now_s, dict(world.broker.net)))
    world.broker.elsewhere = [BrokerPosition(key, Product.INTRADAY, -65)]
    world.exit()
    assert world.run() is IntentState.STUCK
    assert "another product" in world.intent.note


@pytest.mark.parametrize("blind", [True, False])
def test_an_exit_that_does_not_get_on_is_told(blind):
    """Reads that fail for half a minute, or an answer that never comes: a person hears of it."""
    world = World(short_call()[0], ModelBroker(reads_fail=blind, fills_as=Fill.NEVER))
    world.exit()
    if not blind:
        world.run(1.0)
        world.broker.meanwhile = deque([Meanwhile.LOST] * 100)
        world.carry(world.desk.stop(world.now_s))
    world.run(40.0)
    assert "Exit does not get on" in world.titles()


def test_a_blocked_leg_is_told_while_another_still_works():
    """One short is refused for good: the owner hears of it before the other short is done."""
    world = World(condor(), ModelBroker(deque([Fault.REFUSED]), fills_as=Fill.NEVER))
    world.exit()
    world.run(3.0)
    assert world.intent.state is IntentState.WORKING
    assert "A leg of an exit is stuck" in world.titles()


def test_an_order_needs_books_that_were_read_a_moment_ago():
    """The gate was shut for a while: the old read is not used, a new one is asked for first."""
    world = World(position(leg(-65, 25300, "CE", 40)))
    world.gate = "The market is closed"
    world.exit()
    world.run(2.0)
    world.broker.reads_fail = True
    world.run(20.0)
    world.gate = ""
    world.run(20.0)
    assert not world.broker.placed
    world.broker.reads_fail = False
    assert world.run() is IntentState.FLAT


@settings(max_examples=150, deadline=None)
@given(
    faults=st.lists(st.sampled_from(list(Fault)), max_size=8),
    fills=st.sampled_from([Fill.AT_ONCE, Fill.HALVES]),
    lag_s=st.sampled_from([0.0, 1.0, 5.0, 20.0]),
    restarts=st.sets(st.integers(0, 200), max_size=4),
    blind=st.sets(st.integers(0, 200), max_size=20),
)
def test_whatever_fails_no_fill_crosses_zero_and_every_exit_ends(faults, fills, lag_s, restarts, blind):
    """Random faults, restarts and failed reads: invariants hold at every fill, and there is an end."""
    world = World(condor(), ModelBroker(deque(faults), fills_as=fills, lag_s=lag_s))
    world.exit()
    for step in range(1200):
        if not world.intent.state.live:
            break
        if step in restarts:
            world.restart()
        world.broker.reads_fail = step in blind
        world.step()
    state = world.intent.state
    assert state is IntentState.FLAT or (state is IntentState.STUCK and world.alerts)
    if state is IntentState.FLAT:
        assert world.flat


def _with_freeze(item, units, freeze):
    instrument = replace(item.instrument, freeze_quantity=freeze)
    return replace(item, instrument=instrument, quantity=units if item.quantity > 0 else -units)
