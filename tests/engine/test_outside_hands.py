"""Somebody else's hand on a position or on our orders: told, held, and ended as what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.broker_nouns import OrderStatus
from engine.effects import Alert
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, Ticks, Unknown, Wish
from engine.model import Mode, Urgency
from engine.tuning import Tuning
from tests.engine.makers import condor, leg, position, quote
from tests.support.broker import Fill, ModelBroker, World
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
LOSS = (6, 10, 190, 60)
RULES = "[default]\nprofit_target = 0.3\nstop_loss_rupees = 1000\n"


def short_call():
    return position(leg(-65, 25300, "CE", 40))


def cancel_all(world):
    """A hand in the app cancels what works."""
    for name, row in world.broker.orders.items():
        if not row.status.final:
            world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED, reason="by user")


def untraded(rig, seconds, mids):
    """Quotes that nothing trades at."""
    for _ in range(int(seconds * 2)):
        rig.now_s += 0.5
        for each, mid in zip(rig.legs, mids, strict=True):
            rig.tell(Ticks([quote(each.key, mid - 0.05, mid + 0.05)]))
        rig.tell(Beat(BeatKind.PULSE))


# ------------------------------------------------------------------------------ an exit being stopped


def test_an_exit_that_is_being_stopped_is_in_no_hurry(monkeypatch):
    """/stop, its cancel unanswered, then the stop loss: told that automation is halted, nothing joins."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    monkeypatch.setattr(rig.exchange, "cancel", lambda _order_id: Unknown("timeout"))
    untraded(rig, 20, (20, 27, 22, 18))
    rig.command(Wish.STOP)
    untraded(rig, 10, LOSS)
    (intent,) = rig.monitor.desk.intents.values()
    assert intent.state is IntentState.STOPPING
    assert intent.verdict.rule == "profit_target"
    told = [alert.text for alert in rig.of(Alert)]
    assert not [text for text in told if "hurry" in text]
    assert [text for text in told if "Automation is halted (/resume); nothing was sent." in text]


# --------------------------------------------------------------------- a hand on our working orders


def test_a_cancel_that_is_not_ours_is_told_and_the_second_holds_the_exit():
    """The owner cancels in the app: a HIGH alert and one new order; again: the exit is stuck, told."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    for _ in range(40):
        world.step()
        cancel_all(world)
    assert world.intent.state is IntentState.STUCK
    assert len(world.broker.placed) == 2
    told = [a for a in world.alerts if a.title == "An order was cancelled by somebody else"]
    assert [a.urgency for a in told] == [Urgency.HIGH] * 2
    assert "(by user). A new one is placed" in told[0].text
    assert "somebody else cancels our orders" in world.intent.note
    assert "Exit is stuck: look at the broker now" in world.titles()


def test_holding_an_exit_takes_the_other_legs_orders_back():
    """Somebody cancels one leg's orders twice: the other short's order is cancelled by us, once."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    key = world.intent.legs[0].key
    for _ in range(40):
        world.step()
        for name, row in world.broker.orders.items():
            if row.key == key and not row.status.final:
                world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED)
    assert world.intent.state is IntentState.STUCK
    assert all(row.status.final for row in world.broker.orders.values())
    assert "An order turned up after its exit had ended" not in world.titles()


def test_one_event_that_takes_the_orders_of_both_shorts_does_not_hold_the_exit():
    """The exchange cancels everything once: each is told, and the exit goes on with new orders."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    cancel_all(world)
    world.run(10.0)
    assert world.intent.state is IntentState.WORKING
    assert len(world.intent.live_orders()) == 2
    assert sum(a.title == "An order was cancelled by somebody else" for a in world.alerts) == 2


def test_the_count_of_foreign_cancels_survives_a_restart():
    """One before the restart, one after it: the exit is held."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    cancel_all(world)
    while not world.alerts:
        world.step()
    world.restart()
    world.run(3.0)
    assert len(world.broker.placed) == 2
    cancel_all(world)
    assert world.run(10.0) is IntentState.STUCK


def test_what_was_asked_in_an_earlier_life_is_not_known_and_not_told():
    """An order that the journal remembers is gone after a restart: perhaps we had cancelled it."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.restart()
    cancel_all(world)
    world.run(3.0)
    assert world.intent.state is IntentState.WORKING
    assert "An order was cancelled by somebody else" not in world.titles()


@pytest.mark.parametrize("ioc", [True, False])
def test_our_own_cancels_and_orders_at_once_or_not_at_all_are_no_hand(ioc):
    """IOC orders come back cancelled by the exchange, /stop cancels by us: neither is told as a hand."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER), Tuning(ioc=ioc))
    world.exit()
    for _ in range(6):
        world.step()
        for name, row in world.broker.orders.items():
            if ioc and not row.status.final and world.desk.blotter.get(row.correlation_id).request.ioc:
                world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(10.0) is IntentState.ABORTED
    assert "An order was cancelled by somebody else" not in world.titles()


def test_orders_that_the_close_has_cancelled_are_no_hand():
    """The gate is shut when the news comes: nobody is told of a hand, and the exit goes on another day."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.gate = "The market is closed"
    cancel_all(world)
    world.run(10.0)
    assert world.intent.state is IntentState.WORKING
    assert "An order was cancelled by somebody else" not in world.titles()


def test_a_limit_that_nobody_here_asked_for_is_told_once():
    """The owner moves our order in the app: HIGH, once; our own re-pricing is not told."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(60.0)  # it rests at the end of its ladder
    assert "An order was changed by somebody else" not in world.titles()
    (name,) = world.broker.orders
    world.broker.orders[name] = replace(world.broker.orders[name], limit_paise=2905)
    world.run(10.0)
    told = [a for a in world.alerts if a.title == "An order was changed by somebody else"]
    assert [a.urgency for a in told] == [Urgency.HIGH]
    assert "₹29.05 now" in told[0].text
