"""What is counted of the house's pace, and what the counts come to beside their limits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import OrderRequest, Product
from engine.effects import CancelOrder, PlaceOrder, WriteBook
from engine.measures import BOUNDS_S, WINDOW_MINUTES, Histogram, Measures, Window
from engine.messages import (
    Accepted,
    Beat,
    BeatKind,
    BrokerReport,
    CommandOutcome,
    Refused,
    TradesLoaded,
    Unknown,
    Verb,
)
from engine.model import InstrumentKey, Side
from engine.preflight import Light
from engine.vitals import Reading, Vitals, readings, spread, vitals_lines, worst_light
from tests.engine.test_health import WELL

ORDER = OrderRequest("P-a-260203001-0-0-0", InstrumentKey(1), Side.BUY, 65, 1000, Product.MARGIN)


def counted(*durations_s):
    """A histogram of these."""
    made = Histogram()
    for duration_s in durations_s:
        made.take(duration_s)
    return made


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_the_bound_that_so_many_keep(durations_s, share):
    """Against the sorted list: at least that share is at or below it, and less below that."""
    found_s = counted(*durations_s).percentile_s(share)
    within = sum(duration_s <= found_s for duration_s in durations_s)
    assert within >= share * len(durations_s)
    lower = [bound_s for bound_s in BOUNDS_S if bound_s < found_s]
    if lower:
        assert sum(duration_s <= lower[-1] for duration_s in durations_s) < share * len(durations_s)


def test_a_bound_counts_as_kept_and_what_is_above_all_is_infinite():
    """Fifty milliseconds are within fifty; an hour is more than is counted to; nothing is no number."""
    assert counted(0.05).share_within(0.05) == 1.0
    assert counted(0.0501).share_within(0.05) == 0.0
    assert counted(3_600).percentile_s(0.99) == math.inf
    assert counted().percentile_s(0.99) is None
    assert counted().share_within(0.05) is None


def test_a_bad_hour_is_forgotten_after_the_window():
    """Ten minutes later only what came since is shown."""
    histogram = counted(5.0)
    window = Window(histogram)
    histogram.take(5.0)
    for _ in range(WINDOW_MINUTES):
        assert window.recent.count == 1
        window.minute()
    histogram.take(0.001)
    assert window.recent.percentile_s(0.99) == 0.001


def test_a_command_is_timed_from_its_leaving_to_its_answer():
    """By verb and kind of answer; an answer that nobody waits for is counted and not timed."""
    measures = Measures()
    name = ORDER.correlation_id
    measures.performed(PlaceOrder(ORDER), 10.0)
    measures.performed(CancelOrder("7", name), 10.5)
    measures.heard(CommandOutcome(Verb.PLACE, name, Accepted("7")), 10.3)
    measures.heard(CommandOutcome(Verb.CANCEL, name, Unknown("no answer")), 13.0)
    measures.heard(CommandOutcome(Verb.PLACE, "other", Refused("x", "y")), 14.0)
    assert measures.round_trip[Verb.PLACE].percentile_s(1.0) == 0.5
    assert measures.round_trip[Verb.CANCEL].percentile_s(1.0) == 5.0
    assert measures.outcomes == {("place", "accepted"): 1, ("cancel", "unknown"): 1, ("place", "refused"): 1}


def test_commands_that_are_never_answered_do_not_pile_up():
    """A broker that is away for a year leaves no memory behind."""
    measures = Measures()
    for number in range(3_000):
        measures.performed(CancelOrder("7", f"P-{number}"), 0.0)
    assert len(measures._sent_s) == 1_000


def test_ends_syncs_rounds_and_failures_are_counted():
    """Each by its kind; the seconds to flat are those of the book's line."""
    measures = Measures()
    line = {"state": "flat", "seconds": {"to_verified_flat": 12.0}}
    measures.performed(WriteBook(line), 0.0)
    measures.performed(WriteBook({"state": "stuck", "seconds": {"to_verified_flat": None}}), 0.0)
    for now_s in (100.0, 130.5):
        measures.heard(TradesLoaded(()), now_s)
    measures.heard(TradesLoaded(None, "away"), 131.0)
    measures.heard(BrokerReport(1, 0.0, failed="away"), 131.0)
    measures.heard(BrokerReport(2, 0.0), 131.0)
    measures.heard(Beat(BeatKind.PULSE), 131.0)
    measures.heard(Beat(BeatKind.SYNC), 131.0)
    assert measures.ended == {"flat": 1, "stuck": 1}
    assert measures.time_to_flat.percentile_s(1.0) == 20.0
    assert measures.sync_gap_s == 30.5
    assert measures.failed_reads == {"trade store": 1, "broker": 1}
    assert measures.rounds == 1


# ---------------------------------------------------------------------------------- beside limits


FINE = Vitals("default", WELL, True, counted(0.003), counted(0.001), counted(0.3), 30.1, 4.0)


def red(vitals):
    """The names of what is red."""
    return [reading.name for reading in readings(vitals) if reading.light is Light.RED]


def test_a_house_that_is_well_is_green_in_every_line():
    """And one that has measured nothing yet, but for the store that was never read."""
    assert worst_light(readings(FINE)) is Light.GREEN
    none = replace(FINE, price_update=counted(), evaluation=counted(), order=counted(), sync_age_s=None)
    assert red(none) == ["sync"]
    assert red(replace(FINE, lookups=(100, 96))) == []


def test_what_was_asked_for_before_the_first_price_makes_nothing_red():
    """A start looks for prices that nobody has sent yet; the ratio is shown, and judged later."""
    begun = replace(FINE, health=replace(WELL, hit_ratio=0.5), lookups=None)
    assert red(begun) == []
    assert readings(begun)[-1].text == "50.0 % since the start"
    assert readings(replace(begun, lookups=(0, 0)))[-1].text == "no lookup in 10 min"


@pytest.mark.parametrize(
    ("ill", "name"),
    [
        ({"turning": False}, "exit loop"),
        ({"price_update": counted(0.06, 0.06)}, "price update"),
        ({"evaluation": counted(0.2, 0.2)}, "evaluation"),
        ({"order": counted(2.5, 2.5)}, "order"),
        ({"sync_gap_s": 36.0}, "sync"),
        ({"sync_age_s": 36.0}, "sync"),
        ({"lookups": (100, 95)}, "hit ratio"),
        ({"health": replace(WELL, data_age_s=61.0)}, "feed age"),
        ({"health": replace(WELL, degraded="the journal failed")}, "mode"),
        ({"health": None}, "house"),
    ],
)
def test_each_limit_that_is_broken_is_red_by_its_name(ill, name):
    """That one, and no other."""
    assert red(replace(FINE, **ill)) == [name]


def test_one_slow_one_among_few_is_no_verdict():
    """Two of a hundred are, one of three is not."""
    assert spread("order", counted(0.1, 0.1, 5.0)).light is Light.GREEN
    assert spread("order", counted(*[0.1] * 98, 5.0, 5.0)).light is Light.RED
    assert spread("order", counted(60.0, 60.0)) == Reading(
        "order", Light.RED, "more than it counts to (2)", "99 % within 2 s", None, 2.0
    )


def test_a_halt_is_no_failure_and_is_shown():
    """Somebody wanted it; whoever looks must not think that rules act."""
    halted = replace(FINE, health=replace(WELL, halted=True))
    assert red(halted) == []
    assert readings(halted)[1][:3] == ("mode", Light.AMBER, "halted, until /resume")


def test_at_night_nothing_is_red_for_want_of_prices():
    """A closed market has no feed age, and a token that has ended is told elsewhere."""
    night = replace(WELL, in_session=False, data_age_s=40_000.0, degraded="no token")
    assert red(replace(FINE, health=night, lookups=(10, 1))) == []


def test_the_table_says_light_name_measured_and_limit():
    """One line each."""
    assert vitals_lines("account default", readings(FINE))[:6] == [
        "account default",
        "  green  exit loop     goes round                         goes round",
        "  green  mode          as chosen                          as chosen",
        "  green  feed age      200 ms                             within 60 s",
        "  green  price update  99 % within 5 ms (1)               99 % within 50 ms",
        "  green  evaluation    99 % within 1 ms (1)               99 % within 100 ms",
    ]
