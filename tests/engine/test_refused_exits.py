"""Exits that are refused: what the desk does about each reason, and for how long."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace

import pytest

from engine.broker_nouns import OrderStatus
from engine.intents import IntentState, LegPlan
from engine.messages import Verb
from engine.model import Side
from engine.orders import Event
from engine.plan import plan_exit
from engine.pricing import Touch
from engine.refusals import Met, meet
from tests.engine.makers import leg, position
from tests.support.broker import Fault, Fill, Meanwhile, ModelBroker, World
from tests.support.refusing import RefusingBroker, Stage

BUSY = ("DH-904", "Too many requests on server from single user breaching rate limits.")
RANGE = ("DH-906", "EXCH:17070:The Price is out of the current execution range")
CLOSED = ("DH-906", "Market is Closed! Want to place an offline order?")


def short_call(lots: int = 1, **more):
    made = position(leg(-65 * lots, 25300, "CE", 40, **more))
    return made, made.legs[0].key


def until(at_s: float, said: tuple[str, str]):
    """Refuse everything for so long after the start."""
    return lambda _request, now_s: said if now_s < World(short_call()[0]).now_s + at_s else None


def beyond(paise: int, said: tuple[str, str] = RANGE):
    """Refuse what buys dearer than this."""
    return lambda request, _now_s: said if request.limit_paise * request.side.sign > paise else None


# ------------------------------------------------------------------------------------ passing ones


def test_a_minute_s_limit_used_up_by_another_tool_is_waited_out():
    """Refused for a whole minute, asked ever more rarely, the owner told once; then it is done."""
    broker = RefusingBroker(refuses=until(62.0, BUSY))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(100.0) is IntentState.FLAT
    assert len(broker.placed) <= 14
    assert [alert.title for alert in world.alerts] == ["An exit is refused and goes on"]


def test_what_is_refused_for_minutes_is_given_up():
    """No loop without a bound: three minutes of the same, then a person is told."""
    broker = RefusingBroker(refuses=until(9_999.0, BUSY))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(400.0) is IntentState.STUCK
    assert world.now_s - world.intent.created_s == pytest.approx(185.0, abs=10.0)
    assert len(broker.placed) < 40


def test_every_fill_begins_a_new_count():
    """Three hiccups before each of six slices are never the eighteen of one leg that cannot go on."""
    made = position(*(replace(i, instrument=replace(i.instrument, freeze_quantity=65), quantity=-65 * 6)
                      for i in short_call()[0].legs))  # fmt: skip
    faults = deque(([Fault.REFUSED] * 3 + [Fault.NONE]) * 6)
    world = World(made, ModelBroker(faults, reason="Too many requests"))
    world.exit()
    assert world.run(300.0) is IntentState.FLAT
    assert world.titles() <= {"Order updates are silent"}  # this world has no update socket


def test_a_restart_does_not_begin_the_count_anew():
    """A process that is started again each minute gives up at the same moment."""
    broker = RefusingBroker(refuses=until(9_999.0, BUSY))
    world = World(short_call()[0], broker)
    world.exit()
    for _ in range(3):
        world.run(55.0)
        world.records = json.loads(json.dumps(world.records))
        world.restart()
    assert world.run(30.0) is IntentState.STUCK


# ------------------------------------------------------------------------- what others must mend


@pytest.mark.parametrize("stage", [Stage.PLACE, Stage.BOOK])
def test_a_closed_market_is_waited_for(stage):
    """The broker says closed in the last second: no leg is stuck, and the owner knows at once."""
    broker = RefusingBroker(refuses=until(600.0, CLOSED), stage=stage)
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(590.0) is IntentState.WORKING
    assert [alert.title for alert in world.alerts] == ["An exit is refused and goes on"]
    assert len(broker.placed) < 16
    assert world.run(100.0) is IntentState.FLAT


@pytest.mark.parametrize(
    "said",
    [
        ("DH-906", "Invalid Token"),
        ("DH-905", "Invalid IP"),
        ("DH-901", "Client ID or user generated access token is invalid or expired."),
        ("HTTP-401", "empty body"),
    ],
    ids=str,
)
def test_a_dead_token_or_address_is_waited_for_and_told_at_once(said):
    """Nothing is given up: a new token, minutes later, brings the exit to its end."""
    broker = RefusingBroker(refuses=until(400.0, said))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(1.0) is IntentState.WORKING
    (told,) = world.alerts
    assert "access token or address" in told.text
    assert world.run(500.0) is IntentState.FLAT
    assert world.alerts == [told]


def test_an_unknown_reason_stops_the_leg_at_once():
    """One order, one alert, no second try."""
    broker = RefusingBroker(refuses=until(9_999.0, ("DH-906", "RMS:Blocked")))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run() is IntentState.STUCK
    assert len(broker.placed) == 1
    assert "RMS:Blocked" in world.intent.note


def test_the_kill_switch_is_waited_for_and_it_says_what_to_do():
    """Nothing we send is taken while it is on, and only the owner can end that; then the exit goes on."""
    said = ("DH-906", "Kill Switch is active. Orders are not allowed for the day.")
    broker = RefusingBroker(refuses=until(600.0, said))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(900) is IntentState.FLAT
    assert len(broker.placed) < 20
    assert any("only you can end that" in alert.text for alert in world.alerts)


# ------------------------------------------------------------------------------- something else


def test_the_freeze_quantity_is_learnt_from_the_refusal():
    """Nobody published it: ten lots are halved until they pass, and all ten are bought back."""
    made, _ = short_call(10)
    said = ("DH-906", "RMS:Order quantity exceeds the freeze quantity")
    broker = RefusingBroker(refuses=lambda request, _now_s: said if request.quantity > 195 else None)
    world = World(made, broker)
    world.exit()
    assert world.run() is IntentState.FLAT
    assert [order.quantity for order in broker.placed][:3] == [650, 325, 130]
    assert world.flat


def test_a_lot_that_is_above_the_freeze_quantity_cannot_be_sliced():
    """A slice below one lot is no order."""
    said = ("DH-906", "exceeds freeze quantity")
    broker = RefusingBroker(refuses=until(9_999.0, said))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run() is IntentState.STUCK
    assert len(broker.placed) == 1


def test_a_leg_of_more_slices_than_an_id_can_count_goes_on():
    """After a hundred lots only single ones are taken: later slices are tries of the last part."""
    made, _ = short_call(160, freeze=650)
    said = ("DH-906", "exceeds freeze quantity")
    broker = RefusingBroker()
    broker.refuses = lambda r, _now_s: said if r.quantity > 65 and len(broker.trades) >= 10 else None
    world = World(made, broker)
    world.exit()
    assert world.run(300.0) is IntentState.FLAT
    assert broker.placed[-1].correlation_id.startswith("P-default-260203001-0-99-")


@pytest.mark.parametrize(
    ("words", "ticks"),
    [
        ("Price is not a multiple of the tick size 0.10", {10}),
        ("EXCH: price should be in multiples of tick size", {10}),
    ],
    ids=["named", "guessed"],
)
def test_the_tick_is_learnt_from_the_refusal(words, ticks):
    """The master's five paise are wrong: the next order stands on the grid of ten."""
    made, key = short_call()
    broker = RefusingBroker(refuses=lambda r, _: ("DH-906", words) if r.limit_paise % 10 else None)
    world = World(made, broker)
    world.touches[key] = Touch(1000, 1015, 1005)
    world.exit()
    assert world.run() is IntentState.FLAT
    assert [order.limit_paise for order in broker.placed] == [1015, 1040]
    assert {plan.tick_paise for plan in world.intent.legs} == ticks


def test_a_tick_that_cannot_be_found_stops_the_leg():
    """Two other ticks are tried, not more."""
    broker = RefusingBroker(refuses=until(9_999.0, ("DH-906", "wrong tick size")))
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run() is IntentState.STUCK
    assert len(broker.placed) == 3


# ---------------------------------------------------------------------------------------- prices


@pytest.mark.parametrize("stage", [Stage.PLACE, Stage.MODIFY])
def test_an_order_is_never_lost_for_a_price_that_is_not_taken(stage):
    """The range ends at 11.50 and nobody sells: one order climbs to its very edge and stays there."""
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1150), stage=stage)
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(600.0) is IntentState.WORKING
    assert broker.resting == [1150]
    assert len(broker.placed) == 1
    assert Verb.CANCEL not in broker.commands
    assert len(broker.asked) < 30
    assert "An exit is refused and goes on" in world.titles()


def test_a_long_is_offered_at_the_lower_edge_of_the_range():
    """The mirror image: nothing below 9.00 is taken, so the order comes to rest at 9.00."""
    made = position(leg(65, 25300, "CE", 40))
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(-900))
    world = World(made, broker)
    world.exit()
    world.run(300.0)
    assert broker.resting == [900]


@pytest.mark.parametrize("stage", [Stage.PLACE, Stage.BOOK])
def test_a_first_price_that_is_not_taken_is_followed_by_one_nearer_to_the_market(stage):
    """The touch itself is outside of what the exchange takes: the next try is half-way to the mid."""
    made, key = short_call()
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1100), stage=stage)
    world = World(made, broker)
    world.touches[key] = Touch(900, 1160, 1000)
    world.exit()
    world.run(5.0)
    assert [order.limit_paise for order in broker.placed] == [1130, 1080]


def test_the_edge_is_tried_again_when_the_market_has_come_to_it():
    """The exchange moves its reference with the market; what it refused before it may take now."""
    made, key = short_call()
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1150))
    world = World(made, broker)
    world.exit()
    world.run(90.0)
    assert broker.resting == [1150]
    broker.refuses = beyond(1500)
    world.touches[key] = Touch(1300, 1310, 1305)
    world.run(10.0)
    assert broker.resting[0] > 1310


def test_the_day_s_range_of_the_master_is_kept_without_a_refusal():
    """A range that is known is not asked beyond; at its end the owner is told."""
    made, _ = short_call()
    made = position(
        *(replace(i, instrument=replace(i.instrument, lower_paise=5, upper_paise=1152)) for i in made.legs)
    )
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1152))
    world = World(made, broker)
    world.exit()
    world.run(120.0)
    assert broker.resting == [1150]
    assert max(broker.asked) == 1150


def test_a_range_that_the_market_has_left_is_an_old_one():
    """Yesterday's master must not keep an exit out of today's market."""
    made, key = short_call()
    made = position(*(replace(i, instrument=replace(i.instrument, upper_paise=900)) for i in made.legs))
    world = World(made)
    world.touches[key] = Touch(1000, 1010, 1005)
    world.exit()
    assert world.run() is IntentState.FLAT
    assert world.broker.placed[0].limit_paise == 1010


def test_an_order_whose_changes_are_used_up_stays_while_a_price_is_not_taken():
    """Its twentieth change found the price refused: what rests is as good as the exchange takes."""
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1150))
    world = World(short_call()[0], broker)
    world.exit()
    while world.intent.legs[0].refused_paise is None:
        world.step()
    world.intent.orders[0].modifies = 20
    resting = broker.resting
    world.run(60.0)
    assert broker.resting == resting
    assert len(broker.placed) == 1


def test_after_a_refused_change_the_order_s_limit_is_read_before_the_next():
    """Half-way between what rests and what was refused needs both of them."""
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=beyond(1020))
    world = World(short_call()[0], broker)
    world.exit()
    world.run(0.5)
    broker.reads_fail = True
    world.run(20.0)
    assert broker.asked == [1010, 1030]
    broker.reads_fail = False
    world.run(20.0)
    assert broker.resting == [1020]


# --------------------------------------------------------------------------------------- changes


def test_a_change_that_is_refused_for_an_unknown_reason_leaves_the_order_where_it_is():
    """Three tries, then the leg stops and a person is told; the order rests and may still trade."""
    said = ("DH-906", "RMS:Blocked")
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=until(9_999.0, said), stage=Stage.MODIFY)
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(60.0) is IntentState.WORKING
    assert broker.resting == [1010]
    assert len(broker.asked) == 4
    assert world.titles() == {"A leg of an exit is stuck"}
    broker.trade(next(iter(broker.orders)), 65, world.now_s)
    assert world.run(20.0) is IntentState.FLAT


def test_orders_that_end_before_their_change_arrives_stop_no_leg():
    """The exchange ends each order of ours: the books say so, and what a change is told is no news."""
    broker = ModelBroker(fills_as=Fill.NEVER)
    world = World(short_call()[0], broker)
    world.exit()
    for _ in range(40):
        world.step()
        for order_id, order in broker.orders.items():
            if not order.status.final:
                broker.orders[order_id] = replace(order, status=OrderStatus.EXPIRED)
    assert Verb.MODIFY in broker.commands
    assert world.intent.state is IntentState.WORKING


def test_an_order_whose_changes_are_used_up_is_replaced():
    """The broker counts more changes than we do: cancel, and a new order at the new price."""
    said = ("DH-906", "Maximum number of order modifications is exceeded")
    broker = RefusingBroker(fills_as=Fill.NEVER, stage=Stage.MODIFY)
    broker.refuses = lambda _request, _now_s: said if len(broker.placed) == 1 else None
    world = World(short_call()[0], broker)
    world.exit()
    world.run(10.0)
    assert len(broker.placed) == 2
    assert broker.resting[0] > 1010


def test_changes_that_came_too_often_are_not_counted_and_not_hammered():
    """A new price that nobody has looked at uses up none of the order's twenty."""
    broker = ModelBroker(fills_as=Fill.NEVER)
    world = World(short_call()[0], broker)
    world.exit()
    world.run(0.5)
    broker.meanwhile = deque([Meanwhile.REFUSED] * 6)
    world.run(40.0)
    assert not broker.meanwhile
    assert len(broker.placed) == 1
    assert broker.commands.count(Verb.MODIFY) < 14


def test_an_order_at_the_exchange_is_kept_however_long_its_changes_are_refused():
    """Nothing can be changed for ten minutes: the order rests, is not replaced, and climbs afterwards."""
    broker = RefusingBroker(fills_as=Fill.NEVER, refuses=until(600.0, BUSY), stage=Stage.MODIFY)
    world = World(short_call()[0], broker)
    world.exit()
    assert world.run(590.0) is IntentState.WORKING
    assert broker.resting == [1010]
    assert len(broker.placed) == 1
    assert world.titles() == {"An exit is refused and goes on"}
    world.run(60.0)
    assert broker.resting[0] > 1010


def test_a_streak_ends_when_nothing_was_refused_for_a_while():
    """Two hiccups an hour apart are two, not one that has lasted for an hour."""
    world = World(short_call()[0], ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    (plan,), (order,) = world.intent.legs, world.intent.orders
    order.learn(Event.SEEN_REJECTED)
    first_s = world.now_s
    assert meet(plan, order, 0, BUSY, first_s) == Met()
    assert meet(plan, order, 0, BUSY, first_s + 20.0).told
    assert meet(plan, order, 0, BUSY, first_s + 3_600.0) == Met()
    assert (plan.refusals, plan.refused_since_s) == (1, first_s + 3_600.0)


def test_a_leg_s_refusals_are_in_the_journal():
    """What was learnt of the exchange outlives the process; an older journal lacks it and is read."""
    (plan,) = plan_exit(short_call()[0])
    plan.refusals, plan.refused_since_s, plan.wait_until_s, plan.refused_filled = 3, 5.0, 9.0, 65
    plan.refused_paise, plan.refused_price_s, plan.reticks = 1155, 7.0, 1
    plan.lower_paise, plan.upper_paise = 5, 5000
    row = json.loads(json.dumps(plan.to_json()))
    assert LegPlan.from_json(row) == plan
    new = ("refusals", "wait_until_s", "refused_since_s", "refused_filled", "refused",
           "refused_price_s", "reticks", "lower", "upper")  # fmt: skip
    old = LegPlan.from_json({name: value for name, value in row.items() if name not in new})
    assert (old.refusals, old.refused_paise, old.side) == (0, None, Side.BUY)
