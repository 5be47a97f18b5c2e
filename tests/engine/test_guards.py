"""Which prices are believed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.guards import Shown, below_intrinsic, contradiction, exit_bounds, fault, narrow
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


def shown(bid, ask) -> Shown:
    """A narrow quote, in rupees."""
    return Shown(round((bid + ask) * 100), round((ask - bid) * 100), quoted=True)


def test_a_quote_may_be_one_per_cent_of_the_underlying_below_intrinsic_value():
    """With the forward at 25,300 a 25,000 call has 300 inside: 47.00 is believed, 46.99½ is not."""
    call = option(25000, "CE")
    assert below_intrinsic(call, shown(46.95, 47.05), 2 * 2530000) == ""
    assert below_intrinsic(call, shown(46.95, 47.04), 2 * 2530000) == "below intrinsic by ₹253.00"
    assert below_intrinsic(call, shown(1, 1), 2 * 2530000) == "below intrinsic by ₹299.00"
    assert below_intrinsic(option(25000, "PE"), shown(0, 0.05), 2 * 2530000) == ""
    assert below_intrinsic(option(25600, "PE"), shown(46, 46), 2 * 2530000) == "below intrinsic by ₹254.00"
    assert below_intrinsic(future(65, 25000).instrument, shown(1, 1), 2 * 2530000) == ""


def test_a_last_price_without_quotes_may_be_two_per_cent_below():
    """It may be from another minute than the underlying's: 506 of 25,300."""
    call = option(24000, "CE")
    assert below_intrinsic(call, Shown(2 * 79400, 0, quoted=False), 2 * 2530000) == ""
    assert below_intrinsic(call, Shown(2 * 79400 - 1, 0, quoted=False), 2 * 2530000) != ""


@given(st.integers(0, 10**6), st.integers(10**5, 5 * 10**6), st.integers(1, 600), st.sampled_from("CP"))
def test_below_intrinsic_is_exact(both, forward_both, step, right):
    """The whole-number comparison is the fraction of the underlying, without rounding."""
    instrument = option(step * 50, "CE" if right == "C" else "PE")
    gain = Fraction(forward_both, 2) - step * 5000
    worth = max(gain if right == "C" else -gain, Fraction(0))
    wanted = worth - Fraction(both, 2) > Fraction(forward_both, 2) / 100
    assert bool(below_intrinsic(instrument, Shown(both, 0, quoted=True), forward_both)) == wanted


def test_what_neighbouring_strikes_may_not_do():
    """Calls fall with the strike, puts rise, by no more than the distance: 200, and 10 of slack."""
    calls = option(25000, "CE"), option(25200, "CE")
    puts = option(25000, "PE"), option(25200, "PE")

    def between(pair, one, other):
        return contradiction((pair[0], shown(one, one)), (pair[1], shown(other, other)))

    assert between(calls, 300, 120) == between(calls, 300, 90) == between(calls, 300, 310) == ""
    assert between(calls, 300, 89.95) == "further apart than the strikes by ₹10.05"
    assert between(calls, 300, 310.05) == "cheaper than the higher strike by ₹10.05"
    assert between(puts, 300, 510) == between(puts, 300, 290) == ""
    assert between(puts, 300, 510.05) == "further apart than the strikes by ₹10.05"
    assert between(puts, 300, 289.95) == "dearer than the higher strike by ₹10.05"


def test_wide_quotes_of_near_strikes_may_differ_by_their_spreads_and_ten_ticks():
    """50 apart: a twentieth is 2.50, half of both spreads of 6 and ten ticks are 6.50."""
    calls = option(25000, "CE"), option(25050, "CE")
    one, other = (calls[0], shown(97, 103)), (calls[1], shown(103.5, 109.5))
    assert contradiction(one, other) == ""
    assert contradiction(one, (calls[1], shown(103.55, 109.55))) != ""


@given(
    st.tuples(PAISE, st.integers(0, 5000)),
    st.tuples(PAISE, st.integers(0, 5000)),
    st.integers(1, 40),
    st.sampled_from(["CE", "PE"]),
)
def test_neighbours_are_compared_exactly(one, other, steps, right):
    """The whole-number comparison is the sentence of the rules in fractions."""
    low, high = option(25000, right), option(25000 + 50 * steps, right)
    distance = Fraction(5000 * steps)
    rise = Fraction(other[0] - one[0], 2)
    gain = rise if right == "PE" else -rise
    slack = max(Fraction(one[1] + other[1], 2) + 10 * 5, distance / 20)
    wanted = not -slack <= gain <= distance + slack
    found = contradiction(
        (low, Shown(one[0], one[1], quoted=True)), (high, Shown(other[0], other[1], quoted=True))
    )
    assert bool(found) == wanted
