"""Loss thresholds: told once, the highest only, armed again with hysteresis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Action, Urgency
from engine.rules.alerts import LossLadder, Stop

LADDER = LossLadder.of([Stop("stop_loss", -100_000, 0)])


def walk(ladder, *pnls):
    """The levels that a walk of P&Ls leaves behind."""
    level, levels = 0, []
    for pnl in pnls:
        level = ladder.level_after(level, pnl)
        levels.append(level)
    return levels


def test_each_threshold_is_reached_at_its_share_of_the_stop():
    """A paisa above 40 % is silent, 40 % is not; so with 60 and 80."""
    assert walk(LADDER, -39_999, -40_000, -59_999, -60_000, -79_999, -80_000) == [0, 40, 40, 60, 60, 80]


def test_a_jump_counts_as_the_highest_threshold_only():
    """From nothing to 85 % is one step."""
    assert walk(LADDER, 0, -85_000) == [0, 80]


def test_a_threshold_is_armed_again_below_eight_tenths_of_itself():
    """80 rearms under 64 %, 60 under 48 %, 40 under 32 %; hovering tells nothing twice."""
    assert walk(LADDER, -80_000, -64_000, -63_999, -80_000) == [80, 80, 60, 80]
    assert walk(LADDER, -60_000, -48_000, -47_999) == [60, 60, 40]
    assert walk(LADDER, -40_000, -32_000, -31_999, -40_000) == [40, 40, 0, 40]
    assert walk(LADDER, -90_000, 10_000) == [80, 0]


def test_the_nearest_stop_counts_and_realised_losses_with_it():
    """₹500 already lost bring the rupee stop nearer than the other."""
    ladder = LossLadder.of([Stop("stop_loss", -100_000, 0), Stop("stop_loss_rupees", -120_000, -50_000)])
    near = ladder.nearest(-10_000)
    assert near is not None
    assert near[0].rule == "stop_loss_rupees"
    assert near[1] == 0.5
    assert walk(ladder, 0, -10_000) == [40, 40]
    alert = ladder.alert(-46_000)
    assert alert is not None
    assert (alert.pnl_paise, alert.threshold_paise, alert.fraction) == (-96_000, -120_000, 0.8)
    assert (alert.rule, alert.action, alert.urgency) == ("loss_alert", Action.ALERT, Urgency.HIGH)
    assert "the stop loss rupees" in alert.reason


@pytest.mark.parametrize(
    ("pnl", "urgency"), [(-40_000, Urgency.NORMAL), (-60_000, Urgency.MEDIUM), (-80_000, Urgency.HIGH)]
)
def test_urgency_grows_with_the_loss(pnl, urgency):
    """Silent from 40 %, medium from 60 %, high from 80 %."""
    alert = LADDER.alert(pnl)
    assert alert is not None
    assert alert.urgency is urgency


def test_without_a_stop_there_is_nothing_to_be_near():
    """An unprotected position has no fraction and no alerts."""
    ladder = LossLadder.of([])
    assert ladder.nearest(-(10**9)) is None
    assert ladder.alert(-(10**9)) is None
    assert ladder.level_after(0, -(10**9)) == 0
    assert ladder.still_between(0) == (None, None)


@given(st.sampled_from([0, 40, 60, 80]), st.integers(-150_000, 50_000), st.integers(-3, 3))
def test_within_its_bounds_a_level_stays_and_outside_it_moves(level, pnl, step):
    """The bounds given to the hot path are exactly where the level changes."""
    level = LADDER.level_after(level, pnl)
    low, high = LADDER.still_between(level)
    for edge in (low, high):
        if edge is not None:
            near = edge + step
            inside = (low is None or near >= low) and (high is None or near <= high)
            assert (LADDER.level_after(level, near) == level) == inside
