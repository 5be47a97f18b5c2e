"""Which alerts are said: cool-downs and storms, on virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts import TOPICS_KEPT, AlertGate
from bot.storms import HIGH_BURST, HIGH_EVERY_S, KINDS_NAMED, STORM_LIMIT, STORM_WINDOW_S, Said
from engine.effects import Alert
from engine.model import Urgency
from tests.bot.house import alert

HIGH, MEDIUM, NORMAL = Urgency.HIGH, Urgency.MEDIUM, Urgency.NORMAL


def admit(gate: AlertGate, one: Alert, now_s: float, of: str = "") -> bool:
    """Whether it is told by itself, now."""
    return gate.admit(one, now_s, of) is Said.NOW


def test_the_same_topic_is_said_once_per_cool_down():
    """HIGH again after a minute, the others after five."""
    gate = AlertGate()
    assert admit(gate, alert(HIGH, "a"), 0.0)
    assert not admit(gate, alert(HIGH, "a"), 59.9)
    assert admit(gate, alert(HIGH, "a"), 60.0)
    assert admit(gate, alert(MEDIUM, "b"), 0.0)
    assert not admit(gate, alert(MEDIUM, "b"), 299.0)
    assert admit(gate, alert(MEDIUM, "b"), 300.0)


def test_an_alert_that_got_worse_is_not_held_by_the_cool_down():
    """MEDIUM then HIGH of one topic are both said; back down to MEDIUM is not."""
    gate = AlertGate()
    assert admit(gate, alert(MEDIUM, "loss"), 0.0)
    assert admit(gate, alert(HIGH, "loss"), 1.0)
    assert not admit(gate, alert(MEDIUM, "loss"), 2.0)


def test_a_storm_becomes_a_summary():
    """What comes after the twelfth in a minute is counted by title and told at once, then each minute."""
    gate = AlertGate()
    said = [admit(gate, alert(NORMAL, f"t{n}"), n * 0.1) for n in range(STORM_LIMIT + 3)]
    assert said.count(True) == STORM_LIMIT
    summary = gate.storms.summary(2.0)
    assert summary is not None
    assert (summary.urgency, summary.title) == (NORMAL, "Storm: 3 more alerts")
    assert summary.text.startswith(f"1 × Normal t{STORM_LIMIT}\n")
    assert not admit(gate, alert(MEDIUM, "late"), 3.0)
    assert gate.storms.summary(3.0) is None
    later = gate.storms.summary(2.0 + STORM_WINDOW_S)
    assert later is not None
    assert (later.urgency, later.title) == (MEDIUM, "Storm: 1 more alert")


def test_a_storm_of_chatter_does_not_hold_back_a_high_alert():
    """HIGH alerts are counted for themselves."""
    gate = AlertGate()
    for n in range(100):
        admit(gate, alert(NORMAL, f"t{n}"), 0.0)
    assert admit(gate, alert(HIGH, "stop"), 0.1)


def test_after_the_storm_alerts_are_said_again():
    """The window slides."""
    gate = AlertGate()
    for n in range(STORM_LIMIT):
        admit(gate, alert(NORMAL, f"t{n}"), 0.0)
    assert not admit(gate, alert(NORMAL, "x"), 59.0)
    assert admit(gate, alert(NORMAL, "y"), 60.0)


def test_a_summary_of_many_kinds_stays_short():
    """Ten titles, then a number."""
    gate = AlertGate()
    for n in range(STORM_LIMIT + 25):
        admit(gate, alert(MEDIUM, f"t{n:03d}"), 0.0)
    summary = gate.storms.summary(0.0)
    assert summary is not None
    assert "and 15 more kinds" in summary.text


def test_topics_are_forgotten_in_the_end():
    """A million topics do not fill the memory."""
    gate = AlertGate()
    for n in range(TOPICS_KEPT + 10):
        admit(gate, alert(NORMAL, f"t{n}"), 10.0 * n)
    assert len(gate._said) == TOPICS_KEPT


def test_a_few_high_alerts_are_told_and_every_further_one_is_counted_at_once():
    """The budget shortens what is said of a HIGH alert, and delays none; the newest stands first."""
    gate = AlertGate()
    said = [gate.admit(alert(HIGH, f"t{n:02d}"), 0.0) for n in range(HIGH_BURST + 30)]
    assert said.count(Said.NOW) == HIGH_BURST
    assert said.count(Said.HELD) == 30
    count = gate.storms.count()
    assert count.alert.title == "Storm: 30 more HIGH alerts"
    assert count.alert.text.startswith("1 × High t33\n1 × High t32\n")
    assert f"and {30 - 2 * KINDS_NAMED} more kinds" in count.alert.text
    assert gate.storms.summary(0.0) is None, "no HIGH alert waits for a summary"


def test_a_chat_that_takes_fewer_now_is_told_fewer_and_the_last_place_is_for_the_count():
    """What other messages have spent is not promised to HIGH alerts."""
    gate = AlertGate()
    said = [gate.admit(alert(HIGH, f"t{n}"), 0.0, room=3.0) for n in range(4)]
    assert said == [Said.NOW, Said.NOW, Said.HELD, Said.HELD]
    assert gate.admit(alert(HIGH, "later"), 5.0, room=1.9) is Said.HELD
    assert gate.admit(alert(HIGH, "alone"), 10.0, room=2.0) is Said.NOW


def test_the_count_of_a_storm_is_one_message_a_minute():
    """Within its minute it is edited, after that a new one begins; a topic in it is counted once."""
    gate = AlertGate()
    for n in range(HIGH_BURST):
        gate.admit(alert(HIGH, f"t{n}"), 0.0)
    counts = []
    for at_s, topic in ((0.0, "a"), (0.1, "a"), (0.2, "b"), (61.0, "c")):
        gate.storms._tokens, gate.storms._tokens_s = 0.0, at_s
        if gate.admit(alert(HIGH, topic), at_s) is Said.HELD:
            counts.append(gate.storms.count())
    assert [(count.first, count.alert.title.split()[1]) for count in counts] == [
        (True, "1"), (False, "2"), (True, "1"),
    ]  # fmt: skip
    assert counts[0].window == counts[1].window != counts[2].window


def test_a_trouble_that_was_only_counted_has_an_end_and_may_come_back():
    """The count is the word on it: its end is told, and what comes back after that is no repetition."""
    gate = AlertGate()
    for n in range(HIGH_BURST):
        gate.admit(alert(HIGH, f"t{n}"), 0.0)
    said = [
        gate.admit(alert(urgency, topic), at_s)
        for at_s, urgency, topic in (
            (0.0, HIGH, "prices-silent"), (1.0, HIGH, "prices-silent"), (10.0, MEDIUM, "prices-back"),
            (10.5, HIGH, "prices-silent"), (20.0, MEDIUM, "prices-back"),
        )
    ]  # fmt: skip
    assert said == [Said.HELD, Said.NOT, Said.NOW, Said.NOW, Said.LATER]


def test_what_was_only_counted_is_told_when_it_comes_again():
    """To be named in a summary is not to be told: after it the same topic is said in full."""
    gate = AlertGate()
    for n in range(STORM_LIMIT + 1):
        gate.admit(alert(NORMAL, f"t{n}"), 0.0)
    assert gate.admit(alert(NORMAL, f"t{STORM_LIMIT}"), 0.5) is Said.NOT
    assert gate.storms.summary(1.0) is not None
    assert gate.admit(alert(NORMAL, f"t{STORM_LIMIT}"), STORM_WINDOW_S) is Said.NOW


def test_a_later_life_goes_on_with_what_was_held_back():
    """The summary comes at once, and an end on trial proves itself anew."""
    gate = AlertGate()
    gate.take_up([alert(NORMAL, "a")], [(alert(MEDIUM, "HUF/prices-back"), "HUF/")], 100.0)
    summary = gate.storms.summary(100.0)
    assert summary is not None
    assert summary.title == "Storm: 1 more alert"
    assert gate.ending("HUF/prices-silent", "HUF/")
    assert gate.proven(129.0) == []
    assert [told.topic for told, _ in gate.proven(130.0)] == ["HUF/prices-back"]


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Urgency), st.integers(0, 40)), max_size=120))
def test_every_alert_is_said_counted_or_a_repetition(steps: list[tuple[float, Urgency, int]]):
    """Nothing is lost: each is told, counted at once or in a summary, or repeats what was told or counted."""
    gate, now_s = AlertGate(), 0.0
    told, counted, held, repeated = 0, 0, 0, 0
    seen: set[int] = set()
    for wait_s, urgency, topic in steps:
        now_s += wait_s
        waiting = len(gate.storms.held)
        match gate.admit(alert(urgency, str(topic)), now_s):
            case Said.NOW:
                told += 1
            case Said.HELD if urgency is HIGH:
                assert f"High {topic}" in gate.storms.count().alert.text
                counted += 1
            case Said.HELD:  # one that has only become more urgent is counted once
                held += len(gate.storms.held) - waiting
                repeated += 1 - (len(gate.storms.held) - waiting)
            case _:
                assert topic in seen
                repeated += 1
        seen.add(topic)
        if summary := gate.storms.summary(now_s):
            held -= int(summary.title.split()[1])
            counted += int(summary.title.split()[1])
    if summary := gate.storms.summary(now_s + STORM_WINDOW_S):
        held -= int(summary.title.split()[1])
        counted += int(summary.title.split()[1])
    assert held == 0
    assert told + counted + repeated == len(steps)


@given(st.lists(st.floats(0, 4), min_size=1, max_size=60))
def test_high_alerts_keep_to_what_the_chat_takes(waits: list[float]):
    """However they come, those told by themselves are within the burst and one in five seconds."""
    gate, now_s, told = AlertGate(), 0.0, []
    for n, wait_s in enumerate(waits):
        now_s += wait_s
        if gate.admit(alert(HIGH, f"t{n}"), now_s) is Said.NOW:
            told.append(now_s)
    for first in range(len(told)):
        for last in range(first, len(told)):
            assert last - first + 1 <= HIGH_BURST + (told[last] - told[first]) / HIGH_EVERY_S + 1e-6


def test_trouble_that_comes_back_is_told_at_once():
    """The phone may not go on saying that prices arrive while none do, whatever the cool-down."""
    gate = AlertGate()
    assert admit(gate, alert(HIGH, "prices-silent"), 0.0)
    assert admit(gate, alert(MEDIUM, "prices-back"), 10.0)
    assert admit(gate, alert(HIGH, "prices-silent"), 20.0)


def test_the_second_end_of_a_trouble_has_to_last_before_it_is_told():
    """What flickers is one trouble for the person; each end that is told makes the next one wait longer."""
    gate = AlertGate()
    for now_s in (0.0, 10.0):
        assert admit(gate, alert(HIGH, "prices-silent"), now_s)
        assert admit(gate, alert(MEDIUM, "prices-back"), now_s + 5.0) is (now_s == 0.0)
    assert not admit(gate, alert(HIGH, "prices-silent"), 30.0)  # it never was over for the person
    assert gate.proven(200.0) == []
    assert not admit(gate, alert(MEDIUM, "prices-back"), 201.0)
    assert gate.proven(230.9) == []
    assert [told.topic for told, _ in gate.proven(231.0)] == ["prices-back"]
    assert admit(gate, alert(HIGH, "prices-silent"), 232.0)
    assert not admit(gate, alert(MEDIUM, "prices-back"), 233.0)
    assert gate.proven(292.9) == []
    assert len(gate.proven(293.0)) == 1


def test_the_ends_of_one_account_are_not_those_of_another():
    """Each account has its own troubles."""
    gate = AlertGate()
    assert admit(gate, alert(HIGH, "HUF/blind"), 0.0, "HUF/")
    assert admit(gate, alert(HIGH, "blind"), 0.0)
    assert admit(gate, alert(MEDIUM, "HUF/broker-back"), 1.0, "HUF/")
    assert admit(gate, alert(HIGH, "HUF/blind"), 2.0, "HUF/")
    assert not admit(gate, alert(HIGH, "blind"), 2.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 100.0)), min_size=1, max_size=60))
def test_whatever_flickers_the_phone_ends_up_with_the_truth(turns):
    """Long after the last change what was said last is how it is, unless nothing was ever wrong."""
    gate, now_s, said = AlertGate(), 0.0, ""
    for bad, after_s in turns:
        now_s += after_s
        for told, _ in gate.proven(now_s):
            said = told.topic
        topic, urgency = ("prices-silent", HIGH) if bad else ("prices-back", MEDIUM)
        if admit(gate, alert(urgency, topic), now_s):
            said = topic
    for told, _ in gate.proven(now_s + 301.0):
        said = told.topic
    assert (said == "prices-silent") is turns[-1][0]


def test_a_month_of_troubles_that_ended_leaves_no_more_behind_than_a_day():
    """What is over for longer than a flicker lasts is forgotten, as the next end of it begins anew anyway."""
    gate, sizes = AlertGate(), []
    for day in range(30):
        for n in range(20):
            now_s = day * 86_400.0 + n * 60
            admit(gate, alert(HIGH, f"account {day}-{n} down"), now_s)
            admit(gate, alert(MEDIUM, f"account {day}-{n} up"), now_s + 30)
        gate.proven(day * 86_400.0 + 43_200)
        sizes.append(len(gate._ends))
    assert sizes == [0] * 30
