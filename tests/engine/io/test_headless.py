"""A monitor without a chat prints what would go to the phone."""

from __future__ import annotations

import pytest

from engine.effects import Alert, Answer, Ask, Card, Say
from engine.io.headless import QUIET_S, Headless
from engine.messages import Actor, Wish
from engine.model import Urgency
from tests.support.clock import VirtualClock

AT_S = 1_770_090_000.0  # 3 Feb 2026, 09:10:00 IST


@pytest.fixture
def clock():
    """A clock that a test moves."""
    return VirtualClock(AT_S)


@pytest.fixture
def printed():
    """What was printed, block by block."""
    return []


@pytest.fixture
def chat(clock, printed):
    """Two accounts' ears."""
    return Headless(printed.append, clock)


def alert(text="lost", urgency=Urgency.HIGH):
    """One of one topic."""
    return Alert(urgency, "stop:1", "NIFTY Iron Condor", text)


def test_an_alert_has_its_time_its_urgency_and_its_account(chat, printed):
    """The account is named where it is not the only one."""
    chat.of("default").alert(alert())
    chat.of("huf").alert(alert("two\nlines"))
    assert printed == [
        "09:10:00 HIGH   NIFTY Iron Condor\n                lost",
        "09:10:00 HIGH   huf: NIFTY Iron Condor\n                two\n                lines",
    ]


async def test_one_topic_is_told_once_in_a_while_unless_it_gets_worse(chat, clock, printed):
    """The machine says it at each look; a person needs it once."""
    port = chat.of("default")
    port.alert(alert(urgency=Urgency.MEDIUM))
    port.alert(alert(urgency=Urgency.MEDIUM))
    assert len(printed) == 1
    port.alert(alert(urgency=Urgency.HIGH))
    assert len(printed) == 2
    await clock.advance(QUIET_S[Urgency.HIGH])
    port.alert(alert(urgency=Urgency.HIGH))
    assert len(printed) == 3


def test_a_question_is_printed_once_with_the_way_to_say_yes(chat, printed):
    """Not each of its drawings as prices move, but one that is put once more."""
    port = chat.of("default")
    ask = Ask("n1", Wish.EXIT, "Exit?", ("BUY 65",), AT_S + 60, Urgency.HIGH, "Exit now", "Not now")
    again = Ask(
        "n1", Wish.EXIT, "Exit?", ("BUY 66",), AT_S + 60, Urgency.HIGH, "Exit now", "Not now", again=True
    )
    port.ask(ask)
    port.ask(again)
    assert len(printed) == 1
    assert "python -m engine exit" in printed[0]


def test_a_card_is_printed_when_it_says_something_new(chat, printed):
    """Each step of an exit, not each edit."""
    port = chat.of("default")
    for lines, final in ((("BUY 0/65",), False), (("BUY 0/65",), False), (("BUY 65/65",), True)):
        port.card(Card("c1", "Exiting: 3359", lines, final))
    assert [block.splitlines()[1].strip() for block in printed] == ["BUY 0/65", "BUY 65/65"]


def test_a_reply_is_printed_and_a_toast_is_not(chat, printed):
    """Nobody taps here."""
    chat.of("default").say(Say(Actor(0, 0, "the host"), "Automation is halted."))
    chat.of("default").answer(Answer("c", "Exiting."))
    assert [block.split(maxsplit=1)[1] for block in printed] == ["Automation is halted."]
