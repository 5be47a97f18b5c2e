"""Day limits in a replay: what they close, when, at which sum; checked by arithmetic on the rows."""

from __future__ import annotations

from engine.model import Mode
from tests.engine.replay.days import Day, kinds, replay, trade

#: Two positions: 75 calls and 150 puts bought at 100.
TRADES = [trade(1, "BUY", "25000CE", 75, 100), trade(2, "BUY", "24000PE", 150, 100)]
RULES = '[default]\nstop_loss = "off"\ntime_exit_dte = "off"\n[account.default]\n{}\n'
LOSS = RULES.format("day_loss_rupees = 6000")


def day(mids, date="2025-08-29", start="09:30"):
    """A minute each of both contracts at these mids, bid and ask one rupee away."""
    made = Day(date)
    hour, minute = map(int, start.split(":"))
    for step, (call, put) in enumerate(mids):
        at = f"{hour:02d}:{minute + step:02d}:00"
        made.quote(at, "25000CE", call - 1, call + 1).quote(at, "24000PE", put - 1, put + 1)
    return made


def verdicts(result):
    """Per position the verdict events as (time, rule, P&L, threshold)."""
    return [
        [(e["at"][11:19], e["rule"], e["pnl"], e["threshold"]) for e in p["events"] if e["kind"] == "verdict"]
        for p in result["positions"]
    ]


def test_both_positions_are_closed_by_the_sum_of_both(tmp_path):
    """75 × −20 and 150 × −32 are −₹6,300: both go two seconds later, each says why; neither alone would."""
    mids = [(100, 100), (80, 71), (80, 68), (80, 68), (80, 68), (80, 68)]
    result = replay(tmp_path, [day(mids)], TRADES, LOSS)
    expected = [("09:32:02", "day_loss_rupees", 75.0 * -20 + 150 * -32, -6000.0)]
    assert verdicts(result) == [expected, expected]
    for position in result["positions"]:
        assert [kind for kind in kinds(position) if kind != "alert"] == ["verdict", "exit", "flat"]
        assert position["status"] == "closed"
        event = next(e for e in position["events"] if e["kind"] == "exit")
        assert (event["action"], event["urgency"]) == ("CLOSE_IMMEDIATELY", "HIGH")


def test_a_day_that_stays_above_its_limit_closes_nothing(tmp_path):
    """A rupee less of loss on the calls: −₹5,925 is not −₹6,000."""
    result = replay(tmp_path, [day([(100, 100), (85, 68), (85, 68), (85, 68)])], TRADES, LOSS)
    assert verdicts(result) == [[], []]


def test_a_gap_over_the_night_counts_as_today_and_yesterdays_loss_does_not(tmp_path):
    """−₹5,250 on the first day; the second begins anew there, gaps by −₹3,000 and fires at −₹6,300 more."""
    first = day([(100, 100), (80, 75), (80, 75)], "2025-08-29", "15:20")
    second = day([(70, 60), (70, 60), (56, 45), (56, 45), (56, 45)], "2025-09-01")
    result = replay(tmp_path, [first, second], TRADES, LOSS)
    expected = [("09:32:02", "day_loss_rupees", 75.0 * -24 + 150 * -30, -6000.0)]
    assert verdicts(result) == [expected, expected]


def test_trailing_follows_the_sum_and_takes_a_second(tmp_path):
    """Armed at +₹7,500, highest +₹9,000, out at +₹6,000 or less."""
    limit = RULES.format("day_trailing = { activate_rupees = 7000, give_back_rupees = 3000 }")
    mids = [(100, 100), (120, 140), (120, 150), (110, 135), (110, 135), (110, 135)]
    result = replay(tmp_path, [day(mids)], TRADES, limit.replace("stop_loss", "profit_target"))
    expected = [("09:33:01", "day_trailing", 75.0 * 10 + 150 * 35, 6000.0)]
    assert verdicts(result) == [expected, expected]


def test_alert_only_closes_nothing_and_keeps_the_verdicts(tmp_path):
    """The same day without orders: the verdicts once, no exit."""
    mids = [(100, 100), (80, 68), (80, 68), (70, 60)]
    result = replay(tmp_path, [day(mids)], TRADES, LOSS, Mode.ALERT_ONLY)
    assert [len(each) for each in verdicts(result)] == [1, 1]
    assert not any(p["orders"] for p in result["positions"])
