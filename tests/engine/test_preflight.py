"""The drill: what would be refused is red before the stop fires, and the owner hears one message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert
from engine.messages import AccountState, Beat, BeatKind, FeedChanged, FeedState, TradesLoaded, UpdatesStopped
from engine.model import Mode, Urgency
from engine.plan import plan_exit
from engine.preflight import Light, access_checks, plan_check, worst
from engine.pricing import Touch
from tests.engine.makers import condor, leg, position
from tests.engine.test_access import CALENDAR, good, moment
from tests.support.rig import Rig

TOUCH = Touch(1_000, 1_010, 1_005)


def plan(**changes):
    """The condor's plan, its first leg changed."""
    legs = plan_exit(condor())
    for name, value in changes.items():
        setattr(legs[0], name, value)
    return legs


@pytest.mark.parametrize(
    ("changes", "touch", "light", "words"),
    [
        ({}, None, Light.GREEN, "4 orders, shorts first"),
        ({}, TOUCH, Light.GREEN, "4 orders, shorts first"),
        ({"quantity": 60}, None, Light.RED, "are not whole lots of 65"),
        ({"tick_paise": 0}, None, Light.RED, "tick is not known"),
        ({"quantity": 6500, "slice_quantity": 65}, None, Light.RED, "needs 100 orders"),
        ({"quantity": 6500, "slice_quantity": 10**9}, None, Light.AMBER, "no freeze quantity"),
        ({"upper_paise": 1_005}, TOUCH, Light.AMBER, "outside of the day's range"),
        ({"lower_paise": 2_000}, TOUCH, Light.AMBER, "outside of the day's range"),
        ({}, Touch(1_000, None, 1_005), Light.AMBER, "nobody sells it"),
        ({}, Touch(None, 1_010, 1_005), Light.AMBER, "nobody buys it"),
        ({}, Touch(None, None, 0), Light.RED, "there is no price"),
    ],
)
def test_each_thing_that_would_be_refused_has_its_light(changes, touch, light, words):
    """Without a market prices are not looked at."""
    check = plan_check(condor(), plan(**changes), None if touch is None else lambda _key: touch)
    assert check.light is light
    assert words in check.text


def test_one_order_has_no_sequence():
    """A short call alone is one order; nothing goes first."""
    short = position(leg(-65, 25300, "CE", 40))
    assert plan_check(short, plan_exit(short), None).text == "1 order"


def test_a_contract_without_any_quote_is_red():
    """No limit can be made of nothing."""
    assert plan_check(condor(), plan(), lambda _key: None).light is Light.RED


def test_a_position_with_nothing_left_to_trade_is_green():
    """Its rows cancel out."""
    assert plan_check(condor(), [], None).text == "nothing is left to trade"


@pytest.mark.parametrize(
    ("state", "lights"),
    [
        (good(), {"token": 0, "IP": 0, "permission": 0, "clock": 0}),
        (None, {"broker": 2}),
        (AccountState(failed="no route"), {"broker": 2}),
        (replace(good(), refused="DH-901"), {"token": 2, "clock": 0}),
        (replace(good(), valid_until_s=None), {"token": 1, "IP": 0, "permission": 0, "clock": 0}),
        (good("15:00"), {"token": 2, "IP": 0, "permission": 0, "clock": 0}),
        (good("09:00"), {"token": 2, "IP": 0, "permission": 0, "clock": 0}),
        (replace(good(), orders_allowed=None), {"token": 0, "IP": 1, "permission": 0, "clock": 0}),
        (replace(good(), orders_allowed=False), {"token": 0, "IP": 2, "permission": 0, "clock": 0}),
        (replace(good(), data_plan=False), {"token": 0, "IP": 0, "permission": 2, "clock": 0}),
        (replace(good(), derivatives=False), {"token": 0, "IP": 0, "permission": 2, "clock": 0}),
        (replace(good(), skew_s=None), {"token": 0, "IP": 0, "permission": 0, "clock": 1}),
        (replace(good(), skew_s=-3.0), {"token": 0, "IP": 0, "permission": 0, "clock": 1}),
        (replace(good(), skew_s=31.0), {"token": 0, "IP": 0, "permission": 0, "clock": 2}),
    ],
)
def test_each_line_of_the_access_has_its_light(state, lights):
    """What is not told is amber, what stops an exit is red."""
    checks = access_checks(state, CALENDAR, moment("09:10"))
    assert {check.name: int(check.light) for check in checks} == lights
    assert worst(checks) == max(lights.values())


def drilled(state, *before):
    """The alerts of the drill at 09:10, after these messages."""
    rig = Rig(Mode.EXECUTE, now_s=moment("09:10"))
    for message in before:
        rig.tell(message)
    rig.tell(Beat(BeatKind.DRILL))
    assert not [a for a in rig.of(Alert) if a.topic.startswith("drill")]  # the broker is asked first
    rig.tell(state)
    rig.tell(state)
    return [a for a in rig.of(Alert) if a.topic.startswith("drill")]


def test_a_green_drill_is_one_silent_message():
    """With the number of things that are ready."""
    (alert,) = drilled(good())
    assert (alert.urgency, alert.title) == (Urgency.NORMAL, "Ready for the session")
    assert alert.text == "10 things are ready."


def test_what_is_amber_stands_in_the_silent_message():
    """It stops no exit."""
    (alert,) = drilled(good(), UpdatesStopped("HTTP 403"))
    assert (alert.urgency, alert.text.splitlines()[1]) == (Urgency.NORMAL, "order socket: HTTP 403")
    (alert,) = drilled(good(), UpdatesStopped("HTTP 429"), UpdatesStopped(""))
    assert alert.text == "10 things are ready."


@pytest.mark.parametrize(
    ("state", "before", "first"),
    [
        (good("15:00"), (), "token: Token until 15:00: it does not last the session"),
        (good(), (FeedChanged(FeedState.STOPPED, "the token is refused"),), "feed: the token is refused"),
        (good(), (TradesLoaded(None, "locked"),), "trade store: locked"),
    ],
)
def test_a_red_drill_is_loud_and_says_what_is_red(state, before, first):
    """What is green is left out."""
    (alert,) = drilled(state, *before)
    assert (alert.urgency, alert.title) == (Urgency.HIGH, "The drill before the open has failed")
    assert alert.text.splitlines()[0] == first
