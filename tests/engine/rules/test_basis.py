"""What one hundred per cent is, for every kind of position."""

from __future__ import annotations

from datetime import date

import pytest

from engine.payoff import payoff
from engine.rules.base import Refusal
from engine.rules.basis import Basis, profit_basis, stop_basis
from tests.engine.makers import condor, leg, long_call, strangle

FAR = date(2026, 3, 30)
CALENDAR = (leg(-65, 25000, "CE", 100), leg(65, 25000, "CE", 180, FAR))
REVERSED = (leg(65, 25000, "CE", 100), leg(-65, 25000, "CE", 180, FAR))
BOX = (
    leg(65, 24000, "CE", 900),
    leg(-65, 25000, "CE", 300),
    leg(65, 25000, "PE", 400),
    leg(-65, 24000, "PE", 50),
)
RATIO = (leg(65, 25000, "CE", 100), leg(-130, 25500, "CE", 40))


@pytest.mark.parametrize(
    ("legs", "amount"),
    [
        (condor().legs, 305500),  # flat on both sides: the maximum profit
        (long_call().legs, 2422500),  # without end: the debit
        ((leg(65, 25000, "PE", 140),), 910000),  # finite but not flat: the debit
        (strangle().legs, 650000),  # undefined: the credit
        (RATIO, 130000),  # undefined, paid for: the debit
        (CALENDAR, 520000),  # two expiries: the premium
        (BOX, 325000),  # locked in: the maximum profit
    ],
)
def test_profit_rules_take_their_share_of(legs, amount):
    """The maximum profit where the payoff has a flat one, else the premium."""
    basis = profit_basis(payoff(legs))
    assert isinstance(basis, Basis)
    assert basis.amount_paise == amount


def test_a_position_without_premium_has_no_profit_basis():
    """Nothing paid, nothing received, no flat maximum: refused with a way out."""
    basis = profit_basis(payoff((leg(65, 25000, "CE", 100), leg(-65, 24000, "PE", 100))))
    assert isinstance(basis, Refusal)
    assert basis.refused
    assert "rupees" in basis.text


def test_a_stop_takes_its_share_of_the_maximum_loss():
    """Where the risk is defined."""
    assert stop_basis(payoff(condor().legs), debit=False) == Basis(994500, "maximum loss ₹9,945.00")
    assert stop_basis(payoff(long_call().legs), debit=False) == Basis(2422500, "maximum loss ₹24,225.00")


@pytest.mark.parametrize("legs", [strangle().legs, RATIO, (leg(-65, 25000, "PE", 140),), CALENDAR, REVERSED])
def test_a_stop_in_per_cent_is_refused_where_the_worst_is_unknown(legs):
    """The sentence names the stops that suit."""
    basis = stop_basis(payoff(legs), debit=False)
    assert isinstance(basis, Refusal)
    assert basis.refused
    assert "stop_loss_rupees" in basis.text


def test_a_calendar_may_choose_its_debit():
    """Only if it was paid for."""
    assert stop_basis(payoff(CALENDAR), debit=True) == Basis(520000, "debit ₹5,200.00")
    assert isinstance(stop_basis(payoff(REVERSED), debit=True), Refusal)


def test_a_position_that_cannot_lose_needs_no_stop():
    """A locked-in profit switches the stop off; nobody did anything wrong."""
    basis = stop_basis(payoff(BOX), debit=False)
    assert isinstance(basis, Refusal)
    assert not basis.refused
