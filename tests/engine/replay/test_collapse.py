"""A market that runs away from an exit: what recorded expiry days taught."""

from __future__ import annotations

from tests.engine.replay.days import DAY, EXPIRY, Day, only, replay, trade


def expiry_day(*prices) -> Day:
    """Quotes a minute from 14:58 of expiry day, half a rupee to either side of these prices."""
    day = Day(date=EXPIRY)
    for minute, price in enumerate(prices):
        at = f"{14 + (58 + minute) // 60}:{(58 + minute) % 60:02}:00"
        day.quote(at, "25000CE", price - 0.5, price + 0.5)
    return day


def test_an_exit_that_must_get_out_follows_the_market_beyond_its_first_band(tmp_path):
    """On 3 February 2026 a call fell by 72 per cent within the minutes around three o'clock.

    Past its cap an exit may go to the exchange's price band, and that band is measured from where
    the market is, not from where it was at the trigger: the next quotes sell the call.
    """
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{EXPIRY}T09:20:00+05:30")]
    position = only(replay(tmp_path, [expiry_day(100, 100, 100, 28, 28, 28)], rows))
    assert position["status"] == "closed"
    (order,) = position["orders"]
    assert order["average"] == 27.5


def test_a_stop_takes_over_a_profit_that_nobody_paid(tmp_path):
    """The target of 150 is met at 160 and never filled; at 40 the stop sends the same exit on in a hurry."""
    day = Day()
    for minute, price in enumerate((100, 160, 120, 90, 40, 39), start=30):
        day.quote(f"09:{minute}:00", "25000CE", price - 0.5, price + 0.5)
    rows = [trade(1, "BUY", "25000CE", 75, 100)]
    position = only(replay(tmp_path, [day], rows))
    told = [(e["at"][11:19], e["kind"], e["rule"]) for e in position["events"] if e["kind"] != "alert"]
    assert told == [
        ("09:31:01", "verdict", "profit_target"),
        ("09:31:01", "exit", "profit_target"),
        ("09:34:02", "verdict", "stop_loss"),
        ("09:34:02", "exit", "stop_loss"),
        ("09:35:00", "flat", "stop_loss"),
    ]
    (order,) = position["orders"]
    assert order["average"] == 38.5


def test_expiry_takes_over_an_exit_that_could_wait(tmp_path):
    """A target met two minutes before three o'clock and not filled must not end in an expiry."""
    position = only(replay(
        tmp_path,
        [expiry_day(160, 120, 100, 99)],
        [trade(1, "BUY", "25000CE", 75, 100, at=f"{EXPIRY}T09:20:00+05:30")],
    ))  # fmt: skip
    verdicts = [(e["at"][11:19], e["rule"]) for e in position["events"] if e["kind"] == "verdict"]
    assert verdicts == [("14:58:01", "profit_target"), ("15:00:00", "expiry_exit")]
    assert position["status"] == "closed"
    assert position["orders"][0]["average"] == 98.5


def test_an_exit_left_over_from_yesterday_starts_from_todays_market(tmp_path):
    """The target is met a minute before the close; on Monday the call opens a quarter lower.

    The order of Friday died at its close, and three per cent from Friday's mid is no price any more.
    """
    friday = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:29:00", "25000CE", 159.5, 160.5)
    monday = Day(date="2025-09-01")
    for minute in range(16, 19):
        monday.quote(f"09:{minute}:00", "25000CE", 119.5, 120.5)
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{DAY}T15:28:00+05:30")]
    position = only(replay(tmp_path, [friday, monday], rows))
    assert position["status"] == "closed"
    (order,) = position["orders"]
    assert (order["average"], order["attempts"]) == (119.5, 2)
