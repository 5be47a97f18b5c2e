"""Everybody has a turn in each round, never more at once than the loop has time for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.rounds import Rounds


@given(st.integers(0, 40), st.integers(1, 7))
def test_everybody_has_one_turn_in_a_round(people, at_once):
    """However many there are: each once, a few at each beat, in their order."""
    rounds = Rounds(lambda: range(people), 5.0, at_once)
    turns = [rounds.next(10.0) for _ in range(people + 1)]
    assert max(map(len, turns)) <= at_once
    assert [one for turn in turns for one in turn] == list(range(people))


def test_the_next_round_begins_when_its_time_has_come():
    """Few are through at the first beat and wait; who comes meanwhile is of the next round."""
    people = ["a"]
    rounds = Rounds(lambda: people, 5.0, 10)
    assert rounds.next(10.0) == ["a"]
    people.append("b")
    assert rounds.next(14.5) == []
    assert rounds.next(15.0) == ["a", "b"]
