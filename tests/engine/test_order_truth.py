"""What really became of our orders: restarts in the broker's lag, changes by hand, reads that fail."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from engine.broker_nouns import BrokerFill, OrderStatus
from engine.effects import Card, QueryOrder
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, Verb
from engine.model import Action, Mode, Side
from engine.orders import OrderState
from engine.pricing import Style
from tests.engine.makers import leg, position
from tests.support.broker import START_S, Fault, Fill, ModelBroker, World
from tests.support.rig import Rig

#: Mids of the condor's legs at entry, rupees.
ENTRY = (20, 45, 40, 18)


def short_call(lots=1, strategy_id=3359):
    """A position of one short call."""
    return position(leg(-65 * lots, 25300, "CE", 40), strategy_id=strategy_id)


def resting(lots=1, seconds=1.0, **broker):
    """An exit whose one order rests at the exchange; the world and the order's id there."""
    world = World(short_call(lots), ModelBroker(fills_as=Fill.NEVER, **broker))
    world.exit()
    world.run(seconds)
    (order_id,) = world.broker.orders
    return world, order_id


def see(world, order_id, **row):
    """The update socket tells of an order, some of it otherwise than the book would."""
    world.carry(world.desk.update(replace(world.broker.orders[order_id], **row), world.now_s))


def test_a_fill_of_a_moment_ago_is_remembered_as_such_after_a_restart():
    """Two strategies claim what one holds; the list lags, and the first one's order rested for long."""
    one, two = short_call(strategy_id=1), short_call(strategy_id=2)
    world = World(one, ModelBroker(fills_as=Fill.NEVER, lag_s=15.0))
    world.exit(style=Style.PATIENT, action=Action.CLOSE_POSITION)
    world.run(100.0)
    (order_id,) = [o.order_id for o in world.broker.orders.values() if not o.status.final]
    world.broker.trade(order_id, 65, world.now_s)
    see(world, order_id)
    world.broker.fills_as = Fill.AT_ONCE
    world.restart()
    world.exit(of=two, name="260203002")
    world.run(100.0)
    assert world.broker.net[one.legs[0].key] == 0


def test_an_order_made_smaller_in_the_app_ends_where_the_broker_ends_it():
    """The owner leaves 65 of 130 to our order; they trade, it is done, and the rest leaves with another."""
    world, order_id = resting(lots=2)
    world.broker.orders[order_id] = replace(world.broker.orders[order_id], quantity=65)
    world.run(3.0)
    world.broker.trade(order_id, 65, world.now_s)
    world.broker.fills_as = Fill.AT_ONCE
    assert world.run(60.0) is IntentState.FLAT
    assert world.flat
    assert "An order was changed by somebody else" in world.titles()


def test_an_order_made_larger_in_the_app_is_working_until_all_of_it_is_traded():
    """What rests of it counts as asked for: with more than is held it is taken back."""
    world, order_id = resting(lots=2)
    world.broker.orders[order_id] = replace(world.broker.orders[order_id], quantity=195)
    world.broker.fills_as = Fill.AT_ONCE
    assert world.run(60.0) is IntentState.FLAT
    assert world.broker.orders[order_id].status is OrderStatus.CANCELLED
    assert world.flat


def test_books_that_cannot_be_read_after_the_last_fill_do_not_make_an_exit_stuck():
    """The broker is away for ten minutes just when all is filled; afterwards it shows us flat."""
    world, order_id = resting()
    world.broker.reads_fail = True
    world.broker.trade(order_id, 65, world.now_s)
    see(world, order_id)
    assert world.run(600.0) is IntentState.WORKING
    assert "Exit does not get on" in world.titles()
    world.broker.reads_fail = False
    assert world.run(5.0) is IntentState.FLAT


def test_the_broker_s_time_to_show_us_flat_runs_only_while_it_can_be_read():
    """It is read once after the last fill, too early, and not again for a minute."""
    world, order_id = resting(lag_s=70.0)
    world.broker.trade(order_id, 65, world.now_s)
    see(world, order_id)
    world.run(2.0)
    world.broker.reads_fail = True
    assert world.run(60.0) is IntentState.WORKING
    world.broker.reads_fail, world.broker.lag_s = False, 0.0
    assert world.run(5.0) is IntentState.FLAT


@pytest.mark.parametrize("restarted", [False, True])
def test_a_stuck_exit_of_which_all_is_traded_ends_flat_when_the_books_agree_after_all(restarted):
    """The position list follows the last fill after a minute only."""
    world, order_id = resting(lag_s=60.0)
    world.broker.trade(order_id, 65, world.now_s)
    assert world.run(50.0) is IntentState.STUCK
    if restarted:
        world.restart()
    world.sync(40.0)
    assert world.intent.state is IntentState.FLAT
    assert "Exit is verified after all" in world.titles()


def test_a_stuck_exit_with_units_left_is_not_taken_up_again():
    """The broker refuses every order: reports that come later change nothing."""
    world = World(short_call(), ModelBroker(deque([Fault.REFUSED] * 9), fills_as=Fill.NEVER))
    world.exit()
    assert world.run(60.0) is IntentState.STUCK
    world.sync(20.0)
    assert world.intent.state is IntentState.STUCK


def test_rows_are_closed_when_a_stuck_exit_ends_flat_after_all():
    """The trade store learns of it, although the exit had ended before."""
    rig = Rig(Mode.EXECUTE)
    nets = dict(rig.net)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.exchange.hold(nets | {rig.legs[1].key: -130})  # the list does not hear of that short's purchase
    rig.wait(45, *ENTRY)
    assert [intent.state for intent in rig.monitor.desk.intents.values()] == [IntentState.STUCK]
    assert rig.rows
    rig.exchange.hold(nets)
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(1, *ENTRY)
    assert [intent.state for intent in rig.monitor.desk.intents.values()] == [IntentState.FLAT]
    assert not rig.rows
    assert rig.of(Card)[-1].done


def test_an_order_that_vanishes_for_good_makes_its_exit_stuck_and_still_counts():
    """Five minutes of books without it: a person has to look, and nothing more is sent."""
    world, order_id = resting()
    row = world.broker.orders.pop(order_id)
    assert world.run(290.0) is IntentState.WORKING
    assert world.run(20.0) is IntentState.STUCK
    world.sync(20.0)
    assert len(world.broker.placed) == 1
    assert Verb.CANCEL not in world.broker.commands
    assert [order.state for order in world.desk.blotter.live()] == [OrderState.WORKING]
    world.broker.orders[order_id] = row  # it turns up after all, and has no purpose any more
    world.sync(4.0)
    assert world.broker.orders[order_id].status is OrderStatus.CANCELLED


def test_a_broker_that_cannot_be_read_proves_nothing_of_a_doubtful_order():
    """Ten minutes without an answer: the exit waits, and goes on when the books are there again."""

    class Away(ModelBroker):
        def place(self, request, now_s):
            self.reads_fail = True
            return super().place(request, now_s)

    world = World(short_call(), Away(deque([Fault.ANSWER_LOST])))
    world.exit()
    assert world.run(600.0) is IntentState.WORKING
    world.broker.reads_fail = False
    assert world.run(10.0) is IntentState.FLAT
    assert len(world.broker.placed) == 1


def test_a_stop_does_not_wait_for_ever_for_an_order_that_has_vanished():
    """/stop ends it too, with a person told."""
    world, order_id = resting()
    del world.broker.orders[order_id]
    world.run(2.0)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(310.0) is IntentState.STUCK
    assert "Exit is stuck: look at the broker now" in world.titles()


@pytest.mark.parametrize("trace", ["position", "trade"])
def test_an_unknown_order_that_has_left_a_trace_is_never_proved_absent(trace):
    """The order book never lists it, but the position has moved, or the trade book knows a trade."""
    world = World(short_call(), ModelBroker(deque([Fault.NONE, Fault.REQUEST_LOST]), fills_as=Fill.NEVER))
    world.exit()
    key = world.position.legs[0].key
    (first,) = world.broker.orders
    world.broker.orders[first] = replace(world.broker.orders[first], status=OrderStatus.CANCELLED)
    world.run(3.0)
    assert len(world.broker.placed) == 2
    if trace == "position":
        world.broker.by_hand(key, 65, world.now_s)
    else:
        world.broker.trades.append(BrokerFill("9", "9", key, Side.BUY, 65, 1100))
    assert world.run(290.0) is IntentState.WORKING
    assert world.run(30.0) is IntentState.STUCK
    assert len(world.broker.placed) == 2


def test_an_average_that_the_socket_leaves_out_is_taken_from_the_books():
    """The frame that tells of the last fill has no average; the order book has it a moment later."""
    world, order_id = resting()
    world.broker.trade(order_id, 65, world.now_s)
    paid = world.broker.trades[-1].price_paise
    see(world, order_id, average_paise=0)
    assert world.intent.average_paise(0) == world.intent.orders[0].request.limit_paise  # at worst
    assert world.run(60.0) is IntentState.FLAT
    assert world.intent.average_paise(0) == paid


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_paid_is_the_sum_of_the_exchange_s_trades_each_counted_once(restarted):
    """Two trades at two prices, one of them told twice; the row's average is rounded, the sum is not."""
    world, order_id = resting(lots=2)
    key = world.position.legs[0].key
    world.broker.trade(order_id, 130, world.now_s)
    first = BrokerFill("A", order_id, key, Side.BUY, 65, 1001)
    world.broker.trades = [first, replace(first, trade_id="B", price_paise=1002), first]
    world.broker.orders[order_id] = replace(world.broker.orders[order_id], average_paise=1002)
    assert world.run(60.0) is IntentState.FLAT
    if restarted:
        world.restart()
    assert world.intent.traded(0) == (130, 65 * 2003)


def test_a_second_order_that_the_broker_made_of_one_request_is_cancelled_and_told():
    """It stands beside ours until the cancel is confirmed; never more is traded than is held."""
    world, order_id = resting()
    row = world.broker.orders[order_id]
    world.broker.orders["2"] = replace(row, order_id="2")
    world.run(10.0)
    assert world.broker.orders["2"].status is OrderStatus.CANCELLED
    assert not world.broker.orders[order_id].status.final
    world.broker.trade(order_id, 65, world.now_s)
    assert world.run(60.0) is IntentState.FLAT
    (told,) = [alert for alert in world.alerts if alert.title == "The broker has made two orders of one"]
    assert told.text.startswith(f"{world.position.legs[0].instrument.display}: order ")


def test_the_fill_of_a_second_order_of_the_same_request_is_told_and_counts_as_ours():
    """It has traded before anybody could cancel, and the list lags: what it took is not taken again."""
    world, order_id = resting(lots=2, lag_s=10.0)
    row = world.broker.orders[order_id]
    world.broker.orders["2"] = replace(row, order_id="2", quantity=65, status=OrderStatus.TRADED, filled=65)
    world.broker.trades.append(BrokerFill("x", "2", row.key, row.side, 65, 1000))
    world.broker.by_hand(row.key, 65, world.now_s)
    world.broker.fills_as = Fill.AT_ONCE
    assert world.run(150.0) is IntentState.CLOSED_OUTSIDE
    assert world.broker.orders[order_id].status is OrderStatus.CANCELLED
    assert "The broker has made two orders of one" in world.titles()


def test_an_order_that_the_book_does_not_list_yet_is_found_by_its_name():
    """The answer is lost and the order book is a minute behind: looking it up knows better."""

    class Behind(ModelBroker):
        def report(self, request, now_s):
            told = super().report(request, now_s)
            return told if now_s > START_S + 60.0 else replace(told, orders=())

    world = World(short_call(), Behind(deque([Fault.ANSWER_LOST]), fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    (order,) = world.intent.orders
    assert (order.state, order.order_id) == (OrderState.WORKING, "100000")
    world.run(58.0)
    assert len(world.broker.placed) == 1
    assert "An order's fate is unknown" not in world.titles()
    world.run(3.0)
    assert order.unknown_s is None


def test_a_doubtful_order_is_looked_up_every_five_seconds_and_no_oftener():
    """Nobody answers for it for twenty seconds."""
    asked = []

    class Listening(World):
        def do(self, effect):
            if isinstance(effect, QueryOrder):
                asked.append(self.now_s)
            return super().do(effect)

    world = Listening(short_call(), ModelBroker(deque([Fault.REQUEST_LOST]), fills_as=Fill.NEVER))
    world.exit()
    world.run(20.0)
    assert [round(at_s - START_S) for at_s in asked] == [0, 5, 10, 15, 20]
