"""When a position begins, at what price, and which never do."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.io.replays import ReplayRequest, run_replay
from tests.engine.replay.days import DAY, Day, only, replay, trade


def two_legs() -> Day:
    """A minute of two calls, one page late, one side of one book empty at first."""
    day = Day()
    day.quote("09:30:00", "25000CE", 100, 101)
    day.quote("09:31:00", "25000CE", 102, 103).quote("09:31:00", "25200CE", "", 41)
    day.quote("09:32:00", "25000CE", 104, 105).quote("09:32:00", "25200CE", 42, 43)
    return day.quote("09:33:00", "25000CE", 104, 105).quote("09:33:00", "25200CE", 42, 43)


def test_an_empty_price_is_the_exit_opposite_side(tmp_path):
    """A long enters at the ask and a short at the bid, at the first snapshot that has both."""
    legs = [trade(1, "BUY", "25000CE", 75), trade(1, "SELL", "25200CE", 75)]
    position = only(replay(tmp_path, [two_legs()], legs))
    assert position["opened_at"] == f"{DAY}T09:32:00+05:30"
    assert position["net_premium"] == (42 - 105) * 75
    assert position["final_pnl_gross"] == ((104.5 - 105) - (42.5 - 42)) * 75


def test_a_given_price_is_kept_and_needs_no_quote(tmp_path):
    """With prices given, a position begins with the first snapshot that lists all its contracts."""
    legs = [trade(1, "BUY", "25000CE", 75, 100), trade(1, "SELL", "25200CE", 75, 40)]
    position = only(replay(tmp_path, [two_legs()], legs))
    assert position["opened_at"] == f"{DAY}T09:15:00+05:30"
    assert position["net_premium"] == (40 - 100) * 75


def test_nothing_before_the_timestamp_counts(tmp_path):
    """A peak before the position's timestamp is not its peak."""
    day = Day().quote("09:30:00", "25000CE", 900, 901)
    day.quote("09:31:00", "25000CE", 100, 101).quote("09:32:00", "25000CE", 102, 103)
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{DAY}T09:30:30+05:30")]
    position = only(replay(tmp_path, [day], rows))
    assert position["peak_pnl"] == (102.5 - 100) * 75
    assert position["trough_pnl"] == (100.5 - 100) * 75


def test_a_recording_without_quotes_enters_at_the_last_price(tmp_path):
    """Longs and shorts alike; a contract that never traded is waited for."""
    day = Day().last("09:30:00", "25000CE", 100).last("09:30:00", "25200CE", "")
    day.last("09:31:00", "25000CE", 101).last("09:31:00", "25200CE", 40)
    legs = [trade(1, "BUY", "25000CE", 75), trade(1, "SELL", "25200CE", 75)]
    position = only(replay(tmp_path, [day], legs))
    assert position["opened_at"] == f"{DAY}T09:31:00+05:30"
    assert position["net_premium"] == (40 - 101) * 75


def test_a_position_after_the_end_is_open_and_unknown(tmp_path):
    """A timestamp that the recording does not reach is no fault: nothing is known of it."""
    rows = [trade(1, "BUY", "25000CE", 75, 100, at=f"{DAY}T15:00:00+05:30")]
    position = only(replay(tmp_path, [two_legs()], rows))
    assert position["status"] == "open"
    assert position["final_pnl_gross"] is None
    assert position["events"] == []


INVALID = {
    "unknown": ([trade(1, "BUY", "99000CE", 75, 1)], "the recording has no NIFTY 2025-09-30 99000 CE"),
    "expired": ([trade(1, "BUY", "25000CE", 75, 1, expiry_date="2025-08-28")], "expired on 2025-08-28"),
    "expired later": (
        [trade(1, "BUY", "25000CE", 75, 1, at="2025-10-03T09:20:00+05:30")],
        "expired on 2025-09-30",
    ),
    "odd lot": ([trade(1, "BUY", "25000CE", 80, 1)], "80 is not a whole number of lots of 75"),
    "future": (
        [trade(1, "BUY", "25000CE", 75, 1, type="FUT", strike_price="")],
        "a recording holds options only",
    ),
    "two underlyings": (
        [
            trade(1, "BUY", "25000CE", 75, 1),
            trade(1, "SELL", "55000CE", 35, 1, symbol="BANKNIFTY"),
        ],
        "two underlyings: BANKNIFTY, NIFTY",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "why"), INVALID.values(), ids=INVALID.keys())
def test_what_cannot_be_watched_says_why_and_the_others_go_on(tmp_path, rows, why):
    """An invalid position has a sentence; its neighbour in the same file is replayed."""
    banks = Day(underlying="BANKNIFTY").quote("09:32:00", "55000CE", 400, 401)
    result = replay(tmp_path, [two_legs(), banks], [*rows, trade(2, "BUY", "25000CE", 75)])
    bad, good = result["positions"]
    assert bad["status"] == "invalid"
    assert why in bad["why_invalid"]
    assert bad["events"] == []
    assert bad["orders"] == []
    assert good["status"] == "open"
    assert good["net_premium"] == -101 * 75


def test_a_refused_position_alone_on_its_underlying_stops_nothing(tmp_path):
    """A future beside a sold call: the call has rows with a spot, and nobody who wants to know."""
    day = two_legs().quote("09:33:00", "25200CE", 42, 43, spot=24_950)
    covered = [
        trade(1, "BUY", "25000CE", 75, 25_000, type="FUT", strike_price=""),
        trade(1, "SELL", "25200CE", 75),
    ]
    position = only(replay(tmp_path, [day], covered))
    assert (position["status"], position["final_pnl_gross"]) == ("invalid", None)


def test_outside_the_lot_table_the_quantities_divide_themselves(tmp_path):
    """A stock's lot is not known here: whatever divides all its legs is one."""
    day = Day(underlying="ACC").quote("09:30:00", "2000CE", 50, 51).quote("09:30:00", "2100CE", 20, 21)
    legs = [
        trade(1, "BUY", "2000CE", 300, symbol="ACC"),
        trade(1, "SELL", "2100CE", 600, symbol="ACC"),
    ]
    assert only(replay(tmp_path, [day], legs))["status"] == "open"


def test_security_ids_mean_nothing(tmp_path):
    """The same id on two contracts, a wrong one, or none: a contract is known by what it is."""
    legs = [
        trade(1, "BUY", "25000CE", 75, security_id="7"),
        trade(1, "SELL", "25200CE", 75, security_id="7"),
        trade(2, "BUY", "25000CE", 75, security_id="what"),
    ]
    result = replay(tmp_path, [two_legs()], legs)
    assert [position["net_premium"] for position in result["positions"]] == [(42 - 105) * 75, -101 * 75]


def test_trades_without_the_column_of_security_ids_are_read(tmp_path):
    """The column may be missing altogether, and faults still name the owner's own lines."""
    day = two_legs()
    path = tmp_path / "bare.csv"
    path.write_text(
        "strategy_id,symbol,action,type,strike_price,expiry_date,quantity,price,order_status,timestamp\n"
        f"1,NIFTY,BUY,CE,25000,2025-09-30,75,,TRADED,{DAY} 09:30:00\n",
        encoding="utf-8",
    )
    result = run_replay(ReplayRequest((day.write(tmp_path / "day.csv"),), path))
    assert only(result)["net_premium"] == -101 * 75


@pytest.mark.parametrize("word", ["nan", "NULL", "none"])
def test_a_price_that_is_a_word_for_nothing_is_refused(tmp_path, word):
    """Only an empty cell asks for an entry at the quote; a failed export asks for nothing."""
    with pytest.raises(BadInput, match=rf"row 1 \(line 2\): price: read '{word}', expected the entry price"):
        replay(tmp_path, [two_legs()], [trade(1, "BUY", "25000CE", 75, price=word)])


def test_a_leg_that_stands_twice_is_refused_as_the_import_refuses_it(tmp_path):
    """By what the contract is: security ids mean nothing here. Another order id is another leg."""
    leg = trade(1, "BUY", "25000CE", 75)
    with pytest.raises(BadInput, match=r"(?s)trades\.csv:\nrow 2: read the leg of row 1 again"):
        replay(tmp_path, [two_legs()], [leg, leg | {"security_id": "8"}])
    result = replay(tmp_path, [two_legs()], [leg | {"order_id": "1"}, leg | {"order_id": "2"}])
    assert only(result)["net_premium"] == -101 * 150


def test_a_position_that_no_loss_rule_guards_is_told_once_a_day(tmp_path):
    """Two sessions, several snapshots each: two alerts."""
    days = [
        Day(date=date).quote("09:30:00", "25000CE", 99.5, 100.5).quote("09:31:00", "25000CE", 99.5, 100.5)
        for date in (DAY, "2025-09-01")
    ]
    rows = [trade(1, "BUY", "25000CE", 75, 100)]
    position = only(replay(tmp_path, days, rows, "[default]\nstop_loss = 'off'\n"))
    told = [e["at"][:10] for e in position["events"] if e["rule"] == "unprotected"]
    assert told == [DAY, "2025-09-01"]
