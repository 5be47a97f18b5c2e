"""What an exit trades, when, at what price; what the end of a day does to it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.replay import driver
from tests.engine.replay.days import DAY, Day, kinds, only, replay, trade
from tests.engine.replay.test_prices import LONG, STOP, TARGET, minutes

SPREADS = """set,mid_bucket,n,spread_median
"NIFTY 2025 near","[50.0, 100.0)",100,1.00
"NIFTY 2026 far","[50.0, 100.0)",300,3.00
"NIFTY 2025 near","[100.0, 200.0)",100,9.00
"ACC 2019 (8 days)","[50.0, 100.0)",100,4.00
"YESBANK 2019 (8 days)","[50.0, 100.0)",100,8.00
"""


def order_of(result) -> dict:
    """The one order of the one position."""
    (order,) = only(result)["orders"]
    return order


def test_an_order_fills_against_the_next_snapshot(tmp_path):
    """Decided at 09:31:02, filled at 09:32 and not at the minute that decided it."""
    position = only(replay(tmp_path, [minutes(100, 73, 71)], LONG, STOP))
    assert position["status"] == "closed"
    assert position["orders"] == [
        {
            "at": f"{DAY}T09:31:02+05:30", "security": "NIFTY 2025-09-30 25000 CE", "side": "SELL",
            "quantity": 75, "limit": position["orders"][0]["limit"], "filled": 75, "average": 70.5,
            "attempts": 1,
        }
    ]  # fmt: skip
    assert position["orders"][0]["limit"] <= 70.5
    assert position["final_pnl_gross"] == (70.5 - 100) * 75
    assert position["events"][-1]["kind"] == "flat"
    assert position["events"][-1]["at"][11:16] == "09:32"


def test_never_worse_than_the_limit(tmp_path):
    """A patient exit waits at its cap while the bid is further away, and fills when it is back."""
    position = only(replay(tmp_path, [minutes(100, 160, 130, 158)], LONG, TARGET))
    (order,) = position["orders"]
    assert order["average"] == 157.5
    assert order["limit"] == 155.2, "three per cent below the mid that met the target"
    assert position["events"][-1]["at"][11:16] == "09:33"


def test_no_more_than_what_is_shown(tmp_path):
    """Fifty units shown a minute: 150 take three minutes, at three prices."""
    day = minutes(100, 73).quote("09:32:00", "25000CE", 72, 73, size=50)
    day.quote("09:33:00", "25000CE", 71, 72, size=50).quote("09:34:00", "25000CE", 70, 71, size=50)
    rows = [trade(1, "BUY", "25000CE", 150, 100)]
    position = only(replay(tmp_path, [day], rows, STOP))
    (order,) = position["orders"]
    assert (order["filled"], order["average"]) == (150, 71.0)
    assert position["events"][-1]["at"][11:16] == "09:34"
    assert position["final_pnl_gross"] == (71 - 100) * 150


def test_what_a_thin_book_leaves_is_partially_closed(tmp_path):
    """The recording ends with 25 of 75 sold: the rest counts at its last mark."""
    day = minutes(100, 73).quote("09:32:00", "25000CE", 72, 73, size=25)
    position = only(replay(tmp_path, [day], LONG, STOP))
    assert position["status"] == "partially_closed"
    assert position["orders"][0]["filled"] == 25
    assert position["final_pnl_gross"] == (72 - 100) * 25 + (72.5 - 100) * 50


def test_nothing_fills_on_a_repeated_or_crossed_page(tmp_path):
    """Only the next believable snapshot fills."""
    day = minutes(100, 73).quote("09:32:00", "25000CE", 72, 73, stale=1)
    day.quote("09:33:00", "25000CE", 74, 73).quote("09:34:00", "25000CE", 70, 71)
    order = order_of(replay(tmp_path, [day], LONG, STOP))
    assert order["average"] == 70.0


def test_shorts_are_bought_back_before_longs_are_sold(tmp_path):
    """Each leg of a spread takes a snapshot of its own."""
    day = Day()
    for at, low, high in (
        ("09:30:00", 100, 60),
        ("09:31:00", 60, 50),
        ("09:32:00", 60, 50),
        ("09:33:00", 60, 50),
    ):
        day.quote(at, "25000CE", low, low + 1).quote(at, "25200CE", high, high + 1)
    legs = [trade(1, "BUY", "25000CE", 75, 100), trade(1, "SELL", "25200CE", 75, 60)]
    position = only(replay(tmp_path, [day], legs, STOP))
    assert [(o["side"], o["at"][11:16]) for o in position["orders"]] == [("BUY", "09:31"), ("SELL", "09:32")]
    assert position["final_pnl_gross"] == (60 - 51 + 60 - 100) * 75
    assert position["events"][-1]["at"][11:16] == "09:33"


def test_an_order_sent_at_a_snapshot_does_not_fill_on_it(tmp_path):
    """The short's row comes before the long's: its fill sends the long's order, which waits for a minute."""
    day = Day()
    for at, low, high in (
        ("09:30:00", 100, 60),
        ("09:31:00", 160, 65),
        ("09:32:00", 160, 65),
        ("09:33:00", 165, 70),
    ):
        day.quote(at, "25000CE", low, low + 1).quote(at, "25100CE", high, high + 1)
    rows = [trade(1, "SELL", "25000CE", 75, 100.5), trade(1, "BUY", "25100CE", 75, 60.5)]
    short, long = only(replay(tmp_path, [day], rows, STOP))["orders"]
    assert (short["at"][11:19], short["average"]) == ("09:31:02", 161)
    assert (long["at"][11:19], long["average"]) == ("09:32:00", 70)


def test_two_strategies_in_one_contract_are_two_stories(tmp_path):
    """What one owns and the other owes is not netted: each is closed by orders of its own."""
    rows = [trade(1, "BUY", "25000CE", 75, 100), trade(2, "SELL", "25000CE", 75, 100)]
    result = replay(tmp_path, [minutes(100, 73, 73, 73)], rows, STOP + "stop_credit_multiple = 'off'\n")
    stopped, winner = result["positions"]
    assert stopped["status"] == "closed"
    assert stopped["orders"][0]["filled"] == 75
    assert winner["status"] == "open"
    assert winner["final_pnl_gross"] == 27 * 75


def test_positions_in_one_contract_do_not_meet(tmp_path):
    """A second buyer comes while the first one's exit runs, and both find the 75 units on offer.

    At a broker the second purchase would hold up the first exit, and they would share the bid.
    """
    rows = [
        trade(1, "BUY", "25000CE", 75, 100),
        trade(2, "BUY", "25000CE", 75, 73, at="2025-08-29T09:32:00+05:30"),
        trade(3, "BUY", "25000CE", 75, 100),
    ]
    day = minutes(100, 73).quote("09:32:00", "25000CE", 72, 73, size=75)
    positions = replay(tmp_path, [day.quote("09:33:00", "25000CE", 71, 72, size=75)], rows, STOP)["positions"]
    assert [p["status"] for p in positions] == ["closed", "open", "closed"]
    assert [p["orders"][0]["average"] for p in (positions[0], positions[2])] == [72, 72]


def last_prices(*prices) -> Day:
    """A last price a minute, without quotes."""
    day = Day()
    for minute, price in enumerate(prices, start=30):
        day.last(f"09:{minute}:00", "25000CE", price)
    return day


def test_made_up_quotes_are_one_per_cent_wide(tmp_path):
    """Without quotes the mark is the last price, and the fill half a per cent away, outward to the tick."""
    position = only(replay(tmp_path, [last_prices(100, 72.1, 72.1)], LONG, STOP))
    assert position["orders"][0]["average"] == 71.7, "72.1 - 0.3605 = 71.7395, down to the tick"
    verdict = next(e for e in position["events"] if e["kind"] == "verdict")
    assert verdict["pnl"] == pytest.approx((72.1 - 100) * 75)


def test_a_patient_exit_without_quotes_goes_to_the_made_up_touch(tmp_path):
    """Met at 151 with a bid of 150.20 made up: 149.80 a minute later is below it, 150.20 is not.

    A limit further away would fill at prices that no book was said to have at the time.
    """
    position = only(replay(tmp_path, [last_prices(100, 151, 150.6, 151)], LONG, TARGET))
    assert position["orders"][0]["average"] == 150.2
    assert position["orders"][0]["limit"] == 149.8
    assert position["events"][-1]["at"][11:19] == "09:33:00"


def test_the_spread_can_be_asked_for(tmp_path):
    """``--spread-pct 4`` is two per cent to either side, whatever was measured."""
    (tmp_path / "measured_spreads.csv").write_text(SPREADS, encoding="utf-8")
    result = replay(tmp_path, [last_prices(100, 72, 72)], LONG, STOP, spread_pct=Decimal(4))
    assert order_of(result)["average"] == 70.55, "72 - 1.44, down to the tick"


def test_measured_spreads_are_used_where_they_lie(tmp_path):
    """The mean of the underlying's own sets, weighted by their numbers: (1 x 100 + 3 x 300) / 400."""
    (tmp_path / "measured_spreads.csv").write_text(SPREADS, encoding="utf-8")
    result = replay(tmp_path, [last_prices(100, 72, 72)], LONG, STOP)
    assert order_of(result)["average"] == 70.75, "72 - 1.25"


def test_a_stock_without_a_set_is_like_the_stocks(tmp_path):
    """All stock sets pooled: (4 + 8) / 2."""
    (tmp_path / "measured_spreads.csv").write_text(SPREADS, encoding="utf-8")
    day = Day(underlying="TITAN")
    for minute, price in enumerate((100, 72, 72), start=30):
        day.last(f"09:{minute}:00", "3000CE", price)
    rows = [trade(1, "BUY", "3000CE", 75, 100, symbol="TITAN")]
    assert order_of(replay(tmp_path, [day], rows, STOP))["average"] == 69.0


def test_charges_are_those_of_entry_and_exit(tmp_path):
    """Both orders at the rates of the day, worked out by hand from the charge table."""
    position = only(replay(tmp_path, [minutes(100, 73, 71)], LONG, STOP))
    buy, sell = Decimal(75 * 100), Decimal("70.5") * 75
    fee = Decimal("0.0003553") + Decimal("0.000001")
    entry = ((20 + buy * fee) * Decimal("1.18")).quantize(Decimal("0.01")) + 0  # stamp 0.225 -> 0
    leave = ((20 + sell * fee) * Decimal("1.18")).quantize(Decimal("0.01")) + 5  # tax 5.2875 -> 5
    assert Decimal(str(position["charges"])) == entry + leave
    assert position["final_pnl_net"] == pytest.approx(position["final_pnl_gross"] - position["charges"])


def test_day_orders_die_at_the_close_and_are_sent_anew(tmp_path):
    """What a day leaves unfilled is said to be held, and the next day's first quotes fill a new order."""
    friday = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:29:00", "25000CE", 72, 73)
    monday = Day(date="2025-09-01")
    for minute in (16, 17, 18):
        monday.quote(f"09:{minute}:00", "25000CE", 71, 72)
    position = only(replay(tmp_path, [friday, monday], LONG, STOP))
    held = next(e for e in position["events"] if e["kind"] == "held")
    assert held["at"] == f"{DAY}T15:30:00+05:30"
    assert position["status"] == "closed"
    (order,) = position["orders"]
    assert (order["attempts"], order["filled"], order["average"]) == (2, 75, 71.0)
    assert position["events"][-1]["at"][:16] == "2025-09-01T09:17", "sent at 09:16, filled by the next"


def test_nothing_trades_after_the_close(tmp_path):
    """A snapshot after half past three moves no mark and fills nothing."""
    day = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:29:00", "25000CE", 72, 73)
    day.quote("15:31:00", "25000CE", 70, 71)
    position = only(replay(tmp_path, [day], LONG, STOP))
    assert position["orders"][0]["filled"] == 0
    assert position["orders"][0]["average"] is None
    assert position["status"] == "open"
    assert position["final_pnl_gross"] == (72.5 - 100) * 75


@pytest.mark.parametrize("rules", [STOP, "[default]\nstop_loss = 'off'\n"], ids=["exiting", "watched"])
@pytest.mark.parametrize(("price", "extreme"), [(40, "trough_pnl"), (130, "peak_pnl")])
def test_the_snapshot_of_the_close_itself_is_seen_and_nothing_else(tmp_path, rules, price, extreme):
    """It is the final mark and an extreme; what rests does not fill on it."""
    day = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:29:00", "25000CE", 72, 73)
    day.quote("15:30:00", "25000CE", price - 0.5, price + 0.5)
    position = only(replay(tmp_path, [day], LONG, rules))
    assert position[extreme] == position["final_pnl_gross"] == (price - 100) * 75
    assert not any(order["filled"] for order in position["orders"])
    monday = Day(date="2025-09-01").quote("09:16:00", "25000CE", 99.5, 100.5)
    assert only(replay(tmp_path, [day, monday], LONG, rules))[extreme] == (price - 100) * 75


def test_a_recording_of_nothing_but_what_follows_a_close_is_no_day(tmp_path):
    """The position never began: open, and nothing known."""
    position = only(replay(tmp_path, [Day().quote("15:31:00", "25000CE", 99, 101)], LONG, STOP))
    assert (position["status"], position["final_pnl_gross"]) == ("open", None)


def test_peak_and_trough_go_on_while_an_exit_runs(tmp_path):
    """What is left of a position that is being closed still has a value."""
    position = only(replay(tmp_path, [minutes(100, 160, 120, 158)], LONG, TARGET))
    assert position["trough_pnl"] == 0
    assert position["peak_pnl"] == 60 * 75
    result = replay(tmp_path, [minutes(100, 160, 80, 158)], LONG, TARGET)
    assert only(result)["trough_pnl"] == -20 * 75
    assert "flat" in kinds(only(result))


@pytest.mark.parametrize("rules", [STOP, "[default]\nstop_loss = 'off'\n"], ids=["exiting", "watched"])
def test_prices_after_the_close_are_no_peak_and_no_trough(tmp_path, rules):
    """Whether an exit was left over or nothing happened: they are no end of it either."""
    day = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:29:00", "25000CE", 72, 73)
    day.quote("15:31:00", "25000CE", 40, 41).quote("15:32:00", "25000CE", 80, 81)
    position = only(replay(tmp_path, [day], LONG, rules))
    assert position["trough_pnl"] == -27.5 * 75
    assert position["final_pnl_gross"] == -27.5 * 75


def test_a_night_s_last_prices_are_no_peak(tmp_path):
    """What is shown after one day's close is not what the position came to in the end."""
    friday = Day().quote("15:28:00", "25000CE", 99.5, 100.5).quote("15:31:00", "25000CE", 120, 121)
    monday = Day(date="2025-09-01").quote("09:16:00", "25000CE", 104.5, 105.5)
    position = only(replay(tmp_path, [friday, monday], LONG, STOP))
    assert position["peak_pnl"] == position["final_pnl_gross"] == 5 * 75


def test_skipping_the_beats_of_a_resting_exit_changes_nothing(tmp_path, monkeypatch):
    """After a quiet minute a resting exit is only looked at now and then: to the same end."""
    day = Day()
    for hour, price in enumerate((100, 160, 120, 158, 158), start=10):
        day.quote(f"{hour}:00:00", "25000CE", price - 0.5, price + 0.5)
    swift = replay(tmp_path, [day], LONG, TARGET)
    monkeypatch.setattr(driver, "SETTLED_S", float("inf"))
    assert replay(tmp_path, [day], LONG, TARGET) == swift
    assert only(swift)["status"] == "closed"


def test_a_resting_exit_does_not_make_others_late(tmp_path):
    """While one position's order rests, what time brings about for another comes to the second."""
    day = Day()
    for minute, price in enumerate((100, 160, 120, 90, 70), start=30):
        day.quote(f"09:{minute}:03", "25000CE", price - 0.5, price + 0.5).quote(
            f"09:{minute}:03", "25100CE", 50, 51
        )
    day.quote("10:30:03", "25100CE", 50, 51)
    rows = [*LONG, trade(2, "BUY", "25100CE", 75, 50)]
    target = "[default]\nprofit_target = 0.5\nstop_loss = 'off'\n"
    exiting, watched = replay(tmp_path, [day], rows, target)["positions"]
    assert exiting["status"] == "open"
    assert [e["at"][11:19] for e in watched["events"] if e["rule"] == "unpriced"] == ["09:37:33"]


def test_nothing_fills_on_a_price_that_contradicts_its_neighbour(tmp_path):
    """The long leg of a stopped spread is shown at 300 for a minute, 285 dearer than the next strike.

    At 09:31 the spread is worth 5 of its 40; the short is bought back at 09:32, and the long would
    have been sold for 300 at 09:33. It goes at 09:34, for 19.50.
    """
    day = Day()
    minutes = (("09:30:00", 100, 60), ("09:31:00", 20, 15), ("09:32:00", 20, 15), ("09:33:00", 300, 15))
    for at, low, high in (*minutes, ("09:34:00", 20, 15), ("09:35:00", 20, 15)):
        day.quote(at, "25000CE", low - 0.5, low + 0.5).quote(at, "25100CE", high - 0.5, high + 0.5)
    legs = [trade(1, "BUY", "25000CE", 75, 100), trade(1, "SELL", "25100CE", 75, 60)]
    position = only(replay(tmp_path, [day], legs, STOP))
    sold = {order["side"]: order["average"] for order in position["orders"]}
    assert sold == {"BUY": 15.5, "SELL": 19.5}
    assert position["peak_pnl"] == 0
