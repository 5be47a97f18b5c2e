"""Scaling out on a recorded Friday, checked by plain arithmetic on the rows of the recording."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from engine.io.replays import ReplayRequest, human, run_replay
from engine.model import Mode
from tests.engine.replay.days import Day, kinds, only, replay, trade

DAYS = Path(__file__).parents[3].parent / "shared" / "data" / "days"
FRIDAY = DAYS / "2025-08-29_NIFTY_1min_quotes.csv.gz"

HEAD = (
    "strategy_id,symbol,strategy,security_id,action,type,strike_price,expiry_date,quantity,price,order_id,"
    "order_status,timestamp\n"
)
TRADES = (
    "1,NIFTY,Long Put,,BUY,PE,24500,2025-09-02,300,,,TRADED,2025-08-29T09:30:00+05:30\n"
    "2,NIFTY,Bear Call Spread,,SELL,CE,24400,2025-09-02,300,218.10,,TRADED,2025-08-29T09:30:00+05:30\n"
    "2,NIFTY,Bear Call Spread,,BUY,CE,24600,2025-09-02,300,92.90,,TRADED,2025-08-29T09:30:00+05:30\n"
)
RULES = "[default]\nprofit_scaling = true\n"


def sides(strike, right):
    """Moment -> bid and ask of an option of 2 September, in paise, from the file itself."""
    found = {}
    with gzip.open(FRIDAY, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if (row["strike"], row["right"], row["expiry"]) == (strike, right, "2025-09-02"):
                found[row["ts"]] = round(float(row["bid"]) * 100), round(float(row["ask"]) * 100)
    return found


def seconds(at):
    return int(at[11:13]) * 3600 + int(at[14:16]) * 60 + int(at[17:19])


@pytest.fixture(scope="module")
def friday(tmp_path_factory):
    """Both strategies, four lots each, scaled out of; by strategy id."""
    if not FRIDAY.exists():
        pytest.skip(f"the recorded days are not at {DAYS}")
    folder = tmp_path_factory.mktemp("friday")
    (folder / "trades.csv").write_text(HEAD + TRADES, encoding="utf-8")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    request = ReplayRequest((FRIDAY,), folder / "trades.csv", folder / "rules.toml", Mode.EXECUTE)
    result = run_replay(request)
    page = human(result)
    assert "partially closed" in page
    assert "An exit of 25% of what was entered begins." in page
    return {position["strategy_id"]: position for position in result["positions"]}


def test_a_long_put_is_sold_by_the_quarter_as_the_mids_of_the_recording_say(friday):
    """Each level is met at the first mid above it, confirmed a second later, and filled at a later bid."""
    quotes = {at: pair for at, pair in sides("24500", "PE").items() if at >= "2025-08-29T09:30"}
    entry = next(ask for _, ask in quotes.values())
    verdicts = [event for event in friday[1]["events"] if event["kind"] == "verdict"]
    open_units, realised, after = 300, 0, ""
    for event, order, share in zip(verdicts, friday[1]["orders"], (0.25, 0.5), strict=True):
        threshold = share * entry * open_units
        met = next(
            at
            for at, (bid, ask) in quotes.items()
            if at > after and ((bid + ask) // 2 - entry) * open_units >= threshold
        )
        pnl = (sum(quotes[met]) // 2 - entry) * open_units
        assert seconds(event["at"]) == seconds(met) + 1
        assert event["pnl"] == pytest.approx(pnl / 100)
        assert event["threshold"] == pytest.approx(threshold / 100, abs=0.01)
        assert (event["action"], event["fraction"]) == ("SCALE_OUT", 0.25)
        filled = next(at for at in quotes if quotes[at][0] == round(order["average"] * 100) and at > met)
        assert (order["side"], order["quantity"], order["filled"]) == ("SELL", 75, 75)
        assert order["average"] >= order["limit"]
        open_units, realised, after = open_units - 75, realised + (quotes[filled][0] - entry) * 75, filled
    last = sum(list(quotes.values())[-1]) // 2
    assert friday[1]["status"] == "partially_closed"
    assert friday[1]["final_pnl_gross"] == pytest.approx((realised + (last - entry) * open_units) / 100)
    assert open_units == 150


def test_the_peak_of_a_scaled_put_counts_what_was_realised(friday):
    """The highest of realised + (mid - entry) x open units over all snapshots since the take-over."""
    quotes = {at: pair for at, pair in sides("24500", "PE").items() if at >= "2025-08-29T09:30"}
    entry = next(ask for _, ask in quotes.values())
    fills = [round(order["average"] * 100) for order in friday[1]["orders"]]
    sent = [order["at"] for order in friday[1]["orders"]]
    values, realised, units = [], 0, 300
    for at, (bid, ask) in quotes.items():
        if fills and at > sent[0] and bid == fills[0]:
            realised, units = realised + 75 * (fills.pop(0) - entry), units - 75
            sent.pop(0)
        values.append(realised + ((bid + ask) // 2 - entry) * units)
    assert not fills
    assert friday[1]["peak_pnl"] == pytest.approx(max(values) / 100)
    assert friday[1]["trough_pnl"] == pytest.approx(min(values) / 100)


def test_a_spread_is_scaled_out_of_short_leg_first_in_whole_lots(friday):
    """The credit is ₹125.20 a unit: a quarter of it is met at 15:08:36, and a lot of each leg goes."""
    spread = friday[2]
    calls, wings = sides("24400", "CE"), sides("24600", "CE")
    met = next(
        at
        for at in calls
        if at >= "2025-08-29T09:30"
        and 21_810 - -(-sum(calls[at]) // 2) + sum(wings[at]) // 2 - 9_290 >= 3_130
    )
    (verdict,) = [event for event in spread["events"] if event["kind"] == "verdict"]
    assert (met[11:19], seconds(verdict["at"])) == ("15:08:36", seconds(met) + 1)
    assert [(order["side"], order["filled"]) for order in spread["orders"]] == [("BUY", 75), ("SELL", 75)]
    assert [event["kind"] for event in spread["events"] if event["rule"] == "profit_scaling"][:2] == [
        "verdict", "exit",
    ]  # fmt: skip
    bought, sold = (round(order["average"] * 100) for order in spread["orders"])
    last = -(-sum(list(calls.values())[-1]) // 2), sum(list(wings.values())[-1]) // 2
    realised = 75 * (21_810 - bought + sold - 9_290)
    assert spread["final_pnl_gross"] == pytest.approx(
        (realised + 225 * (21_810 - last[0] + last[1] - 9_290)) / 100
    )
    assert spread["status"] == "partially_closed"


def test_a_stop_after_a_part_closes_the_rest_and_the_whole_result_is_there(tmp_path):
    """Four calls bought at 100: one is sold at 140, three are stopped out at 48; verified flat."""
    day = Day()
    for at, bid in (
        ("09:20:00", 99.9), ("09:21:00", 126), ("09:22:00", 140), ("09:23:00", 126), ("09:24:00", 48),
        ("09:25:00", 48), ("09:26:00", 48), ("09:27:00", 48),
    ):  # fmt: skip
        day.quote(at, "25000CE", bid, bid + 0.1)
    position = only(replay(tmp_path, [day], [trade(1, "BUY", "25000CE", 300, 100)], RULES))
    told = [event["rule"] for event in position["events"] if event["kind"] == "alert"]
    assert set(told) == {"stop_loss"}, "the store and the broker agree at every moment"
    assert [kind for kind in kinds(position) if kind != "alert"] == [
        "verdict", "exit", "verdict", "exit", "flat",
    ]  # fmt: skip
    assert [event["fraction"] for event in position["events"] if event["kind"] == "verdict"] == [0.25, 0.75]
    assert [(order["quantity"], order["average"]) for order in position["orders"]] == [(75, 140), (225, 48)]
    assert position["final_pnl_gross"] == 75 * 40 - 225 * 52
    assert position["peak_pnl"] == 75 * 40 + 225 * 40.05, "the part at its fill, the rest at the mid"
    assert position["status"] == "closed"


def test_orders_that_the_whole_has_made_larger_say_what_they_asked_for(tmp_path):
    """The part rests at 126 when the market falls to 48: the same exit sells everything."""
    day = Day()
    for minute, bid in enumerate((99.9, 126, *[48] * 12)):
        day.quote(f"09:{20 + minute}:00", "25000CE", bid, bid + 0.1)
    result = replay(tmp_path, [day], [trade(1, "BUY", "25000CE", 300, 100)], RULES)
    position = only(result)
    verdicts = [event for event in position["events"] if event["kind"] == "verdict"]
    assert [(event["rule"], event["fraction"]) for event in verdicts] == [
        ("profit_scaling", 0.25), ("stop_loss", 1.0),
    ]  # fmt: skip
    assert position["status"] == "closed"
    assert sum(order["filled"] for order in position["orders"]) == 300
    assert all(order["filled"] == order["quantity"] for order in position["orders"])
    page = human(result)
    assert page.count("An exit of 25% of what was entered begins.") == page.count("begins.") == 1
    assert page.count("The running exit closes everything now.") == 1


def test_a_stop_that_joins_a_running_exit_begins_none(tmp_path):
    """The target's exit rests at the mid when the market falls: the page says that it hurries."""
    day = Day()
    for minute, bid in enumerate((99.9, 151, *[48] * 6)):
        day.quote(f"09:{20 + minute}:00", "25000CE", bid, bid + 0.1)
    result = replay(tmp_path, [day], [trade(1, "BUY", "25000CE", 75, 100)])
    exits = [event for event in only(result)["events"] if event["kind"] == "exit"]
    assert [event["rule"] for event in exits] == ["profit_target", "stop_loss"]
    assert exits[1]["reason"].startswith("P&L −₹3,896.25 is at or below the stop −₹3,750.00")
    page = human(result)
    assert page.count("An exit begins.") == 1
    assert page.count("The running exit is in a hurry now.") == 1
