"""The example strategies of every rule, replayed once, beside their plain arithmetic."""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from pathlib import Path

import pytest

from engine.io.replays import ReplayRequest, run_replay
from engine.model import Mode
from tests.engine.replay import plain

ROOT = Path(__file__).parents[3]
DAYS = ROOT.parent / "shared" / "data" / "days"
EXAMPLES = ROOT / "examples"
RULES = EXAMPLES / "rules_every_rule.toml"
NAMES = (
    "2019-05-20", "2019-05-21", "2019-05-22", "2019-05-24", "2019-07-05", "2025-08-29", "2025-10",
    "2026-01-30", "2026-02-03_index", "2026-02-03_stocks", "2026-05-26", "2026-08-05", "2026-08-18",
)  # fmt: skip
HOLIDAY = "2025-08-27"

needs_days = pytest.mark.skipif(not DAYS.is_dir(), reason=f"the recorded days are not at {DAYS}")
BEAT_S = 0.5


def recording(name):
    """The file of a day."""
    [path] = DAYS.glob(f"{name}*.csv.gz")
    return path


def together(name, *values):
    """The values of a test that replays this day: one worker runs all tests of a day, and replays it once."""
    return pytest.param(name, *values, id=f"on {name}: {' '.join(map(str, values))}")


@cache
def strategies(name):
    """The rows of the day's trades by strategy id."""
    groups: dict[int, list[dict]] = {}
    with (EXAMPLES / f"trades_every_rule_{name}.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            groups.setdefault(int(row["strategy_id"]), []).append(row)
    return groups


@cache
def replayed(name):
    """The day's positions by strategy id."""
    trades = EXAMPLES / f"trades_every_rule_{name}.csv"
    result = run_replay(ReplayRequest((recording(name),), trades, RULES, Mode.EXECUTE))
    return {position["strategy_id"]: position for position in result["positions"]}


@cache
def wanted(name):
    """The contracts of the day's trades."""
    return frozenset(
        (row["symbol"], row["expiry_date"], row["strike_price"], row["type"])
        for rows in strategies(name).values()
        for row in rows
    )


def life_of(name, strategy_id):
    """Its arithmetic."""
    return plain.life(strategies(name)[strategy_id], recording(name), wanted(name))


def written(strategy):
    """The one rule of a strategy, with its setting."""
    tables = tomllib.loads(RULES.read_text(encoding="utf-8"))["strategy"]
    return next((key, value) for key, value in tables[strategy].items() if key != "basis")


def verdicts(position):
    """Its verdict events."""
    return [event for event in position["events"] if event["kind"] == "verdict"]
