"""``profit_target = 0.5``: out when the open legs have made that share of what they can make."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

from engine.model import Action, Urgency, Verdict
from engine.money import signed_rupees
from engine.rules.base import Amount, Kind, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.basis import profit_basis
from engine.rules.reading import number, percent

_NAME = "profit_target"


def _read(value: Any) -> Fraction:
    return number(
        value, Fraction(1, 1000), Fraction(10), "a fraction between 0.001 and 10, e.g. 0.5 for 50 %"
    )


def arm(share: Fraction, situation: Situation) -> Amount | Refusal:
    """The least P&L that is that share of the basis, in whole paise."""
    basis = profit_basis(situation.payoff)
    if isinstance(basis, Refusal):
        return basis
    return Amount(ceil(share * basis.amount_paise), f"{percent(share)} of the {basis.text}")


def judge(snapshot: Snapshot, params: Amount) -> Verdict | None:
    """Met from the threshold up, on believable marks only."""
    pnl = snapshot.marked_paise
    if pnl is None or pnl < params.threshold_paise:
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


RULE = Rule(_NAME, Kind.PROFIT, Rank.TARGET, _read, arm, judge)
