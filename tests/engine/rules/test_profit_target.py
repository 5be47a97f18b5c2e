"""The profit target: share of the basis, to the paisa."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import Action, Urgency
from engine.rules.profit_target import RULE
from tests.engine.makers import condor, leg, long_call, position
from tests.engine.rules.situations import amount, refusal, seen


@pytest.mark.parametrize(("held", "threshold"), [(long_call(), 1211250), (condor(), 152750)])
def test_half_of_what_the_position_can_make(held, threshold):
    """The owner's own call targets ₹12,112.50, the condor ₹1,527.50."""
    assert amount("profit_target", Decimal("0.5"), held).threshold_paise == threshold


def test_a_target_beyond_the_maximum_says_so():
    """A condor cannot make more than its credit; a bought call can make any multiple of its cost."""
    assert amount("profit_target", Decimal(2), condor()).text == (
        "200 % of the maximum profit ₹3,055.00, which is more than can ever be made"
    )
    assert "ever" not in amount("profit_target", 1, condor()).text
    assert "ever" not in amount("profit_target", 2, long_call()).text


def test_a_target_is_met_from_its_threshold_on():
    """A paisa below it is nothing yet."""
    params = amount("profit_target", Decimal("0.5"), condor())
    assert RULE.judge(seen(152749), params) is None
    verdict = RULE.judge(seen(152750, open_share=0.5), params)
    assert verdict is not None
    assert (verdict.action, verdict.urgency) == (Action.CLOSE_POSITION, Urgency.MEDIUM)
    assert (verdict.pnl_paise, verdict.threshold_paise, verdict.fraction) == (152750, 152750, 0.5)
    assert "₹1,527.50" in verdict.reason


def test_a_share_that_is_no_whole_paisa_is_rounded_away_from_firing():
    """A third of ₹3,055.00 is ₹1,018.33⅓: it takes ₹1,018.34."""
    third = Decimal("0.33333333333333333333")
    assert amount("profit_target", third, condor()).threshold_paise == 101834


def test_a_target_does_not_see_through_a_wide_market():
    """What stands in for a wide leg is good enough for stops only."""
    params = amount("profit_target", Decimal("0.5"), condor())
    assert RULE.judge(seen(None, guarded_paise=10**9), params) is None


def test_realised_profit_does_not_count_towards_the_open_rest():
    """Per-cent rules judge the open combinations alone."""
    params = amount("profit_target", Decimal("0.5"), condor())
    assert RULE.judge(seen(152749, realised_paise=10**6), params) is None


def test_a_position_without_any_basis_is_refused():
    """A free risk reversal has neither premium nor maximum."""
    free = position(leg(65, 25000, "CE", 100), leg(-65, 24000, "PE", 100))
    assert refusal("profit_target", Decimal("0.5"), free).refused
