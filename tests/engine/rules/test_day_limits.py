"""``[account."NAME"]``: what is read, what is refused, and with which words."""

from __future__ import annotations

import pytest

from engine.errors import ConfigError
from engine.io import tables
from engine.rules.day_limits import DayLimits, DayTrailing


def limits(text, account="default"):
    """The limits of an account under a file."""
    return tables.rulebook(text).limits_for(account)


def test_without_a_table_there_are_no_limits():
    """The shipped file sets none."""
    assert limits("") == DayLimits()
    assert not limits("")


def test_every_limit_is_read_to_the_paisa():
    """Rupees without a sign; names without regard to case; other accounts have none."""
    text = """
    [account."Kite"]
    day_loss_rupees = 6000
    day_profit_rupees = 9000.50
    day_trailing = { activate_rupees = 8000, give_back_rupees = 3000 }
    """
    assert limits(text, "KITE") == DayLimits(600_000, 900_050, DayTrailing(800_000, 300_000))
    assert limits(text) == DayLimits()


def test_a_limit_may_be_off():
    """As every rule."""
    assert limits('[account.default]\nday_loss_rupees = "off"\nday_profit_rupees = 5') == DayLimits(None, 500)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("day_loss_rupees = -6000", "read -6000, expected rupees between 1"),
        ("day_loss_rupees = 0", "read 0, expected rupees between 1"),
        ("day_loss_rupees = nan", "expected rupees between 1"),
        ("day_loss_rupees = 6000.005", "e.g. 6000, and nothing finer than a paisa"),
        ("day_loss_rupees = true", "read true, expected rupees"),
        ('day_profit_rupees = "6000"', 'read "6000", expected rupees'),
        ("day_trailing = 3000", "expected a table { activate_rupees = 8000"),
        ("day_trailing = { activate_rupees = 8000 }", "expected a table { activate_rupees = 8000"),
        ("day_trailing = { activate_rupees = 1, give_back_rupees = 2 }", "the second not above the first"),
        ("stop_loss = -0.5", "stop_loss: unknown key; expected one of day_loss_rupees, day_profit_rupees"),
    ],
)
def test_a_fault_names_its_line_what_was_read_and_what_was_expected(line, said):
    """Nothing of a file with a fault is taken over."""
    with pytest.raises(ConfigError) as refused:
        limits(
            f'[account."A"]\nday_profit_rupees = 1\n{line}'
            if "profit" not in line
            else f"[account.A]\n\n{line}"
        )
    [fault] = refused.value.faults
    assert fault.startswith('rules.toml line 3: [account."A"] ')
    assert said in fault


def test_two_tables_of_one_name_and_a_table_that_is_none_are_faults():
    """Compared without regard to case; both are named."""
    with pytest.raises(ConfigError) as refused:
        limits("[account]\nb = 5\n[account.A]\nday_loss_rupees = 1\n[account.a]\nday_loss_rupees = 2")
    assert [fault.partition(": [")[2] for fault in refused.value.faults] == [
        'account."b"]: read 5, expected a table of rules',
        'account."a"]: there are two tables of this name, compared without regard to case',
    ]
