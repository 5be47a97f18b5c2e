"""``stop_loss_rupees = 5000``: out when the position, realised P&L included, has lost that much."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.rules.base import Amount, Kind, Rank, Rule, Situation
from engine.rules.reading import amount
from engine.rules.verdicts import loss_exit

_NAME = "stop_loss_rupees"


def _read(value: Any) -> int:
    return amount(value, 1, "rupees between 1 and 10,000,000,000, without a sign, e.g. 5000")


def arm(loss_paise: int, situation: Situation) -> Amount:  # noqa: ARG001 - every rule is armed alike
    """An amount needs no basis: it suits every position."""
    return Amount(-loss_paise, "fixed amount, realised P&L included")


RULE = Rule(
    _NAME,
    Kind.LOSS,
    Rank.RUPEES,
    _read,
    arm,
    partial(loss_exit, _NAME, with_realised=True),
    with_realised=True,
)
