"""Real recorded days; every number here was worked out by hand from the rows of the recording."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import pytest

from engine.io.replays import ReplayRequest, run_replay
from engine.model import Mode

ROOT = Path(__file__).parents[3]
DAYS = ROOT.parent / "shared" / "data" / "days"
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.skipif(not DAYS.is_dir(), reason=f"the recorded days are not at {DAYS}")

FRIDAY = "2025-08-29_NIFTY_1min_quotes.csv.gz"
FRIDAYS = "trades_2025-08-29.csv"
EXAMPLE_DAYS = {
    "trades_2019-05-20.csv": "2019-05-20_index_and_stocks_15min_quotes.csv.gz",
    FRIDAYS: FRIDAY,
    "trades_2025-10.csv": "2025-10_NIFTY_20min_quotes_many_days.csv.gz",
    "trades_2026-02-03.csv": "2026-02-03_index_5min_ltp_expiry.csv.gz",
    "trades_2026-08-18.csv": "2026-08-18_NIFTY_1min_ltp_expiry.csv.gz",
}


def on(*examples):
    """For tests that replay these: one worker runs all of an example, and replays it once."""
    return pytest.mark.parametrize("trades", [pytest.param(name, id=f"on {name}:") for name in examples])


def request_of(trades) -> ReplayRequest:
    """An example on its day."""
    return ReplayRequest((DAYS / EXAMPLE_DAYS[trades],), EXAMPLES / trades, mode=Mode.EXECUTE)


@cache
def result_of(trades) -> dict:
    """An example replayed, once for all tests."""
    return run_replay(request_of(trades))


def example(trades) -> dict:
    """An example's positions by strategy id."""
    return {position["strategy_id"]: position for position in result_of(trades)["positions"]}


def moments(position, kind) -> list[str]:
    """When events of a kind happened, without the offset."""
    return [event["at"][:19] for event in position["events"] if event["kind"] == kind]


@on(FRIDAYS)
def test_a_long_call_is_stopped_on_a_falling_friday(trades):
    """Entered at the ask of 09:30:51, 149.35; half is gone when the mid is 72.125 at 15:09:44.

    At 15:08:36 the mid of 75.50/75.70 was still above the 74.675 of the stop. Two seconds later it
    is confirmed, and the next snapshot's bid, 65.35, takes all 150.
    """
    call = example(trades)[1001]
    assert call["opened_at"] == "2025-08-29T09:30:51+05:30"
    assert call["net_premium"] == -149.35 * 150
    assert moments(call, "verdict") == ["2025-08-29T15:09:46"]
    verdict = next(e for e in call["events"] if e["kind"] == "verdict")
    assert verdict["pnl"] == pytest.approx((72.12 - 149.35) * 150), "half a paisa against the owner"
    assert verdict["threshold"] == -11_201.25
    assert moments(call, "flat") == ["2025-08-29T15:10:53"]
    (order,) = call["orders"]
    assert (order["filled"], order["average"]) == (150, 65.35)
    assert call["final_pnl_gross"] == (65.35 - 149.35) * 150
    assert call["charges"] == pytest.approx(34.02 + 37.72), (
        "stamp ₹1 on the entry, tax ₹10 on the exit, brokerage twice"
    )


@on(FRIDAYS)
def test_a_long_put_reaches_its_target_and_is_sold_patiently(trades):
    """Entered at 75.65; at 15:13:16 the mid is 123.00, above the 113.475 of the target.

    The limit walks from 123.00 to the bid of 122.85; the bid of 15:14:21, 121.10, is below it, that
    of 15:15:25 is 123.00.
    """
    put = example(trades)[1002]
    assert moments(put, "verdict") == ["2025-08-29T15:13:17"]
    (order,) = put["orders"]
    assert (order["average"], order["attempts"]) == (123.0, 1)
    assert moments(put, "flat") == ["2025-08-29T15:15:25"]
    assert put["final_pnl_gross"] == pytest.approx((123.0 - 75.65) * 150)


@on(FRIDAYS)
def test_a_gap_in_the_recording_is_told_and_nothing_else(trades):
    """From 10:16:18 to 10:35 there is nothing: 2.5 steps of 65 s and a minute later that is news."""
    condor = example(trades)[1004]
    (event,) = condor["events"]
    assert (event["rule"], event["at"][:19]) == ("unpriced", "2025-08-29T10:20:01")
    assert condor["status"] == "open"


@on(FRIDAYS)
def test_a_vertical_is_worth_its_mids_at_the_end(trades):
    """At 15:28:56 the 24400 call is 125.60/125.85 and the 24600 call 39.60/39.70."""
    vertical = example(trades)[1003]
    assert vertical["net_premium"] == pytest.approx((218.10 - 92.90) * 75)
    assert vertical["final_pnl_gross"] == pytest.approx((218.10 - 125.73 + 39.65 - 92.90) * 75)


@on("trades_2026-08-18.csv")
def test_a_put_on_an_expiry_of_last_prices(tmp_path, trades):
    """18 August 2026: entered at the last price of 26.15, met by 41.90 at 11:31, sold at 11:32.

    The last price there is 48.20; half of the measured spread for premiums of 25 to 50 is 0.0937
    (means over 5,992 quotes), and the tick below 48.1063 is 48.10.
    """
    put = example(trades)[3002]
    assert put["net_premium"] == -26.15 * 65
    assert moments(put, "verdict") == ["2026-08-18T11:31:01"]
    assert put["orders"][0]["average"] == 48.10
    assert put["final_pnl_gross"] == pytest.approx((48.10 - 26.15) * 65)
    bare = tmp_path / EXAMPLE_DAYS[trades]
    bare.symlink_to(DAYS / bare.name)
    result = run_replay(ReplayRequest((bare,), EXAMPLES / trades))
    other = next(p for p in result["positions"] if p["strategy_id"] == 3002)
    assert other["orders"][0]["average"] == 47.95, "without measured spreads 1 %: 48.20 - 0.241"


@on("trades_2025-10.csv")
def test_seven_days_before_expiry_over_two_weeks(trades):
    """A strangle of 20 October leaves on the 28th at 15:00, seven days before 4 November.

    The put is bought at 15:09:55 for 17.65; the call runs away and is bought on the 29th, 92.35.
    """
    strangle = example(trades)[4005]
    assert strangle["net_premium"] == pytest.approx((71.00 + 107.20) * 75)
    assert moments(strangle, "verdict") == ["2025-10-28T15:00:00"]
    verdict = next(e for e in strangle["events"] if e["kind"] == "verdict")
    assert (verdict["rule"], verdict["threshold"]) == ("time_exit_dte", None)
    assert verdict["pnl"] == pytest.approx((71.00 + 107.20 - 26.55 - 72.83) * 75)
    assert {order["average"]: order["attempts"] for order in strangle["orders"]}[17.65] == 1
    assert moments(strangle, "held") == ["2025-10-28T15:30:00"]
    assert moments(strangle, "flat")[0].startswith("2025-10-29")


@on("trades_2019-05-20.csv")
def test_a_call_bought_before_an_election_result(trades):
    """20 May 2019 on fifteen-minute quotes: in at 151.00, met at 13:30 by 226.975, out at 245.45."""
    call = example(trades)[5001]
    assert moments(call, "verdict") == ["2019-05-20T13:30:01"]
    assert moments(call, "flat") == ["2019-05-20T13:45:00"]
    assert call["final_pnl_gross"] == pytest.approx((245.45 - 151.00) * 75)


def test_nothing_fires_on_the_recorded_holiday(tmp_path):
    """27 August 2025, the previous close frozen: whatever the rules, nothing happens."""
    trades = tmp_path / "trades.csv"
    header = (EXAMPLES / "trades_2025-08-29.csv").read_text(encoding="utf-8").splitlines()[0]
    rows = [
        "1,1,NIFTY,Long Call,,BUY,CE,24700,2025-08-28,75,900,,TRADED,2025-08-26T10:00:00",
        "2,2,NIFTY,Short Put,,SELL,PE,24800,2025-09-02,75,0.05,,TRADED,2025-08-26T10:00:00",
        "3,3,BANKNIFTY,Long Put,,BUY,PE,54000,2025-08-28,35,,,TRADED,2025-08-26T10:00:00",
    ]
    trades.write_text("\n".join([header, *rows]), encoding="utf-8")
    day = DAYS / "2025-08-27_holiday_frozen_quotes.csv.gz"
    result = run_replay(ReplayRequest((day,), trades, mode=Mode.EXECUTE))
    for position in result["positions"]:
        assert {event["kind"] for event in position["events"]} <= {"alert"}
        assert all(event["pnl"] is None for event in position["events"]), "refusals only"
        assert position["orders"] == []
        assert (position["status"], position["peak_pnl"] is None) == ("open", False)


@on(*EXAMPLE_DAYS)
def test_examples_replay_twice_to_the_same_bytes(trades):
    """Each example is five strategies, all valid, and its JSON does not depend on the run."""
    first, second = result_of(trades), run_replay(request_of(trades))
    assert json.dumps(first) == json.dumps(second)
    assert len(first["positions"]) == 5
    assert all(position["why_invalid"] is None for position in first["positions"])
    assert all(position["final_pnl_gross"] is not None for position in first["positions"])


@on(*EXAMPLE_DAYS)
def test_the_money_adds_up(trades):
    """Fills never exceed what was held, averages respect limits, closed means traded in full."""
    held: dict[tuple[str, str], int] = {}
    with (EXAMPLES / trades).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = f"{row['symbol']} {row['expiry_date']} {row['strike_price']} {row['type']}"
            held[row["strategy_id"], name] = int(row["quantity"])
    for strategy_id, position in example(trades).items():
        sold = {order["security"]: order for order in position["orders"]}
        for name, order in sold.items():
            assert order["filled"] <= held[str(strategy_id), name]
            if order["filled"]:
                better = order["average"] >= order["limit"] - 0.005
                assert better if order["side"] == "SELL" else order["average"] <= order["limit"] + 0.005
        if position["status"] == "closed":
            legs = [name for (owner, name) in held if owner == str(strategy_id)]
            assert sorted(sold) == sorted(legs)
        assert position["trough_pnl"] <= position["final_pnl_gross"] <= position["peak_pnl"]
        net = position["final_pnl_gross"] - position["charges"]
        assert position["final_pnl_net"] == pytest.approx(net)


def one_day(tmp_path, day, *rows) -> dict:
    """A recorded day with trades of its own, each as it stands in a trades file without id; by strategy."""
    trades = tmp_path / "trades.csv"
    header = (EXAMPLES / "trades_2025-08-29.csv").read_text(encoding="utf-8").splitlines()[0]
    lines = [f"{number},{row}" for number, row in enumerate(rows, start=1)]
    trades.write_text("\n".join([header, *lines]), encoding="utf-8")
    result = run_replay(ReplayRequest((DAYS / day,), trades, mode=Mode.EXECUTE))
    return {position["strategy_id"]: position for position in result["positions"]}


def test_a_trade_that_contradicts_its_neighbour_makes_no_profit(tmp_path):
    """30 January 2026, two deep puts 50 apart, bought for 950.15 − 899.90 = 50.25.

    At 09:28:50 the higher one trades at 1,112.15 while the lower one still stands at 899.90: worth
    212.25, four times what two strikes 50 apart can differ by, and the target of 25.125 would be
    met. At 09:33:49 the lower one trades, at 1,100: worth 12.15, and the stop at half of 50.25 is met.
    """
    day = "2026-01-30_index_5min_ltp.csv.gz"
    spread = one_day(
        tmp_path,
        day,
        "1,NIFTY,Bear Put Spread,,BUY,PE,26400,2026-02-03,65,,,TRADED,2026-01-30T09:20:00",
        "1,NIFTY,Bear Put Spread,,SELL,PE,26350,2026-02-03,65,,,TRADED,2026-01-30T09:20:00",
    )[1]
    assert spread["net_premium"] == pytest.approx(-50.25 * 65)
    assert moments(spread, "verdict") == ["2026-01-30T09:33:51"]
    verdict = next(e for e in spread["events"] if e["kind"] == "verdict")
    assert (verdict["rule"], verdict["pnl"]) == ("stop_loss", pytest.approx((12.15 - 50.25) * 65))
    assert spread["peak_pnl"] == 0


def test_a_quote_below_intrinsic_value_is_no_trough(tmp_path):
    """24 May 2019, a RELIANCE 900 call bought at the ask of 11:01, 439.35, when the mid is 429.75.

    At 11:16 it is quoted 388.80 by 439.80 with the stock at 1,332.25: the mid of 414.30 is 17.95 below
    intrinsic value, one per cent of the stock is 13.3225. All later mids are above 429.75.
    """
    day = "2019-05-24_index_and_stocks_15min_quotes.csv.gz"
    row = "1,RELIANCE,Long Call,,BUY,CE,900,2019-05-30,500,,,TRADED,2019-05-24T11:00:00"
    call = one_day(tmp_path, day, row)[1]
    assert call["opened_at"] == "2019-05-24T11:01:00+05:30"
    assert call["trough_pnl"] == pytest.approx((429.75 - 439.35) * 500)
    assert call["orders"] == []
