"""What a verdict may become, and how a question is answered once."""

from __future__ import annotations

import pytest

from engine.effects import Settle
from engine.gate import Decision, Questions, Status, decide, snooze_s
from engine.messages import Wish
from engine.model import Action, Mode, PositionId, Urgency, Verdict

P = PositionId("default/3359")


def verdict(action):
    return Verdict("stop_loss", action, Urgency.HIGH, -1, -1, 1.0, "loss")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.SIMULATE, Decision.ACT),
        (Mode.ALERT_ONLY, Decision.TELL),
        (Mode.SEMI_AUTO, Decision.ASK),
        (Mode.EXECUTE, Decision.ACT),
    ],
)
def test_the_mode_decides_what_an_exit_verdict_becomes(mode, expected):
    """Each mode has one answer; /stop, trouble, or a mere alert make it a word in all of them."""
    close = verdict(Action.CLOSE_IMMEDIATELY)
    assert decide(mode, close, halted=False, degraded="") is expected
    assert decide(mode, close, halted=True, degraded="") is Decision.TELL
    assert decide(mode, close, halted=False, degraded="no journal") is Decision.TELL
    assert decide(mode, verdict(Action.ALERT), halted=False, degraded="") is Decision.TELL


def ask(questions, now_s=0.0):
    return questions.issue(Wish.EXIT, (P,), ((1, 65),), None, "3359", now_s, forced=False)[0]


def test_a_question_is_settled_once_and_then_unknown():
    """The settling is a compare-and-set from pending; afterwards the nonce means nothing."""
    questions = Questions(b"0123456789abcdef")
    asked = ask(questions)
    assert questions.held(P)
    assert questions.settle(asked, Status.CONFIRMED) == Settle(asked.nonce, "pending", "confirmed")
    assert questions.get(asked.nonce) is None
    assert not questions.held(P)


def test_nonces_differ_between_questions_and_between_processes():
    """Nobody can guess the next nonce from the last one, nor replay one of yesterday's process."""
    one, two = Questions(b"0123456789abcdef"), Questions(b"fedcba9876543210")
    assert len({ask(one).nonce, ask(one).nonce, ask(two).nonce, ask(two).nonce}) == 4


def test_a_question_dies_of_age():
    """Sixty seconds, not one more."""
    questions = Questions(b"0123456789abcdef")
    asked = ask(questions, 100.0)
    assert questions.expired(159.9) == []
    assert questions.expired(160.0) == [asked]


def test_only_pending_questions_come_back_from_the_journal():
    """What was answered before the crash stays answered."""
    first = Questions(b"0123456789abcdef")
    asked, record = first.issue(
        Wish.EXIT, (P,), ((1, 65),), verdict(Action.CLOSE_POSITION), "x", 0.0, forced=False
    )
    second = Questions(b"0123456789abcdef")
    second.restore([record.value, record.value | {"nonce": "gone", "status": "confirmed"}])
    assert second.pending() == [asked]


def test_a_declined_loss_is_left_alone_for_less_long_than_a_declined_profit():
    """Five minutes for a stop, half an hour for the rest."""
    assert snooze_s(verdict(Action.CLOSE_IMMEDIATELY)) == 300.0
    assert snooze_s(verdict(Action.CLOSE_POSITION)) == 1800.0
