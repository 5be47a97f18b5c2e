"""A stop that nobody answers: what makes the count of vain questions begin anew, and the one alarm of it."""

from __future__ import annotations

import pytest

from engine.effects import Alert, Ask
from engine.escalation import Alarm, Escalation, Ladder
from engine.messages import Command, Wish
from engine.model import Urgency
from engine.tuning import AskTuning
from tests.engine.test_exit_questions import LOSS, fresh, stopped
from tests.support.rig import OWNER


def waiting(questions):
    """A rig whose owner lets stops act by themselves, in the middle of the question of that number."""
    rig = stopped(asking=AskTuning(stop_exits=True))
    rig.wait(62 * (questions - 1) + 20, *LOSS)
    assert len(fresh(rig)) == questions
    return rig


def left(rig):
    """The newest question's word on how often it may be left unanswered."""
    return fresh(rig)[-1].lines[-1]


def asks_anew(rig):
    """That what follows is a first question, and no order of its own accord."""
    placed, questions = len(rig.placed), len(fresh(rig))
    rig.wait(70, *LOSS)
    assert len(rig.placed) == placed
    assert len(fresh(rig)) > questions
    assert fresh(rig)[questions].lines[-1] == "Unanswered 3x more: it exits"


def test_after_an_exit_by_itself_was_stopped_the_owner_is_asked_again():
    """/stop takes the exit back; after /resume the next exit needs three vain questions of its own."""
    rig = waiting(3)
    rig.broker_answers = False
    while not rig.monitor.desk.intents:
        rig.wait(0.5, *LOSS)
    rig.command(Wish.STOP)
    rig.broker_answers = True
    rig.wait(5, *LOSS)
    assert not rig.flat
    rig.command(Wish.RESUME, confirmed=True)
    asks_anew(rig)


def test_the_start_of_an_exit_by_itself_uses_the_count_up():
    """Whatever becomes of it, another is asked about."""
    rig = waiting(3)
    rig.broker_answers = False
    while not rig.monitor.desk.intents:
        rig.wait(0.5, *LOSS)
    (position,) = rig.monitor.helm.holdings.positions
    (verdict,) = (intent.verdict for intent in rig.monitor.desk.live())
    assert not rig.monitor.helm.dialogue.exits.acts_alone(position, verdict, rig.now_s)


def test_a_stop_during_the_third_question_makes_the_count_begin_anew():
    """Whoever halts the rules is there."""
    rig = waiting(3)
    assert left(rig) == "Unanswered 1x more: it exits"
    rig.command(Wish.STOP)
    rig.wait(2, *LOSS)
    rig.command(Wish.RESUME, confirmed=True)
    asks_anew(rig)


@pytest.mark.parametrize(
    ("wish", "strategy_id", "value"),
    [
        (Wish.SNOOZE, 3359, ""),
        (Wish.EXIT, 3359, ""),
        (Wish.EXIT, None, ""),
        (Wish.SET, 3359, "-0.51"),
        (Wish.MODE, None, ""),
        (Wish.RESUME, None, ""),
        (Wish.FLATTEN, None, ""),
    ],
)
def test_a_word_about_the_position_or_the_whole_makes_the_count_begin_anew(wish, strategy_id, value):
    """Somebody is there, whatever was asked for."""
    rig = waiting(3)
    rig.tell(Command(wish, OWNER, strategy_id, rule="stop_loss" * (wish is Wish.SET), value=value))
    rig.wait(60, *LOSS)
    assert not rig.placed
    assert left(rig) == "Unanswered 2x more: it exits"  # the third was left unanswered after that


def test_a_word_about_another_position_changes_nothing():
    """It says nothing of this one."""
    rig = waiting(3)
    rig.tell(Command(Wish.SNOOZE, OWNER, 4711))
    rig.wait(60, *LOSS)
    assert rig.placed


def test_a_press_that_comes_too_late_is_a_word_too():
    """Nothing is done, but nobody may say that the question was in vain."""
    rig = waiting(3)
    third = fresh(rig)[-1]
    rig.now_s = third.expires_s
    rig.tap(third.nonce)
    rig.wait(5, *LOSS)
    assert not rig.placed
    assert left(rig) == "Unanswered 3x more: it exits"


def test_a_press_just_too_late_on_the_third_question_is_promised_no_exit():
    """The alert says what will happen: the question again, and no exit by itself."""
    rig = stopped(asking=AskTuning(stop_exits=True))
    while len(fresh(rig)) < 3:
        rig.wait(1, *LOSS)
    third = fresh(rig)[-1]
    rig.now_s = third.expires_s + 0.01
    rig.said.clear()
    rig.tap(third.nonce)
    assert [alert.text.rpartition("; ")[2] for alert in rig.of(Alert)] == ["you are asked again."]
    rig.wait(20, *LOSS)
    assert rig.placed == []


def test_whatever_waits_unanswered_of_one_position_is_one_alarm():
    """Each reminder and each new question renews it: ten minutes are not twenty alarms."""
    rig = stopped()
    rig.wait(660, *LOSS)
    waits = [alert for alert in rig.of(Alert) if alert.title == "A stop waits for your answer"]
    assert len(waits) >= 20
    book = Escalation(Ladder())
    for place, alert in enumerate(waits):
        assert alert.urgency is Urgency.HIGH
        book.sound(Alarm(f"{place:05}", alert.topic, "", alert.title, alert.text, alert.position, 0.0, 0.0))
    assert len(book.open) == 1
    assert len(rig.of(Ask)) > 10
