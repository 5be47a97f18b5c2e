"""Which alerts are said: cool-downs and storms, on virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts import STORM_LIMIT, STORM_WINDOW_S, TOPICS_KEPT, AlertGate
from engine.model import Urgency
from tests.bot.house import alert

HIGH, MEDIUM, NORMAL = Urgency.HIGH, Urgency.MEDIUM, Urgency.NORMAL


def test_the_same_topic_is_said_once_per_cool_down():
    """HIGH again after a minute, the others after five."""
    gate = AlertGate()
    assert gate.admit(alert(HIGH, "a"), 0.0)
    assert not gate.admit(alert(HIGH, "a"), 59.9)
    assert gate.admit(alert(HIGH, "a"), 60.0)
    assert gate.admit(alert(MEDIUM, "b"), 0.0)
    assert not gate.admit(alert(MEDIUM, "b"), 299.0)
    assert gate.admit(alert(MEDIUM, "b"), 300.0)


def test_an_alert_that_got_worse_is_not_held_by_the_cool_down():
    """MEDIUM then HIGH of one topic are both said; back down to MEDIUM is not."""
    gate = AlertGate()
    assert gate.admit(alert(MEDIUM, "loss"), 0.0)
    assert gate.admit(alert(HIGH, "loss"), 1.0)
    assert not gate.admit(alert(MEDIUM, "loss"), 2.0)


def test_a_storm_becomes_a_summary():
    """What comes after the twelfth in a minute is counted by title and told at once, then each minute."""
    gate = AlertGate()
    said = [gate.admit(alert(NORMAL, f"t{n}"), n * 0.1) for n in range(STORM_LIMIT + 3)]
    assert said.count(True) == STORM_LIMIT
    summary = gate.summary(2.0)
    assert summary is not None
    assert (summary.urgency, summary.title) == (NORMAL, "Storm: 3 more alerts")
    assert summary.text.startswith(f"1 × Normal t{STORM_LIMIT}\n")
    assert not gate.admit(alert(MEDIUM, "late"), 3.0)
    assert gate.summary(3.0) is None
    later = gate.summary(2.0 + STORM_WINDOW_S)
    assert later is not None
    assert (later.urgency, later.title) == (MEDIUM, "Storm: 1 more alert")


def test_a_storm_of_chatter_does_not_hold_back_a_high_alert():
    """HIGH alerts are counted for themselves."""
    gate = AlertGate()
    for n in range(100):
        gate.admit(alert(NORMAL, f"t{n}"), 0.0)
    assert gate.admit(alert(HIGH, "stop"), 0.1)


def test_after_the_storm_alerts_are_said_again():
    """The window slides."""
    gate = AlertGate()
    for n in range(STORM_LIMIT):
        gate.admit(alert(NORMAL, f"t{n}"), 0.0)
    assert not gate.admit(alert(NORMAL, "x"), 59.0)
    assert gate.admit(alert(NORMAL, "y"), 60.0)


def test_a_summary_of_many_kinds_stays_short():
    """Ten titles, then a number."""
    gate = AlertGate()
    for n in range(STORM_LIMIT + 25):
        gate.admit(alert(HIGH, f"t{n:03d}"), 0.0)
    summary = gate.summary(0.0)
    assert summary is not None
    assert "and 15 more kinds" in summary.text


def test_topics_are_forgotten_in_the_end():
    """A million topics do not fill the memory."""
    gate = AlertGate()
    for n in range(TOPICS_KEPT + 10):
        gate.admit(alert(NORMAL, f"t{n}"), 0.0)
    assert len(gate._said) == TOPICS_KEPT


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Urgency), st.integers(0, 40)), max_size=120))
def test_every_alert_is_said_counted_or_a_repetition(steps: list[tuple[float, Urgency, int]]):
    """Nothing is lost: an alert is admitted, in a summary, or the same topic was told before."""
    gate = AlertGate()
    now_s, told, counted, repeated = 0.0, 0, 0, 0
    seen: set[int] = set()
    for wait_s, urgency, topic in steps:
        now_s += wait_s
        held = len(gate._held_back)
        if gate.admit(alert(urgency, str(topic)), now_s):
            told += 1
        elif len(gate._held_back) == held:
            assert topic in seen
            repeated += 1
        seen.add(topic)
        if summary := gate.summary(now_s):
            counted += int(summary.title.split()[1])
    if summary := gate.summary(now_s + STORM_WINDOW_S):
        counted += int(summary.title.split()[1])
    assert told + counted + repeated == len(steps)


def test_trouble_that_comes_back_is_told_at_once():
    """The phone may not go on saying that prices arrive while none do, whatever the cool-down."""
    gate = AlertGate()
    assert gate.admit(alert(HIGH, "prices-silent"), 0.0)
    assert gate.admit(alert(MEDIUM, "prices-back"), 10.0)
    assert gate.admit(alert(HIGH, "prices-silent"), 20.0)


def test_the_second_end_of_a_trouble_has_to_last_before_it_is_told():
    """What flickers is one trouble for the person; each end that is told makes the next one wait longer."""
    gate = AlertGate()
    for now_s in (0.0, 10.0):
        assert gate.admit(alert(HIGH, "prices-silent"), now_s)
        assert gate.admit(alert(MEDIUM, "prices-back"), now_s + 5.0) is (now_s == 0.0)
    assert not gate.admit(alert(HIGH, "prices-silent"), 30.0)  # it never was over for the person
    assert gate.proven(200.0) == []
    assert not gate.admit(alert(MEDIUM, "prices-back"), 201.0)
    assert gate.proven(230.9) == []
    assert [told.topic for told, _ in gate.proven(231.0)] == ["prices-back"]
    assert gate.admit(alert(HIGH, "prices-silent"), 232.0)
    assert not gate.admit(alert(MEDIUM, "prices-back"), 233.0)
    assert gate.proven(292.9) == []
    assert len(gate.proven(293.0)) == 1


def test_the_ends_of_one_account_are_not_those_of_another():
    """Each account has its own troubles."""
    gate = AlertGate()
    assert gate.admit(alert(HIGH, "HUF/blind"), 0.0, "HUF/")
    assert gate.admit(alert(HIGH, "blind"), 0.0)
    assert gate.admit(alert(MEDIUM, "HUF/broker-back"), 1.0, "HUF/")
    assert gate.admit(alert(HIGH, "HUF/blind"), 2.0, "HUF/")
    assert not gate.admit(alert(HIGH, "blind"), 2.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 100.0)), min_size=1, max_size=60))
def test_whatever_flickers_the_phone_ends_up_with_the_truth(turns):
    """Long after the last change what was said last is how it is, unless nothing was ever wrong."""
    gate, now_s, said = AlertGate(), 0.0, ""
    for bad, after_s in turns:
        now_s += after_s
        for told, _ in gate.proven(now_s):
            said = told.topic
        topic, urgency = ("prices-silent", HIGH) if bad else ("prices-back", MEDIUM)
        if gate.admit(alert(urgency, topic), now_s):
            said = topic
    for told, _ in gate.proven(now_s + 301.0):
        said = told.topic
    assert (said == "prices-silent") is turns[-1][0]
