"""Which rules a position has, and every fault of a rules file at once."""

from __future__ import annotations

from fractions import Fraction

import pytest

from engine.errors import ConfigError
from engine.io import tables
from engine.rules.registry import rules
from engine.rules.rulebook import Rulebook


def rules_of(text, symbol="NIFTY", strategy="Iron Condor", **more):
    """The rules of one position under a file."""
    return tables.rulebook(text).rules_for(symbol, strategy, **more)


def test_the_shipped_rules_are_the_ones_the_readme_promises():
    """Half the profit, half the loss, seven days, out at expiry; prices of ten seconds and 15 %."""
    ruleset = rules_of("")
    assert dict(ruleset.rules) == {
        "profit_target": Fraction(1, 2),
        "stop_loss": Fraction(-1, 2),
        "time_exit_dte": 7,
        "expiry_exit": True,
    }
    settings = ruleset.settings
    assert (
        settings.guard.max_quote_age_s,
        settings.guard.max_spread_bp,
        settings.guard.min_spread_ticks,
    ) == (
        10.0,
        1500,
        10,
    )
    assert (settings.guard.stop_grace_s, settings.confirm_s, settings.time_exit_at) == (15.0, 2.0, "15:00")
    assert not settings.liquidation
    assert not settings.debit_basis
    assert not settings.time_exit_dte_always


def test_undefined_risk_is_stopped_at_twice_the_credit():
    """Only there; an owner's word anywhere is stronger."""
    assert rules_of("", defined_risk=False).rules["stop_credit_multiple"] == 2
    assert (
        rules_of("[default]\nstop_credit_multiple = 3", defined_risk=False).rules["stop_credit_multiple"] == 3
    )
    assert "stop_credit_multiple" not in rules_of("").rules
    off = rules_of('[default]\nstop_credit_multiple = "off"', defined_risk=False)
    assert "stop_credit_multiple" not in off.rules


def test_strategy_wins_over_symbol_wins_over_default():
    """Key by key, and names are compared without regard to case."""
    text = """
    [default]
    profit_target = 0.1
    stop_loss = -0.1
    time_exit_dte = 1
    [symbol."nifty"]
    profit_target = 0.2
    stop_loss = -0.2
    [strategy."IRON condor"]
    profit_target = 0.3
    """
    ruleset = rules_of(text)
    assert ruleset.rules["profit_target"] == Fraction(3, 10)
    assert ruleset.rules["stop_loss"] == Fraction(-1, 5)
    assert ruleset.rules["time_exit_dte"] == 1
    assert rules_of(text, "BANKNIFTY", "Straddle").rules["profit_target"] == Fraction(1, 10)


def test_any_rule_may_be_off():
    """A rule that is off is not there."""
    ruleset = rules_of('[symbol."NIFTY"]\nstop_loss = "off"\n[strategy."Iron Condor"]\nexpiry_exit = "off"')
    assert set(ruleset.rules) == {"profit_target", "time_exit_dte"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("trailing_stop = false", "read false, expected true, or a table such as {activate"),
        ("trailing_stop = {activat = 0.25}", "expected true, or a table"),
        ("trailing_stop = {activate = 25}", "activate as a fraction between 0 and 10"),
        ("trailing_stop = {give_back = 0}", "give_back as a fraction between 0.001 and 1"),
        ("trailing_stop = {activate = 0.2, activate_rupees = 500}", "but not both"),
        ("trailing_stop = {give_back = 0.2, give_back_rupees = 500}", "but not both"),
        ("trailing_stop = {give_back_rupees = -5}", "give_back_rupees as rupees from 1 on"),
        ("trailing_stop = {activate = 0.2, floor = 0.2}", "a floor below activate"),
        ("trailing_stop = {floor = nan}", "floor as a fraction between -10 and 10"),
        ("lock_profit = true", "tiers in rupees that grow"),
        ("lock_profit = []", "tiers in rupees that grow"),
        ("lock_profit = [3]", "tiers in rupees that grow"),
        ("lock_profit = [{reach = 1000}]", "tiers in rupees that grow"),
        ("lock_profit = [{reach = 1000, keep = 1000}]", "keep below reach"),
        ("lock_profit = [{reach = 1000, keep = -1}]", "tiers in rupees that grow"),
        ("lock_profit = [{reach = 9, keep = 1}, {reach = 8, keep = 2}]", "each reach and keep above"),
        ("lock_profit = [{reach = 9, keep = 2}, {reach = 18, keep = 2}]", "each reach and keep above"),
        ("exit_at = 15", "a time of day in IST"),
        ('exit_at = "03:10"', 'a time of day in IST from "09:15" to "15:40", e.g. "15:00"'),
        ('exit_at = "15:10:30"', "a time of day in IST"),
        ('time_exit_at = "15:00+00:00"', "a time of day in IST"),
        ('expiry_exit_at = "15"', "a time of day in IST"),
        ('no_exit_before = "9"', 'a time of day in IST from "09:15" to "15:15", e.g. "09:16", or "off"'),
        ('no_exit_before = "15:40"', "a time of day in IST"),
        ("profit_target = 1e999999999", "a fraction between 0.001 and 10"),
        ("profit_target = 1e-999999999", "a fraction between 0.001 and 10"),
        ("stop_loss_rupees = 5000.005", "without a sign, e.g. 5000, and nothing finer than a paisa"),
        ("lock_profit = [{reach = 1000.001, keep = 5}]", "and nothing finer than a paisa"),
        ("trailing_stop = {give_back = 1}", "read {give_back = 1}, expected a give_back below 1"),
        ("max_holding_days = -1", "a whole number of sessions"),
        ("max_holding_minutes = 0", "a whole number of minutes"),
        ("stop_underlying = 24500", "a table of prices of the underlying"),
        ("stop_underlying = {}", "a table of prices of the underlying"),
        ("stop_underlying = {below = 24500, above = 24500}", "a table of prices of the underlying"),
        ("stop_underlying = {beneath = 24500}", "a table of prices of the underlying"),
        ("stop_margin = 0", "a fraction of the margin"),
        ("stop_delta = -0.5", "a delta between 0.01 and 100"),
        ("stop_leg_delta = 1", "a delta between 0.01 and 0.99"),
        ("theta_captured = 80", "a fraction between 0.01 and 1"),
        ("theta_burn = nan", "a fraction of the value a day"),
    ],
)
def test_each_rule_says_what_it_expects(text, fault):
    """Reversed signs, zero, not a number, levels that do not grow, unknown words: all refused."""
    with pytest.raises(ConfigError) as caught:
        tables.rulebook(f"[default]\n{text}")
    assert fault in str(caught.value)
    assert "line 2: [default]" in str(caught.value)


def test_every_rule_may_be_off():
    """And a rule of a table may be off for one symbol only."""
    everything = "\n".join(f'{name} = "off"' for name in rules() if name != "expiry_exit")
    assert set(rules_of(f"[default]\n{everything}").rules) == {"expiry_exit"}
    assert rules_of('[default]\nno_exit_before = "off"').settings.no_exit_before == "00:00"
    text = '[default]\ntrailing_stop = true\n[symbol."NIFTY"]\ntrailing_stop = "off"'
    assert "trailing_stop" not in rules_of(text).rules
    assert "trailing_stop" in rules_of(text, "BANKNIFTY").rules


def test_settings_may_differ_by_table():
    """A dead stock may have wider markets believed."""
    text = (
        '[symbol."ASTRAL"]\nmax_spread_pct = 22.5\nvaluation = "liquidation"\nbasis = "debit"\nconfirm_s = 5'
    )
    settings = rules_of(text, "ASTRAL").settings
    assert (settings.guard.max_spread_bp, settings.confirm_s) == (2250, 5.0)
    assert settings.liquidation
    assert settings.debit_basis
    assert rules_of(text).settings.guard.max_spread_bp == 1500


BROKEN = """
[default]
profit_target = 50
trailing = true
expiry_exit = "off"
max_spread_pct = 0.001
max_quote_age_s = nan

[strategy."Iron Condor"]
stop_loss = 0.5
time_exit_at = "late"
time_exit_dte = 7.5
time_exit_dte_always = 1
valuation = "mid"
stop_loss_rupees = -5000
min_spread_ticks = "off"
stop_credit_multiple = true

[strategy."iron condor"]
stop_loss = -0.5

[symbol]
NIFTY = 3

[accounts."A"]
day_loss_rupees = 5000
"""


def test_all_faults_of_a_file_are_named_at_once():
    """Each with its line, its table, its key, what was read and what was expected."""
    with pytest.raises(ConfigError) as caught:
        tables.rulebook(BROKEN)
    faults = caught.value.faults
    for wanted in (
        "rules.toml line 3: [default] profit_target: read 50, expected a fraction between 0.001 and 10",
        "rules.toml line 4: [default] trailing: unknown key; expected one of",
        'rules.toml line 5: [default] expiry_exit: "off" must be written per strategy',
        "line 6: [default] max_spread_pct: read 0.001, expected per cent",
        "line 7: [default] max_quote_age_s: read NaN, expected seconds between 0.1 and 3600",
        'line 10: [strategy."Iron Condor"] stop_loss: read 0.5, expected a fraction between -1 and -0.001',
        'line 11: [strategy."Iron Condor"] time_exit_at: read "late", expected a time of day',
        'line 12: [strategy."Iron Condor"] time_exit_dte: read 7.5, expected a whole number',
        'line 13: [strategy."Iron Condor"] time_exit_dte_always: read 1, expected true or false',
        'line 14: [strategy."Iron Condor"] valuation: read "mid", expected "mark" or "liquidation"',
        'line 15: [strategy."Iron Condor"] stop_loss_rupees: read -5000, expected rupees',
        'line 16: [strategy."Iron Condor"] min_spread_ticks: read "off", expected a whole number of ticks',
        'line 17: [strategy."Iron Condor"] stop_credit_multiple: read true, expected a number',
        'line 19: [strategy."iron condor"]: there are two tables of this name',
        'rules.toml: [symbol."NIFTY"]: read 3, expected a table of rules',
        "line 25: [accounts]: unknown table; expected [default]",
    ):
        assert any(wanted in fault for fault in faults), wanted
    assert len(faults) == 16


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[default", "not readable as TOML"),
        pytest.param("[default]\nprofit_target = 1" + "0" * 5000, "not readable as TOML", id="digits"),
        pytest.param("[default]\nprofit_target = " + "[" * 5000, "not readable as TOML", id="brackets"),
        ("default = 3", "read 3, expected a table"),
        ("[default]\nundefined_risk = 3", "expected a table"),
        ("[default]\nstop_loss_rupees = 0.5", "rupees between"),
        ("[default]\nstop_loss_rupees = 5000.005", "finer than a paisa"),
        ("[default]\ntime_exit_at = 15", "time of day"),
        ('[default]\nexpiry_exit = "maybe"', '"on" or "off"'),
        ("[default]\ntime_exit_dte = 366", "between 0 and 365"),
    ],
)
def test_a_single_fault_is_enough(text, fault):
    """Nothing of a faulty file is taken over."""
    with pytest.raises(ConfigError, match=fault):
        tables.rulebook(text)


def test_a_book_without_all_settings_cannot_stand_alone():
    """The shipped file must be complete; what is missing is named."""
    with pytest.raises(ConfigError, match="'confirm_s' is missing"):
        Rulebook.parse(
            "[default]\nmax_quote_age_s = 1\nmax_spread_pct = 1\nmin_spread_ticks = 1\nstop_grace_s = 1"
        )


def test_rules_are_found_in_order_of_precedence():
    """Expiry, rupees, other stops, trailing, target, time: the registry is the precedence."""
    assert list(rules()) == [
        "expiry_exit",
        "stop_loss_rupees",
        "stop_credit_multiple",
        "stop_delta",
        "stop_leg_delta",
        "stop_loss",
        "stop_margin",
        "stop_underlying",
        "lock_profit",
        "trailing_stop",
        "profit_target",
        "profit_target_rupees",
        "profit_scaling",
        "exit_at",
        "max_holding_days",
        "max_holding_minutes",
        "theta_burn",
        "theta_captured",
        "time_exit_dte",
    ]
