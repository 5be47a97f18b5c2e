"""Recordings of days with a closing auction: the underlying rests, the options go on until 15:40."""

from __future__ import annotations

import pytest

from tests.engine.replay.days import Day, kinds, only, replay, trade

DAY, EXPIRY = "2026-08-18", "2026-08-25"
RULES = """
[default]
profit_target = "off"
stop_loss = "off"
time_exit_dte = "off"
stop_loss_rupees = 3000
stop_underlying = {below = 24900}
"""
LEGS = [trade(1, "BUY", "25000CE", 65, 100, at=f"{DAY}T15:05:00+05:30", expiry_date=EXPIRY)]


def afternoon(spots, prices=()):
    """A quote a minute from 15:05 to 15:39; spots and prices by minute, each held until the next."""
    day, spot, price = Day(date=DAY, expiry=EXPIRY), 25000, 100
    for minute in range(5, 40):
        spot, price = dict(spots).get(minute, spot), dict(prices).get(minute, price)
        day.quote(f"15:{minute:02}:00", "25000CE", price - 0.5, price + 0.5, spot=spot)
    return day


def verdicts(position):
    """Which rule spoke when."""
    return [(e["rule"], e["at"][11:19]) for e in position["events"] if e["kind"] == "verdict"]


@pytest.mark.parametrize("spot", [25000, ""], ids=["frozen", "not recorded"])
def test_a_spot_that_stands_still_is_no_event(tmp_path, spot):
    """From 15:15 on the same value, or none: nothing is told, and the position has its price to the end."""
    position = only(replay(tmp_path, [afternoon({15: spot})], LEGS, RULES))
    assert position["events"] == []
    assert position["final_pnl_gross"] == 0


def test_a_stop_on_the_underlying_waits_for_the_auction(tmp_path):
    """What is shown from 15:20 on counts at 15:35, as the price of the auction; then two seconds more."""
    position = only(replay(tmp_path, [afternoon({20: 24800})], LEGS, RULES))
    assert verdicts(position) == [("stop_underlying", "15:35:02")]
    assert kinds(position)[-1] == "flat"


def test_a_guess_of_the_auction_that_goes_away_ends_nothing(tmp_path):
    """Two minutes of 24,800 during the auction, back at its end."""
    assert only(replay(tmp_path, [afternoon({20: 24800, 22: 24990})], LEGS, RULES))["events"] == []


def test_a_stop_in_rupees_acts_while_the_underlying_rests(tmp_path):
    """The option falls at 15:31, in what used to be after hours, and is sold in the same session."""
    position = only(replay(tmp_path, [afternoon({}, {31: 50})], LEGS, RULES))
    assert verdicts(position) == [("stop_loss_rupees", "15:31:02")]
    assert position["status"] == "closed"
    assert position["events"][-1]["at"][11:16] < "15:40"
