"""What a book says of the store's rows: shares that add up, and nothing where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.book_rows import RowFigures, row_figures
from engine.intents import IntentState, Part
from tests.engine.makers import condor, leg, position
from tests.engine.test_books import CONDOR, booked, exit_of


def numbered(held):
    """The position with a row of its own for each leg."""
    return replace(held, legs=tuple(replace(each, row_id=n) for n, each in enumerate(held.legs, start=1)))


def test_each_row_of_a_condor_has_its_leg_s_figures():
    """One row a leg: realised, charges and slippage are the leg's own, to the paisa."""
    made = {each.row_id: each for each in row_figures(booked(exit_of(numbered(condor()))))}
    assert made[2] == RowFigures(2, "260203001", "260203001/1", True, 161_975, 2415, 525)
    assert made[3][4:] == (169_325, 2398, -325)
    assert made[1][4:] == (-78_650, 2482, 650)
    assert made[4][4:] == (-77_675, 2377, -325)


def test_rows_of_one_contract_share_its_costs_and_keep_their_own_entries():
    """Three lots at three prices, sold together at an odd sum: the shares are whole paise and lose none."""
    rows = [replace(leg(65, 25300, "CE", price), row_id=n) for n, price in enumerate((10, 12, 17), start=1)]
    book = booked(exit_of(position(*rows), [(2000, [(195, 1999)])]))
    made = [each._asdict() for each in row_figures(book)]
    assert [each["realised_paise"] for each in made] == [65 * (1999 - entry) for entry in (1000, 1200, 1700)]
    (total,) = book["legs"]
    assert sum(each["charges_paise"] for each in made) == total["charges_paise"]
    assert sum(each["slippage_paise"] for each in made) == total["slippage_paise"] == 195
    assert max(each["charges_paise"] for each in made) - min(each["charges_paise"] for each in made) <= 1


def test_a_part_names_the_rows_that_stay_and_those_that_end():
    """Half of two rows of a lot and two: the older lot goes whole, of the other nothing is said."""
    rows = [replace(leg(units, 25300, "CE", 10), row_id=n) for n, units in ((1, 65), (2, 130))]
    intent = exit_of(position(*rows), [(2000, [(130, 2000)])])
    intent.part = Part(2, 3, 3)
    intent.legs[0].quantity, intent.legs[0].keeps = 130, 65
    made = {each.row_id: each._asdict() for each in row_figures(booked(intent))}
    assert sum(each["realised_paise"] for each in made.values()) == 130 * 1000
    assert (made[1]["whole"], made[2]["whole"]) == (True, False)


@pytest.mark.parametrize("state", [IntentState.STUCK, IntentState.ABORTED])
def test_an_exit_that_is_not_flat_says_nothing_of_rows(state):
    """The rows are still open: whatever ends them later says what it cost."""
    assert not list(row_figures(booked(exit_of(numbered(condor()), state=state))))


def test_what_is_unknown_in_the_book_is_unknown_in_the_row():
    """A leg closed by others in part, or one of which a price was not told: no result, no costs made up."""
    legs = [(2000, [(30, 2005)]), *CONDOR[1:3], (None, [(65, 605)])]
    intent = exit_of(numbered(condor()), legs, IntentState.CLOSED_OUTSIDE)
    intent.legs[0].quantity = 30
    assert booked(intent)["legs"][0]["realised_paise"] == 30 * (4500 - 2005)
    intent.orders[1] = replace(intent.orders[1], trades={}, average_paise=0)
    made = {each.row_id: each for each in row_figures(booked(intent))}
    assert made[2].realised_paise is None
    assert made[2].charges_paise == booked(intent)["legs"][0]["charges_paise"]
    assert made[3][4:] == (None, None, None)
    assert made[4].slippage_paise is None
    facing = position(
        replace(leg(130, 25300, "CE", 10), row_id=1), replace(leg(-65, 25300, "CE", 12), row_id=2)
    )
    (only,) = row_figures(booked(exit_of(facing, [(1100, [(65, 1100)])])))
    assert (only.row_id, only.realised_paise) == (1, None)
