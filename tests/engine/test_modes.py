"""/mode: lowered at once, raised with two keys and never above the host's own; exits that run go on."""

from __future__ import annotations

import pytest

from engine.effects import Alert, Ask, Card, Say
from engine.messages import Actor, Command, Tap, Wish
from engine.model import Mode
from tests.engine import test_flattening as flattening
from tests.engine import test_limits as limits
from tests.engine.test_two_keys import code_in
from tests.support.rig import OWNER, Rig

ENTRY = (20, 45, 40, 18)
LOSS = (20, 85, 85, 18)
OPERATOR = Actor(7, 42, "Ravi")


def mode(rig, value="", by=OWNER):
    """Somebody writes /mode; what is said."""
    rig.tell(Command(Wish.MODE, by, value=value, owner=by is OWNER))
    return rig.of(Say)[-1].text if rig.of(Say) else ""


def code(rig, by=OWNER):
    """Type the code of the newest card."""
    rig.tell(Command(Wish.CODE, by, value=code_in(rig.said), owner=True))


def watched(start=Mode.EXECUTE):
    """A monitor with quotes."""
    rig = Rig(start)
    rig.wait(1, *ENTRY)
    return rig


def now(rig):
    return rig.monitor.helm.mode


def test_it_is_shown_with_what_it_means_and_how_it_moves():
    """And what the host allows, where that is more."""
    rig = watched()
    said = "Mode execute: exits are placed by themselves. /mode alert-only or /mode semi-auto lowers it"
    assert mode(rig).startswith(said)
    mode(rig, "semi-auto")
    assert "The host allows execute. /mode alert-only lowers it at once; raising it takes" in mode(rig)
    mode(rig, "alert-only")
    assert mode(rig).endswith("The host allows execute. Raising it takes an owner, a code and 60 s.")
    assert mode(watched(Mode.ALERT_ONLY)).endswith("Mode alert-only: alerts only, no orders.")


@pytest.mark.parametrize("word", ["semi-auto", "SEMI", "semi auto", "semi_auto"])
def test_lowering_counts_at_once_for_whoever_may_exit(word):
    """The next stop asks instead of acting."""
    rig = watched()
    assert mode(rig, word, OPERATOR).startswith("Mode semi-auto now, it was execute")
    rig.wait(20, *LOSS)
    assert rig.of(Ask)[0].title.startswith("Stop loss")
    assert not rig.placed


def test_lowered_to_alerts_nothing_begins_and_open_questions_of_rules_are_void():
    """The stop is told; a hand's exit is refused with the way out."""
    rig = watched(Mode.SEMI_AUTO)
    while not rig.of(Ask):
        rig.wait(0.5, *LOSS)
    mode(rig, "alert-only")
    assert rig.of(Card)[-1].lines == ("The mode is alert-only now; nothing was sent.",)
    rig.tap(rig.of(Ask)[0].nonce)
    rig.command()
    assert rig.of(Say)[-1].text.endswith("or /mode raises it again.")
    rig.wait(10, *LOSS)
    assert any("Alert-only: nothing was sent" in alert.text for alert in rig.of(Alert))
    assert not rig.placed


def test_an_exit_that_runs_when_the_mode_is_lowered_ends_flat_also_after_a_restart():
    """What is half closed is not left so."""
    rig = watched()
    rig.broker_answers = False  # so that it runs, and has sent nothing
    while not rig.monitor.desk.intents:
        rig.wait(0.5, *LOSS)
    assert mode(rig, "alert-only").endswith(
        "What is exiting already goes on to its end. Raising it again takes an owner."
    )
    assert not rig.placed
    rig.broker_answers = True
    rig.start()
    assert now(rig) is Mode.ALERT_ONLY
    rig.wait(60, *LOSS)
    assert rig.flat


def test_raising_takes_the_code_and_the_minute_and_the_rules_act_then():
    """Not before the end of the minute."""
    rig = watched()
    mode(rig, "alert-only")
    mode(rig, "execute")
    ask = rig.of(Ask)[-1]
    assert ask.title == "Raise the mode to execute?"
    assert ask.lines[:4] == (
        "Now: alert-only",
        "  alerts only, no orders",
        "New: execute",
        "  exits are placed by themselves",
    )
    code(rig)
    rig.wait(59, *ENTRY)
    assert now(rig) is Mode.ALERT_ONLY
    assert "raise the mode to execute. /stop cancels." in mode(rig)
    rig.wait(2, *ENTRY)
    assert now(rig) is Mode.EXECUTE
    assert rig.of(Card)[-1].done
    rig.wait(30, *LOSS)
    assert rig.flat


def test_a_stop_that_was_told_while_lowered_acts_once_raised():
    """It is still met: the rules are judged anew."""
    rig = watched()
    mode(rig, "alert-only")
    rig.wait(10, *LOSS)
    mode(rig, "execute")
    code(rig)
    rig.wait(80, *LOSS)
    assert rig.flat


def test_a_day_limit_that_was_told_while_lowered_acts_once_raised():
    """It is told once, waits for the mode as it waits for the end of a halt, and then sends."""
    rig = Rig(Mode.EXECUTE, limits.CONDOR, limits.LONG, rules=limits.RULES)
    rig.wait(1, *limits.ENTRY)
    mode(rig, "alert-only")
    rig.wait(60, *limits.DOWN)
    assert [alert.title for alert in rig.of(Alert)].count("Day limit of account default") == 1
    assert rig.placed == []
    mode(rig, "execute")
    code(rig)
    rig.wait(70, *limits.DOWN)
    assert now(rig) is Mode.EXECUTE
    assert rig.placed != []


def test_a_wish_to_be_flat_ends_with_a_lowered_mode():
    """No exit of it begins any more and Dhan's kill switch stays off; the card says why."""
    made = flattening.rig(nets=flattening.KILL_ONLY)
    flattening.confirm(made)
    made.wait(1, *flattening.MIDS)
    mode(made, "alert-only")
    made.wait(flattening.LONG_S, *flattening.MIDS)
    assert (made.wish["step"], made.wish["note"]) == ("stopped", "The mode was lowered by Asha.")
    assert made.sent == []
    assert not made.killed


def test_stop_during_the_minute_cancels():
    """And so does lowering further."""
    for how in ("stop", "lower"):
        rig = watched()
        mode(rig, "semi-auto")
        mode(rig, "execute")
        code(rig)
        rig.wait(10, *ENTRY)
        if how == "stop":
            rig.command(Wish.STOP)
        else:
            mode(rig, "alert-only", OPERATOR)
        assert rig.of(Card)[-1].title == "Not done: Raise the mode to execute"
        rig.wait(120, *ENTRY)
        assert now(rig) is not Mode.EXECUTE


def test_an_operator_raises_nothing_and_an_owner_nothing_above_the_host():
    """Each with its reason, without a card."""
    rig = watched(Mode.SEMI_AUTO)
    assert mode(rig, "execute") == (
        "The host allows semi-auto at most; start it with --execute for more. Nothing was changed."
    )
    mode(rig, "alert-only", OPERATOR)
    assert mode(rig, "semi-auto", OPERATOR) == "Raising the mode needs an owner. Nothing was changed."
    assert mode(rig, "loud").startswith("“loud” is no mode.")
    assert not rig.of(Ask)


def test_simulate_is_entered_and_left_on_the_host_alone():
    """Paper has a journal of its own."""
    assert "start or leave it on the host" in mode(watched(), "simulate")
    rig = watched(Mode.SIMULATE)
    assert (
        mode(rig, "execute") == "The host runs simulate; another mode is started there. Nothing was changed."
    )
    assert now(rig) is Mode.SIMULATE


def test_a_lowered_mode_survives_a_restart_and_a_raised_one_is_the_hosts_again():
    """Whatever the host is started in next, lowered stays lowered, and never goes above it."""
    rig = watched()
    mode(rig, "semi-auto")
    rig.start()
    assert now(rig) is Mode.SEMI_AUTO
    rig.wait(1, *ENTRY)
    mode(rig, "execute")
    code(rig)
    rig.wait(61, *ENTRY)
    rig.mode = Mode.SEMI_AUTO
    rig.start()
    assert now(rig) is Mode.SEMI_AUTO
    rig.mode = Mode.EXECUTE
    rig.start()
    assert now(rig) is Mode.EXECUTE


def test_a_restart_in_the_minute_raises_nothing_and_the_card_says_so():
    """No old press or word brings it back."""
    rig = watched()
    mode(rig, "semi-auto")
    mode(rig, "execute")
    ask = rig.of(Ask)[-1]
    code(rig)
    rig.start()
    rig.wait(90, *ENTRY)
    assert now(rig) is Mode.SEMI_AUTO
    assert rig.of(Card)[-1].lines == ("The monitor was restarted meanwhile; nothing was changed.",)
    rig.tell(Tap(ask.nonce, yes=True, by=OWNER, callback_id="c"))
    code(rig)
    assert rig.of(Say)[-1].text == "Nothing waits for a code."
    assert now(rig) is Mode.SEMI_AUTO
