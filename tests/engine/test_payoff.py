"""The exact payoff, by worked examples and against brute force."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.model import Right
from engine.payoff import intrinsic, payoff, strike
from tests.engine.makers import condor, future, leg, long_call, strangle


def test_an_iron_condor_is_known_to_the_paisa():
    """₹3,055 at best, ₹9,945 at worst, flat outside, breakevens a premium away from the shorts."""
    result = payoff(condor().legs)
    assert (result.net_premium_paise, result.max_profit_paise, result.max_loss_paise) == (
        305500,
        305500,
        -994500,
    )
    assert result.defined_risk
    assert result.flat_beyond
    assert list(result.breakevens_paise) == [2465300, 2534700]


def test_a_long_call_risks_its_premium_and_has_no_ceiling():
    """₹24,225 paid is the most that can be lost."""
    result = payoff(long_call().legs)
    assert (result.net_premium_paise, result.max_profit_paise, result.max_loss_paise) == (
        -2422500,
        None,
        -2422500,
    )
    assert result.defined_risk
    assert not result.flat_beyond
    assert list(result.breakevens_paise) == [155700]


def test_a_long_put_has_a_finite_best_but_is_not_flat():
    """It wins until the underlying is worth nothing, no further."""
    result = payoff((leg(65, 25000, "PE", 140),))
    assert result.max_profit_paise == 65 * (2500000 - 14000)
    assert result.defined_risk
    assert not result.flat_beyond


def test_a_short_put_is_not_defined_risk_although_its_worst_is_finite():
    """One lot of 25000 for ₹140 can lose ₹16,15,900."""
    result = payoff((leg(-65, 25000, "PE", 140),))
    assert result.max_loss_paise == -161590000
    assert result.defined_risk is False


def test_a_jade_lizard_is_as_undefined_as_its_put():
    """No risk above, all of it below."""
    legs = (leg(-65, 25000, "PE", 200), leg(-65, 25500, "CE", 100), leg(65, 25600, "CE", 60))
    result = payoff(legs)
    assert result.max_loss_paise is not None
    assert result.defined_risk is False


def test_a_strangle_has_no_floor():
    """Above the call it loses without end."""
    result = payoff(strangle().legs)
    assert result.max_loss_paise is None
    assert result.max_profit_paise == 650000
    assert list(result.breakevens_paise) == [2440000, 2560000]


def test_a_box_locks_its_profit():
    """Whatever happens, the same amount comes out."""
    legs = (
        leg(65, 24000, "CE", 900),
        leg(-65, 25000, "CE", 300),
        leg(65, 25000, "PE", 400),
        leg(-65, 24000, "PE", 50),
    )
    result = payoff(legs)
    assert result.max_profit_paise == result.max_loss_paise == 65 * 5000
    assert result.breakevens_paise == ()


def test_two_expiries_have_a_premium_and_nothing_else():
    """What the far leg is worth when the near one expires is a model's guess, not ours."""
    legs = (leg(-65, 25000, "CE", 100), leg(65, 25000, "CE", 180, date(2026, 3, 30)))
    result = payoff(legs)
    assert result.net_premium_paise == -520000
    assert not result.one_expiry
    assert (result.max_profit_paise, result.max_loss_paise, result.defined_risk, result.breakevens_paise) == (
        None, None, None, (),
    )  # fmt: skip


def test_a_covered_call_counts_its_future_but_not_as_premium():
    """The future is a straight line; only the call brought premium."""
    result = payoff((future(65, 25000), leg(-65, 25500, "CE", 100)))
    assert result.net_premium_paise == 650000
    assert result.max_profit_paise == 65 * 60000
    assert result.defined_risk is False
    assert list(result.breakevens_paise) == [2490000]


def test_what_cannot_be_computed_is_an_error():
    """No legs, no entry price, no strike: each says what is missing."""
    with pytest.raises(BadInput, match="without legs"):
        payoff(())
    with pytest.raises(BadInput, match="entry price is empty"):
        payoff((leg(65, 25000, "CE", None),))
    with pytest.raises(BadInput, match="without a strike"):
        strike(future(65, 25000))


LEGS = st.lists(
    st.tuples(
        st.integers(-3, 3).filter(bool),
        st.integers(1, 12),
        st.sampled_from(["CE", "PE", "FUT"]),
        st.integers(0, 600),
    ),
    min_size=1,
    max_size=5,
)


@given(LEGS)
def test_the_corners_say_what_brute_force_finds(rows):
    """On a fine grid up to far beyond the strikes nothing is better, worse or crosses zero elsewhere."""
    legs = tuple(
        future(q, price / 100) if right == "FUT" else leg(q, k, right, price / 100)
        for q, k, right, price in rows
    )

    def brute(spot):
        total = Fraction(0)
        for q, k, right, price in rows:
            end = spot if right == "FUT" else max(spot - k * 100 if right == "CE" else k * 100 - spot, 0)
            total += q * (end - price)
        return total

    result = payoff(legs)
    far = 10_000
    grid = (
        [Fraction(n, 2) for n in range(0, 3001, 7)] + [Fraction(k * 100) for k in range(13)] + [Fraction(far)]
    )
    values = [brute(spot) for spot in grid]
    right_slope = brute(Fraction(far + 1)) - brute(Fraction(far))
    assert (result.max_profit_paise is None) == (right_slope > 0)
    assert (result.max_loss_paise is None) == (right_slope < 0)
    if result.max_profit_paise is not None:
        assert max(values) == result.max_profit_paise
    if result.max_loss_paise is not None:
        assert min(values) == result.max_loss_paise
    assert all(brute(zero) == 0 for zero in result.breakevens_paise)
    assert all(a * b >= 0 for a, b in _neighbours(result.breakevens_paise, brute))
    left_slope = brute(Fraction(50)) - brute(Fraction(49))
    assert result.defined_risk == (right_slope >= 0 and left_slope <= 0)


def _neighbours(zeros, brute):
    """Signs sampled within each stretch between breakevens: inside one there is no second crossing."""
    edges = [Fraction(0), *zeros, (zeros[-1] if zeros else Fraction(0)) + 100_000]
    for low, high in pairwise(edges):
        inner = [brute(low + (high - low) * Fraction(n, 40)) for n in range(1, 40)]
        yield from pairwise(inner)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_call_minus_put_is_the_forward(strike_paise, spot_paise):
    """At expiry parity holds exactly, and neither side is ever negative."""
    call, put = (intrinsic(r, strike_paise, spot_paise) for r in (Right.CALL, Right.PUT))
    assert call - put == spot_paise - strike_paise
    assert min(call, put) == 0
