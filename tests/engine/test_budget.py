"""The commands an exit may send: counted from its orders, told in time, and never in the way of a cancel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import budget
from engine.budget import Budget, budget_of, spent
from engine.effects import CancelOrder
from engine.intents import IntentState
from engine.model import Action, Urgency
from engine.pricing import Style, Touch
from tests.engine.makers import leg, position
from tests.support.broker import Fill, ModelBroker, World


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets that a test can use up."""
    monkeypatch.setattr(budget, "EXIT_COMMANDS", 10)
    monkeypatch.setattr(budget, "DAY_COMMANDS", 16)


def step(world: World, paise: int) -> None:
    """The market runs away from a buyer."""
    for key, touch in world.touches.items():
        bid, ask = touch.bid_paise + paise, touch.ask_paise + paise
        world.touches[key] = replace(touch, bid_paise=bid, ask_paise=ask, ltp_paise=touch.ltp_paise + paise)


def chased(world: World) -> None:
    """It does so for a minute, a little each time."""
    for _ in range(120):
        world.step()
        step(world, 20)


def running(made=None, **more) -> World:
    """An exit whose orders nobody fills, in a market that can run."""
    world = World(made or position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.touches = dict.fromkeys(world.broker.net, Touch(1000, 1010, 1005))
    world.exit(**more)
    return world


@pytest.mark.usefixtures("small")
def test_an_exit_that_sends_too_much_is_told_and_leaves_its_order_where_it_is():
    """At four fifths the owner hears of it, at the end the leg stops; the order rests and may trade."""
    world = running()
    chased(world)
    assert spent(world.intent.orders) == 10
    assert world.intent.state is IntentState.WORKING
    assert [(alert.urgency, alert.title) for alert in world.alerts if alert.urgency is Urgency.MEDIUM] == [
        (Urgency.MEDIUM, "An exit sends many commands")
    ]
    assert "A leg of an exit is stuck" in world.titles()
    (row,) = world.broker.orders.values()
    assert not row.status.final
    assert any(isinstance(effect, CancelOrder) for effect in world.desk.stop(world.now_s))


@pytest.mark.usefixtures("small")
def test_a_restart_does_not_give_a_new_budget():
    """The orders in the journal say what was spent."""
    world = running()
    for _ in range(40):
        world.run(2.0)
        world.restart()
        step(world, 60)
    assert spent(world.intent.orders) == 10


@pytest.mark.usefixtures("small")
def test_the_day_s_budget_is_that_of_all_exits_together():
    """Two exits may send ten commands each, but only sixteen between them."""
    one, two = (position(leg(-65, strike, "CE", 40), strategy_id=strike) for strike in (25300, 25400))
    world = running(one)
    world.broker.hold(two)
    world.held = dict(world.broker.net)
    world.touches = dict.fromkeys(world.broker.net, Touch(1000, 1010, 1005))
    world.exit(of=two, name="260203002")
    chased(world)
    assert spent(world.desk.blotter.all()) == 16
    assert sorted(spent(intent.orders) for intent in world.desk.intents.values()) != [6, 10]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("style", "leg_index", "over"),
    [(Style.URGENT, 0, True), (Style.URGENT, 1, False), (Style.PATIENT, 1, True)],
    ids=["a second order", "a first order", "a patient one"],
)
def test_what_is_kept_for_an_urgent_exit(style, leg_index, over):
    """Only the first order of a leg passes when everything is spent."""
    world = running()
    chased(world)
    intent = world.intent
    intent.style = style
    assert bool(budget_of(intent, leg_index, intent.orders).over) is over


def test_a_quiet_exit_has_nothing_to_say():
    """A few orders are far from any bound."""
    world = running(action=Action.CLOSE_POSITION, style=Style.PATIENT)
    world.run(60.0)
    assert budget_of(world.intent, 0, world.intent.orders) == Budget()
