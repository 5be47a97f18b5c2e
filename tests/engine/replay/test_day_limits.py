"""Day limits in a replay: what they close, when, at which sum; checked by arithmetic on the rows."""

from __future__ import annotations

import csv
import gzip

import pytest

from engine.io.replays import ReplayRequest, run_replay
from engine.model import Mode
from tests.engine.replay.days import Day, kinds, replay, trade
from tests.engine.replay.test_recorded_days import DAYS, EXAMPLES, FRIDAY

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


def test_semi_auto_asks_about_both_and_asks_again_when_nobody_answers(tmp_path):
    """One question holds both positions; it runs out after a minute, and the loss is asked about anew."""
    mids = [(100, 100), (80, 68), (80, 68), (80, 68)]
    result = replay(tmp_path, [day(mids)], TRADES, LOSS, Mode.SEMI_AUTO)
    for position in result["positions"]:
        told = [(e["at"][14:19], e["kind"], e["rule"]) for e in position["events"] if e["kind"] != "alert"]
        assert told[:2] == [("31:02", "verdict", "day_loss_rupees"), ("31:02", "held", "day_loss_rupees")]
        assert told[2][0].startswith("32:0")
        assert [kind for _, kind, _ in told[2:4]] == ["verdict", "held"]
        assert not position["orders"]


def sums_of(recording, trades):
    """Plain arithmetic on the rows: (time, sum of all legs' P&L in rupees) of each snapshot that shows all.

    Entered at the first snapshot from 09:30 on that shows every leg: at the price that is given, else
    longs at the ask, shorts at the bid. Worth the mid, half paise against the owner.
    """
    snapshots: dict[str, dict[tuple[str, str, str], tuple[int, int]]] = {}
    with gzip.open(recording, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["stale"] == "0" and row["bid"] and row["ask"]:
                sides = round(float(row["bid"]) * 100), round(float(row["ask"]) * 100)
                snapshots.setdefault(row["ts"], {})[row["expiry"], row["strike"], row["right"]] = sides
    entries: list[int] = []
    sums = []
    for at, shown in sorted(snapshots.items()):
        keys = [(t["expiry_date"], t["strike_price"], t["type"]) for t in trades]
        if at[11:16] < "09:30" or not all(key in shown for key in keys):
            continue
        longs = [t["action"] == "BUY" for t in trades]
        if not entries:
            given = [round(float(t["price"]) * 100) if t["price"] else None for t in trades]
            entries = [
                shown[key][long] if price is None else price
                for key, long, price in zip(keys, longs, given, strict=True)
            ]
        total = 0
        for trade_row, key, long, entry in zip(trades, keys, longs, entries, strict=True):
            bid, ask = shown[key]
            mark = (bid + ask) // 2 if long else -(-(bid + ask) // 2)
            total += int(trade_row["quantity"]) * (mark - entry) * (1 if long else -1)
        sums.append((at, total / 100))
    return sums


@pytest.mark.skipif(not DAYS.is_dir(), reason=f"the recorded days are not at {DAYS}")
@pytest.mark.parametrize("limit", [1000, 2000, 3000])
def test_on_a_recorded_day_the_sum_of_five_strategies_ends_all_of_them(tmp_path, limit):
    """29 August 2025: the first snapshot below the limit is the one that the rows give, to the paisa."""
    trades = EXAMPLES / "trades_2025-08-29.csv"
    rules = tmp_path / "rules.toml"
    off = "".join(f'{name} = "off"\n' for name in ("profit_target", "stop_loss", "stop_credit_multiple"))
    rules.write_text(f"[default]\n{off}[account.default]\nday_loss_rupees = {limit}\n")
    result = run_replay(ReplayRequest((DAYS / FRIDAY,), trades, rules, Mode.EXECUTE))
    [(at, rule, pnl, threshold)] = {each for position in verdicts(result) for each in position}
    assert (rule, threshold, len(verdicts(result))) == ("day_loss_rupees", -float(limit), 5)
    assert {position["status"] for position in result["positions"]} == {"closed"}
    with trades.open(encoding="utf-8") as rows:
        sums = sums_of(DAYS / FRIDAY, list(csv.DictReader(rows)))
    [breach_at, breach] = next((when, total) for when, total in sums if total <= -limit)
    assert pnl == breach
    assert 2 <= seconds(at) - seconds(breach_at[11:19]) <= 2.5


def seconds(clock):
    """A time of day in seconds."""
    hours, minutes, rest = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + rest
