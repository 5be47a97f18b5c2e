"""``stop_loss_rupees = 5000``: out when the position, realised P&L included, has lost that much."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model import Verdict
from engine.money import from_rupees
from engine.rules.base import Amount, Kind, Rank, Rule, Situation, Snapshot
from engine.rules.reading import number
from engine.rules.verdicts import loss_exit

_NAME = "stop_loss_rupees"


def _read(value: Any) -> int:
    number(
        value, Fraction(1), Fraction(10**10), "rupees between 1 and 10,000,000,000, without a sign, e.g. 5000"
    )
    return from_rupees(value)


def arm(loss_paise: int, situation: Situation) -> Amount:  # noqa: ARG001 - every rule is armed alike
    """An amount needs no basis: it suits every position."""
    return Amount(-loss_paise, "fixed amount, realised P&L included")


def judge(snapshot: Snapshot, params: Amount) -> Verdict | None:
    """Met from the threshold down."""
    if snapshot.guarded_paise is None:
        return None
    pnl = snapshot.guarded_paise + snapshot.realised_paise
    return None if pnl > params.threshold_paise else loss_exit(_NAME, snapshot, pnl, params)


RULE = Rule(_NAME, Kind.LOSS, Rank.RUPEES, _read, arm, judge, with_realised=True)
