"""What of a recording is believed, when, and for how long."""

from __future__ import annotations

from tests.engine.replay.days import DAY, Day, kinds, only, replay, trade

LONG = [trade(1, "BUY", "25000CE", 75, 100)]
#: 100 paid for 75: a stop at -2,000 rupees is met from a mark of 73.33 down.
STOP = '[default]\nprofit_target = "off"\nstop_loss = "off"\nstop_loss_rupees = 2000\ntime_exit_dte = "off"\n'
TARGET = '[default]\nprofit_target = 0.5\nstop_loss = "off"\ntime_exit_dte = "off"\n'


def minutes(*prices, **more) -> Day:
    """A quote a minute from 09:30:00, half a rupee to either side of these prices."""
    day = Day()
    for minute, price in enumerate(prices, start=30):
        day.quote(f"09:{minute}:00", "25000CE", price - 0.5, price + 0.5, **more)
    return day


def test_all_rows_of_one_moment_are_one_instant(tmp_path):
    """A spread whose legs jump together is never judged between the two rows."""
    day = Day()
    for at, low, high in (("09:30:00", 100, 60), ("09:31:00", 300, 259), ("09:32:00", 300, 259)):
        day.quote(at, "25000CE", low, low + 1).quote(at, "25100CE", high, high + 1)
    legs = [trade(1, "BUY", "25000CE", 75, 100), trade(1, "SELL", "25100CE", 75, 60)]
    position = only(replay(tmp_path, [day], legs, STOP + "stop_credit_multiple = 'off'\n"))
    assert position["peak_pnl"] == (300.5 - 100 - (259.5 - 60)) * 75
    assert "verdict" not in kinds(position)


def test_a_breach_must_last_two_seconds_between_snapshots(tmp_path):
    """The half-second beat runs between the minutes, so a stop is confirmed long before the next."""
    position = only(replay(tmp_path, [minutes(100, 73, 73)], LONG, STOP))
    (verdict,) = [e for e in position["events"] if e["kind"] == "verdict"]
    assert verdict["at"] == f"{DAY}T09:31:02+05:30"
    assert verdict["pnl"] == -27 * 75
    assert verdict["threshold"] == -2000


def test_a_profit_must_last_one_second(tmp_path):
    """A target is confirmed one second after the snapshot that met it."""
    position = only(replay(tmp_path, [minutes(100, 151, 151, 151)], LONG, TARGET))
    (verdict,) = [e for e in position["events"] if e["kind"] == "verdict"]
    assert verdict["at"] == f"{DAY}T09:31:01+05:30"


def test_a_repeated_page_brings_nothing_new(tmp_path):
    """A page marked as repeated neither moves a price nor fires anything."""
    day = minutes(100)
    day.quote("09:31:00", "25000CE", 10, 11, stale=1).quote("09:32:00", "25000CE", 99.5, 100.5)
    position = only(replay(tmp_path, [day], LONG, STOP))
    assert position["trough_pnl"] == 0
    assert "verdict" not in kinds(position)


def test_repeated_pages_let_quotes_grow_old(tmp_path):
    """After two and a half steps of repeats a position cannot be priced, and that is told."""
    day = minutes(100, 100)
    for minute in range(32, 40):
        day.quote(f"09:{minute}:00", "25000CE", 99.5, 100.5, stale=1)
    (event,) = only(replay(tmp_path, [day], LONG, STOP))["events"]
    assert event["rule"] == "unpriced"
    assert event["at"] == f"{DAY}T09:34:30+05:30", "150 s after 09:31:00, and a minute on"


def test_an_unchanged_row_proves_its_contract(tmp_path):
    """Ten minutes of the same quote are ten minutes of a believable price."""
    position = only(replay(tmp_path, [minutes(*[100] * 10)], LONG, STOP))
    assert position["events"] == []
    assert position["final_pnl_gross"] == 0


def test_an_outdated_page_is_dropped(tmp_path):
    """A page older than one already seen is not a price."""
    day = minutes(100).quote("09:31:00", "25000CE", 10, 11, stale=2).quote("09:32:00", "25000CE", 99.5, 100.5)
    assert only(replay(tmp_path, [day], LONG, STOP))["trough_pnl"] == 0


def test_a_volume_that_falls_betrays_an_old_row(tmp_path):
    """A row with less volume of the day than one before it comes from a server that lags."""
    day = Day().quote("09:30:00", "25000CE", 99.5, 100.5, volume=500)
    day.quote("09:31:00", "25000CE", 10, 11, volume=499).quote("09:32:00", "25000CE", 99.5, 100.5, volume=500)
    assert only(replay(tmp_path, [day], LONG, STOP))["trough_pnl"] == 0


def test_volume_begins_anew_each_day(tmp_path):
    """The first row of the next day has less volume and is true all the same."""
    first = Day().quote("15:29:00", "25000CE", 99.5, 100.5, volume=5000)
    second = Day(date="2025-09-01").quote("09:16:00", "25000CE", 119.5, 120.5, volume=10)
    position = only(replay(tmp_path, [second, first], LONG, STOP))
    assert position["peak_pnl"] == 20 * 75


def test_a_crossed_quote_is_no_price(tmp_path):
    """A bid above the ask moves nothing and fills nothing."""
    day = minutes(100).quote("09:31:00", "25000CE", 60, 50).quote("09:32:00", "25000CE", 99.5, 100.5)
    assert only(replay(tmp_path, [day], LONG, STOP))["trough_pnl"] == 0


def test_the_silence_after_the_recording_is_not_the_market_s(tmp_path):
    """Where a recording ends, nothing is told of missing prices; what was met is still confirmed."""
    position = only(replay(tmp_path, [minutes(100, 100, 73)], LONG, STOP))
    assert kinds(position) == ["alert", "verdict", "exit", "alert"], "near the stop, stopped, at the cap"
    assert position["events"][1]["at"] == f"{DAY}T09:32:02+05:30"
    assert position["status"] == "open"


def test_nothing_fires_on_a_holiday(tmp_path):
    """On a day the exchange was shut every row is the previous close: no verdict, no peak."""
    day = Day(date="2025-08-27")
    for minute in range(30, 40):
        day.quote(f"09:{minute}:00", "25000CE", 10, 10.5)
    position = only(replay(tmp_path, [day], [trade(1, "BUY", "25000CE", 75, 100, at="2025-08-27")], STOP))
    assert position["events"] == []
    assert position["orders"] == []
    assert position["status"] == "open"


def test_a_saturday_with_rows_is_a_session(tmp_path):
    """Every recorded date that is no known holiday trades from 09:15."""
    day = Day(date="2025-08-30")
    for minute in range(30, 34):
        day.quote(f"09:{minute}:00", "25000CE", 70, 70.5)
    position = only(replay(tmp_path, [day], [trade(1, "BUY", "25000CE", 75, 100, at="2025-08-29")], STOP))
    assert position["status"] == "closed"


def test_spot_bounds_a_stub_quote(tmp_path):
    """With a recorded spot, a bid of five paise on a deep call is not the end of it: no stop fires."""

    def day(spot) -> Day:
        made = Day().quote("09:30:00", "25000CE", 999, 1001, spot=spot)
        for minute in range(31, 35):
            made.quote(f"09:{minute}:00", "25000CE", 0.05, 1500, spot=spot)
        return made

    deep = [trade(1, "BUY", "25000CE", 75, 1000)]
    rules = STOP.replace("2000", "30000")
    assert "verdict" not in kinds(only(replay(tmp_path, [day(26000)], deep, rules)))
    assert "verdict" in kinds(only(replay(tmp_path, [day("")], deep, rules)))
