"""Rows of strategy_exit_levels: which rule each means, and which mean nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.io import tables
from engine.model import ExitLevel
from engine.rules.base import Kind, Rank, Rule
from engine.rules.levels import settings_of
from engine.rules.registry import rules
from tests.engine.makers import condor
from tests.engine.rules.situations import amount, seen


def level(row_id, exit_type, level_name, trigger_type, value, **more):
    """One row."""
    return ExitLevel(row_id, 3359, exit_type, level_name, trigger_type, Decimal(value), **more)


def meant(*levels):
    """What rows mean, all of them heeded: rule -> setting."""
    table, ignored = settings_of(levels)
    assert ignored == ()
    return {name: entry.value for name, entry in table.items()}


def refused(*levels):
    """The sentences about rows that are not heeded."""
    return [bad.why for bad in settings_of(levels)[1]]


@pytest.fixture
def everything(monkeypatch):
    """A registry in which every rule that a row can mean is there, and takes any setting."""
    names = ("profit_scaling", "trailing_stop", "stop_delta", "stop_leg_delta")
    more = {name: Rule(name, Kind.PROFIT, Rank.TARGET, lambda value: value, None, None) for name in names}
    monkeypatch.setattr("engine.rules.levels.rules", lambda: {**rules(), **more})


@pytest.mark.parametrize(
    ("row", "rule", "setting"),
    [
        (("profit_target", "primary", "percentage", "50.00"), "profit_target", Fraction(1, 2)),
        (("profit_target", "primary", "price", "1500.00"), "profit_target_rupees", 150_000),
        (("stop_loss", "primary", "percentage", "50.00"), "stop_loss", Fraction(-1, 2)),
        (("stop_loss", "primary", "percentage", "-33.30"), "stop_loss", Fraction(-333, 1000)),
        (("stop_loss", "primary", "price", "5000"), "stop_loss_rupees", 500_000),
        (("stop_loss", "primary", "price", "-5000.00"), "stop_loss_rupees", 500_000),
        (("time_exit", "primary", "dte", "7.00"), "time_exit_dte", 7),
    ],
)
def test_a_row_is_a_setting_of_a_rule(row, rule, setting):
    """Per cent are hundredths, a price is rupees of P&L, days are days."""
    assert meant(level(1, *row)) == {rule: setting}


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("row", "rule", "setting"),
    [
        (("profit_target", "trailing", "percentage", "30"), "trailing_stop", {"give_back": Decimal("0.3")}),
        (("stop_loss", "trailing", "price", "2000"), "trailing_stop", {"give_back_rupees": Decimal(2000)}),
        (("greek_trigger", "primary", "greek_value", "-0.5"), "stop_delta", Decimal("0.5")),
        (("greek_trigger", "delta", "greek_value", "0.5"), "stop_delta", Decimal("0.5")),
        (("greek_trigger", "leg_delta", "greek_value", "0.30"), "stop_leg_delta", Decimal("0.3")),
    ],
)
def test_trailing_and_greek_rows_mean_rules_of_their_own(row, rule, setting):
    """A trailing row says what may be given back, a Greek's row how much of it is too much."""
    assert meant(level(1, *row)) == {rule: setting}


@pytest.mark.usefixtures("everything")
def test_scaling_rows_make_one_ladder_in_the_order_of_their_levels():
    """Each closes a quarter unless its row says otherwise."""
    rows = [
        level(9, "profit_target", "scaling_25", "percentage", "20"),
        level(3, "profit_target", "scaling_75", "percentage", "75", close_pct=Decimal(50)),
        level(4, "profit_target", "scaling_50", "percentage", "50", enabled=False),
    ]
    steps = [
        {"at": Decimal("0.2"), "close": Decimal("0.25")},
        {"at": Decimal("0.75"), "close": Decimal("0.5")},
    ]
    assert meant(*rows) == {"profit_scaling": steps}
    table, _ = settings_of(rows)
    assert table["profit_scaling"].origin == "strategy_exit_levels rows 3, 9"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("target", "primary", "percentage", "50"),
         "row 7: exit_type: read 'target', expected profit_target, stop_loss, time_exit, greek_trigger"),
        (("stop_loss", "scaling_25", "percentage", "50"),
         "row 7: level_name: read 'scaling_25' for stop_loss, expected primary, trailing"),
        (("profit_target", "scaling", "percentage", "50"),
         "row 7: level_name: read 'scaling' for profit_target, expected primary, trailing, scaling_25"),
        (("stop_loss", "primary", "dte", "50"),
         "row 7: trigger_type: read 'dte' for stop_loss primary, expected percentage, price"),
        (("profit_target", "primary", "percentage", "0"),
         "row 7: trigger_value: read 0, that is profit_target = 0, expected a fraction between 0.001 and"),
        (("profit_target", "primary", "percentage", "-50.00"),
         "row 7: trigger_value: read -50.00, that is profit_target = -0.5, expected a fraction"),
        (("stop_loss", "primary", "percentage", "0.00"), "read 0.00, that is stop_loss = 0, expected"),
        (("stop_loss", "primary", "percentage", "200"), "that is stop_loss = -2, expected a fraction"),
        (("stop_loss", "primary", "percentage", "0.50"),
         "row 7: trigger_value: read 0.50 per cent, expected 1 or more (50.00 means 50 %)"),
        (("time_exit", "primary", "dte", "7.5"), "that is time_exit_dte = 7.5, expected a whole number"),
    ],
)  # fmt: skip
def test_a_row_that_means_nothing_is_named_with_what_was_read_and_expected(row, said):
    """And it alone is left aside: the other rows count."""
    good = level(8, "stop_loss", "primary", "price", "5000")
    table, ignored = settings_of([level(7, *row), good])
    assert list(table) == ["stop_loss_rupees"]
    ((what, why),) = ignored
    assert what == "strategy_exit_levels row 7"
    assert said in why


def test_a_rule_that_this_version_lacks_is_a_sentence(monkeypatch):
    """Not a traceback, and not silence."""
    monkeypatch.setattr("engine.rules.levels.rules", dict)
    assert refused(level(7, "greek_trigger", "primary", "greek_value", "0.5")) == [
        "row 7: this version has no rule stop_delta"
    ]


def test_a_part_that_only_a_scaling_level_could_close_is_named_and_the_rule_stands():
    """A stop over a quarter is a stop over everything, and the owner hears of it; 100 says nothing new."""
    row = level(7, "stop_loss", "primary", "percentage", "50", close_pct=Decimal(25))
    table, ignored = settings_of([row])
    assert table["stop_loss"].value == Fraction(-1, 2)
    assert ignored == (
        (
            "close_percentage of strategy_exit_levels row 7",
            "row 7: close_percentage: read 25, expected 100 or nothing: stop_loss closes all of the position",
        ),
    )
    whole = level(7, "stop_loss", "primary", "percentage", "50", close_pct=Decimal("100.00"))
    assert settings_of([whole])[1] == ()


def test_of_two_rows_for_one_rule_the_earlier_counts():
    """The later one is named; nobody guesses which was meant."""
    rows = [
        level(9, "stop_loss", "primary", "percentage", "30"),
        level(2, "stop_loss", "primary", "percentage", "50"),
    ]
    table, ((what, why),) = settings_of(rows)
    assert table["stop_loss"].value == Fraction(-1, 2)
    assert what == "strategy_exit_levels row 9"
    assert why == "row 9: stop_loss is set by strategy_exit_levels row 2 already; expected it once"


def test_a_ladder_that_is_none_is_refused_whole(monkeypatch):
    """Levels that do not increase, or close more than everything, name all their rows."""

    def no(_value):
        raise ValueError("levels that increase")

    rule = Rule("profit_scaling", Kind.PROFIT, Rank.SCALING, no, None, None)
    monkeypatch.setattr("engine.rules.levels.rules", lambda: {rule.name: rule})
    rows = [level(n, "profit_target", "scaling_50", "percentage", "50") for n in (1, 2)]
    (why,) = refused(*rows)
    assert why.startswith(
        "rows 1, 2: trigger_value: read profit_scaling = [{at = 0.5, close = 0.25}, {at = 0.5,"
    )
    assert why.endswith("expected levels that increase")


def test_a_disabled_row_says_nothing():
    """Neither a rule nor a fault."""
    assert settings_of([level(1, "nonsense", "x", "y", "1", enabled=False, fault="z")]) == ({}, ())


def test_a_row_with_bad_cells_is_refused_with_its_fault():
    """What the reader found is what the owner hears."""
    assert refused(level(5, "stop_loss", "primary", "price", "0", fault="trigger_value: read 'x'")) == [
        "row 5: trigger_value: read 'x'"
    ]


WORDS = st.sampled_from(
    ["profit_target", "stop_loss", "time_exit", "greek_trigger", "primary", "trailing", "scaling_25",
     "percentage", "price", "dte", "greek_value", "x"]
)  # fmt: skip


@given(
    st.lists(
        st.builds(
            ExitLevel, st.integers(1, 99), st.just(1), WORDS, WORDS, WORDS,
            st.decimals(-1000, 1000, places=2), st.none(), st.booleans(),
        ),
        unique_by=lambda row: row.id,
    )
)  # fmt: skip
def test_every_row_counts_or_is_named(rows):
    """No row is lost, whatever it says, and the order they come in does not matter."""
    table, ignored = settings_of(rows)
    assert settings_of(rows[::-1]) == (table, ignored)
    named = " ".join([*(entry.origin for entry in table.values()), *(bad.what for bad in ignored)])
    for row in rows:
        assert (f" {row.id}" in f" {named.replace(',', '')}") or not row.enabled


def test_rows_win_over_every_table_of_the_file():
    """And leave what they do not name."""
    text = '[strategy."Iron Condor"]\nstop_loss = -0.1\nprofit_target = 0.1'
    found = tables.rulebook(text).rules_for(
        "NIFTY", "Iron Condor", levels=(level(1, "stop_loss", "primary", "percentage", "90"),)
    )
    assert (found.rules["stop_loss"], found.rules["profit_target"]) == (Fraction(-9, 10), Fraction(1, 10))
    assert found.entries["stop_loss"].origin == "strategy_exit_levels row 1"


def test_a_target_in_rupees_puts_the_default_target_aside():
    """Half of the maximum profit would come before it; a target of the strategy's own stays beside it."""
    rows = (level(1, "profit_target", "primary", "price", "3000"),)
    book = tables.rulebook('[strategy."Iron Fly"]\nprofit_target = 0.6')
    assert "profit_target" not in book.rules_for("NIFTY", "Iron Condor", levels=rows).rules
    assert book.rules_for("NIFTY", "Iron Fly", levels=rows).rules["profit_target"] == Fraction(3, 5)


def test_a_target_in_rupees_counts_what_partial_exits_have_brought():
    """Met from the amount up, on believable marks, realised P&L included."""
    target = amount("profit_target_rupees", 1000, condor())
    judge = rules()["profit_target_rupees"].judge
    assert judge(seen(99_999), target) is None
    assert judge(seen(100_000), target).reason.startswith("P&L +₹1,000.00 has reached the target +₹1,000.00")
    assert judge(seen(60_000, realised_paise=40_000), target).pnl_paise == 100_000
    assert judge(seen(200_000, marked_paise=None), target) is None


@pytest.mark.parametrize("value", [0, -5000, True, "many", Decimal("NaN"), Decimal("0.001")])
def test_a_target_in_rupees_is_an_amount_above_nothing(value):
    """Anything else is refused with what was expected."""
    with pytest.raises(ValueError, match=r"rupees"):
        rules()["profit_target_rupees"].read(value)
