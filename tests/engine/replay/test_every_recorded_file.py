"""Not one file of the recorded days is left out: it is replayed, or refused in a sentence that says why."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.io.replays import ReplayRequest, run_replay
from tests.engine.replay.every_rule import DAYS, EXAMPLES, HOLIDAY, NAMES, needs_days, recording

pytestmark = needs_days
#: What is no recorded day: the first columns that are read, and the first that are missed.
REFUSED = {
    "2022-09-30_NIFTY_spot_1s.csv.gz": ("ts, nifty50", "underlying, expiry"),
    "2025-08-29_NIFTY_implied_forward.csv": ("ts, exch_ts, underlying, expiry, fwd", "strike, right, ltp"),
    "2025Q4_NIFTY_expiry_list.csv": ("date, e1, e2", "ts, underlying, expiry"),
    "2026-08-05_NIFTY_implied_forward.csv": ("ts, underlying, expiry, fwd", "strike, right, ltp"),
    "2026-08-07_SENSEX_depth5_13_contracts.csv": ("datetime, name, open", "ts, underlying, right"),
    "2026-08-18_NIFTY_implied_forward.csv": ("ts, underlying, expiry, fwd", "strike, right, ltp"),
    "measured_spreads.csv": ("set, mid_bucket, n", "ts, underlying, expiry"),
}


def test_every_file_is_replayed_or_refused():
    """Each recording has its examples of every rule; the rest is known by name."""
    played = {recording(name).name for name in (*NAMES, HOLIDAY)}
    assert len(played) == len(NAMES) + 1
    assert {path.name for path in DAYS.iterdir()} == played | set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_recorded_day_is_refused(name):
    """The sentence tells which file, what its columns are and which are missing."""
    read, missing = REFUSED[name]
    request = ReplayRequest((DAYS / name,), EXAMPLES / "trades_every_rule_2026-01-30.csv")
    with pytest.raises(BadInput) as refused:
        run_replay(request)
    told = str(refused.value)
    assert told.startswith(f"{DAYS / name}: is no recorded day: read the columns {read}")
    assert f"; missing are {missing}" in told
    assert "\n" not in told
