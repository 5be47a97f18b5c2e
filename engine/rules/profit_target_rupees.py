"""``profit_target_rupees = 10000``: out when the position, realised P&L included, has made that much."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model import Action, Urgency, Verdict
from engine.money import from_rupees, signed_rupees
from engine.rules.base import Amount, Kind, Rank, Rule, Situation, Snapshot
from engine.rules.reading import number

_NAME = "profit_target_rupees"


def _read(value: Any) -> int:
    number(value, Fraction(1), Fraction(10**10), "rupees between 1 and 10,000,000,000, e.g. 10000")
    return from_rupees(value)


def arm(profit_paise: int, situation: Situation) -> Amount:  # noqa: ARG001 - every rule is armed alike
    """An amount needs no basis: it suits every position."""
    return Amount(profit_paise, "fixed amount, realised P&L included")


def judge(snapshot: Snapshot, params: Amount) -> Verdict | None:
    """Met from the threshold up, on believable marks only."""
    if snapshot.marked_paise is None:
        return None
    pnl = snapshot.marked_paise + snapshot.realised_paise
    if pnl < params.threshold_paise:
        return None
    return Verdict(
        rule=_NAME,
        action=Action.CLOSE_POSITION,
        urgency=Urgency.MEDIUM,
        pnl_paise=pnl,
        threshold_paise=params.threshold_paise,
        fraction=snapshot.open_share,
        reason=f"P&L {signed_rupees(pnl)} has reached the target "
        f"{signed_rupees(params.threshold_paise)} ({params.text})",
    )


RULE = Rule(_NAME, Kind.PROFIT, Rank.TARGET, _read, arm, judge, with_realised=True)
