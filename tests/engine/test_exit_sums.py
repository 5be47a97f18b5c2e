"""The sums of exits, held against a slow way to reckon them."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from engine.exit_sums import Share, of_days, sums_of
from tests.support.exit_lines import line

WEEK = date(2026, 2, 2), date(2026, 2, 9)


def ended(day: int, after_paise: int | None, **more: object):
    return line(f"x{day}", f"2026-02-{day:02}T10:00:00+05:30", after_paise, **more)


def test_a_week_ends_before_the_next_monday_and_counts_an_exit_once():
    """By the Indian day on which it ended; a line that supersedes another may have ended later."""
    lines = [
        ended(1, 1),
        ended(2, 2),
        ended(8, 3),
        ended(9, 4),
        line("x2", "2026-02-03T09:00:00+05:30", 7, 2),
    ]
    assert [each["realised_after_charges_paise"] for each in of_days(lines, *WEEK)] == [7, 3]
    moved = line("x8", "2026-02-09T09:15:00+05:30", 5, 2)
    assert [each["intent"] for each in of_days([*lines, moved], *WEEK)] == ["x2"]


def test_shares_have_the_best_first_and_the_unknown_last():
    """A share of which nothing is known has no amount, not zero."""
    lines = [ended(2, -5, rule="stop_loss"), ended(3, None, rule="expiry"), ended(4, 9), ended(5, None)]
    assert sums_of(lines).rules == (
        Share("profit_target", 2, 9), Share("stop_loss", 1, -5), Share("expiry", 1, None)
    )  # fmt: skip


def test_nothing_is_no_rate_and_no_expectancy():
    """Without exits, or with none whose result is known, there is nothing to divide by."""
    for lines in ([], [ended(2, None, charges_paise=None, slippage_rupees=None)]):
        sums = sums_of(lines)
        assert (sums.win_rate, sums.expectancy_paise, sums.profit_factor) == (None, None, None)
        assert (sums.unknown, sums.uncharged, sums.unslipped) == (len(lines),) * 3


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12))
def test_drawdown_expectancy_and_profit_factor(results: list[int]):
    """The drawdown is the worst loss of any run of exits one after the other; 0 when none lost."""
    sums = sums_of([ended(n + 1, paise) for n, paise in enumerate(results)])
    runs = [sum(results[a:b]) for a in range(len(results)) for b in range(a, len(results) + 1)]
    assert sums.drawdown_paise == -min(runs)
    assert sums.expectancy_paise == round(sum(results) / len(results))
    lost = -sum(paise for paise in results if paise < 0)
    won = sum(paise for paise in results if paise > 0)
    assert sums.profit_factor == (won / lost if lost else None)
