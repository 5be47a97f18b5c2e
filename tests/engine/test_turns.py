"""Whose turn it is."""

from __future__ import annotations

import pytest

from engine.chores import STARVED_S, Chores
from engine.effects import Audit, GoOn
from engine.messages import Further
from engine.turns import ASKED_AGAIN_S, Turns


class Thing:
    """Work of so many pieces, each of which says whose it was."""

    def __init__(self, name, pieces=0):
        self.name, self.left = name, pieces

    @property
    def unfinished(self):
        """Whether some are left."""
        return self.left > 0

    def go_on(self, _now_s):
        """Do one of them."""
        self.left -= 1
        return [Audit(self.name)]

    def chore(self, now_s):
        """The same as a chore."""
        return self.go_on(now_s) if self.left else None


class Reading(Thing):
    """A reading that was found parted, and is whole when its last piece is done."""

    parted = False

    def note_parted(self):
        """As `engine.intake.Intake` does."""
        self.parted = self.parted or self.unfinished

    @property
    def rejoined(self):
        """As `engine.intake.Intake` says."""
        return self.parted and not self.unfinished

    def forget_parted(self):
        """As `engine.intake.Intake` does."""
        self.parted = False


class Limits(Thing):
    """Limits that are judged anew when all positions are those of one reading."""

    def anew(self, _now_s):
        """Look at all of them."""
        return [Audit("anew")]


class Followed:
    """Somebody who compares books then."""

    def compare_now(self, _now_s):
        """Compare what was put off."""
        return [Audit("compared")]


class House:
    """So many pieces of each, and what was said in each turn."""

    def __init__(self, reading=0, limits=0, judging=0, chores=0):
        self.chore = Thing("chore", chores)
        self.chores = Chores(self.chore.chore, self.chore.chore)
        self.turns = Turns(
            Reading("reading", reading), Limits("limits", limits), Thing("judging", judging), Followed(),
            self.chores,
        )  # fmt: skip

    def turn(self, now_s=0.0):
        """Who had this turn, and whether another one is wanted."""
        effects = self.turns.take(Further(), now_s)
        return [each.event for each in effects if isinstance(each, Audit)], GoOn() in effects


def test_one_turn_is_asked_for_at_a_time():
    """Whoever wants one; once it has come, the next may be asked for."""
    turns = House().turns
    assert turns.ask([GoOn(), GoOn()], 10.0) == [GoOn()]
    assert turns.ask([GoOn()], 10.1) == []
    turns.take(Further(), 10.1)
    assert turns.ask([GoOn()], 10.2) == [GoOn()]


def test_a_turn_that_does_not_come_is_asked_for_anew():
    """After a while; what else was said goes out at once."""
    turns, said = House().turns, Audit("said")
    assert turns.ask([said, GoOn()], 10.0) == [said, GoOn()]
    assert turns.ask([GoOn(), said], 10.0 + ASKED_AGAIN_S - 0.1) == [said]
    assert turns.ask([GoOn()], 10.0 + ASKED_AGAIN_S) == [GoOn()]


def test_what_decides_has_its_turns_before_any_chore():
    """One thing in each; only with the last of them nobody wants another one."""
    house = House(limits=1, judging=1, chores=2)
    assert house.turns.pulse(0.0, at_once=False) == [GoOn()]
    told = [(house.turn(), house.turns.alone) for _ in range(4)]
    assert [(who, alone) for ((who, _), alone) in told] == [
        (["limits"], False), (["judging"], False), (["chore"], True), (["chore"], True),
    ]  # fmt: skip
    assert [more for ((_, more), _) in told] == [True, True, True, False]


def test_who_waited_for_all_positions_looks_with_the_last_piece_of_a_reading():
    """Once."""
    house = House(reading=2)
    assert house.turn() == (["reading"], True)
    assert house.turn() == (["reading", "anew", "compared"], False)
    assert house.turn() == ([], False)


@pytest.mark.parametrize("late_s", [STARVED_S, STARVED_S - 0.1])
def test_a_chore_has_a_turn_now_and_then_however_much_there_is_to_decide(late_s):
    """And is the only thing in it."""
    house = House(judging=99, chores=1)
    house.turns.pulse(0.0, at_once=False)
    assert house.turn(late_s)[0] == (["chore"] if late_s == STARVED_S else ["judging"])


def test_few_positions_chores_are_done_within_the_pulse():
    """They take less than a turn costs."""
    house = House(chores=2)
    assert house.turns.pulse(0.0, at_once=True) == [Audit("chore"), Audit("chore")]
    assert not house.chores.waiting
