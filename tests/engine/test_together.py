"""The terminal's page of several accounts, and sums that never pass for more than they are."""

from __future__ import annotations

from dataclasses import replace

from engine.io.wiring import quiet_view
from engine.model import Mode
from engine.table import terminal_table
from engine.together import terminal_page, total_lines
from tests.engine.test_table import ASTRAL, EMPTY, QUIET

DOWN = quiet_view(QUIET.at_s, Mode.EXECUTE, "Account huf is down: the lock is held", sandbox=False)


def test_one_account_has_its_table_alone():
    """Nothing changes for who has one."""
    assert terminal_page({"default": QUIET}) == terminal_table(QUIET)


def test_several_have_their_names_and_the_totals():
    """Each table under its account, then a line for each and one for all."""
    page = terminal_page({"default": QUIET, "huf": DOWN, "parents": EMPTY})
    assert page.index("══ default ═") < page.index("══ huf ═") < page.index("══ parents ═")
    assert "DEGRADED: Account huf is down: the lock is held" in page
    assert page.count("No positions are being watched") == 1  # of a house that is down nobody knows
    assert page.splitlines()[-4:] == [
        "default          −₹1,020.00",
        "huf              unknown (down)",
        "parents          no positions",
        "All accounts     −₹1,020.00, without 1 of 3 accounts (down)",
    ]


def test_what_a_sum_lacks_is_said():
    """An unpriced position and one that is priced make no whole sum; two of the same account add up."""
    blind = replace(ASTRAL, pnl_paise=None)
    views = {"default": replace(QUIET, positions=(ASTRAL, ASTRAL)), "huf": replace(QUIET, positions=(blind,))}
    assert total_lines(views) == [
        "default          −₹2,040.00",
        "huf              unknown, without 1 of 1 (unknown)",
        "All accounts     −₹2,040.00, without 1 of 3 (unknown)",
    ]
