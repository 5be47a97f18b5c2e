"""What nobody watches is told once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.left_out import LeftOut
from engine.trades import InvalidPosition
from tests.engine.makers import condor
from tests.support.rig import rows_of

BAD = InvalidPosition("default", 1, "NIFTY", "Straddle", (), "No leg has a price")
OTHERWISE, ANOTHER = replace(BAD, why="A leg has no strike"), replace(BAD, strategy_id=2)


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ((BAD,), 0),
        ((), 0),
        ((replace(BAD, why="It has no strike"),), 1),
        ((BAD, replace(BAD, strategy_id=2)), 1),
    ],
)
def test_what_cannot_be_watched_is_told_anew_only_for_another_reason(then, told):
    """And whatever comes new beside it."""
    left_out = LeftOut()
    assert len(left_out.take_invalid((BAD,))) == 1
    assert len(left_out.take_invalid(then)) == told
    assert left_out.invalid == then


def test_what_was_mended_and_is_faulty_again_is_told_again():
    """It was no news in between."""
    left_out = LeftOut()
    for listed_as, told in [((BAD,), 1), ((), 0), ((BAD,), 1)]:
        assert len(left_out.take_invalid(listed_as)) == told


def test_rows_that_are_set_aside_are_told_of_once_each():
    """Two of them on the first evening, one more on another; what is not found has none."""
    left_out, position = LeftOut(), condor()
    first, second, third, _ = rows_of(position)

    def told(*rows, found=(position,)):
        return len(left_out.take_aside(found, {position.id: rows}, {}))

    assert told(first, second) == 1
    assert told(first, second) == 0
    assert told(first, second, third) == 1
    assert left_out.aside_of(position.id) == (first, second, third)
    assert told(first, found=()) == 0
    assert left_out.aside_of(position.id) == ()
