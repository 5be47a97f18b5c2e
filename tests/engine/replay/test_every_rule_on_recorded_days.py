"""Every rule on every recorded day; each trigger is confirmed by arithmetic on the rows alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from math import ceil, floor, gcd

import pytest

from engine.rules.day_limits import DAY_RULES
from engine.rules.registry import rules
from tests.engine.replay import plain
from tests.engine.replay.every_rule import (
    BEAT_S,
    HOLIDAY,
    NAMES,
    life_of,
    needs_days,
    replayed,
    strategies,
    together,
    verdicts,
    written,
)

pytestmark = needs_days

IST = timezone(timedelta(hours=5, minutes=30))
#: What a breach must last, seconds; what is not named here acts at once.
LASTS_S = {
    "profit_target": 1, "profit_target_rupees": 1, "profit_scaling": 1, "trailing_stop": 1, "lock_profit": 1,
    "day_profit_rupees": 1, "day_trailing": 1, "stop_loss": 2, "stop_loss_rupees": 2,
    "stop_credit_multiple": 2, "stop_margin": 2, "stop_underlying": 2, "stop_delta": 2,
    "stop_leg_delta": 2, "day_loss_rupees": 2,
}  # fmt: skip


# --------------------------------------------------------------------------- conditions, by formula


def level(rule, setting, life, rows):
    """The signed P&L in paise that the rule waits for."""
    if rule == "stop_loss":
        return floor(setting * (abs(life.extremes[1]) if life.extremes else abs(life.credit)) + 1e-6)
    return {
        "profit_target": lambda: ceil(setting * life.profit_basis - 1e-6),
        "profit_target_rupees": lambda: setting * 100,
        "stop_loss_rupees": lambda: -setting * 100,
        "stop_credit_multiple": lambda: floor(-setting * life.credit + 1e-6),
        "stop_margin": lambda: floor(-setting * sum(float(row["margin"]) for row in rows) * 100 + 1e-6),
    }[rule]()


def beyond(pnl, threshold):
    """A profit is reached from below, a loss from above."""
    return pnl >= threshold if threshold > 0 else pnl <= threshold


def amount_met(rule, setting, life, rows):
    """First moment of a fixed amount, with the amount."""
    threshold = level(rule, setting, life, rows)
    for moment in life.moments:
        pnl = moment.pnl if threshold > 0 else moment.stop
        if pnl is not None and beyond(pnl, threshold):
            return moment, threshold
    return None, threshold


def ratchet_met(rule, setting, life, rows):
    """First moment at or below what the peak leaves, with that amount."""
    peak = None
    for moment in life.moments:
        if moment.pnl is None:
            continue
        if rule == "lock_profit":
            reached = [tier for tier in setting if peak is not None and peak >= tier["reach"] * 100]
            threshold = max((tier["keep"] * 100 for tier in reached), default=None)
            bottom = None
            arms = setting[0]["reach"] * 100
        else:
            arms = setting.get("activate_rupees", 0) * 100 or ceil(setting["activate"] * life.profit_basis)
            give = setting.get("give_back_rupees", 0) * 100
            threshold = None
            if peak is not None:
                threshold = peak - give if give else floor(peak * (1 - setting["give_back"]) + 1e-6)
            bottom = 0
        if threshold is not None and moment.pnl <= threshold and (bottom is None or moment.pnl > bottom):
            return moment, threshold
        if moment.pnl >= arms:
            peak = max(peak or 0, moment.pnl)
    return None, None


def market_met(rule, setting, life, rows):
    """First moment at which the underlying, or the model, is beyond; never without a recorded spot."""
    for moment in life.moments:
        if moment.marks is None or (rule in BY_SPOT and moment.spot is None):
            continue
        moves = plain.model(life, moment, moment.at_s) if rule in BY_MODEL else ()
        if moves is not None and MEASURES[rule](setting, life, moment, moves):
            return moment, None
    return None, None


def out_of_band(band, life, moment, moves):
    """The underlying stands outside."""
    return not band["below"] <= moment.spot / 100 <= band["above"]


def net_delta(limit, life, moment, moves):
    """Of one unit of a combination."""
    unit = gcd(*(leg.quantity for leg in life.legs))
    total = sum(leg.quantity * delta for leg, (delta, _) in zip(life.legs, moves, strict=True))
    return abs(total / unit) >= limit


def leg_delta(limit, life, moment, moves):
    """Of the worst sold leg."""
    return any(
        leg.quantity < 0 and abs(delta) >= limit for leg, (delta, _) in zip(life.legs, moves, strict=True)
    )


def burning(limit, life, moment, moves):
    """A day's theta against what the legs are worth."""
    day = -sum(leg.quantity * theta * 100 for leg, (_, theta) in zip(life.legs, moves, strict=True))
    value = sum(leg.quantity * mark for leg, mark in zip(life.legs, moment.marks, strict=True))
    return day >= limit * value


def time_value(life, prices, spot):
    """Of the sold legs."""
    return sum(
        -leg.quantity * (price - leg.inside(spot))
        for leg, price in zip(life.legs, prices, strict=True)
        if leg.quantity < 0
    )


def captured(limit, life, moment, moves):
    """The share of the time value at entry that is gone."""
    at_entry = time_value(life, life.entries, life.moments[0].spot)
    return 1 - time_value(life, moment.marks, moment.spot) / at_entry >= limit


MEASURES = {
    "stop_underlying": out_of_band, "stop_delta": net_delta, "stop_leg_delta": leg_delta,
    "theta_burn": burning, "theta_captured": captured,
}  # fmt: skip
BY_SPOT = ("stop_underlying", "theta_captured")
BY_MODEL = ("stop_delta", "stop_leg_delta", "theta_burn")
AMOUNTS = (
    "profit_target", "profit_target_rupees", "stop_loss", "stop_loss_rupees", "stop_credit_multiple",
    "stop_margin",
)  # fmt: skip
MET = {
    **dict.fromkeys(AMOUNTS, amount_met), **dict.fromkeys(MEASURES, market_met),
    "trailing_stop": ratchet_met, "lock_profit": ratchet_met,
}  # fmt: skip
#: The minute of the clock rules that go by a calendar, by hand from the recording's.
CLOCKS = {
    4101: "2025-10-21T15:00:00+05:30",  # seven days before Tuesday the 28th
    4102: "2025-10-16T15:00:00+05:30",  # the third session after the 13th
}
CASES = [(name, strategy_id) for name in NAMES for strategy_id in strategies(name)]
SPECIAL = ("scaling", "refused", "day loss", "day profit", "day trailing")
PLAIN = [
    together(name, number)
    for name, number in CASES
    if not strategies(name)[number][0]["strategy"].endswith(SPECIAL)
]
#: An example of each rule that fires.
SHOWN = {
    "day_loss_rupees": ("2025-08-29", 1116), "day_profit_rupees": ("2025-08-29", 1118),
    "day_trailing": ("2025-08-29", 1120), "exit_at": ("2025-08-29", 1112),
    "expiry_exit": ("2025-10", 4103), "lock_profit": ("2025-08-29", 1109),
    "max_holding_days": ("2025-10", 4102), "max_holding_minutes": ("2025-08-29", 1111),
    "profit_scaling": ("2025-08-29", 1113), "profit_target": ("2025-08-29", 1102),
    "profit_target_rupees": ("2025-08-29", 1108), "stop_credit_multiple": ("2026-08-05", 8407),
    "stop_delta": ("2025-08-29", 1105), "stop_leg_delta": ("2025-08-29", 1106),
    "stop_loss": ("2026-01-30", 8103), "stop_loss_rupees": ("2025-08-29", 1101),
    "stop_margin": ("2025-08-29", 1107), "stop_underlying": ("2026-01-30", 8107),
    "theta_burn": ("2025-08-29", 1110), "theta_captured": ("2026-02-03_index", 8206),
    "time_exit_dte": ("2025-10", 4101), "trailing_stop": ("2025-08-29", 1103),
}  # fmt: skip


def due(rule, setting, strategy_id, life):
    """When the clock strikes for this rule; None = it does not, or not within the recording."""
    begun_s, ended_s = life.moments[0].at_s, life.moments[-1].at_s
    due_s = None
    if strategy_id in CLOCKS:
        due_s = plain.seconds(CLOCKS[strategy_id])
    elif rule == "max_holding_minutes":
        due_s = begun_s + setting * 60
    elif rule == "exit_at":
        due_s = plain.seconds(f"{datetime.fromtimestamp(begun_s, IST):%Y-%m-%d}T{setting}:00+05:30")
    return due_s if due_s is not None and due_s <= ended_s else None


def met(rule, setting, strategy_id, rows, life):
    """When its own rule acts: (when, the moment it goes by, threshold); None = never."""
    if rule not in MET:
        due_s = due(rule, setting, strategy_id, life)
        return due_s and (due_s, before(life, due_s), None)
    moment, threshold = MET[rule](rule, setting, life, rows)
    return moment and (moment.at_s + LASTS_S.get(rule, 0), moment, threshold)


def triggered(strategy_id, rows, life):
    """What the plain arithmetic says: (rule, when, the moment it goes by, threshold); None = nothing.

    Whatever its rule, nobody is left to the expiry of an index option; no recording reaches a stock's.
    """
    rule, setting = written(rows[0]["strategy"])
    own = met(rule, setting, strategy_id, rows, life)
    expiry_s = plain.seconds(f"{min(leg.name[1] for leg in life.legs)}T15:00:00+05:30")
    if own is not None and own[0] < expiry_s:
        return (rule, *own)
    if expiry_s <= life.moments[-1].at_s:
        return "expiry_exit", expiry_s, before(life, expiry_s), None
    return None


def before(life, due_s):
    """The newest moment with a P&L."""
    return [moment for moment in life.moments if moment.at_s <= due_s and moment.stop is not None][-1]


@pytest.mark.parametrize(("name", "strategy_id"), PLAIN)
def test_a_rule_fires_at_the_first_snapshot_that_meets_it_and_only_then(name, strategy_id):
    """The first verdict has the rule, time, P&L and threshold of the plain arithmetic, or there is none."""
    rows, position = strategies(name)[strategy_id], replayed(name)[strategy_id]
    life, told = life_of(name, strategy_id), verdicts(position)
    assert position["net_premium"] * 100 == pytest.approx(life.credit)
    expected = triggered(strategy_id, rows, life)
    if expected is None:
        assert not told
        assert position["status"] == "open"
        return
    rule, when_s, moment, threshold = expected
    assert told[0]["rule"] == rule
    assert 0 <= plain.seconds(told[0]["at"]) - when_s <= BEAT_S
    assert told[0]["pnl"] * 100 == pytest.approx(moment.stop if moment.pnl is None else moment.pnl)
    expected_paise = None if threshold is None else pytest.approx(threshold)
    assert (told[0]["threshold"] and told[0]["threshold"] * 100) == expected_paise


def test_no_rule_is_left_out():
    """Each rule that there is has an example, and each recorded day 25 strategies or more."""
    assert set(SHOWN) == set(rules()) | DAY_RULES
    assert min(len(strategies(name)) for name in (*NAMES, HOLIDAY)) >= 25


@pytest.mark.parametrize(("name", "strategy_id", "rule"), [together(*SHOWN[r], r) for r in sorted(SHOWN)])
def test_each_rule_fires_somewhere(name, strategy_id, rule):
    """It closes, or begins to close, an example on a recorded day."""
    assert rule in {event["rule"] for event in verdicts(replayed(name)[strategy_id])}
