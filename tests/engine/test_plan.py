"""The plan of an exit: shorts first, one entry a contract, slices of whole lots below freeze."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Side
from engine.plan import plan_exit, slice_quantity
from tests.engine.makers import condor, leg, option, position


def test_shorts_come_before_longs():
    """An iron condor buys twice, then sells twice."""
    assert [plan.side for plan in plan_exit(condor())] == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]


def test_rows_of_one_contract_are_one_entry_and_keep_their_rows():
    """Two fills of the same contract leave as one quantity, and both rows can be closed."""
    one = leg(-65, 25300, "CE", 40)
    two = replace(leg(-130, 25300, "CE", 44), row_id=2)
    (plan,) = plan_exit(position(one, two))
    assert plan.quantity == 195
    assert plan.rows == {1: -65, 2: -130}


def test_rows_that_cancel_out_need_no_order():
    """Bought and sold the same contract: there is nothing to trade."""
    assert plan_exit(position(leg(65, 25300, "CE", 40), replace(leg(-65, 25300, "CE", 44), row_id=2))) == []


@given(st.integers(1, 5000), st.integers(1, 200))
def test_a_slice_is_whole_lots_and_no_more_than_the_freeze_quantity(freeze, lot):
    """Unless a single lot is above the freeze quantity, which the exchange does not do."""
    contract = replace(option(25300, "CE"), lot=lot, freeze_quantity=freeze)
    part = slice_quantity(contract)
    assert part % lot == 0
    assert part >= lot
    assert part <= max(freeze, lot)


def test_an_unpublished_freeze_quantity_means_no_slicing():
    """A guess would be worse than a refusal that says so."""
    assert slice_quantity(option(25300, "CE")) >= 10**8
