"""The three stops in money: per cent of the worst, rupees, multiples of the credit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import Action, Urgency
from engine.rules.registry import rules
from tests.engine.makers import condor, long_call, position, strangle
from tests.engine.rules.situations import amount, refusal, seen


@pytest.mark.parametrize(
    ("name", "setting", "held", "threshold"),
    [
        ("stop_loss", Decimal("-0.5"), long_call(), -1211250),
        ("stop_loss", Decimal("-0.5"), condor(), -497250),
        ("stop_loss", Decimal("-0.33333333333333333333"), condor(), -331500),
        ("stop_loss_rupees", 5000, condor(), -500000),
        ("stop_loss_rupees", Decimal("5000.05"), strangle(), -500005),
        ("stop_credit_multiple", Decimal("2.0"), strangle(), -1300000),
        ("stop_credit_multiple", Decimal("1.5"), condor(), -458250),
    ],
)
def test_a_stop_is_met_from_its_threshold_down(name, setting, held, threshold):
    """The worked amounts; a paisa above is nothing yet, at it everything is lost no time over."""
    params = amount(name, setting, held)
    assert params.threshold_paise == threshold
    judge = rules()[name].judge
    assert judge(seen(threshold + 1), params) is None
    verdict = judge(seen(threshold), params)
    assert verdict is not None
    assert (verdict.rule, verdict.action, verdict.urgency) == (name, Action.CLOSE_IMMEDIATELY, Urgency.HIGH)
    assert (verdict.pnl_paise, verdict.threshold_paise, verdict.fraction) == (threshold, threshold, 1.0)


def test_a_stop_goes_by_what_stands_in_for_a_wide_leg():
    """No believable mark, but a loss all the same."""
    params = amount("stop_loss", Decimal("-0.5"), condor())
    assert rules()["stop_loss"].judge(seen(None, guarded_paise=-497250), params) is not None
    assert rules()["stop_loss"].judge(seen(None), params) is None


def test_only_rupees_count_what_was_realised():
    """₹4,000 gone and ₹1,000 open are ₹5,000; for per-cent rules only the open ₹1,000 exist."""
    now = seen(-100_000, realised_paise=-400_000)
    verdict = rules()["stop_loss_rupees"].judge(now, amount("stop_loss_rupees", 5000, condor()))
    assert verdict is not None
    assert verdict.pnl_paise == -500_000
    assert rules()["stop_loss"].judge(now, amount("stop_loss", Decimal("-0.5"), condor())) is None
    assert rules()["stop_loss_rupees"].judge(seen(None), amount("stop_loss_rupees", 1, condor())) is None


def test_a_naked_position_is_refused_a_stop_in_per_cent():
    """The sentence names what to use instead."""
    refused = refusal("stop_loss", Decimal("-0.5"), strangle())
    assert refused.refused
    assert "stop_credit_multiple" in refused.text


def test_a_debit_has_no_credit_to_multiply():
    """It does not apply, and nobody is to blame."""
    assert not refusal("stop_credit_multiple", Decimal("2.0"), long_call()).refused


def test_half_the_position_stops_at_half_the_amount():
    """After a partial exit the threshold per combination is where it was."""
    whole = position(*(leg for leg in condor().legs for _ in range(2)))
    double = amount("stop_loss", Decimal("-0.5"), whole).threshold_paise
    assert double == 2 * amount("stop_loss", Decimal("-0.5"), condor()).threshold_paise
