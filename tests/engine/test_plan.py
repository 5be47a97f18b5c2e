"""The plan of an exit: shorts first, one entry a contract, slices of whole lots below freeze."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Side
from engine.plan import plan_exit, rows_after, slice_quantity
from tests.engine.makers import condor, condors, future, leg, option, position


def test_shorts_come_before_longs():
    """An iron condor buys twice, then sells twice."""
    assert [plan.side for plan in plan_exit(condor())] == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]


def test_what_is_nearest_to_the_money_comes_first_among_shorts_and_among_longs():
    """With the index at 25,250 the calls go first; at 24,650 the puts, of which one is in the money."""
    for level, calls_first in ((25_250, True), (24_650, False)):
        names = [plan.name[-8:] for plan in plan_exit(condor(), level_paise=level * 100)]
        calls, puts = ["25300 CE", "25500 CE"], ["24700 PE", "24500 PE"]
        first, last = (calls, puts) if calls_first else (puts, calls)
        assert names == [first[0], last[0], first[1], last[1]]


def test_a_future_comes_before_the_options_of_its_side():
    """Nothing loses faster than a short future, and a long one needs its put until it is gone."""
    sold = plan_exit(position(leg(-65, 25_300, "CE", 40), future(-65, 25_000)), level_paise=25_300_00)
    held = plan_exit(position(leg(65, 25_500, "PE", 40), future(65, 25_000)), level_paise=25_000_00)
    assert [plan.name for plan in (sold[0], held[0])] == ["NIFTY FEB FUT"] * 2


def test_without_a_level_of_the_underlying_the_position_s_order_stays():
    """Nobody has quoted the index: there is nothing to go by."""
    names = [plan.name[-8:] for plan in plan_exit(condor())]
    assert names == ["24700 PE", "25300 CE", "24500 PE", "25500 CE"]


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


def test_a_part_takes_the_same_share_of_every_leg_and_leaves_the_rest():
    """Three of four condors: 195 units of each leg go, 65 stay, shorts before longs."""
    plans = plan_exit(condors(4), closes=3)
    assert [(plan.side, plan.quantity, plan.keeps) for plan in plans] == [
        (Side.BUY, 195, 65), (Side.BUY, 195, 65), (Side.SELL, 195, 65), (Side.SELL, 195, 65),
    ]  # fmt: skip
    assert {plan.keeps for plan in plan_exit(condors(4))} == {0}


@given(
    ratio=st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=4),
    times=st.integers(1, 12),
    data=st.data(),
)
def test_what_a_part_leaves_has_its_legs_in_the_same_ratio(ratio, times, data):
    """Whole lots of each leg go and stay, and the combinations that stay are those not closed."""
    held = position(*(leg(65 * lots * times, 25000 + 100 * n, "CE", 40) for n, lots in enumerate(ratio)))
    closes = data.draw(st.integers(1, held.combinations))
    for plan in plan_exit(held, closes=closes):
        net = held.nets[plan.key]
        assert plan.quantity % 65 == plan.keeps % 65 == 0
        assert plan.quantity + plan.keeps == abs(net)
        assert plan.quantity * held.combinations == abs(net) * closes


@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    against=st.integers(0, 4),
    data=st.data(),
)
def test_rows_give_what_was_traded_and_none_gives_more_than_it_has(rows, against, data):
    """In whole lots; a row that stands against the net stays as it is."""
    legs = [replace(leg(-65 * lots, 25300, "CE", 40), row_id=n) for n, lots in enumerate(rows)]
    if 0 < against < sum(rows):
        legs.append(replace(leg(65 * against, 25300, "CE", 40), row_id=99))
    (plan,) = plan_exit(position(*legs))
    units = 65 * data.draw(st.integers(0, plan.quantity // 65))
    left = rows_after(plan, units)
    assert sum(left.values()) - sum(plan.rows.values()) == units
    assert all(abs(left[row]) <= abs(held) and left[row] * held >= 0 for row, held in plan.rows.items())
    assert all(units_left % 65 == 0 for units_left in left.values())
    assert left.get(99) == plan.rows.get(99)
