"""What goes beyond one threshold of one position, on recorded days: parts, accounts, refusals, a holiday."""

from __future__ import annotations

from math import ceil

import pytest

from engine.errors import BadInput
from engine.io.replays import ReplayRequest, run_replay
from tests.engine.replay import plain
from tests.engine.replay.every_rule import (
    BEAT_S,
    EXAMPLES,
    HOLIDAY,
    life_of,
    needs_days,
    recording,
    replayed,
    strategies,
    together,
    verdicts,
)

pytestmark = needs_days
FRIDAY = "2025-08-29"
LEVELS = [(0.1, 0.25), (0.2, 0.25), (0.3, 0.5)]


def named(day, ending):
    """Strategy ids of a day's examples by the end of their name."""
    return [number for number, rows in strategies(day).items() if rows[0]["strategy"].endswith(ending)]


@pytest.mark.parametrize(
    ("day", "reached"), [together(FRIDAY, 3), together("2026-01-30", 1), together("2026-08-05", 3)]
)
def test_scaling_levels_fire_each_at_its_first_snapshot(day, reached):
    """10, 20 and 30 % of the premium of four lots: the rest's own share at a mid that is there."""
    [number] = named(day, "scaling")
    life, told = life_of(day, number), verdicts(replayed(day)[number])
    peak = max(moment.pnl for moment in life.moments if moment.pnl is not None)
    assert len(told) == reached == sum(peak >= at * -life.credit for at, _ in LEVELS)
    left = 1.0
    for event, (at, close) in zip(told, LEVELS, strict=False):
        moment = next(m for m in life.moments if m.pnl is not None and m.pnl >= at * -life.credit)
        assert event["rule"] == "profit_scaling"
        assert 1 <= plain.seconds(event["at"]) - moment.at_s <= 1 + BEAT_S
        assert event["pnl"] * 100 == pytest.approx(moment.pnl * left)
        assert event["threshold"] * 100 == pytest.approx(ceil(at * -life.credit * left), abs=1)
        assert event["fraction"] == close
        left -= close


@pytest.mark.parametrize(
    ("day", "ending", "rule", "wait_s"),
    [
        together(FRIDAY, "day loss", "day_loss_rupees", 2),
        together(FRIDAY, "day profit", "day_profit_rupees", 1),
        together(FRIDAY, "day trailing", "day_trailing", 1),
        together("2026-02-03_index", "day loss", "day_loss_rupees", 2),
        together("2026-08-05", "day profit", "day_profit_rupees", 1),
        together("2026-08-18", "day trailing", "day_trailing", 1),
    ],
)
def test_a_day_limit_goes_by_the_sum_of_its_account(day, ending, rule, wait_s):
    """−₹3,000, +₹1,500, and from +₹500 on ₹300 below the highest: all of the account's positions go."""
    numbers = named(day, ending)
    lives = [life_of(day, number).moments for number in numbers]
    peak = 0
    for moments in zip(*lives, strict=True):
        if any(moment.pnl is None for moment in moments):
            continue
        total = sum(moment.pnl for moment in moments)
        trailing = peak >= 50_000 and total <= peak - 30_000
        met = {"day_loss_rupees": total <= -300_000, "day_profit_rupees": total >= 150_000}
        if met.get(rule, trailing):
            break
        peak = max(peak, total)
    for number in numbers:
        [event] = verdicts(replayed(day)[number])
        assert event["rule"] == rule
        assert wait_s <= plain.seconds(event["at"]) - moments[0].at_s <= wait_s + BEAT_S
        assert event["pnl"] * 100 == pytest.approx(total)


@pytest.mark.parametrize("day", [together(FRIDAY), together("2026-02-03_stocks")])
def test_a_covered_position_is_refused(day):
    """A future and a sold call: a recording holds options only, so nothing of it is watched."""
    [number] = named(day, "refused")
    position = replayed(day)[number]
    assert position["status"] == "invalid"
    assert f"read FUT on {position['symbol']}" in position["why_invalid"]
    assert position["events"] == position["orders"] == []


def test_shares_beside_a_sold_call_are_refused(tmp_path):
    """Prahari watches options and futures: the file is refused, row, cell and what is expected told."""
    header = (
        (EXAMPLES / "trades_every_rule_2026-02-03_stocks.csv").read_text(encoding="utf-8").splitlines()[0]
    )
    covered = tmp_path / "covered.csv"
    covered.write_text(
        f"{header}\n"
        "1,,1,RELIANCE,Covered Call,,BUY,EQ,,,500,1445,,TRADED,2026-02-03T09:55:00+05:30,\n"
        "2,,1,RELIANCE,Covered Call,,SELL,CE,1460,2026-02-24,500,,,TRADED,2026-02-03T09:55:00+05:30,\n",
        encoding="utf-8",
    )
    with pytest.raises(BadInput, match=r"row 1 \(line 2\): type: read 'EQ', expected CE, PE or FUT"):
        run_replay(ReplayRequest((recording("2026-02-03_stocks"),), covered))


@pytest.mark.parametrize("day", [together(HOLIDAY)])
def test_nothing_fires_on_the_frozen_holiday(day):
    """27 August 2025 with the same rules, clock rules among them: all taken over, no verdict and no order."""
    [refused] = named(day, "refused")
    for number, position in replayed(day).items():
        assert position["status"] == ("invalid" if number == refused else "open")
        assert (position["net_premium"] is None) == (number == refused)
        assert not verdicts(position)
        assert position["orders"] == []
