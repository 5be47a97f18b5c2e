"""Where a position's rules come from: which source wins, key by key, and what is not heeded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.io import tables
from engine.model import ExitLevel
from engine.rules.base import Kind, Rank, Rule
from engine.rules.layers import Entry, Layer, lay
from engine.rules.overrides import Override, tightened
from engine.rules.registry import rules
from tests.engine.makers import condor
from tests.engine.rules.situations import situation

ENTRIES = st.builds(
    Entry, st.one_of(st.none(), st.integers()), st.sampled_from(Layer), st.just("somewhere"), st.just("1")
)
TABLES = st.dictionaries(st.sampled_from("abcd"), ENTRIES)


def rules_of(text, symbol="NIFTY", strategy="Iron Condor", **more):
    """The rules of one position under a file."""
    return tables.rulebook(text).rules_for(symbol, strategy, **more)


def faults_of(text):
    """What is wrong with a file."""
    with pytest.raises(ConfigError) as caught:
        tables.rulebook(text)
    return caught.value.faults


@pytest.fixture
def scaling(monkeypatch):
    """A registry that has profit_scaling, whatever it does."""
    rule = Rule("profit_scaling", Kind.PROFIT, Rank.SCALING, lambda value: value, None, None)
    monkeypatch.setattr("engine.rules.rulefile.rules", lambda: {**rules(), rule.name: rule})


@given(TABLES, TABLES, TABLES)
def test_laying_tables_is_associative(a, b, c):
    """It does not matter in which steps sources are merged."""
    assert lay(lay(a, b), c) == lay(a, lay(b, c)) == lay(a, b, c)


@given(st.dictionaries(st.sampled_from(Layer), st.integers(), min_size=1))
def test_precedence_is_a_total_order(values):
    """Of any sources the highest wins, in whatever order they are laid."""
    found = [{"stop_loss": Entry(value, layer, "", "")} for layer, value in values.items()]
    for order in permutations(found) if len(found) < 5 else [found, found[::-1]]:
        assert lay(*order)["stop_loss"].value == values[max(values)]


@given(st.sets(st.sampled_from(["default", "set", "symbol", "strategy", "row", "override"])))
def test_the_highest_source_counts_whatever_the_others_say(present):
    """Override over row over strategy over symbol over set over [default] over the shipped one."""
    places = {
        "default": "[default]\nstop_loss = -0.11\n",
        "set": "[set.mine]\nstop_loss = -0.12\n",
        "symbol": '[symbol."NIFTY"]\nstop_loss = -0.13\n',
        "strategy": '[strategy."Iron Condor"]\nstop_loss = -0.14\n',
    }
    text = "".join(places[name] for name in places if name in present)
    row = ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal(15))
    ruleset = rules_of(
        text, rule_sets=("mine",) if "set" in present else (), levels=(row,) if "row" in present else ()
    )
    wish = Override("stop_loss", Decimal("-0.1"), "Asha")
    ruleset = tightened(ruleset, [wish] if "override" in present else [], situation(condor()))
    expected = {"default": 11, "set": 12, "symbol": 13, "strategy": 14, "row": 15}
    best = max((expected[name] for name in present & expected.keys()), default=50)
    assert ruleset.rules["stop_loss"] == Fraction(-10 if "override" in present else -best, 100)


def test_the_shipped_sets_are_the_ones_of_the_guide():
    """Each says its few keys, and the rest stays as it is."""
    hasty = rules_of("", rule_sets=("aggressive_profits",)).rules
    assert (hasty["profit_target"], hasty["time_exit_dte"], hasty["stop_loss"]) == (
        Fraction(3, 10), 10, Fraction(-1, 2),
    )  # fmt: skip
    careful = rules_of("", rule_sets=("conservative_losses",)).rules
    assert (careful["stop_loss"], careful["time_exit_dte"]) == (Fraction(-3, 10), 14)
    text = "[default]\nprofit_target = 0.9\nstop_loss = -0.9\ntime_exit_dte = 1\nstop_credit_multiple = 9"
    again = rules_of(text, rule_sets=("default",), defined_risk=False).rules
    assert (again["profit_target"], again["stop_loss"], again["time_exit_dte"]) == (
        Fraction(1, 2), Fraction(-1, 2), 7,
    )  # fmt: skip
    assert again["stop_credit_multiple"] == 2


def test_an_own_set_of_a_shipped_name_is_laid_over_it_key_by_key():
    """What it does not name stays as shipped."""
    ruleset = rules_of("[set.Aggressive_Profits]\nprofit_target = 0.2", rule_sets=("AGGRESSIVE_profits",))
    assert (ruleset.rules["profit_target"], ruleset.rules["time_exit_dte"]) == (Fraction(1, 5), 10)


def test_a_set_lies_between_default_and_the_table_that_names_it():
    """The table's own keys are stronger than the set it names, and [default] is weaker."""
    text = """
    [default]
    profit_target = 0.1
    stop_loss = -0.1
    time_exit_dte = 1
    [set.mine]
    profit_target = 0.2
    stop_loss = -0.2
    [strategy."Iron Condor"]
    set = "MINE"
    profit_target = 0.3
    """
    found = rules_of(text).rules
    assert (found["profit_target"], found["stop_loss"], found["time_exit_dte"]) == (
        Fraction(3, 10), Fraction(-1, 5), 1,
    )  # fmt: skip
    assert rules_of(text, "BANKNIFTY", "Straddle").rules["stop_loss"] == Fraction(-1, 10)


def test_one_set_counts_the_trade_rows_before_the_strategys_before_the_symbols():
    """A position has one set: sets do not add up."""
    text = """
    [set.a]
    profit_target = 0.1
    [set.b]
    stop_loss = -0.2
    [symbol."NIFTY"]
    set = "a"
    [strategy."Iron Condor"]
    set = "b"
    """
    by_strategy = rules_of(text).rules
    assert (by_strategy["profit_target"], by_strategy["stop_loss"]) == (Fraction(1, 2), Fraction(-1, 5))
    assert rules_of(text, strategy="Straddle").rules["profit_target"] == Fraction(1, 10)
    tagged = rules_of(text, rule_sets=("conservative_losses",)).rules
    assert (tagged["time_exit_dte"], tagged["stop_loss"]) == (14, Fraction(-3, 10))


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (
            ("sportive",),
            'the trade rows name the set "sportive", expected one of default, aggressive_profits',
        ),
        (("default", "mine"), 'the trade rows name the sets "default" and "mine", expected one'),
    ],
)
def test_a_tag_that_means_nothing_is_not_heeded_and_the_other_rules_stand(named, why):
    """An unknown set, or two at once: the owner is told, the position keeps what it has."""
    text = '[set.mine]\nstop_loss = -0.2\n[strategy."Iron Condor"]\nset = "mine"'
    ruleset = rules_of(text, rule_sets=named)
    (bad,) = ruleset.unheeded
    assert bad.why.startswith(why)
    assert ruleset.rules["stop_loss"] == Fraction(-1, 5)


def test_faults_of_sets_are_told_with_the_others():
    """Unknown name, no name, a set in the wrong place, a bad key in a set: each with its line."""
    found = faults_of("""
[default]
set = "default"
[set.mine]
stop_loss = 0.2
expiry_exit = "off"
[set.mine.undefined_risk]
stop_credit_multiple = 0
[set.MINE]
set = "default"
[symbol."NIFTY"]
set = "sportive"
[strategy."Iron Condor"]
set = 3
stop_loss = 0
""")
    for wanted in (
        'line 3: [default] set: a set is named in [strategy."NAME"] or [symbol."NAME"] only',
        "line 5: [set.mine] stop_loss: read 0.2, expected a fraction between -1 and -0.001",
        'line 6: [set.mine] expiry_exit: "off" must be written per strategy',
        "line 8: [set.mine.undefined_risk] stop_credit_multiple: read 0, expected a number between 0.1 and",
        "line 9: [set.MINE]: there are two tables of this name",
        "line 10: [set.MINE] set: a set is named in",
        'line 12: [symbol."NIFTY"] set: read "sportive", expected a set: aggressive_profits, conservative',
        'line 14: [strategy."Iron Condor"] set: read 3, expected a set: ',
        'line 15: [strategy."Iron Condor"] stop_loss: read 0, expected a fraction between -1 and -0.001',
    ):
        assert any(wanted in fault for fault in found), wanted
    assert len(found) == 9


def test_every_key_knows_its_source_and_how_it_was_written():
    """The shipped tables by name, the owner's with line and file."""
    text = (
        '[default]\nprofit_target = 0.4\n[strategy."Iron Condor"]\nset = "conservative_losses"\nconfirm_s = 3'
    )
    found = rules_of(text, defined_risk=False).entries
    origins = {key: (entry.written, entry.origin) for key, entry in found.items()}
    aside = "[default] line 2 of rules.toml, put aside by profit_scaling"
    assert origins["profit_target"] == ("0.4", aside)
    assert origins["stop_loss"] == ("-0.3", "shipped set conservative_losses")
    assert origins["stop_credit_multiple"] == ("2.0", "shipped default for undefined risk")
    assert origins["expiry_exit"] == ('"on"', "shipped default")
    assert origins["confirm_s"] == ("3", '[strategy."Iron Condor"] line 5 of rules.toml')
    own = tables.rulebook("[set.a.undefined_risk]\nstop_loss_rupees = 5", "mine.toml")
    entry = own.rules_for("", "", rule_sets=("A",), defined_risk=False).entries["stop_loss_rupees"]
    assert entry.origin == "[set.a.undefined_risk] line 2 of mine.toml"


def test_a_rule_that_is_off_still_says_who_switched_it_off():
    """It is not among the rules, but among the entries."""
    ruleset = rules_of('[symbol."NIFTY"]\nstop_loss = "off"')
    assert "stop_loss" not in ruleset.rules
    assert ruleset.entries["stop_loss"][2:] == ('[symbol."NIFTY"] line 2 of rules.toml', '"off"')


@pytest.mark.usefixtures("scaling")
@pytest.mark.parametrize(
    ("text", "target"),
    [
        ('[strategy."Iron Condor"]\nprofit_scaling = true', None),
        ("[default]\nprofit_scaling = true", None),
        ('[default]\nprofit_target = 0.9\n[strategy."Iron Condor"]\nprofit_scaling = true', None),
        ("[default]\nprofit_target = 0.9\nprofit_scaling = true", Fraction(9, 10)),
        (
            '[symbol."NIFTY"]\nprofit_target = 0.9\n[strategy."Iron Condor"]\nprofit_scaling = true',
            Fraction(9, 10),
        ),
        ('[strategy."Iron Condor"]\nprofit_scaling = "off"', Fraction(1, 2)),
    ],
)
def test_a_position_that_scales_has_no_target_but_its_own(text, target):
    """A default target would make the levels above it unreachable."""
    ruleset = rules_of(text)
    assert ruleset.rules.get("profit_target") == target
    if target is None:
        assert ruleset.entries["profit_target"].origin.endswith(", put aside by profit_scaling")


@pytest.mark.parametrize("kind", ["set", "symbol", "strategy", "account"])
@pytest.mark.parametrize("name", ["Iron Condor ", " Iron Condor", "\u00a0Iron Condor"])
def test_a_name_with_a_blank_at_an_end_is_a_fault(kind, name):
    """No name of the trade store has one, so the table would silently fit nothing."""
    (fault,) = faults_of(f'[{kind}."{name}"]\n')
    assert fault == (
        f'rules.toml line 1: [{kind}."{name}"]: its name begins or ends with a blank, so that it would fit '
        "nothing"
    )
