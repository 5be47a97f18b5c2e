"""The verdicts that several rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Action, Urgency, Verdict
from engine.money import signed_rupees

if TYPE_CHECKING:
    from engine.rules.base import Amount, Due, Snapshot


def loss_exit(rule: str, snapshot: Snapshot, pnl_paise: int, params: Amount) -> Verdict:
    """Get out at once: the loss is as large as it may be."""
    return Verdict(
        rule=rule,
        action=Action.CLOSE_IMMEDIATELY,
        urgency=Urgency.HIGH,
        pnl_paise=pnl_paise,
        threshold_paise=params.threshold_paise,
        fraction=snapshot.open_share,
        reason=f"P&L {signed_rupees(pnl_paise)} is at or below the stop "
        f"{signed_rupees(params.threshold_paise)} ({params.text})",
    )


def clock_exit(rule: str, snapshot: Snapshot, params: Due, action: Action, urgency: Urgency) -> Verdict:
    """Get out because of the time."""
    return Verdict(
        rule=rule,
        action=action,
        urgency=urgency,
        pnl_paise=snapshot.guarded_paise,
        threshold_paise=None,
        fraction=snapshot.open_share,
        reason=params.text,
    )


def news(rule: str, urgency: Urgency, reason: str) -> Verdict:
    """Tell the owner, and do nothing."""
    return Verdict(
        rule=rule,
        action=Action.ALERT,
        urgency=urgency,
        pnl_paise=None,
        threshold_paise=None,
        fraction=0.0,
        reason=reason,
    )
