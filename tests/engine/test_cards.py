"""The card of an exit."""

from __future__ import annotations

from fractions import Fraction

from engine.cards import exit_card, realised_paise
from tests.engine.makers import condor
from tests.engine.test_books import booked, exit_of


def test_the_card_of_an_exit_makes_what_its_books_make_to_the_paisa():
    """A leg in two fills whose average is no whole paisa: the card's P&L is of the amounts, as the books'."""
    intent = exit_of(condor())
    entries = {index: Fraction(paise) for index, paise in enumerate((4500, 4000, 2000, 1800))}
    assert intent.average_paise(0) == 2009
    assert realised_paise(intent, entries) == sum(leg["realised_paise"] for leg in booked(intent)["legs"])


def test_a_leg_that_others_have_closed_says_so_instead_of_nothing_of_nothing():
    """All of one leg and a part of another went by other hands: the card has their units, and no 0/0."""
    intent = exit_of(condor(), legs=())
    intent.legs[0].quantity, intent.legs[1].quantity = 0, 25
    lines = exit_card(intent, None).lines
    assert lines[1:5] == (
        intent.legs[0].name, "  65 closed by others", intent.legs[1].name, "  BUY 0/25",
    )  # fmt: skip
    assert lines[5] == "  40 closed by others"
