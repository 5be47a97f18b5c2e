"""How alarms climb while nobody sees them, on virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.escalation import ALARMS_KEPT, APART_S, Alarm, Escalation, Ladder

USUAL = Ladder()
CLIMBING = Ladder(gaps_s=(60.0, 120.0, 300.0), second_after_s=180.0, channel_after_s=300.0)


def alarm(name: str = "stop", at_s: float = 0.0, position: str | None = None) -> Alarm:
    """An alarm raised at this moment."""
    return Alarm(name, name, "", f"Alarm {name}", "Something is wrong.", position, at_s, at_s)


def calls(climb: Escalation, until_s: int, *, unreached: bool = False) -> list[tuple[int, bool, bool]]:
    """Look each second: when a call comes, and to whom beside the chat."""
    looks = ((at_s, climb.call(float(at_s), unreached=unreached)) for at_s in range(until_s + 1))
    return [(at_s, call.second, call.channel) for at_s, call in looks if call is not None]


def test_an_unseen_alarm_is_told_again_by_the_usual_pauses_for_ever():
    """After 1, 3, 5, 10 and 20 minutes, then every ten; to nobody else when nobody else is set."""
    climb = Escalation(USUAL)
    climb.sound(alarm())
    minutes = [at_s / 60 for at_s, second, channel in calls(climb, 2_400) if not (second or channel)]
    assert minutes == [1, 3, 5, 10, 20, 30, 40]


def test_it_climbs_to_a_second_person_and_to_another_channel_and_stays_there():
    """Each rung is told from its minute on, also between two repeats."""
    climb = Escalation(CLIMBING)
    climb.sound(alarm())
    assert calls(climb, 800) == [
        (60, False, False), (180, True, False), (300, True, True), (600, True, True),
    ]  # fmt: skip


def test_a_chat_that_cannot_be_reached_brings_the_other_channel_in_at_the_first_repeat():
    """Nobody hears a repeat that is not delivered."""
    climb = Escalation(CLIMBING)
    climb.sound(alarm())
    assert calls(climb, 100, unreached=True) == [(60, False, True)]


def test_what_ended_is_not_told_again():
    """Seen or over, it is gone; the others go on."""
    climb = Escalation(USUAL)
    climb.sound(alarm("a"))
    climb.sound(alarm("b", 1.0))
    assert [gone.id for gone in climb.end(lambda each: each.id == "a")] == ["a"]
    call = climb.call(61.0)
    assert call is not None
    assert [each.id for each in call.alarms] == ["b"]
    assert climb.end(lambda _: True)
    assert calls(climb, 3_600) == []


def test_alarms_that_are_due_together_are_one_call_and_calls_keep_apart():
    """Fifty alarms within a minute are not fifty repeats."""
    climb = Escalation(USUAL)
    for n in range(50):
        climb.sound(alarm(f"a{n:02d}", float(n)))
    at_s = [at for at, _, _ in calls(climb, 120)]
    assert len(at_s) <= 3
    assert all(later - earlier >= APART_S for earlier, later in pairwise(at_s))


def test_told_anew_it_keeps_its_name_age_and_rung():
    """The same trouble, told again by its rule, is the same alarm; its next repeat waits anew."""
    climb = Escalation(CLIMBING)
    climb.sound(alarm())
    calls(climb, 180)
    again, _ = climb.sound(replace(alarm("stop", 200.0), id="other", title="Worse"))
    assert (again.id, again.title, again.raised_s, again.second) == ("stop", "Worse", 0.0, True)
    assert climb.call(201.0) is None


def test_one_that_is_perhaps_over_waits_where_it_is():
    """While its end has to prove itself nothing is repeated; it comes at once if the trouble is back."""
    climb = Escalation(USUAL)
    climb.sound(alarm())
    assert climb.call(70.0, waits=lambda _: True) is None
    assert climb.call(71.0) is not None


def test_it_survives_a_restart_and_is_called_at_once_when_it_is_late():
    """What was kept is what goes on, with its age."""
    climb = Escalation(CLIMBING)
    climb.sound(alarm())
    calls(climb, 60)
    kept = [Alarm.from_json(each.to_json()) for each in climb.open]
    again = Escalation(CLIMBING, kept)
    assert again.open == climb.open
    call = again.call(3_600.0)
    assert call is not None
    assert (call.alarms[0].told, call.second, call.channel) == (3, True, True)


def test_the_oldest_of_too_many_is_given_up_and_named():
    """A full register loses nothing without saying so."""
    climb = Escalation(USUAL)
    gone = [climb.sound(alarm(f"a{n:04d}", float(n)))[1] for n in range(ALARMS_KEPT + 1)]
    assert [each.id for each in gone if each is not None] == ["a0000"]
    assert len(climb.open) == ALARMS_KEPT


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), min_size=1, max_size=25),
    st.lists(st.integers(0, 5), max_size=5),
)
def test_whatever_is_open_is_told_within_its_pause(raised: list[tuple[int, int]], seen: list[int]):
    """No open alarm is silent for longer than its gap and the pause between calls; no seen one speaks."""
    climb = Escalation(USUAL)
    for name, at_s in sorted(raised, key=lambda each: each[1]):
        climb.sound(alarm(str(name), float(at_s)))
    climb.end(lambda each: int(each.id) in seen)
    for at_s in range(201, 1_500):
        call = climb.call(float(at_s))
        assert call is None or all(int(each.id) not in seen for each in call.alarms)
        for each in climb.open:
            gap_s = USUAL.gaps_s[min(each.told, len(USUAL.gaps_s)) - 1]
            assert at_s - each.last_s <= max(gap_s, 201.0) + APART_S


@given(
    st.lists(st.tuples(st.integers(-90_000, 90_000), st.integers(1, 900)), min_size=1, max_size=6),
    st.integers(0, 4_000),
)
def test_a_clock_that_is_set_silences_nothing(jumps: list[tuple[int, int]], before_s: int):
    """However the clock jumps, the next telling comes within its pause of seconds that really passed."""
    climb, clock_s = Escalation(CLIMBING), 1_000_000.0
    climb.sound(alarm("stop", clock_s))
    for jump_s, lasts_s in [(0, before_s), *jumps]:
        clock_s += jump_s
        silent_s = 0
        for _ in range(lasts_s):
            clock_s += 1
            told = climb.open[0].told
            silent_s = 0 if climb.call(clock_s) is not None else silent_s + 1
            pause_s = CLIMBING.gaps_s[min(told, len(CLIMBING.gaps_s)) - 1]
            assert silent_s <= pause_s + APART_S


def test_a_clock_that_is_set_back_an_hour_leaves_the_age_and_the_pause():
    """The second telling comes a pause after the jump, and the second person by the age that was known."""
    climb = Escalation(CLIMBING)
    climb.sound(alarm("stop", 10_000.0))
    assert climb.call(10_060.0) is not None
    assert climb.call(6_400.0) is None
    assert (climb.open[0].raised_s, climb.open[0].last_s) == (6_340.0, 6_400.0)
    called = climb.call(6_520.0)
    assert called is not None
    assert called.second
