"""What of a picture is worth telling anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.material import (
    LEAST_STEP_PAISE,
    USUAL_STEP_PAISE,
    WAY_SHARE,
    House,
    Shown,
    house_changed,
    house_of,
    position_changed,
    position_turned,
    shown_of,
    step_paise,
)
from engine.messages import FeedState
from engine.model import Action, Mode, Urgency, position_id
from engine.view import LegView, PositionState, ThresholdView
from tests.bot.house import house, position

PAISE = st.integers(-(10**11), 10**11)
WAYS = st.none() | st.integers(1, 10**11)

positions = st.builds(
    Shown,
    id=st.integers(1, 9).map(lambda n: position_id("default", n)),
    state=st.sampled_from(PositionState),
    action=st.sampled_from(Action),
    urgency=st.sampled_from(Urgency),
    pnl_paise=st.none() | PAISE,
    closing_pnl_paise=st.none() | PAISE,
    peak_paise=st.none() | PAISE,
    way_paise=WAYS,
    units=st.lists(st.integers(-1000, 1000), max_size=3).map(tuple),
    rules=st.lists(
        st.tuples(st.sampled_from(("stop_loss", "trailing_stop")), st.booleans(), st.none() | PAISE),
        max_size=3,
    ).map(tuple),
    words=st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
    dte=st.none() | st.integers(0, 60),
    unprotected=st.booleans(),
    age_s=st.none() | st.floats(0, 1000),
    suspect=st.sampled_from(("", "bid above ask")),
    feed=st.none() | st.sampled_from(FeedState),
)
CALM = shown_of(position(), house())


@given(positions)
def test_nothing_new_is_nothing_to_tell(shown: Shown):
    """What a message shows never makes it out of date, whatever it is."""
    assert not position_changed(shown, shown)


@given(positions, positions)
def test_another_urgency_or_state_is_always_told(shown: Shown, now: Shown):
    """Whatever else is the same or not."""
    assume((shown.urgency, shown.state) != (now.urgency, now.state))
    assert position_changed(shown, now)
    assert position_turned(shown, now)
    drifted = replace(
        shown, pnl_paise=now.pnl_paise, age_s=now.age_s, closing_pnl_paise=now.closing_pnl_paise
    )
    assert not position_turned(shown, drifted)


@given(positions, st.sampled_from(Urgency))
def test_an_urgency_alone_is_told(shown: Shown, urgency: Urgency):
    """Nothing else need be different."""
    assert position_changed(shown, replace(shown, urgency=urgency)) is (urgency is not shown.urgency)


@given(positions, PAISE, st.floats(1, 100))
def test_a_larger_move_of_the_same_kind_is_told_if_a_smaller_one_is(shown: Shown, move: int, times: float):
    """Size counts one way."""
    start = shown.pnl_paise or 0
    shown = replace(shown, pnl_paise=start)
    further = int(move * times)
    if position_changed(shown, replace(shown, pnl_paise=start + move)):
        assert position_changed(shown, replace(shown, pnl_paise=start + further))


@given(WAYS, WAYS)
def test_the_step_grows_with_the_way_and_is_never_nothing(way: int | None, further: int | None):
    """Near a threshold it is finer, and it has a floor."""
    assert step_paise(way) >= LEAST_STEP_PAISE
    if way is not None and further is not None and way <= further:
        assert step_paise(way) <= step_paise(further)


@given(st.integers(1, 10**9), st.lists(st.floats(-0.999, 0.999), max_size=40))
def test_swings_about_a_threshold_are_not_told_again_and_again(way: int, swings: list[float]):
    """However often the P&L crosses, inside a step of what is shown the message stays."""
    shown = replace(CALM, pnl_paise=0, way_paise=way, peak_paise=0)
    step = step_paise(way)
    assert not any(position_changed(shown, replace(shown, pnl_paise=int(step * swing))) for swing in swings)


@given(st.integers(0, 10**9), st.lists(st.integers(-(10**6), 10**6), max_size=60))
def test_a_walk_is_told_at_most_once_a_step(way: int, moves: list[int]):
    """As many edits as whole steps were walked, no more: nothing is told twice."""
    shown = now = replace(CALM, pnl_paise=0, way_paise=way)
    edits = 0
    for move in moves:
        now = replace(now, pnl_paise=(now.pnl_paise or 0) + move)
        if position_changed(shown, now):
            shown, edits = now, edits + 1
    assert edits * step_paise(way) <= sum(map(abs, moves))


@given(st.lists(st.floats(5.0, 30.0), min_size=1, max_size=40))
def test_ages_between_the_two_limits_change_nothing(ages: list[float]):
    """A price that is about ten seconds old is called what it was called."""
    shown = replace(CALM, age_s=ages[0])
    assert not any(position_changed(shown, replace(shown, age_s=age)) for age in ages)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"peak_paise": 0}, {"peak_paise": 10**9}, True),
        ({"pnl_paise": 0, "peak_paise": 0}, {"peak_paise": 400_00}, False),
        ({}, {"pnl_paise": None}, False),
        ({}, {"pnl_paise": None, "age_s": 31.0}, True),
        ({}, {"pnl_paise": None, "age_s": None}, True),
        ({"pnl_paise": None}, {"pnl_paise": 0}, True),
        ({}, {"suspect": "bid above ask"}, True),
        ({}, {"feed": FeedState.STALE}, True),
        ({"closing_pnl_paise": 0}, {"closing_pnl_paise": None}, False),
        ({"closing_pnl_paise": 0}, {"closing_pnl_paise": USUAL_STEP_PAISE}, True),
        ({}, {"units": (-65,)}, True),
        ({}, {"rules": ()}, True),
        ({}, {"dte": 4}, True),
        ({"age_s": 0.0}, {"age_s": 31.0}, True),
        ({"age_s": 60.0}, {"age_s": 4.0}, True),
        ({"age_s": 60.0}, {"age_s": 8.0}, False),
        ({"age_s": 1.0}, {"age_s": None}, False),
    ],
)
def test_what_is_told_and_what_is_not(before: dict[str, object], after: dict[str, object], *, told: bool):
    """A peak, a fill, a rule, a day, old prices; not what comes and goes with each packet."""
    shown = replace(CALM, **before)
    assert position_changed(shown, replace(shown, **after)) is told


def test_nothing_shown_yet_is_always_told():
    """After a restart nobody knows what stands in the chat."""
    assert position_changed(None, CALM)
    assert house_changed(None, house_of("default", house(), ()))


def test_a_picture_is_read_as_far_as_it_matters():
    """The nearest of the ways, a ratchet without its level, sentences without their numbers."""
    rules = (
        ThresholdView("profit_target", 152_750, "half", distance_paise=90_000),
        ThresholdView("stop_loss", -497_250, "half", distance_paise=-560_000),
        ThresholdView("trailing_stop", 100_000, "peak less 30 %", distance_paise=-20_000, ratchet=True),
        ThresholdView("stop_delta", None, "delta at 0.4", available=False),
    )
    legs = (LegView("A", -130, 1, 1, 0.4), LegView("B", 65, 1, 1, 3.0))
    seen = shown_of(position(thresholds=rules, legs=legs, differs="The broker holds 65 more."), house())
    assert seen.way_paise == 20_000
    assert seen.rules == (
        ("profit_target", True, 152_750),
        ("stop_loss", True, -497_250),
        ("trailing_stop", True, None),
        ("stop_delta", False, "delta at 0.4"),
    )
    assert (seen.units, seen.age_s, seen.words[1]) == ((-130, 65), 3.0, "The broker holds # more.")
    assert shown_of(position(legs=legs), house(session_open=False)).age_s == 0.0
    unpriced = shown_of(position(legs=(LegView("A", 1, 1, None, None),)), house())
    assert unpriced.age_s is None


@given(st.lists(positions, max_size=4), PAISE)
def test_a_house_is_told_when_the_sum_has_moved_by_the_largest_step(held: list[Shown], pnl: int):
    """Many small moves the same way are one large one; less than a step is none."""
    shown = _house(held, pnl)
    step = max((step_paise(p.way_paise) for p in held), default=USUAL_STEP_PAISE)
    assert not house_changed(shown, shown)
    assert not house_changed(shown, replace(shown, pnl_paise=pnl + step - 1))
    assert house_changed(shown, replace(shown, pnl_paise=pnl + step))


@given(positions, positions)
def test_a_house_is_told_when_one_of_its_positions_is(before: Shown, after: Shown):
    """And only then, the rest being the same."""
    assert house_changed(_house([before], 0), _house([after], 0)) is position_changed(before, after)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": Mode.EXECUTE},
        {"halted": True},
        {"degraded": "no answer"},
        {"down": True},
        {"feed": FeedState.STALE},
        {"session_open": False},
        {"troubles": 1},
        {"count": 2},
        {"positions": (CALM, CALM)},
    ],
)
def test_how_a_house_stands_is_always_told(change: dict[str, object]):
    """Mode, halt, feed and the like, and which positions there are."""
    shown = _house([CALM], 0)
    assert house_changed(shown, replace(shown, **change))


def test_the_share_of_the_way_is_what_the_documents_say():
    """A tenth of it, ₹100 at least, ₹500 where there is none."""
    assert (WAY_SHARE, step_paise(10_000_00), step_paise(1_00), step_paise(None)) == (
        0.1, 1_000_00, 100_00, 500_00,
    )  # fmt: skip


def _house(held: list[Shown], pnl_paise: int) -> House:
    return House(
        "default", Mode.SIMULATE, False, "", False, FeedState.LIVE, True, 0, pnl_paise, len(held), tuple(held)
    )
