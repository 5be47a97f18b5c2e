"""The line to a house that may be down: whoever speaks into it is answered, and a /stop is not lost."""

from __future__ import annotations

import pytest

from engine.effects import Answer, Say
from engine.io.wiring import Line, Traffic
from engine.messages import Actor, Beat, BeatKind, Command, Tap, Wish
from engine.model import Mode, Urgency
from tests.support.clock import VirtualClock
from tests.support.ear import Ear

SOMEBODY = Actor(1, 2, "Asha")
STOP = Command(Wish.STOP, SOMEBODY)


class House:
    """A house that hears."""

    def __init__(self):
        self.heard, self.taken = [], []
        self.post = self.heard.append

    rounds, saved = 3, True

    async def view(self, strategy_id):
        return "a view" if strategy_id is None else f"a view of {strategy_id}"

    def took(self, command):
        return any(command is each for each in self.taken)

    def health(self):
        return "its health"

    def pace(self):
        return "its pace"

    def rules(self, strategy_id):
        return (strategy_id,)

    def see(self, draw):
        return draw("a machine", 7.0)

    def traffic(self):
        return Traffic(1, 2, 3)


@pytest.fixture
def said():
    return []


@pytest.fixture
def line(said):
    made = Line("huf", Mode.EXECUTE, VirtualClock(), sandbox=False)
    made.plug(Ear(said.append))
    return made


async def test_while_there_is_a_house_everything_is_handed_on(line, said):
    """Nothing is answered from here."""
    house = House()
    line.lead_to(house)
    line.post(STOP)
    assert (house.heard, said, await line.view(), line.rules(7)) == ([STOP], [], "a view", (7,))
    assert await line.view(7) == "a view of 7"


async def test_while_there_is_none_people_are_told(line, said):
    """A command and a tap are answered; what no person sent is forgotten."""
    line.cut("the lock is held")
    line.post(Command(Wish.EXIT, SOMEBODY, 101))
    line.post(Tap("n", yes=True, by=SOMEBODY, callback_id="c"))
    line.post(Beat(BeatKind.SYNC))
    words = "Account huf is down: the lock is held"
    assert said == [
        Say(SOMEBODY, f"Nothing was done. {words}."), Answer("c", f"Nothing was done: {words}", alarm=True)
    ]  # fmt: skip
    view = await line.view()
    assert (view.down, view.degraded, view.positions, view.halted) == (True, words, (), False)
    assert line.rules(101) == ()


async def test_a_stop_is_kept_for_the_next_house_and_may_be_taken_back(line, said):
    """It is the first thing that the new house hears; after a /resume it hears nothing."""
    line.post(STOP)
    assert (await line.view()).halted
    first = House()
    line.lead_to(first)
    assert first.heard == [STOP]
    first.taken = first.heard
    line.cut("fallen")
    line.post(STOP)
    line.post(Command(Wish.RESUME, SOMEBODY))
    again = House()
    line.lead_to(again)
    assert again.heard == []
    assert [words.text.split(". ")[0] for words in said] == [
        "Kept: it will be halted before it does anything", "Kept: it will be halted before it does anything",
        "The kept /stop is taken back",
    ]  # fmt: skip


@pytest.mark.parametrize("up", [False, True])
async def test_a_stop_outlives_a_house_that_falls_before_its_journal_has_it(line, up):
    """Whether the house fell with it in its inbox or was led to for an instant: the next life hears it."""
    first, second, third = House(), House(), House()
    if up:
        line.lead_to(first)
    line.post(STOP)
    if not up:
        line.lead_to(first)
    line.cut("fallen in that very moment")
    assert (first.heard, (await line.view()).halted, line.saved) == ([STOP], True, False)
    line.lead_to(second)
    assert second.heard == [STOP]
    second.taken = [STOP]
    line.cut("fallen later")
    assert not (await line.view()).halted  # its journal says so to the next one
    line.lead_to(third)
    assert third.heard == []


async def test_a_stop_that_was_taken_does_not_come_back_after_a_resume(line):
    """The house has halted and was let go on: one that falls later is not halted by an old wish."""
    first, second = House(), House()
    line.lead_to(first)
    line.post(STOP)
    first.taken = [STOP]
    line.post(Command(Wish.RESUME, SOMEBODY))
    first.taken = []  # it falls with a journal that takes nothing any more
    line.cut("fallen")
    line.lead_to(second)
    assert second.heard == []


async def test_a_stop_that_only_the_line_has_is_saved_nowhere(line):
    """The line dies with its process; a house's journal does not."""
    line.post(STOP)
    assert not line.saved
    line.lead_to(House())
    assert line.saved
    line.cut("fallen")
    assert not line.saved


async def test_what_the_host_has_kept_and_taken_back_is_told_to_everybody(line, said):
    """Nobody in the chat sees who types at the host."""
    host = Actor(0, 0, "the host")
    line.cut("the lock is held")
    line.post(Command(Wish.STOP, host))
    line.post(Command(Wish.RESUME, host, confirmed=True))
    why = "Account huf is down: the lock is held."
    assert [(told.urgency, told.title, told.text) for told in said] == [
        (Urgency.HIGH, "Asked by the host: stop",
         f"Kept: it will be halted before it does anything. {why}"),
        (Urgency.HIGH, "Asked by the host: resume", f"The kept /stop is taken back. {why}"),
    ]  # fmt: skip


def test_pictures_are_drawn_while_there_is_a_house(line):
    """And nothing is drawn of none."""
    assert (line.see(lambda *seen: seen), line.traffic()) == (None, None)
    line.lead_to(House())
    assert line.see(lambda *seen: seen) == ("a machine", 7.0)
    assert line.traffic() == Traffic(1, 2, 3)
