"""Stock options that would be delivered, on recorded quotes of four sessions of May 2019.

No recording reaches the last sessions of a stock expiry, so these change one cell of it: the options of
30 May expire on Monday the 27th. Everything else is as it was quoted. The session before is Friday the
24th; the three sessions before are the 21st, the 22nd and the 24th (nobody recorded the 23rd).
"""

from __future__ import annotations

import csv
import gzip

import pytest

from engine.io.replays import ReplayRequest, run_replay
from engine.model import Mode
from tests.engine.replay.every_rule import DAYS, needs_days

pytestmark = needs_days
RECORDED, EXPIRY = "2019-05-30", "2019-05-27"
HEADER = (
    "strategy_id,symbol,strategy,security_id,action,type,strike_price,expiry_date,quantity,price,"
    "order_id,order_status,timestamp"
)
#: An index option of that expiry stays until its own day, whatever happens to the stock's.
TRADES = f"""{HEADER}
1,RELIANCE,Short Put,,SELL,PE,1280,{EXPIRY},500,,,TRADED,2019-05-20T09:40:00
2,NIFTY,Long Call,,BUY,CE,11700,{EXPIRY},75,,,TRADED,2019-05-20T09:40:00
"""
RULES = """[default]
profit_target = "off"
stop_loss = "off"
time_exit_dte = "off"
[default.undefined_risk]
stop_credit_multiple = "off"
"""


def brought_forward(folder, day):
    """The recording with RELIANCE and NIFTY of 30 May alone, expiring three days earlier."""
    [path] = DAYS.glob(f"{day}_*.csv.gz")
    moved = folder / f"{day}.csv"
    with gzip.open(path, "rt", encoding="utf-8") as source, moved.open("w", encoding="utf-8") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            if row["underlying"] in {"RELIANCE", "NIFTY"} and row["expiry"] == RECORDED:
                writer.writerow(row | {"expiry": EXPIRY})
    return moved


@pytest.fixture(scope="module")
def positions(tmp_path_factory):
    """The stock's and the index's position after the four sessions."""
    folder = tmp_path_factory.mktemp("delivered")
    days = tuple(brought_forward(folder, f"2019-05-{day}") for day in (20, 21, 22, 24))
    (folder / "trades.csv").write_text(TRADES, encoding="utf-8")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    result = run_replay(ReplayRequest(days, folder / "trades.csv", folder / "rules.toml", Mode.EXECUTE))
    return result["positions"]


def events(position, kind):
    """When and how loudly it is told that shares would have to be delivered."""
    return [
        (event["at"][:16], event["urgency"])
        for event in position["events"]
        if event["kind"] == kind and event["reason"].startswith("physical settlement at expiry on 27 May")
    ]


def test_a_stock_position_leaves_on_the_session_before(positions):
    """At 15:00 of the 24th, at once and loud, and flat by the close."""
    stock, _ = positions
    assert events(stock, "verdict") == [("2019-05-24T15:00", "HIGH")]
    [verdict] = [event for event in stock["events"] if event["kind"] == "verdict"]
    assert (verdict["action"], verdict["threshold"]) == ("CLOSE_IMMEDIATELY", None)
    assert verdict["rule"] == "expiry_exit"
    assert stock["status"] == "closed"


def test_it_is_warned_of_on_each_of_three_sessions(positions):
    """HIGH, with the first prices of the 21st, the 22nd and the 24th."""
    stock, _ = positions
    assert [(at[:10], urgency) for at, urgency in events(stock, "alert")] == [
        ("2019-05-21", "HIGH"), ("2019-05-22", "HIGH"), ("2019-05-24", "HIGH"),
    ]  # fmt: skip


def test_an_index_position_is_settled_in_cash_and_stays(positions):
    """Neither warned of nor closed before its day."""
    _, index = positions
    assert events(index, "alert") == events(index, "verdict") == []
    assert index["status"] == "open"
