"""Stories of the closing auction: options trade until 15:40, what they are on rests from 15:15."""

from __future__ import annotations

from datetime import date

import pytest

from engine.sessions import at
from tests.engine.makers import SPOT, leg, position, quote, traded
from tests.engine.watch.test_watchlist import Desk, told

DAY = date(2026, 8, 18)
EXPIRY = date(2026, 8, 25)
BAND = '[default]\nstop_loss = "off"\nstop_underlying = {below = 990}'
LONG = position(leg(65, 1000, "CE", 20, EXPIRY), strategy="Long Call", opened_at_s=at(DAY, "09:20"))


def desk_at(clock, held, rules, day=DAY):
    """A position under watch from a clock time on."""
    return Desk(held, rules, now_s=at(day, clock))


def spot(desk, rupees):
    """A price of the underlying, whatever it means."""
    return told(desk.watch.tick(traded(SPOT, rupees), desk.now_s))


def pass_until(desk, clock, mids, rupees=None, day=DAY):
    """Quote the legs, and show this price of the underlying, every five seconds; all that is said."""
    said = []
    while desk.now_s < at(day, clock):
        said += desk.quote(*mids)
        said += spot(desk, rupees) if rupees else []
        said += desk.wait(min(5.0, at(day, clock) - desk.now_s))
    return said


def test_what_is_shown_during_the_auction_ends_nothing_and_its_price_does():
    """A guess of 985 for twenty minutes is nobody's trade; two seconds after 15:35 it is the day's price."""
    desk = desk_at("15:14", LONG, BAND)
    spot(desk, 1000)
    assert pass_until(desk, "15:15", [20], 1000) == []
    assert pass_until(desk, "15:35", [20], 985) == []
    desk.quote(20)
    assert desk.wait(1.5) == []
    assert desk.wait(0.5) == [("stop_underlying", 0)]


def test_before_the_auctions_came_an_underlying_counts_until_the_close():
    """The same on the last Friday of July: out after two seconds."""
    friday = date(2026, 7, 31)
    desk = desk_at("15:20", LONG, BAND, friday)
    desk.quote(20)
    spot(desk, 985)
    assert desk.wait(2) == [("stop_underlying", 0)]


def test_a_breach_that_began_in_continuous_trading_is_confirmed_in_the_auction():
    """The last price of 15:14:59 is a trade; that nothing follows it must not switch the stop off."""
    desk = desk_at("15:14:59", LONG, BAND)
    desk.quote(20)
    assert spot(desk, 989) == []
    assert desk.wait(1.5) == []
    assert desk.wait(0.5) == [("stop_underlying", 0)]


def test_a_frozen_underlying_is_no_trouble_of_the_position():
    """Silent from 15:15 to 15:40: it stays priced, nothing is told, and its money stops guard it."""
    desk = desk_at("15:14", LONG, f"{BAND}\nstop_loss_rupees = 500")
    spot(desk, 1000)
    assert pass_until(desk, "15:35", [20]) == []
    assert desk.figures.pnl_paise == 0
    assert pass_until(desk, "15:38", [20]) == []
    desk.quote(12)
    assert "stop_loss_rupees" in [rule for rule, _ in desk.wait(2)]


def test_a_price_that_comes_after_the_auction_has_no_age():
    """One page at 15:36 is the last word about the underlying until the options close."""
    desk = desk_at("15:30", LONG, BAND)
    assert pass_until(desk, "15:36", [20], 1000) == []
    spot(desk, 989)
    assert pass_until(desk, "15:36:02", [20]) == [("stop_underlying", 0)]
    desk = desk_at("15:36", LONG, f"{BAND}\nconfirm_s = 60")
    spot(desk, 989)
    assert pass_until(desk, "15:37", [20]) == [("stop_underlying", 0)]


def test_an_auction_of_yesterday_says_nothing_today():
    """The price of the last auction is not the next day's; silence is silence again."""
    desk = desk_at("15:30", LONG, BAND)
    assert pass_until(desk, "15:34", [20], 985) == []
    tomorrow = date(2026, 8, 19)
    desk.now_s = at(tomorrow, "09:15")
    assert pass_until(desk, "09:16", [20], day=tomorrow) == []
    desk.now_s = at(tomorrow, "15:36")
    assert pass_until(desk, "15:37", [20], day=tomorrow) == []


def test_a_watch_that_begins_in_the_auction_knows_that_it_is_one():
    """The very first thing heard is a guess of the auction, before any beat."""
    desk = desk_at("15:20", LONG, BAND)
    assert spot(desk, 985) == []
    desk.quote(20)
    assert desk.wait(2) == []


DEEP = position(leg(-65, 1010, "PE", 30, EXPIRY), strategy="Short Put", opened_at_s=at(DAY, "09:20"))
STRADDLE = position(
    leg(-65, 1000, "CE", 20, EXPIRY), leg(-65, 1000, "PE", 20, EXPIRY), opened_at_s=at(DAY, "09:20")
)
QUIET = """
[default]
stop_loss = "off"
profit_target = "off"
[default.undefined_risk]
stop_credit_multiple = "off"
"""
DELTA = f"{QUIET}stop_leg_delta = 0.8"


def test_the_model_does_not_go_by_a_price_that_rests():
    """A put at 8 where the frozen 1000 says 10: it is no sure exercise, the underlying has risen."""
    desk = desk_at("15:14", DEEP, DELTA)
    assert pass_until(desk, "15:15", [25], 1000) == []
    assert pass_until(desk, "15:35", [8], 1000) == []
    desk = desk_at("15:14", DEEP, DELTA)
    assert ("stop_leg_delta", 22 * 65 * 100) in pass_until(desk, "15:14:10", [8], 1000)


def test_the_model_goes_on_by_parity_where_a_position_has_both_rights():
    """A straddle knows its forward by itself: 1060 by 62 and 2, the call is sure to be exercised."""
    desk = desk_at("15:20", STRADDLE, DELTA)
    said = [rule for rule, _ in pass_until(desk, "15:20:10", [62, 2])]
    assert "stop_leg_delta" in said


def test_time_value_waits_for_the_end_of_the_auction():
    """A put of 1010 at 11: by the frozen 1000 its time value is gone, and nobody knows."""

    def entered_and_quoted(clock, until):
        desk = Desk(DEEP, f"{QUIET}theta_captured = 0.8", now_s=at(DAY, "09:20"))
        spot(desk, 1000)
        desk.quote(30)
        desk.now_s = at(DAY, clock)
        return [rule for rule, _ in pass_until(desk, until, [11], 1000)]

    assert entered_and_quoted("15:15", "15:35") == []
    assert entered_and_quoted("15:14", "15:14:10") == ["theta_captured"]


@pytest.mark.parametrize(("clock", "fault"), [("15:14:30", "below intrinsic by ₹32.00"), ("15:20", "")])
def test_intrinsic_value_is_not_measured_by_a_price_that_rests(clock, fault):
    """A call of 1000 at 18 is suspect while the underlying trades at 1050, and may be right when it rests."""
    desk = desk_at(clock, LONG, BAND)
    spot(desk, 1050)
    desk.quote(18)
    assert [part.fault for part in desk.figures.legs] == [fault]


def test_a_stub_quote_during_the_auction_fires_no_stop():
    """Nobody can be asked for 500 while the underlying, at 1000, may move by three per cent at most."""
    rules = f"{QUIET}stop_loss_rupees = 2700"
    held = position(leg(-65, 1000, "CE", 20, EXPIRY), opened_at_s=at(DAY, "09:20"))
    desk = desk_at("15:14", held, rules)
    assert pass_until(desk, "15:16", [20], 1000) == []
    said = []
    for _ in range(30):
        said += told(desk.watch.tick(quote(held.legs[0].key, 1, 500), desk.now_s)) + desk.wait(1)
    assert "stop_loss_rupees" not in [rule for rule, _ in said]
    desk = desk_at("15:14", held, rules.replace("2700", "1200"))
    pass_until(desk, "15:16", [20], 1000)
    for _ in range(30):
        said += told(desk.watch.tick(quote(held.legs[0].key, 1, 500), desk.now_s)) + desk.wait(1)
    assert "stop_loss_rupees" in [rule for rule, _ in said], "a loss the band allows still counts"
