"""Trailing and locking: levels that follow the peak up and never down."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Action, Urgency
from engine.rules.registry import rules
from tests.engine.makers import condor, leg, long_call, position, strangle
from tests.engine.rules.situations import ratchet, refusal, seen

TRAIL = rules()["trailing_stop"]
LOCK = rules()["lock_profit"]
FREE = position(leg(65, 25000, "CE", 100), leg(-65, 24000, "PE", 100))


def test_the_default_trail_of_the_worked_condor():
    """Armed at ₹763.75, a quarter of ₹3,055; at a peak of ₹1,527.50 it closes at ₹1,069.25."""
    params = ratchet("trailing_stop", True, condor())
    assert (params.arms_paise, params.level_paise, params.floor_paise) == (76375, None, 0)
    assert params.seen(76374) is params
    armed = params.seen(76375)
    assert armed.level_paise == 53462  # 70 % of 76,375 is 53,462.5: the half paisa is not given back yet
    higher = armed.seen(152750)
    assert higher.level_paise == 106925
    assert higher.seen(100000) is higher
    assert "30 % below the peak +₹1,527.50" in higher.text
    assert "+₹763.75 (25 % of the maximum profit ₹3,055.00)" in params.text


def test_a_trail_is_met_from_its_level_down_to_its_floor():
    """At the level, not a paisa above it; above the floor, not at it."""
    params = ratchet("trailing_stop", {"floor": Decimal("0.1")}, condor()).seen(152750)
    assert params.floor_paise == 30550
    judge = TRAIL.judge
    assert judge(seen(106926), params) is None
    assert judge(seen(30550), params) is None
    assert judge(seen(None, guarded_paise=50000), params) is None
    assert judge(seen(30551), params) is not None
    verdict = judge(seen(106925, open_share=0.5), params)
    assert verdict is not None
    assert (verdict.rule, verdict.action, verdict.urgency) == (
        "trailing_stop",
        Action.CLOSE_POSITION,
        Urgency.MEDIUM,
    )
    assert (verdict.pnl_paise, verdict.threshold_paise, verdict.fraction) == (106925, 106925, 0.5)


def test_an_unarmed_trail_says_nothing():
    """A loss before any profit is the stop's business."""
    assert TRAIL.judge(seen(1), ratchet("trailing_stop", True, condor())) is None


def test_fractions_judge_the_open_legs_and_rupees_all_of_it():
    """₹900 realised lift a trail in rupees, and leave one in per cent where it was."""
    now = seen(60000, realised_paise=90000)
    share = ratchet("trailing_stop", True, condor()).seen(152750)
    assert not share.with_realised
    verdict = TRAIL.judge(now, share)
    assert verdict is not None
    assert verdict.pnl_paise == 60000
    rupees = ratchet(
        "trailing_stop", {"activate_rupees": 1000, "give_back_rupees": Decimal("500.50")}, condor()
    )
    assert rupees.with_realised
    assert (rupees.arms_paise, rupees.seen(200000).level_paise) == (100000, 149950)
    assert "₹500.50 below the peak" in rupees.text
    verdict = TRAIL.judge(now, rupees.seen(200050))
    assert verdict is not None
    assert (verdict.pnl_paise, verdict.threshold_paise) == (150000, 150000)


def test_fractions_and_rupees_may_be_mixed():
    """Armed at a share of the premium, ₹400 given back."""
    params = ratchet("trailing_stop", {"activate": Decimal("0.5"), "give_back_rupees": 400}, long_call())
    assert (params.arms_paise, params.seen(1300000).level_paise) == (1211250, 1260000)


def test_rupees_need_no_basis_unless_a_fraction_is_left():
    """A free risk reversal has no basis; rupees suit it, a share or a floor do not."""
    assert refusal("trailing_stop", True, FREE).refused
    assert refusal("trailing_stop", {"activate_rupees": 9, "floor": Decimal("0.1")}, FREE).refused
    assert ratchet("trailing_stop", {"activate_rupees": 9}, FREE).arms_paise == 900


def test_a_trail_that_could_never_act_is_refused_in_words():
    """A floor of ten times the profit lies above the ₹100.00 from which on it trails."""
    found = refusal("trailing_stop", {"activate_rupees": 100, "floor": Decimal(10)}, condor())
    assert found.refused
    assert found.text == (
        "its floor +₹30,550.00 is not below +₹100.00, from where on it trails; "
        "use a floor below activate_rupees"
    )
    below = ratchet("trailing_stop", {"activate_rupees": 400, "floor": Decimal("0.13")}, condor())
    assert (below.arms_paise, below.floor_paise) == (40000, 39715)


SETTINGS = st.tuples(st.integers(1, 100), st.integers(1, 100), st.integers(-50, 99)).filter(
    lambda drawn: drawn[2] < drawn[0] and (drawn[1] < 100 or drawn[2] < 0)
)


@given(SETTINGS, st.lists(st.integers(-700_000, 700_000), min_size=1, max_size=60))
def test_a_trailing_level_never_falls_and_fires_exactly_where_it_says(setting, walk):
    """Against fractions worked out by hand: P&L ≤ peak × (1 − give back), P&L > floor × basis."""
    activate, give_back, floor = (Decimal(part) / 100 for part in setting)
    params = ratchet(
        "trailing_stop", {"activate": activate, "give_back": give_back, "floor": floor}, condor()
    )
    peak: int | None = None
    level = None
    for pnl in walk:
        params = params.seen(pnl)
        if peak is not None or pnl >= Fraction(activate) * 305500:
            peak = pnl if peak is None else max(peak, pnl)
        now = params.level_paise
        if level is not None:
            assert now is not None
            assert now >= level
        level = now
        fires = (
            peak is not None and pnl <= peak * (1 - Fraction(give_back)) and pnl > Fraction(floor) * 305500
        )
        assert (TRAIL.judge(seen(pnl), params) is not None) == fires


TIERS = [{"reach": 10000, "keep": 5000}, {"reach": 20000, "keep": Decimal("14000.50")}]


def test_the_highest_tier_that_was_reached_counts():
    """₹9,999.99 locks nothing; ₹10,000 keeps ₹5,000; ₹20,000 keeps ₹14,000.50, and a fall keeps it."""
    params = ratchet("lock_profit", TIERS, strangle())
    assert params.seen(999999).level_paise is None
    assert "keeps +₹5,000.00, once P&L has reached +₹10,000.00" in params.text
    first = params.seen(1000000)
    assert first.level_paise == 500000
    assert first.seen(1999999).level_paise == 500000
    second = first.seen(2000000)
    assert second.level_paise == 1400050
    assert second.seen(-5).level_paise == 1400050
    assert "locked in when P&L had reached +₹20,000.00" in second.text


def test_a_lock_counts_realised_profit_and_has_no_floor():
    """However deep the fall, what the tier keeps is what it is met at."""
    params = ratchet("lock_profit", TIERS, strangle()).seen(1000000)
    assert LOCK.judge(seen(400001, realised_paise=100000), params) is None
    verdict = LOCK.judge(seen(400000, realised_paise=100000), params)
    assert verdict is not None
    assert (verdict.rule, verdict.pnl_paise, verdict.threshold_paise) == ("lock_profit", 500000, 500000)
    assert LOCK.judge(seen(-999999), params) is not None
    assert LOCK.judge(seen(None), params) is None


def test_a_ratchet_remembers_only_its_peak():
    """Put back to a peak it has the level it had: that is all a restart has to know."""
    for name, setting in (("trailing_stop", True), ("lock_profit", TIERS)):
        fresh = ratchet(name, setting, condor())
        grown = fresh.seen(1500000).seen(2100000)
        assert replace(fresh, peak_paise=2100000) == grown


@pytest.mark.parametrize("pnl", [76374, 0, -100000])
def test_below_its_activation_nothing_is_a_peak(pnl):
    """The peak is counted from the moment it was armed."""
    assert ratchet("trailing_stop", True, condor()).seen(pnl).peak_paise is None
