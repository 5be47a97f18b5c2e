"""Rows of exits and their orders, made of the journal's records."""

from __future__ import annotations

import pytest

from engine.effects import Record
from engine.exit_rows import RECENT_S, ended, intent_row, order_row, over_s, recent
from tests.engine.io.test_store_writer import INTENT, ORDER


def test_an_exit_is_a_row_with_its_account_before_its_id():
    """Two accounts of one database count their exits alike; rows of trades say the bare id."""
    row = intent_row(INTENT | {"position": "HUF/3359"})
    assert (row["id"], row["strategy_id"], row["status"]) == ("HUF/260203001", 3359, "working")
    assert (row["pnl"], row["detail"]["exit_id"], row["ended_at"]) == ("-4972.5000", "260203001", None)


@pytest.mark.parametrize(
    ("state", "over"),
    [("working", False), ("stopping", False), ("stuck", False), ("flat", True), ("closed outside", True),
     ("aborted", True)],
)  # fmt: skip
def test_an_exit_that_is_stuck_may_still_get_flat(state, over):
    """Only what cannot change any more has an end in the database, which takes no news after it."""
    intent = INTENT | {"state": state}
    assert ended(intent) is over
    assert over_s(intent) == (INTENT["created_s"] if over else float("inf"))


def test_an_exit_ends_when_it_ended_and_not_when_it_is_written():
    """The journal has the moment; of an exit that an older version ended it is not known."""
    flat = INTENT | {"state": "flat"}
    assert intent_row(flat | {"ended_s": 61.5})["ended_at"] == "1970-01-01T00:01:01.500000+00:00"
    assert over_s(flat | {"ended_s": 61.5}) == 61.5
    assert intent_row(flat)["ended_at"] is None


def test_an_order_is_a_row_in_rupees():
    """Its average may have a fraction of a paisa; one that was never sent has no moment."""
    row = order_row(ORDER | {"average": 2_003.125, "filled": 65})
    assert (row["security_id"], row["limit_price"], row["average"]) == (49081, "20.0500", "20.0312")
    assert row["sent_at"] == "1970-01-01T00:00:01+00:00"
    assert order_row(ORDER | {"sent_s": 0.0, "order_id": ""})["broker_order_id"] is None


def test_a_new_process_tells_the_last_days_and_what_goes_on():
    """Old ends were told long ago; an order is told with its exit only, after it."""
    old, stuck, new = (
        INTENT | {"id": name, "state": state, "created_s": at_s}
        for name, state, at_s in (("1", "flat", 0.0), ("2", "stuck", 0.0), ("3", "flat", RECENT_S))
    )
    orders = {f"o{n}": ORDER | {"intent": str(n)} for n in (1, 2, 3)}
    kept = {"intent": {"1": old, "2": stuck, "3": new}, "order": orders}
    assert list(recent(kept, RECENT_S + 1)) == [
        Record("intent", "2", stuck), Record("intent", "3", new),
        Record("order", "o2", orders["o2"]), Record("order", "o3", orders["o3"]),
    ]  # fmt: skip
