"""Rules that go by the underlying, the model's Greeks or the margin."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.model import Action, Urgency
from engine.rules.registry import rules
from engine.sensitivity import Sensitivity
from tests.engine.makers import condor, long_call, position, strangle
from tests.engine.rules.situations import amount, limits, refusal, seen

MODEL = Sensitivity(25_000_00, 1_000_00, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


def by(name, params, snapshot):
    """What a rule says of a snapshot."""
    return rules()[name].judge(snapshot, params)


def test_the_underlying_has_to_be_beyond():
    """At the price it is not below it; a paisa further it is, and out at once."""
    params = limits("stop_underlying", {"below": 24500, "above": Decimal("25500.50")}, condor())
    for inside in (24_500_00, 25_000_00, 25_500_50):
        assert by("stop_underlying", params, seen(-5, underlying_paise=inside)) is None
    for beyond in (24_499_99, 25_500_51):
        verdict = by("stop_underlying", params, seen(-5, underlying_paise=beyond, open_share=0.5))
        assert verdict is not None
        assert (verdict.action, verdict.urgency) == (Action.CLOSE_IMMEDIATELY, Urgency.HIGH)
        assert (verdict.pnl_paise, verdict.threshold_paise, verdict.fraction) == (-5, None, 0.5)
    assert "NIFTY below ₹24,500.00 or above ₹25,500.50" in params.text


def test_an_unknown_underlying_or_leg_fires_nothing():
    """Neither a stale index nor a leg without a price may send an order."""
    params = limits("stop_underlying", {"below": 24500}, condor())
    assert by("stop_underlying", params, seen(0)) is None
    assert by("stop_underlying", params, seen(None, underlying_paise=1)) is None
    assert by("stop_underlying", params, seen(None, guarded_paise=5, underlying_paise=1)) is not None
    assert by("stop_underlying", params, seen(0, underlying_paise=9_99_999_00)) is None


def test_contracts_on_something_unknown_cannot_follow_it():
    """The master names no underlying: said, not guessed."""
    orphan = position(
        *(replace(one, instrument=replace(one.instrument, underlying=None)) for one in condor().legs)
    )
    assert refusal("stop_underlying", {"above": 25500}, orphan).refused


@pytest.mark.parametrize("delta", [0.5, -0.5, -1.2])
def test_net_delta_counts_either_way(delta):
    """From the limit on, in size."""
    params = limits("stop_delta", Decimal("0.5"), condor())
    verdict = by("stop_delta", params, seen(-5, model=replace(MODEL, unit_delta=delta)))
    assert verdict is not None
    assert (verdict.rule, verdict.action, verdict.urgency) == (
        "stop_delta",
        Action.CLOSE_IMMEDIATELY,
        Urgency.HIGH,
    )
    assert by("stop_delta", params, seen(-5, model=replace(MODEL, unit_delta=0.499))) is None
    assert by("stop_delta", params, seen(None, model=replace(MODEL, unit_delta=delta))) is None


def test_a_leg_s_delta_is_that_of_the_worst_sold_option():
    """A long call has none to guard."""
    params = limits("stop_leg_delta", Decimal("0.6"), condor())
    assert by("stop_leg_delta", params, seen(-5, model=replace(MODEL, short_delta=0.6))) is not None
    assert by("stop_leg_delta", params, seen(-5, model=replace(MODEL, short_delta=0.59))) is None
    assert by("stop_leg_delta", params, seen(None, model=replace(MODEL, short_delta=0.9))) is None
    assert not refusal("stop_leg_delta", Decimal("0.6"), long_call()).refused


@pytest.mark.parametrize("name", ["stop_delta", "stop_leg_delta", "theta_burn"])
def test_where_the_model_is_silent_its_rules_are(name):
    """No model, or none for this measure."""
    params = limits(name, Decimal("0.5"), long_call() if name == "theta_burn" else condor())
    nothing = replace(MODEL, unit_delta=None, short_delta=None, theta_paise=None)
    for model in (None, nothing):
        assert by(name, params, seen(-5, model=model)) is None


def test_theta_burn_is_a_day_s_theta_over_the_value():
    """₹8 a day of ₹100 is 8 %; a worthless position has no share to burn."""
    params = limits("theta_burn", Decimal("0.08"), long_call())
    burning = replace(MODEL, value_paise=100_00, theta_paise=-8_00.0)
    verdict = by("theta_burn", params, seen(-5, model=burning))
    assert verdict is not None
    assert (verdict.action, verdict.urgency) == (Action.CLOSE_POSITION, Urgency.MEDIUM)
    assert "8.0 % of the value" in verdict.reason
    assert by("theta_burn", params, seen(-5, model=replace(burning, theta_paise=-7_99.0))) is None
    assert by("theta_burn", params, seen(-5, model=replace(burning, value_paise=0))) is None
    assert by("theta_burn", params, seen(None, model=burning)) is None
    assert not refusal("theta_burn", Decimal("0.08"), condor()).refused


def test_theta_captured_is_what_has_melted_of_the_time_value_at_entry():
    """The strangle sold ₹6,500 of time value; ₹1,300 are left: 80 % captured."""
    params = limits("theta_captured", Decimal("0.8"), strangle(), entry_spot_paise=25_000_00)
    left = replace(MODEL, extrinsic_paise=1_300_00)
    verdict = by("theta_captured", params, seen(5, model=left))
    assert verdict is not None
    assert (verdict.action, verdict.urgency) == (Action.CLOSE_POSITION, Urgency.MEDIUM)
    assert "80.0 %" in verdict.reason
    assert by("theta_captured", params, seen(5, model=replace(left, extrinsic_paise=1_300_01))) is None
    assert by("theta_captured", params, seen(None, model=left)) is None
    assert by("theta_captured", params, seen(5, model=replace(left, extrinsic_paise=None))) is None
    assert by("theta_captured", params, seen(5)) is None


def test_time_value_at_entry_must_be_known():
    """Waiting while it may still be learnt; unavailable, and said so, when it will not."""
    waiting = limits("theta_captured", Decimal("0.8"), strangle())
    assert "waits" in waiting.text
    assert by("theta_captured", waiting, seen(5, model=replace(MODEL, extrinsic_paise=0))) is None
    late = refusal("theta_captured", Decimal("0.8"), strangle(), entry_passed=True)
    assert late.refused
    assert late.text.startswith("unavailable")
    assert not refusal("theta_captured", Decimal("0.8"), long_call()).refused
    assert refusal("theta_captured", Decimal("0.8"), strangle(), entry_spot_paise=24_000_00).refused


def test_a_share_of_the_margin_that_was_blocked():
    """A tenth of ₹64,321.05; without a margin unavailable, and said so."""
    params = amount("stop_margin", Decimal("0.1"), replace(condor(), margin_paise=64_321_05))
    assert params.threshold_paise == -643211
    assert by("stop_margin", params, seen(-643210)) is None
    assert by("stop_margin", params, seen(None)) is None
    verdict = by("stop_margin", params, seen(-643211))
    assert verdict is not None
    assert (verdict.rule, verdict.action) == ("stop_margin", Action.CLOSE_IMMEDIATELY)
    unknown = refusal("stop_margin", Decimal("0.1"), condor())
    assert unknown.refused
    assert unknown.text.startswith("unavailable")
