"""What the owner may set of an exit: the waits of the ladder, and orders that fill at once or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.broker_nouns import OrderStatus
from engine.intents import IntentState
from engine.messages import Verb
from engine.model import Action
from engine.pricing import Style, Touch
from engine.tuning import Tuning
from tests.engine.makers import leg, position
from tests.support.broker import Fill, ModelBroker, World

IOC = Tuning(ioc=True)


class Immediate(ModelBroker):
    """Fills so many units of each order that is to fill at once or not at all, and cancels the rest of it."""

    filled_each = 0
    keeps = False

    def admit(self, request, now_s: float) -> str:
        order_id = super().admit(request, now_s)
        if request.ioc and not self.keeps:
            if self.filled_each:
                self.trade(order_id, self.filled_each, now_s)
            if not self.orders[order_id].status.final:
                self.orders[order_id] = replace(self.orders[order_id], status=OrderStatus.CANCELLED)
        return order_id


def exiting(tuning: Tuning, lots: int = 1, style: Style = Style.URGENT, each: int = 0, **more) -> World:
    """The exit of a short call that nobody sells by himself."""
    made = position(leg(-65 * lots, 25300, "CE", 40))
    broker = Immediate(fills_as=Fill.NEVER)
    broker.filled_each = each
    world = World(made, broker, tuning)
    world.touches[made.legs[0].key] = Touch(1000, 1010, 1005)
    world.exit(style=style, **more)
    return world


def test_an_urgent_exit_asks_ever_deeper_and_rests_only_at_its_cap():
    """Nothing of the first orders stays at the exchange; the one at the cap does, and is not hurried."""
    world = exiting(IOC)
    world.run(12.0)
    placed = world.broker.placed
    assert [order.ioc for order in placed] == [True] * (len(placed) - 1) + [False]
    assert [order.limit_paise for order in placed] == sorted({order.limit_paise for order in placed})
    assert placed[-1].limit_paise == 1105
    assert not world.alerts
    world.run(20.0)
    assert len(world.broker.placed) == len(placed)


def test_what_such_an_order_trades_counts_and_the_rest_is_asked_for_anew():
    """One lot of three each time: three orders, and verified flat."""
    world = exiting(IOC, lots=3, each=65)
    assert world.run() is IntentState.FLAT
    assert [order.quantity for order in world.broker.placed] == [195, 130, 65]
    waited_s = world.now_s - world.intent.created_s
    assert waited_s <= 3.0, "what trades need not pause, beyond the books being read once a second"


def test_such_an_order_that_rests_all_the_same_is_looked_after_like_any_other():
    """A broker that takes it for a day order: after a few seconds its price goes on by changes."""
    broker = Immediate(fills_as=Fill.NEVER)
    broker.keeps = True
    world = World(position(leg(-65, 25300, "CE", 40)), broker, IOC)
    world.exit()
    world.run(4.0)
    assert not world.broker.commands
    world.run(10.0)
    assert set(world.broker.commands) == {Verb.MODIFY}
    assert len(world.broker.placed) == 1


@pytest.mark.parametrize(
    ("tuning", "style"), [(IOC, Style.PATIENT), (Tuning(), Style.URGENT)], ids=["patient", "off"]
)
def test_orders_rest_where_nothing_else_is_set_or_nothing_presses(tuning, style):
    """A patient exit waits for its price, and resting is what there is by default."""
    world = exiting(tuning, style=style, action=Action.CLOSE_POSITION)
    world.run(10.0)
    assert not any(order.ioc for order in world.broker.placed)


@pytest.mark.parametrize("wait_s", [5.0, 60.0])
def test_the_wait_at_the_cap_is_the_owner_s(wait_s):
    """The limit stays inside its cap for as long as was set, then it goes on to the band."""
    world = exiting(Tuning(cap_wait_s=wait_s))
    world.run(5.0 + wait_s - 2.0)
    assert max(order.limit_paise for order in world.broker.orders.values()) <= 1105
    world.run(6.0)
    assert max(order.limit_paise for order in world.broker.orders.values()) > 1105


def test_a_limit_that_somebody_has_moved_past_the_cap_is_not_waited_at_for_ever():
    """Nobody sells there either: after the wait at the cap a loss goes on to the band."""
    world = exiting(Tuning())
    world.run(12.0)
    ((order_id, row),) = world.broker.orders.items()
    world.broker.orders[order_id] = replace(row, limit_paise=1150)
    world.run(60.0)
    assert "Exit needs an eye" in world.titles()
    assert max(order.limit_paise for order in world.broker.orders.values()) > 1150


@pytest.mark.parametrize("wait_s", [30.0, 90.0])
def test_the_patience_is_the_owner_s(wait_s):
    """After twice that long an unfilled patient exit tells."""
    world = exiting(Tuning(patient_wait_s=wait_s), style=Style.PATIENT, action=Action.CLOSE_POSITION)
    world.touches = {key: Touch(1000, 1010, 1005) for key in world.touches}
    world.run(2 * wait_s - 2.0)
    assert not any(alert.topic.startswith("patience") for alert in world.alerts)
    world.run(6.0)
    assert any(alert.topic.startswith("patience") for alert in world.alerts)
