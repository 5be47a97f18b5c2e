"""Exits against their plan: better or worse than the level, saved or missed, or not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Segment, instrument_key
from engine.versus import Tally, Versus, tally, versus
from tests.support.exit_lines import leg_of, line

KEYS = [int(instrument_key(Segment.NSE_FNO, number)) for number in (1, 2)]
LEGS = [leg_of(1, "BUY", 65, 1_000), leg_of(2, "SELL", 65, 400)]
TARGET = {"pnl_paise": 31_000, "threshold_paise": 30_000, "open_share": 1.0, "also": []}


def ended(made, **more):
    """An exit of a bought-back short and a sold long, which made so much before charges."""
    before = None if made is None else made - 5_000
    return line("a", "2026-11-03T10:00:00+05:30", before, legs=LEGS, verdict=TARGET, **more)


def test_a_target_that_was_overshot_and_an_exit_that_missed_what_came():
    """₹20 above the level; the short went on falling by ₹6, the long by ₹2: four a unit were missed."""
    found = versus(ended(32_000), dict(zip(KEYS, (400, 200), strict=True)))
    assert found == Versus(30_000, 2_000, 32_000 + 26_000, -26_000)


def test_a_stop_that_saved_from_worse():
    """The short has risen by ₹30 since, the long by ₹10: the exit saved ₹20 a unit."""
    stop = TARGET | {"threshold_paise": -30_000}
    found = versus(ended(-33_500) | {"verdict": stop}, dict(zip(KEYS, (4_000, 1_400), strict=True)))
    assert found == Versus(-30_000, -3_500, -33_500 - 130_000, 130_000)


@pytest.mark.parametrize(
    "more",
    [
        {"rule": "time_exit_dte", "verdict": TARGET | {"threshold_paise": None}},
        {"rule": "day_loss_rupees"},
        {"part": {"closes": 1, "open": 2, "entry": 2}},
        {"verdict": TARGET | {"open_share": 0.5}},
        {"legs": [LEGS[0] | {"filled_by_earlier_exits": 65}]},
        {"verdict": None},
    ],
    ids=["clock", "of the day", "part", "the rest of parts", "twice begun", "an older version"],
)
def test_a_level_that_is_not_of_this_exit_is_none(more):
    """It waits for no P&L, or for that of something else."""
    found = versus(ended(32_000) | more, {})
    assert (found.level_paise, found.beyond_paise) == (None, None)


def test_without_a_price_of_each_contract_nothing_is_known():
    """One lacks, or nothing was traded, or its fills have no known price, or its result is unknown."""
    mids = dict(zip(KEYS, (400, 200), strict=True))
    assert versus(ended(32_000), {KEYS[0]: 400}).saved_paise is None
    assert versus(ended(32_000) | {"legs": []}, mids).saved_paise is None
    assert versus(ended(32_000) | {"legs": [LEGS[0] | {"turnover_paise": None}]}, mids).held_paise is None
    assert versus(ended(None), mids)[1:] == (None, None, None)


def test_an_old_line_without_legs_or_verdict_is_not_known():
    """As versions before this one have left them."""
    assert versus(line("a", "2026-11-03T10:00:00+05:30", 1), {}) == Versus(None, None, None, None)


@given(st.lists(st.none() | st.integers(-(10**9), 10**9)))
def test_a_tally_counts_each_once(differences):
    """Better, worse, unknown, or no difference at all."""
    found = tally(differences)
    assert found.better + found.worse + found.unknown + differences.count(0) == len(differences)
    assert found.paise == sum(each or 0 for each in differences)
    assert found.worse_paise <= 0 <= found.better_paise
    assert tally([]) == Tally(0, 0, 0, 0, 0)
