"""What a replay prints: fields, events, modes, and the same bytes twice."""

from __future__ import annotations

import json

import pytest

from engine.io.replays import human
from engine.model import Mode
from tests.engine.replay.days import DAY, EXPIRY, Day, kinds, only, replay, trade
from tests.engine.replay.test_prices import LONG, STOP, TARGET, minutes

STRANGLE = [trade(7, "SELL", "25000CE", 75, 100), trade(7, "SELL", "24000PE", 75, 90)]

FIELDS = [
    "account", "strategy_id", "symbol", "strategy", "opened_at", "net_premium", "max_profit", "max_loss",
    "defined_risk", "status", "why_invalid", "peak_pnl", "trough_pnl", "final_pnl_gross", "charges",
    "final_pnl_net", "events", "orders",
]  # fmt: skip


def strangle_day() -> Day:
    """Two minutes of a strangle."""
    day = Day()
    for at in ("09:30:00", "09:31:00"):
        day.quote(at, "25000CE", 99, 101).quote(at, "24000PE", 89, 91)
    return day


def test_the_result_has_its_fields_in_their_order(tmp_path):
    """Field by field what the documentation promises, for valid and for invalid positions."""
    result = replay(tmp_path, [minutes(100, 73, 71)], [*LONG, trade(9, "BUY", "1CE", 75, 1)], STOP)
    assert list(result) == ["day", "ticks", "wall_s", "mode", "positions"]
    assert [list(position) for position in result["positions"]] == [FIELDS, FIELDS]
    event = result["positions"][0]["events"][0]
    assert list(event) == [
        "at", "kind", "rule", "action", "urgency", "pnl", "threshold", "fraction", "reason",
    ]  # fmt: skip
    assert result["day"] == DAY
    assert result["ticks"] == 3


def test_the_same_run_twice_is_the_same_bytes(tmp_path):
    """Nothing of the clock on the wall, of chance or of the order of sets reaches the result."""
    days, rows = [strangle_day(), minutes(100, 73, 71)], [*LONG, *STRANGLE]
    texts = [json.dumps(replay(tmp_path, days, rows)) for _ in range(2)]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["wall_s"] is None


def test_timing_is_there_when_asked_for(tmp_path):
    """``--timing`` fills wall_s with seconds."""
    assert replay(tmp_path, [minutes(100)], LONG, timing=True)["wall_s"] >= 0


def test_an_observer_sees_each_snapshot_with_the_fills_it_brought(tmp_path):
    """27 a unit are lost at 73; sold at the 70.50 bid a minute later it is 29.50, the result's own end."""
    seen = []

    def look(monitor, story, now_s):
        seen.extend(story.pnl_paise(name, now_s) for name in story.lives)

    position = only(replay(tmp_path, [minutes(100, 73, 71)], LONG, STOP, observe=look))
    assert seen == [0, -75 * 2700, -75 * 2950]
    assert position["final_pnl_gross"] * 100 == seen[-1]


def test_what_is_not_bounded_is_null(tmp_path):
    """A naked strangle has a best case and no worst; a calendar has neither, nor defined risk."""
    naked = only(replay(tmp_path, [strangle_day()], STRANGLE))
    assert (naked["max_profit"], naked["max_loss"], naked["defined_risk"]) == (190 * 75, None, False)
    later = Day(expiry="2025-10-28").quote("09:30:00", "25000CE", 150, 151)
    calendar = [
        trade(1, "SELL", "25000CE", 75, 100),
        trade(1, "BUY", "25000CE", 75, 151, expiry_date="2025-10-28"),
    ]
    position = only(replay(tmp_path, [minutes(100), later], calendar))
    assert (position["max_profit"], position["max_loss"], position["defined_risk"]) == (None, None, None)
    assert position["net_premium"] == -51 * 75


def test_a_refused_rule_is_an_alert_of_its_name(tmp_path):
    """A stop in per cent on a naked strangle is refused aloud; the position keeps its others."""
    position = only(replay(tmp_path, [strangle_day()], STRANGLE, "[default]\nstop_loss = -0.5\n"))
    refused = next(e for e in position["events"] if e["rule"] == "stop_loss")
    assert (refused["kind"], refused["pnl"], refused["threshold"]) == ("alert", None, None)
    assert "not defined" in refused["reason"]


def test_a_loss_alert_names_its_stop_and_the_fraction(tmp_path):
    """Half-way to the stop an alert says of which rule, and how far."""
    position = only(replay(tmp_path, [minutes(100, 86, 86)], LONG, STOP))
    (alert,) = position["events"]
    assert alert["rule"] == "stop_loss_rupees"
    assert (alert["pnl"], alert["threshold"], alert["fraction"]) == (-14 * 75, -2000, 0.525)
    assert (alert["action"], alert["urgency"]) == ("ALERT", "NORMAL")


def test_a_clock_rule_strikes_between_snapshots_and_has_no_threshold(tmp_path):
    """On expiry day at three o'clock sharp, on the prices of a minute before."""
    day = Day(date=EXPIRY)
    for at in ("14:58:20", "14:59:20", "15:00:20", "15:01:20"):
        day.quote(at, "25000CE", 99.5, 100.5)
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{EXPIRY}T09:20:00+05:30")]
    position = only(replay(tmp_path, [day], rows))
    verdict, exit_, flat = position["events"]
    assert (verdict["kind"], exit_["kind"], flat["kind"]) == ("verdict", "exit", "flat")
    assert verdict["at"] == f"{EXPIRY}T15:00:00+05:30"
    assert (verdict["rule"], verdict["threshold"]) == ("expiry_exit", None)
    assert flat["at"] == f"{EXPIRY}T15:00:20+05:30"
    assert flat["pnl"] == -0.5 * 75


def test_a_clock_rule_that_is_overdue_fires_at_once(tmp_path):
    """Taken over at 15:10 on expiry day: out on the first believable price."""
    day = Day(date=EXPIRY)
    for minute in (10, 11, 12):
        day.quote(f"15:{minute}:00", "25000CE", 99.5, 100.5)
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{EXPIRY}T15:05:00+05:30")]
    position = only(replay(tmp_path, [day], rows))
    assert position["events"][0]["at"] == f"{EXPIRY}T15:10:00+05:30"
    assert position["events"][-1]["kind"] == "flat"


def test_simulate_and_execute_tell_the_same_story(tmp_path):
    """Both act on paper in a replay."""
    stories = [
        only(replay(tmp_path, [minutes(100, 73, 71)], LONG, STOP, mode=mode))
        for mode in (Mode.SIMULATE, Mode.EXECUTE)
    ]
    assert stories[0] == stories[1]
    assert stories[0]["status"] == "closed"


def test_alert_only_says_and_does_not(tmp_path):
    """The nearness of the stop, a verdict, and no exit, no order, an open position."""
    position = only(replay(tmp_path, [minutes(100, 73, 71)], LONG, STOP, mode=Mode.ALERT_ONLY))
    assert kinds(position) == ["alert", "verdict"]
    assert position["orders"] == []
    assert position["status"] == "open"
    assert position["final_pnl_gross"] == -29 * 75


def test_semi_auto_asks_and_nobody_answers(tmp_path):
    """Each question about a stop is held, runs out after a minute and is asked again."""
    position = only(replay(tmp_path, [minutes(100, 73, 71, 71, 71)], LONG, STOP, mode=Mode.SEMI_AUTO))
    assert position["orders"] == []
    assert position["status"] == "open"
    asked = [e["at"][11:19] for e in position["events"] if e["kind"] == "held"]
    assert asked[:2] == ["09:31:02", "09:32:04"], "unanswered at 09:32:02, confirmed anew two seconds later"
    assert kinds(position)[:3] == ["alert", "verdict", "held"]
    assert not {"exit", "flat"} & set(kinds(position))


def test_semi_auto_leaves_a_declined_profit_alone_for_half_an_hour(tmp_path):
    """An unanswered target is asked about again only after thirty minutes."""
    day = Day()
    for minute in range(60):
        price = 100 if not minute else 160
        day.quote(f"10:{minute:02}:00", "25000CE", price - 0.5, price + 0.5)
    position = only(replay(tmp_path, [day], LONG, TARGET, mode=Mode.SEMI_AUTO))
    asked = [e["at"][11:19] for e in position["events"] if e["kind"] == "held"]
    assert asked == ["10:01:01", "10:32:02"]


def test_several_files_are_one_stretch_of_time(tmp_path):
    """Two legs in two files of one date, a third file of another: merged, and named first/last."""
    calls, puts = Day(), Day()
    for at in ("09:30:00", "09:31:00"):
        calls.quote(at, "25000CE", 99, 101)
        puts.quote(at, "24000PE", 89, 91)
    later = Day(date="2025-09-01").quote("09:20:00", "25000CE", 79, 81).quote("09:20:00", "24000PE", 69, 71)
    result = replay(tmp_path, [later, puts, calls], STRANGLE)
    assert result["day"] == f"{DAY}/2025-09-01"
    assert only(result)["final_pnl_gross"] == 40 * 75
    assert only(result)["peak_pnl"] == 40 * 75


@pytest.mark.parametrize("status", ["CLOSED", "REJECTED"])
def test_rows_that_are_not_held_are_left_out(tmp_path, status):
    """Only open rows make positions."""
    rows = [*LONG, trade(2, "BUY", "25000CE", 75, 1, order_status=status)]
    assert only(replay(tmp_path, [minutes(100)], rows))["strategy_id"] == 1


def test_people_get_a_page(tmp_path):
    """The text has the sum, each position with its result, what happened when, and what was traded."""
    rows = [*LONG, trade(9, "BUY", "1CE", 75, 1)]
    text = human(replay(tmp_path, [minutes(100, 73, 71)], rows, STOP, timing=True))
    assert "Replay of 2025-08-29 · mode execute · 3 prices in 0." in text
    assert "−2,212.50" in text
    assert "09:31:02  verdict  stop_loss_rupees      −2,025.00" in text
    assert "SELL 75 NIFTY 2025-09-30 25000 CE: at 70.50" in text
    assert "not watched: row 2: the recording has no NIFTY 2025-09-30 1 CE" in text
    assert max(map(len, text.splitlines())) <= 110


def test_questions_without_an_answer_are_counted_not_repeated(tmp_path):
    """A stop that is asked about every minute of an hour is two lines and a number."""
    day = minutes(100, *[73] * 20)
    text = human(replay(tmp_path, [day], LONG, STOP, mode=Mode.SEMI_AUTO))
    assert text.count("Asked for a yes") == 1
    assert "times more" in text
