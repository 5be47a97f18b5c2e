"""How far each rule is, in rupees and in points of the underlying."""

from __future__ import annotations

from engine.greeks import greeks, implied_vol, years_between
from engine.model import Right
from engine.sessions import at
from tests.engine.makers import EXPIRY, SPOT, condor, leg, position, traded
from tests.engine.watch.test_watchlist import AT_ENTRY, TEN, Desk


def shown(desk):
    """The thresholds by rule."""
    return {threshold.rule: threshold for threshold in desk.figures.thresholds}


def test_the_condor_s_target_and_stop_in_rupees():
    """At +₹650: ₹877.50 to gain, ₹5,622.50 to lose; clock rules are no distance away."""
    desk = Desk(condor())
    desk.quote(20, 35, 40, 18)
    found = shown(desk)
    assert found["profit_target"].distance_paise == 87750
    assert found["stop_loss"].distance_paise == -562250
    assert found["time_exit_dte"].distance_paise is None
    assert found["stop_loss"].points is None  # nobody knows where the index is


def test_a_sold_call_s_stop_in_points():
    """Out at a loss of ₹2,600: by its delta and gamma some eighty points above, and NIFTY is named there."""
    held = position(leg(-65, 25300, "CE", 100), strategy="Short Call")
    desk = Desk(
        held, '[default]\nstop_loss = "off"\nstop_loss_rupees = 2600\nstop_underlying = {above = 25100}'
    )
    desk.quote(100)
    desk.watch.tick(traded(SPOT, 25000), desk.now_s)
    found = shown(desk)
    years = years_between(TEN, at(EXPIRY, "15:30"))
    vol = implied_vol(100.0, 25000.0, 25300.0, years, Right.CALL)
    assert vol is not None
    one = greeks(25000.0, 25300.0, years, vol, Right.CALL)
    stop = found["stop_loss_rupees"]
    assert stop.points is not None
    loss = 65 * (one.delta * stop.points + one.gamma * stop.points**2 / 2)
    assert abs(loss - 2600) < 0.01
    assert 60 < stop.points < 130
    assert stop.underlying_paise == 25_000_00 + round(stop.points * 100)
    assert (found["stop_underlying"].points, found["stop_underlying"].underlying_paise) == (100.01, 25_100_01)
    assert found["stop_underlying"].distance_paise is None


def test_points_go_by_the_forward_where_nobody_knows_the_index():
    """A straddle tells where NIFTY's February is: the stop is some points away, from where is not said."""
    held = position(leg(-65, 25000, "CE", 250), leg(-65, 25000, "PE", 250), strategy="Short Straddle")
    desk = Desk(held, "[default]\nstop_loss = 'off'\nstop_loss_rupees = 2600")
    desk.quote(250, 250)
    stop = shown(desk)["stop_loss_rupees"]
    assert stop.points is not None
    assert 100 < abs(stop.points) < 700
    assert stop.underlying_paise is None


def test_what_is_met_or_not_armed_is_no_distance_away():
    """A stop that is met, a limit that is passed, a trail without a peak."""
    desk = Desk(condor(), "[default]\ntrailing_stop = true\nstop_underlying = {below = 24500}")
    desk.quote(20, 95, 80, 18)
    desk.watch.tick(traded(SPOT, 24499), desk.now_s)
    found = shown(desk)
    assert found["stop_loss"].distance_paise is None
    assert (found["stop_underlying"].points, found["stop_underlying"].underlying_paise) == (None, None)
    assert (found["trailing_stop"].threshold_paise, found["trailing_stop"].distance_paise) == (None, None)
    desk.watch.tick(traded(SPOT, 25000), desk.now_s)
    desk.quote(20, 15, 40, 18)
    desk.wait(1)
    trail = shown(desk)["trailing_stop"]
    assert (trail.threshold_paise, trail.distance_paise) == (136500, -58500)


def test_unknown_prices_leave_every_distance_unknown():
    """No P&L, no distance."""
    desk = Desk(condor())
    desk.watch.tick(traded(SPOT, 25000), desk.now_s)
    desk.quote(*AT_ENTRY[:3], None)
    assert {threshold.distance_paise for threshold in desk.figures.thresholds} == {None}


def test_a_trail_is_near_by_its_cushion_and_silent_at_its_floor():
    """Peak ₹1,950, level ₹1,365: at ₹1,560 two thirds are used up; at nothing no distance is left."""
    desk = Desk(condor(), '[default]\ntrailing_stop = true\nprofit_target = "off"')
    desk.quote(*AT_ENTRY)
    desk.quote(20, 15, 40, 18)
    desk.wait(1)
    told = []
    for mid in (15, 21, 45):
        desk.quote(20, mid, 40, 18)
        trail = shown(desk)["trailing_stop"]
        told.append((trail.near, trail.distance_paise, trail.silent_paise))
    assert told == [(False, -58_500, None), (True, -19_500, None), (False, None, 0)]
