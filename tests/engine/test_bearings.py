"""At the start everything is read before a rule may act; an exit that runs needs only the broker's books."""

from __future__ import annotations

import pytest

from engine.bearings import PATIENCE_S, Bearings
from engine.effects import Alert, QueryBroker, Say
from engine.messages import Beat, BeatKind, BrokerReport, TradesLoaded, Wish
from engine.model import Mode, Urgency
from tests.engine.makers import OPENED
from tests.engine.test_monitor import ENTRY, LOSS, PROFIT
from tests.support.rig import OWNER, Rig


class Silent(Rig):
    """A rig to which nobody answers."""

    def ask_the_world(self, effect):
        return []


def alarms(rig):
    """What was told of the start."""
    return [a for a in rig.of(Alert) if a.title in {"Prahari only alerts", "Start-up is complete"}]


def closed_for(rig, name):
    """Make the store, or the broker, silent from the next start on."""
    setattr(rig, f"{name}_answers", False)
    rig.said.clear()
    rig.start()


def test_an_exit_that_runs_goes_on_when_the_store_is_down_at_the_start():
    """A restart in the midst of an exit while the database is away ends flat all the same."""
    rig = Rig()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    assert 0 < len(rig.placed) < 4
    closed_for(rig, "store")
    assert rig.view.degraded == "the trade store has not been read yet"
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert rig.view.degraded == "the trade store has not been read yet"
    rig.store_answers = True
    rig.tell(Beat(BeatKind.SYNC))
    assert rig.view.degraded == ""
    assert not rig.rows  # closed as soon as the store is back


def greetings(rig):
    """What was told of the start itself."""
    return [a for a in rig.of(Alert) if a.topic == "running"]


def test_a_start_says_once_what_runs_when_everything_is_read():
    """Quietly, with the mode and how many positions are watched; the next process says it again."""
    rig = Rig(Mode.SEMI_AUTO)
    rig.wait(60, *ENTRY)
    (told,) = greetings(rig)
    assert (told.urgency, told.title) == (Urgency.NORMAL, "Prahari is running")
    assert told.text == (
        "Mode semi-auto: each exit waits for your button. 1 position is watched. The broker's books and the "
        "trade store are read."
    )
    rig.command(Wish.STOP)
    rig.rows = []
    rig.start()
    rig.wait(60)
    assert len(greetings(rig)) == 2
    assert "No position is watched." in greetings(rig)[-1].text
    assert greetings(rig)[-1].text.endswith("Rules are halted by /stop; /resume ends that.")


@pytest.mark.parametrize("name", ["store", "broker"])
def test_a_start_that_cannot_read_everything_does_not_say_that_it_runs(name):
    """It waits for the store and for the books."""
    rig = Rig()
    rig.said.clear()
    closed_for(rig, name)
    rig.wait(60)
    assert greetings(rig) == []
    setattr(rig, f"{name}_answers", True)
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(5, *ENTRY)
    assert len(greetings(rig)) == 1


def test_rules_wait_for_the_store_and_act_when_it_is_back():
    """Down at the start: HIGH once with what is missing, MEDIUM when it is read, then the stop acts."""
    rig = Rig()
    closed_for(rig, "store")
    rig.wait(60)
    told = alarms(rig)
    assert [a.urgency for a in told] == [Urgency.HIGH]
    assert told[0].text == (
        "The trade store cannot be read: no route. Until then Prahari only alerts; exits that run go on."
    )
    rig.store_answers = True
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(1, *ENTRY)
    assert [a.title for a in alarms(rig)] == ["Prahari only alerts", "Start-up is complete"]
    rig.wait(60, *LOSS)
    assert rig.flat


def test_no_order_leaves_before_the_books_are_read_not_even_of_an_exit_that_runs():
    """Broker and store are away at the start: each is told once."""
    rig = Rig()
    rig.wait(1, *ENTRY)
    rig.wait(2.5, *PROFIT)
    placed = len(rig.placed)
    assert 0 < placed < 4
    rig.store_answers = False
    closed_for(rig, "broker")
    rig.wait(30, *PROFIT)
    assert len(rig.placed) == placed
    assert {a.text.partition(":")[0] for a in alarms(rig)} == {
        "The trade store cannot be read",
        "The broker's positions cannot be read",
    }
    assert len(alarms(rig)) == 2
    rig.broker_answers = True
    rig.wait(60, *PROFIT)
    assert rig.flat


def test_a_start_in_which_nobody_answers_at_all_is_told_after_a_while():
    """Neither an answer nor an error: silence is told too."""
    rig = Silent()
    rig.wait(PATIENCE_S - 1)
    assert not alarms(rig)
    rig.wait(2)
    assert [a.urgency for a in alarms(rig)] == [Urgency.HIGH, Urgency.HIGH]


def test_who_asks_for_an_exit_before_the_store_was_read_is_not_told_that_there_is_none():
    """`/exit` without rows says what is missing, and does not call the account empty."""
    rig = Rig()
    closed_for(rig, "store")
    rig.command()
    assert rig.of(Say)[-1].to == OWNER
    assert rig.of(Say)[-1].text == "Not now: the trade store has not been read yet."


def test_rows_that_were_asked_for_before_the_first_beat_count():
    """The store is asked first of all; its answer comes when the clock has struck already."""
    bearings = Bearings()
    assert not bearings.look(10.0)
    assert bearings.take_rows(TradesLoaded((), began_s=9.9), believed=True)


def test_a_report_that_was_asked_for_before_the_account_was_ours_does_not_count():
    """It comes late, and tells of the other owner's time."""
    bearings = Bearings()
    bearings.lose(5, 100.0)
    assert not bearings.take_books(BrokerReport(5, 99.0))
    assert bearings.no_books()
    assert bearings.take_books(BrokerReport(6, 101.0))
    assert not bearings.no_books()


def test_an_empty_store_is_an_answer_when_nothing_was_watched():
    """A fresh account has no rows: that is all there is to know."""
    rig = Rig(Mode.EXECUTE)
    rig.rows = []
    closed_for(rig, "never")
    assert rig.view.degraded == ""


class Late(Rig):
    """A rig whose broker answers some seconds after the start."""

    def __init__(self, *args, answers_after_s, **more):
        self.opens_s = OPENED + answers_after_s
        super().__init__(*args, **more)

    def ask_the_world(self, effect):
        late = isinstance(effect, QueryBroker) and self.now_s < self.opens_s
        return [] if late else super().ask_the_world(effect)


def late(seconds):
    """What is told of a stop that is met from the start, when the broker answers so late."""
    rig = Late(Mode.EXECUTE, rules="[default]\nstop_loss_rupees = 1000\n", answers_after_s=seconds)
    rig.wait(seconds + 1, *LOSS)
    rig.tell(Beat(BeatKind.SYNC))
    rig.wait(15, *LOSS)
    return [a.text for a in rig.of(Alert) if "is at or below the stop −₹1,000.00" in a.text]


def test_a_stop_that_is_met_while_the_books_are_being_read_is_told_once():
    """Three seconds without an answer: what is sent a moment later is not told as not sent."""
    assert [text.endswith("The exit is running.") for text in late(4)] == [True]


def test_a_stop_that_is_met_while_the_books_cannot_be_read_is_told_all_the_same():
    """Twenty seconds without an answer: told that nothing was sent, and then that the exit runs."""
    assert ["Nothing was sent" in text for text in late(20)] == [True, False]
