"""How loud, how urgent and for how long each thing said is on its way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.layout import Page
from bot.letters import alert_letter, card_letters, question_letter, reply_letter
from bot.queue import RESERVE, Rank
from bot.store import CardPlace
from engine.model import Urgency
from tests.bot.house import AT_S, QuickClock, alert, card, question

WALL_S = 1_800_000_000.0


@pytest.mark.parametrize(
    ("urgency", "rank", "silent"),
    [
        (Urgency.HIGH, Rank.HIGH, False),
        (Urgency.MEDIUM, Rank.MEDIUM, False),
        (Urgency.NORMAL, Rank.NORMAL, True),
    ],
)
def test_an_alerts_urgency_is_its_rank_and_its_sound(urgency: Urgency, rank: Rank, silent: bool):  # noqa: FBT001
    """HIGH and MEDIUM are heard, NORMAL only seen; all of them outlive a restart."""
    letter = alert_letter(alert(urgency, "t"), AT_S, WALL_S)
    assert (letter.rank, letter.silent, letter.durable) == (rank, silent, True)
    assert letter.delayed_after_s == 120.0


def test_a_question_is_worth_nothing_after_its_end():
    """Its life on the wall clock is what is left of it on the monitor's."""
    clock = QuickClock()
    letter = question_letter(question(clock, left_s=60.0), clock.now_s(), WALL_S)
    assert letter.until_s == pytest.approx(WALL_S + 60.0, abs=0.5)
    assert (letter.thread, letter.durable) == ("nonce0000", True)


@pytest.mark.parametrize(("anew", "rank"), [(False, Rank.EDIT), (True, Rank.REPLY)])
def test_a_question_drawn_again_edits_without_haste_unless_a_yes_did_not_count(anew, rank):
    """Its yes names the edition, so that a press tells what it has seen."""
    clock = QuickClock()
    ask = replace(question(clock), again=True, anew=anew, edition=3)
    letter = question_letter(ask, clock.now_s(), WALL_S)
    ((yes, no),) = letter.page.keyboard
    assert (yes.data, no.data) == ("c:nonce0000:y3", "c:nonce0000:n")
    assert (letter.rank, letter.keeps_buttons, letter.durable) == (rank, True, True)


def test_a_rules_question_is_heard_and_a_persons_own_is_a_reply():
    """What a rule asks comes first and aloud; what was just asked for stays in line, silently."""
    clock = QuickClock()
    mine = question(clock)
    asked = question_letter(mine, clock.now_s(), WALL_S)
    assert (asked.rank, asked.silent) == (Rank.REPLY, True)
    rules = question_letter(replace(mine, urgency=Urgency.MEDIUM), clock.now_s(), WALL_S)
    assert (rules.rank, rules.silent) == (Rank.QUESTION, False)


def test_the_first_card_of_an_exit_nobody_asked_about_is_news():
    """It has no message yet, so it is ranked like an alert of its urgency."""
    [letter] = card_letters(card("x1", final=False, urgency=Urgency.MEDIUM), None, WALL_S)
    assert (letter.rank, letter.silent) == (Rank.MEDIUM, False)


def test_a_card_that_changes_by_itself_does_not_hurry():
    """Until somebody answered, it is edited from spare budget and keeps its buttons."""
    [letter] = card_letters(card("x1", final=False), CardPlace(7), WALL_S)
    assert (letter.rank, letter.keeps_buttons) == (Rank.EDIT, True)


def test_a_card_after_a_tap_hurries_and_leaves_room_for_a_reply():
    """Whoever taps waits for the outcome, and may send /stop while the exit runs."""
    [letter] = card_letters(card("x1", final=False), CardPlace(7, answered=True), WALL_S)
    assert letter.rank is Rank.MEDIUM
    assert RESERVE[letter.rank] > RESERVE[Rank.REPLY]


@pytest.mark.parametrize(("answered", "rank"), [(True, Rank.REPLY), (False, Rank.MEDIUM)])
def test_a_good_end_is_an_edit_that_outlives_a_restart(answered: bool, rank: Rank):  # noqa: FBT001
    """The buttons of a closed question have to go, at once for whoever answered it."""
    [letter] = card_letters(card("x1"), CardPlace(7, answered=answered), WALL_S)
    assert (letter.rank, letter.thread, letter.durable, letter.keeps_buttons) == (rank, "x1", True, False)


def test_a_bad_end_is_also_a_loud_message_of_its_own():
    """An edit makes no sound."""
    loud, edit = card_letters(card("x1", urgency=Urgency.HIGH), CardPlace(7), WALL_S)
    assert (loud.rank, loud.thread, loud.silent) == (Rank.HIGH, "", False)
    assert (edit.thread, edit.edit_only) == ("x1", True)


def test_a_reply_is_silent_and_not_kept():
    """Who asked is looking; and the answer to a command is useless after a restart."""
    letter = reply_letter(Page("text"), WALL_S)
    assert (letter.silent, letter.durable) == (True, False)
