"""Which prices are believed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.guards import exit_bounds, fault, narrow
from engine.messages import Tick
from tests.engine.makers import SPOT, future, option

PAISE = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("bid", "ask", "ltp", "why"),
    [
        (1000, 1005, 0, ""),
        (1000, 1000, 1000, ""),
        (0, 1005, 0, ""),
        (1000, 0, 0, ""),
        (0, 0, 0, ""),
        (1005, 1000, 1000, "crossed quote"),
        (-5, 1000, 1000, "negative price"),
        (5, -1000, 1000, "negative price"),
        (None, None, 1000, ""),
        (None, None, 0, "no price"),
        (None, None, -5, "no price"),
    ],
)
def test_only_what_can_be_true_is_sound(bid, ask, ltp, why):
    """Empty sides are odd but true; crossed, negative and missing prices are not."""
    assert fault(Tick(SPOT, ltp, bid_paise=bid, ask_paise=ask)) == why


@given(PAISE, PAISE, st.integers(1, 10_000), st.integers(0, 100))
def test_the_spread_guard_is_exact(a, b, spread_bp, narrow_paise):
    """The whole-number comparison is the fraction of the mid, without rounding."""
    bid, ask = min(a, b), max(a, b)
    mid = Fraction(bid + ask, 2)
    widest = max(Fraction(spread_bp, 10_000) * mid, Fraction(narrow_paise))
    assert narrow(bid, ask, spread_bp, narrow_paise) == (ask - bid <= widest)


def test_fifteen_per_cent_of_the_mid_is_still_narrow():
    """185 by 215 around 200 is exactly fifteen per cent; a paisa more is wide."""
    assert narrow(18500, 21500, 1500, 50)
    assert not narrow(18500, 21501, 1500, 50)
    assert narrow(100, 150, 1500, 50)
    assert not narrow(100, 151, 1500, 50)


def test_a_quote_may_lie_one_per_cent_of_the_underlying_beyond_intrinsic_value():
    """With the index at 25,300 a 25,000 call is worth 300 give or take 253, a put at most 253."""
    assert exit_bounds(option(25000, "CE"), 2530000) == (4700, 55300)
    assert exit_bounds(option(25000, "PE"), 2530000) == (0, 25300)
    assert exit_bounds(future(65, 25000).instrument, 2530000) == (2504700, 2555300)
