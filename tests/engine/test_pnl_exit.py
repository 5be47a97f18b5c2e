"""When Dhan's own P&L-based exit is armed below our day stop, when not, and what is told of it."""

from __future__ import annotations

import pytest

from engine.controls import ControlState, Held, PnlExit
from engine.effects import Alert, ControlAccount, Record
from engine.messages import Accepted, CommandOutcome, Refused, Unknown, Verb
from engine.pnl_exit import MOST_TRIES, NAME, UNDER_WAY_S, UNKNOWN_S, PnlNet, Stage, beyond
from tests.engine.makers import OPENED

STOP = 600_000
OURS = beyond(STOP, 25)
THEIRS = PnlExit(300_000, 1_000_000)


def held(pnl_paise=0):
    return (Held("X", "MARGIN", None, 65, pnl_paise),)


def state(number=1, armed=(), pnl_paise=0):
    return ControlState(number, killed=False, armed=armed, held=held(pnl_paise))


def sent(effects):
    return [effect for effect in effects if isinstance(effect, ControlAccount)]


def told(effects):
    return [effect.title for effect in effects if isinstance(effect, Alert)]


class Story:
    """A net that is shown one answer after the other; each is asked for after the last."""

    def __init__(self):
        self.net, self.now_s, self.asked = PnlNet(25), OPENED, 0

    def shows(self, *armed, stop=STOP, day=0, pnl_paise=0, later_s=0.0):
        self.now_s += later_s
        self.asked += 1
        answer = state(self.asked, armed, pnl_paise)
        return self.net.take(answer, stop, day, self.now_s, self.asked)

    def answer(self, outcome, verb=Verb.ARM):
        self.net.outcome(CommandOutcome(verb, NAME, outcome), self.asked)

    def arm(self):
        self.shows()
        self.answer(Accepted(""))
        self.shows(OURS)
        assert self.net.stage is Stage.ARMED


@pytest.mark.parametrize(
    ("stop_paise", "extra_pct", "loss_paise"),
    [(600_000, 25, 750_000), (600_000, 5, 630_000), (100, 5, 200), (333_300, 33.3, 444_300)],
)
def test_it_is_armed_beyond_the_day_stop_on_whole_rupees(stop_paise, extra_pct, loss_paise):
    """Ours always acts first; half rupees go further out."""
    assert beyond(stop_paise, extra_pct).loss_paise == loss_paise > stop_paise
    assert not beyond(stop_paise, extra_pct).kill_switch


def test_it_is_armed_once_and_is_armed_when_it_is_read_back():
    """The command, its record before it, then nothing until Dhan shows it; told once."""
    story = Story()
    effects = story.shows()
    assert sent(effects) == [ControlAccount(Verb.ARM, NAME, OURS)]
    assert isinstance(effects[0], Record)
    assert (effects[0].value["stage"], effects[0].value["terms"]) == (Stage.SENT, OURS.to_json())
    story.answer(Accepted(""))
    assert told(story.shows(OURS)) == ["Dhan's own exit is armed"]
    assert story.net.words(story.now_s) == "armed at −₹7,500.00"
    assert story.shows(OURS) == []
    assert story.net.settled


@pytest.mark.parametrize(
    ("stop", "day", "pnl_paise", "armed"),
    [
        (None, 0, 0, False),
        (STOP, None, 0, False),
        (STOP, 0, None, False),
        (STOP, -750_000, 0, False),
        (STOP, -749_999, 0, True),
        (STOP, 0, -750_000, False),
        (STOP, 0, -749_999, True),
        (STOP, 900_000, 900_000, True),
    ],
)
def test_it_is_not_armed_without_a_stop_nor_where_it_could_fire_at_once(stop, day, pnl_paise, armed):
    """By our own figure of the day and by Dhan's, and never while either is not known."""
    story = Story()
    effects = story.shows(stop=stop, day=day, pnl_paise=pnl_paise)
    assert bool(sent(effects)) is armed
    if not armed:
        unknown = day is None or pnl_paise is None
        assert told(effects) == ([] if stop is None or unknown else ["Dhan's own exit is not armed"])
        later = story.shows(stop=stop, day=day, pnl_paise=pnl_paise, later_s=UNKNOWN_S)
        assert told(later) == (["Dhan's own exit is not armed"] if unknown else [])
        assert story.shows(stop=stop, day=day, pnl_paise=pnl_paise) == []
        assert not story.net.settled


def test_a_breach_that_is_over_lets_it_be_armed():
    """It is looked at again, and armed when it would not fire."""
    story = Story()
    story.shows(day=-800_000)
    assert sent(story.shows(day=-100_000))


@pytest.mark.parametrize("said", [Unknown("reset"), None])
def test_without_an_answer_it_is_read_back_and_not_sent_again_while_it_may_be_under_way(said):
    """Shown: armed by that one command. Not shown: again only when the first cannot arrive any more."""
    story = Story()
    story.shows()
    if said is not None:
        story.answer(said)
    assert story.shows(later_s=UNDER_WAY_S - 1) == []
    if said is not None:
        assert told(story.shows(OURS)) == ["Dhan's own exit is armed"]
        return
    assert len(sent(story.shows(later_s=2))) == 1


def test_an_answer_from_before_the_command_says_nothing_of_it():
    """A look that was asked for before it left cannot show it: it is not taken for lost."""
    story = Story()
    story.shows()
    story.answer(Accepted(""))
    old = state(story.asked)
    assert story.net.take(old, STOP, 0, story.now_s + 60, story.asked) == []


def test_it_is_given_up_after_three_tries_with_dhan_s_words():
    """Told once, with what was said; a new day stop begins anew."""
    story = Story()
    sends = 0
    for _ in range(6):
        effects = story.shows(later_s=60)
        sends += len(sent(effects))
        story.answer(Refused("DH-905", "P&L exit is not offered."))
    assert sends == MOST_TRIES
    assert story.net.stage is Stage.GIVEN_UP
    assert story.net.words(story.now_s) == "given up: P&L exit is not offered."
    assert len(sent(story.shows(stop=400_000, later_s=60))) == 1


@pytest.mark.parametrize(("loss", "first"), [(300_000, True), (900_000, False)])
def test_somebody_else_s_terms_are_told_and_left(loss, first):
    """Never overwritten; that it fires before our own stop is said."""
    story = Story()
    effects = story.shows(PnlExit(loss, 100_000))
    assert sent(effects) == []
    (alert,) = (effect for effect in effects if isinstance(effect, Alert))
    assert alert.title == "Dhan's own exit is not ours"
    assert ("before your own day stop" in alert.text) is first
    assert story.shows(PnlExit(loss, 100_000), later_s=60) == []


def test_terms_that_are_read_back_otherwise_are_told_loudly():
    """Dhan shows other amounts than were asked for."""
    story = Story()
    story.shows()
    story.answer(Accepted(""))
    effects = story.shows(THEIRS, later_s=UNDER_WAY_S)
    assert sent(effects) == []
    assert [effect.urgency.name for effect in effects if isinstance(effect, Alert)] == ["HIGH"]


def test_when_it_is_gone_it_is_told_and_not_armed_again_that_day():
    """It has fired, or somebody stopped it: either way a person has to know. The next day begins anew."""
    story = Story()
    story.arm()
    assert told(story.shows()) == ["Dhan's own exit is not armed any more"]
    assert sent(story.shows(later_s=3_600)) == []
    assert len(sent(story.shows(later_s=86_400))) == 1


def test_another_day_stop_moves_it_and_none_ends_it():
    """Ours may be changed by us: to the new level, and away when there is no day stop any more."""
    story = Story()
    story.arm()
    (moved,) = sent(story.shows(OURS, stop=400_000))
    assert moved.terms == beyond(400_000, 25)
    story.answer(Accepted(""))
    story.shows(moved.terms, stop=400_000)
    assert sent(story.shows(moved.terms, stop=None)) == [ControlAccount(Verb.DISARM, NAME)]
    story.answer(Unknown("reset"), Verb.DISARM)
    assert sent(story.shows(moved.terms, stop=None, later_s=1)) == []
    assert len(sent(story.shows(moved.terms, stop=None, later_s=UNDER_WAY_S))) == 1
    story.answer(Accepted(""), Verb.DISARM)
    story.shows(stop=None)
    assert story.net.stage is Stage.OPEN
    assert sent(story.shows(THEIRS, stop=None)) == []


def test_what_cannot_be_read_changes_nothing():
    """Not known is not disarmed: nothing is sent, nothing is called gone."""
    story = Story()
    story.arm()
    story.asked += 1
    assert story.net.take(ControlState(story.asked), STOP, 0, story.now_s, story.asked) == []
    assert story.net.stage is Stage.ARMED


@pytest.mark.parametrize("sent_before", [False, True])
def test_what_cannot_be_read_for_long_is_told_once(sent_before):
    """A net that nobody can see is none; what was seen as armed is not doubted for a look that failed."""
    story = Story()
    if sent_before:
        story.shows()

    def unread(later_s):
        story.now_s += later_s
        story.asked += 1
        failed = ControlState(story.asked, failed="/pnlExit: HTTP 404")
        return told(story.net.take(failed, STOP, 0, story.now_s, story.asked))

    assert unread(0) == []
    assert unread(UNKNOWN_S) == ["Dhan's own exit is not armed"]
    assert unread(60) == []
    assert story.net.words(story.now_s).endswith("Dhan does not say how it stands")


@pytest.mark.parametrize("shown", [True, False])
def test_a_restart_amid_the_command_reads_back_first(shown):
    """The new process finds it armed, or sends it again once the old command cannot arrive any more."""
    story = Story()
    (record, *_) = story.shows()
    again = Story()
    again.net.restore(record.value)
    assert again.shows(later_s=1) == [] if not shown else again.shows(OURS, later_s=1)
    assert (again.net.stage is Stage.ARMED) is shown
    if not shown:
        assert len(sent(again.shows(later_s=UNDER_WAY_S))) == 1
