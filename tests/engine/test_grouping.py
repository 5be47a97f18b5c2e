"""What the broker holds, grouped: every contract once, nothing together that does not belong together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import BrokerFill, HeldContract
from engine.errors import BadInput
from engine.grouping import (
    TOGETHER_S,
    ProposedLeg,
    entered_s,
    merge,
    name_of,
    propose,
    renamed,
    rows_of,
    split,
)
from engine.model import Side
from engine.trades import positions
from tests.engine.makers import EXPIRY, OPENED, future, option

EXPIRIES = (date(2026, 2, 10), EXPIRY)
LEGS = st.lists(
    st.builds(
        ProposedLeg,
        instrument=st.builds(
            option,
            strike=st.sampled_from([24_500, 24_700, 25_300, 25_500]),
            right=st.sampled_from(["CE", "PE"]),
            expiry=st.sampled_from(EXPIRIES),
            symbol=st.sampled_from(["NIFTY", "BANKNIFTY"]),
        ),
        units=st.sampled_from([-130, -65, 65, 130]),
        entry_paise=st.none() | st.integers(5, 100_000),
        entered_s=st.none() | st.integers(0, 3_000).map(lambda late: OPENED + late),
    ),
    max_size=8,
    unique_by=lambda leg: leg.instrument.display,
)


def leg(units, strike, right, at_s=None, **more) -> ProposedLeg:
    """A leg that was entered at ₹20."""
    return ProposedLeg(option(strike, right, **more), units, 2_000, at_s)


@given(LEGS)
def test_every_leg_is_in_one_proposal_of_one_underlying_and_one_expiry(legs):
    """A partition: nothing is lost, doubled, or put together across underlyings, expiries or hours."""
    made = propose(legs)
    assert Counter(leg for proposal in made for leg in proposal.legs) == Counter(legs)
    for proposal in made:
        assert len({(leg.instrument.symbol, leg.instrument.expiry) for leg in proposal.legs}) == 1
        moments = [leg.entered_s for leg in proposal.legs]
        assert moments.count(None) in {0, len(moments)}
        told = sorted(moment for moment in moments if moment is not None)
        assert all(two - one <= TOGETHER_S for one, two in pairwise(told))


@given(LEGS, st.randoms())
def test_the_order_in_which_the_broker_lists_them_means_nothing(legs, chance):
    """The same contracts in any order are the same proposals."""
    shuffled = list(legs)
    chance.shuffle(shuffled)
    assert propose(shuffled) == propose(legs)


@given(LEGS, st.data())
def test_what_is_split_is_whole_again_when_merged(legs, data):
    """Splitting takes nothing away; a wrong number is refused and names those that exist."""
    for proposal in propose(legs):
        count = len(proposal.legs)
        numbers = data.draw(st.sets(st.integers(0, count + 1)))
        if numbers and numbers < set(range(1, count + 1)):
            one, two = split(proposal, numbers)
            assert set(two.legs) == {proposal.legs[number - 1] for number in numbers}
            assert merge([one, two]) == proposal
        else:
            with pytest.raises(BadInput, match=r"legs 1 to|every leg"):
                split(proposal, numbers)


@given(LEGS)
def test_accepted_rows_make_a_position_that_holds_what_the_broker_holds(legs):
    """Whatever is proposed: its rows are one valid position with those units, or lack only a price."""
    for proposal in propose(legs):
        rows = rows_of(proposal, "default", 26020301, "broker-x", OPENED)
        master = {leg.instrument.key: leg.instrument for leg in proposal.legs}
        good, bad = positions([replace(r, id=n) for n, r in enumerate(rows, 1)], master, EXPIRIES[0])
        if any(leg.entry_paise is None for leg in proposal.legs):
            assert "the entry price is empty" in bad[0].why
        else:
            assert good[0].nets == proposal.units
            assert good[0].strategy == proposal.name


def test_two_underlyings_are_not_merged():
    """A position has one underlying, and one proposal alone is nothing to merge."""
    one, two = propose([leg(65, 24_500, "PE"), leg(65, 24_500, "PE", symbol="BANKNIFTY")])
    with pytest.raises(BadInput, match="BANKNIFTY and NIFTY"):
        merge([one, two])
    with pytest.raises(BadInput, match="nothing to merge"):
        merge([one])


def test_legs_of_one_expiry_entered_apart_are_two_strategies():
    """A strangle of the morning and a spread of the afternoon; what was carried in stands alone."""
    morning = [leg(-65, 24_500, "PE", OPENED), leg(-65, 25_500, "CE", OPENED + 200)]
    later = [leg(-65, 24_700, "PE", OPENED + 9_000), leg(65, 24_600, "PE", OPENED + 9_060)]
    carried = [leg(65, 26_000, "CE")]
    named = [proposal.name for proposal in propose([*later, *carried, *morning])]
    assert named == ["Long Call", "Short Strangle", "Bull Put Spread"]


@pytest.mark.parametrize(
    ("name", "legs"),
    [
        ("Long Put", [(65, 24_500, "PE")]),
        ("Short Call", [(-65, 25_500, "CE")]),
        ("Short Straddle", [(-65, 25_000, "CE"), (-65, 25_000, "PE")]),
        ("Long Strangle", [(65, 25_500, "CE"), (65, 24_500, "PE")]),
        ("Bear Put Spread", [(-65, 24_500, "PE"), (65, 24_700, "PE")]),
        ("Bull Put Spread", [(65, 24_500, "PE"), (-65, 24_700, "PE")]),
        ("Bull Call Spread", [(65, 25_300, "CE"), (-65, 25_500, "CE")]),
        ("Bear Call Spread", [(-65, 25_300, "CE"), (65, 25_500, "CE")]),
        ("Iron Condor", [(65, 24_500, "PE"), (-65, 24_700, "PE"), (-65, 25_300, "CE"), (65, 25_500, "CE")]),
        (
            "Iron Butterfly",
            [(65, 24_500, "PE"), (-65, 25_000, "PE"), (-65, 25_000, "CE"), (65, 25_500, "CE")],
        ),
        ("Custom", [(-65, 24_500, "PE"), (65, 24_700, "PE"), (65, 25_300, "CE"), (-65, 25_500, "CE")]),
        ("Custom", [(-130, 24_500, "PE"), (65, 24_700, "PE")]),
        ("Custom", [(-65, 25_500, "CE"), (65, 24_500, "PE")]),
    ],
)
def test_common_shapes_have_their_common_name(name, legs):
    """Rules are written per strategy, so a name is only given where the shape is that one."""
    assert name_of([leg(*each) for each in legs]) == name


def test_a_future_is_named_alone_and_makes_its_company_custom():
    """A hedge in the future is known as such only by its owner."""
    alone = ProposedLeg(future(65, 25_000).instrument, -65, 2_500_000, None)
    assert name_of([alone]) == "Short Future"
    (both,) = propose([alone, leg(65, 25_500, "CE")])
    assert both.name == "Custom"
    assert [row.type for row in rows_of(both, "default", 1, "x", OPENED)] == ["FUT", "CE"]
    assert renamed(both, "Covered Call").name == "Covered Call"


def test_the_moment_of_entry_is_the_first_trade_of_the_day_on_its_side():
    """Trades of the other side and of other contracts do not count; what was carried in has no moment."""
    key = option(25_300, "CE").key
    fills = [
        BrokerFill("1", "A", key, Side.BUY, 65, 2_000, OPENED),
        BrokerFill("2", "B", key, Side.SELL, 130, 2_100, OPENED + 60),
        BrokerFill("3", "B", key, Side.SELL, 65, 2_100, OPENED + 90),
        BrokerFill("4", "C", option(25_500, "CE").key, Side.SELL, 65, 2_100, OPENED - 60),
    ]
    assert entered_s(HeldContract(key, -130), fills) == OPENED + 60
    assert entered_s(HeldContract(key, -130, carried=True), fills) is None
    assert entered_s(HeldContract(key, -130), []) is None
