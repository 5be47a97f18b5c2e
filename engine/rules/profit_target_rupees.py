"""``profit_target_rupees = 10000``: out when the position, realised P&L included, has made that much."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.rules.base import Amount, Kind, Rank, Rule, Situation
from engine.rules.reading import amount
from engine.rules.verdicts import profit_exit

_NAME = "profit_target_rupees"


def _read(value: Any) -> int:
    return amount(value, 1, "rupees between 1 and 10,000,000,000, e.g. 10000")


def arm(profit_paise: int, situation: Situation) -> Amount:  # noqa: ARG001 - every rule is armed alike
    """An amount needs no basis: it suits every position."""
    return Amount(profit_paise, "fixed amount, realised P&L included")


RULE = Rule(
    _NAME,
    Kind.PROFIT,
    Rank.TARGET,
    _read,
    arm,
    partial(profit_exit, _NAME, with_realised=True),
    with_realised=True,
)
