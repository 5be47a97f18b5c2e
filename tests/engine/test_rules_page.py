"""The page of a position's rules: each with its value, its source, and what it waits for or why not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from engine.io import tables
from engine.model import ExitLevel
from engine.rules_page import page_data, page_text, rules_page
from tests.engine.makers import condor, condors, leg, position, strangle

CALENDAR = tables.calendar()

FILE = """
[default]
time_exit_dte = 5
[strategy."Iron Condor"]
max_spread_pct = 20
expiry_exit = "off"
"""
ROWS = (
    ExitLevel(4, 3359, "stop_loss", "primary", "percentage", Decimal("40.00")),
    ExitLevel(9, 3359, "stop", "primary", "percentage", Decimal("40.00")),
)


def page(of, text=""):
    """The page of a position under a file."""
    return rules_page(of, tables.rulebook(text), CALENDAR)


def test_each_rule_says_its_value_its_source_and_its_threshold():
    """In the order of precedence, those that do not stand guard last."""
    found = page(replace(condor(), levels=ROWS), FILE)
    assert [(line.rule, line.value, line.state, line.threshold_paise) for line in found.lines] == [
        ("stop_loss", "-0.4", "armed", -397_800),
        ("profit_target", "0.5", "armed", 152_750),
        ("time_exit_dte", "5", "armed", None),
        ("expiry_exit", '"off"', "off", None),
    ]
    assert [line.source for line in found.lines] == [
        "strategy_exit_levels row 4",
        "shipped default",
        "[default] line 3 of rules.toml",
        '[strategy."Iron Condor"] line 6 of rules.toml',
    ]
    assert list(found.ignored) == ["strategy_exit_levels row 9"]
    assert found.settings["max_spread_pct"].origin == '[strategy."Iron Condor"] line 5 of rules.toml'


def test_a_rule_that_cannot_guard_says_why():
    """Refused, or just not for this position."""
    lines = {line.rule: line for line in page(strangle()).lines}
    assert lines["stop_loss"].state == "refused"
    assert lines["stop_loss"].text.startswith("the risk is not defined")
    assert lines["stop_credit_multiple"].threshold_paise == -1_300_000
    bought = position(leg(65, 24500, "CE", 50))
    found = page(bought, "[default]\nstop_credit_multiple = 3")
    (line,) = [line for line in found.lines if line.rule == "stop_credit_multiple"]
    assert (line.state, line.text[:22]) == ("not applicable", "no credit was received")


def test_the_text_is_a_table_with_what_matters_above_it():
    """What is dangerous or wrong comes first, settings of the owner's own last."""
    lines = page_text(page(replace(condor(), levels=ROWS), FILE)).splitlines()
    assert lines[:2] == [
        "NIFTY Iron Condor · default/3359",
        "4 legs since 03 Feb 2026 09:20 · credit ₹3,055.00 · at best +₹3,055.00, at worst −₹9,945.00",
    ]
    assert lines[2].startswith("! EXPIRY_EXIT IS OFF")
    assert lines[3].startswith(
        "! strategy_exit_levels row 9 is ignored: row 9: exit_type: read 'stop', expected"
    )
    assert any(line.split()[:3] == ["stop_loss", "-0.4", "−₹3,978.00"] for line in lines)
    assert any(line.split()[:3] == ["expiry_exit", "off", "off"] for line in lines)
    assert any(line.split()[:4] == ["time_exit_dte", "5", "the", "clock"] for line in lines)
    assert lines[-1] == 'max_spread_pct = 20 ([strategy."Iron Condor"] line 5 of rules.toml)'
    assert max(map(len, lines[4:])) <= 130


def test_what_does_not_wait_for_the_clock_says_what_it_waits_for():
    """Measures have their limit, ratchets where they begin; only clock rules wait for the clock."""
    text = (
        "[default]\nstop_delta = 0.5\nstop_leg_delta = 0.6\ntheta_captured = 0.8\ntrailing_stop = true\n"
        "lock_profit = [{reach = 10000, keep = 5000}]\nstop_underlying = {below = 24000, above = 26000}\n"
        'exit_at = "15:10"\n'
    )
    found = page(condor(), text)
    waits = {line.rule: line.waits for line in found.lines}
    assert waits == {
        "stop_loss": "−₹4,972.50",
        "stop_underlying": "below ₹24,000.00 or above ₹26,000.00",
        "stop_delta": "a delta of 0.5",
        "stop_leg_delta": "a delta of 0.6",
        "trailing_stop": "armed from +₹763.75",
        "lock_profit": "armed from +₹10,000.00",
        "profit_target": "+₹1,527.50",
        "theta_captured": "80 % earned",
        "exit_at": "the clock",
        "expiry_exit": "the clock",
        "time_exit_dte": "the clock",
    }
    assert any("a delta of 0.5" in line for line in page_text(found).splitlines())
    bought = page(position(leg(65, 24500, "CE", 50)), "[default]\ntheta_burn = 0.08")
    assert {line.waits for line in bought.lines if line.rule == "theta_burn"} == {"8 % a day"}


def test_the_head_says_what_is_not_certain():
    """Naked, unlimited, two expiries, unprotected: in words."""
    naked = page_text(page(strangle(), '[default]\nstop_credit_multiple = "off"'))
    assert "at best +₹6,500.00, risk not defined" in naked
    assert "! UNPROTECTED: no loss rule guards this position" in naked
    bought = page_text(page(position(leg(65, 24500, "CE", 50))))
    assert "1 leg since" in bought
    assert "debit ₹3,250.00 · profit without known end, at worst −₹3,250.00" in bought
    far = condor().legs[0].instrument.expiry.replace(month=3, day=24)
    calendar = position(leg(-65, 24500, "CE", 50), leg(65, 24500, "CE", 90, far))
    assert "two expiries: best and worst are not certain" in page_text(page(calendar))


def test_a_position_whose_profit_no_rule_takes_says_so_and_why():
    """One condor under scaling has neither levels nor the shipped target; four have their levels."""
    text = "[default]\nprofit_scaling = true\n"
    found = page(condor(), text)
    assert (
        "! NO PROFIT EXIT: no rule takes this position's profit; profit_scaling skips a single combination "
        "and puts the target aside"
    ) in page_text(found).splitlines()
    assert page_data(found)["profit_exit"] is False
    written = page(condor(), f'{text}profit_target = "off"')
    assert [line.source for line in written.lines if line.rule == "profit_target"] == [
        "[default] line 3 of rules.toml"
    ]
    assert page_text(written).splitlines()[2].endswith("profit_scaling skips a single combination")
    several = page(condors(4), text)
    assert "NO PROFIT EXIT" not in page_text(several)
    assert page_data(several)["profit_exit"] is True
    off = page_text(page(condor(), '[default]\nprofit_target = "off"'))
    assert "! NO PROFIT EXIT: no rule takes this position's profit\n" in off


def test_a_lot_that_is_only_guessed_is_said_where_it_decides():
    """Levels close whole lots: where the lot is not known the page says what it took it for."""
    made = rules_page(
        condors(4), tables.rulebook("[default]\nprofit_scaling = true"), CALENDAR, lot_known=False
    )
    assert (
        "! the lot of NIFTY is not known here: profit_scaling is told as if there were 4 to close one by one"
    ) in page_text(made).splitlines()
    assert page_data(made)["lot_known"] is False
    plain = rules_page(condors(4), tables.rulebook(""), CALENDAR, lot_known=False)
    assert "lot of NIFTY" not in page_text(plain)


def test_the_same_as_plain_values():
    """Rupees with two decimals, nothing that JSON does not know."""
    data = page_data(page(replace(condor(), levels=ROWS), FILE))
    assert (data["strategy_id"], data["net_premium"], data["max_loss"]) == (3359, 3055.0, -9945.0)
    assert data["rules"][0] == {
        "rule": "stop_loss",
        "value": "-0.4",
        "source": "strategy_exit_levels row 4",
        "state": "armed",
        "threshold": -3978.0,
        "text": "40 % of the maximum loss ₹9,945.00",
    }
    assert {"key": "confirm_s", "value": "2", "source": "shipped default"} in data["settings"]
    assert data["ignored"][0]["what"] == "strategy_exit_levels row 9"
    assert page_data(page(strangle()))["max_loss"] is None
