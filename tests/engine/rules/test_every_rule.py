"""What holds for every rule there is, whatever it waits for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.base import Daily, Due, Ratchet, Refusal
from engine.rules.registry import rules
from engine.sensitivity import Sensitivity
from tests.engine.makers import condors, long_call
from tests.engine.rules.situations import seen, situation

#: A setting of every rule that is met sooner or later; a rule without one here fails the first test.
SETTINGS = {
    "expiry_exit": "on",
    "stop_loss_rupees": 100,
    "stop_credit_multiple": 1,
    "stop_delta": Decimal("0.2"),
    "stop_leg_delta": Decimal("0.2"),
    "stop_loss": Decimal("-0.1"),
    "stop_margin": Decimal("0.1"),
    "stop_underlying": {"below": 24900, "above": 25100},
    "lock_profit": [{"reach": 500, "keep": 400}],
    "trailing_stop": True,
    "profit_target": Decimal("0.1"),
    "profit_target_rupees": 100,
    "profit_scaling": True,
    "exit_at": "10:00",
    "max_holding_days": 0,
    "max_holding_minutes": 10,
    "theta_burn": Decimal("0.01"),
    "theta_captured": Decimal("0.3"),
    "time_exit_dte": 7,
}
SNAPSHOTS = st.builds(
    lambda pnl, spot, delta, theta, left: seen(
        pnl,
        4e9,
        underlying_paise=spot,
        model=Sensitivity(spot, 1_000_00, delta, 0.0, theta, delta, abs(delta), left),
    ),
    st.integers(-2_000_000, 2_000_000),
    st.integers(20_000_00, 30_000_00),
    st.floats(-1, 1),
    st.floats(-50_000, 0),
    st.integers(0, 700_000),
)


def armed(name):
    """A rule on guard over a position that it suits, its peak seen and its day begun."""
    held = long_call() if name == "theta_burn" else condors(4 if name == "profit_scaling" else 1)
    held = replace(held, margin_paise=1_000_000)
    rule = rules()[name]
    params = rule.arm(rule.read(SETTINGS[name]), situation(held, entry_spot_paise=25_000_00))
    assert not isinstance(params, Refusal), params
    if isinstance(params, tuple):
        params = params[0]
    if isinstance(params, Ratchet):
        params = params.seen(1_000_000)
    return rule, Due(1.0, params.text) if isinstance(params, Daily) else params


@pytest.mark.parametrize("name", list(rules()))
@given(snapshot=SNAPSHOTS)
def test_no_rule_speaks_without_a_price_and_all_say_the_same_twice(name, snapshot):
    """A leg that nobody prices, whatever index and model say: silence. The same snapshot: the same word."""
    rule, params = armed(name)
    assert rule.judge(replace(snapshot, marked_paise=None, guarded_paise=None), params) is None
    verdict = rule.judge(snapshot, params)
    assert verdict == rule.judge(snapshot, params)
    if verdict is not None:
        assert (verdict.rule, verdict.fraction) == (name, 0.25 if name == "profit_scaling" else 1.0)
        assert verdict.reason


@pytest.mark.parametrize("name", list(rules()))
def test_every_rule_has_a_moment_at_which_it_speaks(name):
    """So that silence above means something."""
    rule, params = armed(name)
    model = Sensitivity(24_000_00, 1_000_00, 0.9, 0.0, -50_000.0, 0.9, 0.9, 0)
    moments = [seen(pnl, 4e9, underlying_paise=24_000_00, model=model) for pnl in (-900_000, 30_000, 900_000)]
    assert any(rule.judge(moment, params) is not None for moment in moments)


def test_precedence_is_a_total_order():
    """No two rules claim the same place: rank first, then name, and the registry keeps to it."""
    places = [(rule.rank, rule.name) for rule in rules().values()]
    assert all(one < other for one, other in pairwise(places))
    assert set(SETTINGS) == set(rules())
