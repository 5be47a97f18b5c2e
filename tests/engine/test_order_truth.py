"""What really became of our orders: restarts in the broker's lag, changes by hand, reads that fail."""

from __future__ import annotations

from dataclasses import replace

from engine.broker_nouns import OrderStatus
from engine.intents import IntentState
from engine.model import Action
from engine.pricing import Style
from tests.engine.makers import leg, position
from tests.support.broker import Fill, ModelBroker, World


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
