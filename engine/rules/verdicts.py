"""The verdicts that several rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Action, Urgency, Verdict
from engine.money import signed_rupees

if TYPE_CHECKING:
    from engine.rules.base import Amount, Daily, Due, Ratchet, Snapshot


def loss_exit(
    rule: str, snapshot: Snapshot, params: Amount, *, with_realised: bool = False
) -> Verdict | None:
    """Get out at once when the loss is as large as it may be; None = it is not, or nobody knows."""
    if snapshot.guarded_paise is None:
        return None
    pnl = snapshot.guarded_paise + (snapshot.realised_paise if with_realised else 0)
    if pnl > params.threshold_paise:
        return None
    return Verdict(
        rule=rule,
        action=Action.CLOSE_IMMEDIATELY,
        urgency=Urgency.HIGH,
        pnl_paise=pnl,
        threshold_paise=params.threshold_paise,
        fraction=snapshot.open_share,
        reason=f"P&L {signed_rupees(pnl)} is at or below the stop "
        f"{signed_rupees(params.threshold_paise)} ({params.text})",
    )


def profit_exit(
    rule: str, snapshot: Snapshot, params: Amount, *, with_realised: bool = False
) -> Verdict | None:
    """Get out when the target is reached, on believable marks only; None = it is not."""
    if snapshot.marked_paise is None:
        return None
    pnl = snapshot.marked_paise + (snapshot.realised_paise if with_realised else 0)
    if pnl < params.threshold_paise:
        return None
    return Verdict(
        rule=rule,
        action=Action.CLOSE_POSITION,
        urgency=Urgency.MEDIUM,
        pnl_paise=pnl,
        threshold_paise=params.threshold_paise,
        fraction=snapshot.open_share,
        reason=f"P&L {signed_rupees(pnl)} has reached the target "
        f"{signed_rupees(params.threshold_paise)} ({params.text})",
    )


def clock_exit(
    rule: str, snapshot: Snapshot, params: Due | Daily, action: Action, urgency: Urgency
) -> Verdict:
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


def ratchet_exit(rule: str, snapshot: Snapshot, params: Ratchet) -> Verdict | None:
    """Get out because the P&L has given back as much of its peak as it may; None = it has not."""
    if snapshot.marked_paise is None:
        return None
    pnl = snapshot.marked_paise + (snapshot.realised_paise if params.with_realised else 0)
    level = params.level_paise
    if level is None or not params.met(pnl):
        return None
    return Verdict(
        rule=rule,
        action=Action.CLOSE_POSITION,
        urgency=Urgency.MEDIUM,
        pnl_paise=pnl,
        threshold_paise=level,
        fraction=snapshot.open_share,
        reason=f"P&L {signed_rupees(pnl)} is at or below {signed_rupees(level)} ({params.text})",
    )


def market_stop(rule: str, snapshot: Snapshot, reason: str) -> Verdict:
    """Get out at once: the market is where the position must not meet it."""
    return Verdict(
        rule=rule,
        action=Action.CLOSE_IMMEDIATELY,
        urgency=Urgency.HIGH,
        pnl_paise=snapshot.guarded_paise,
        threshold_paise=None,
        fraction=snapshot.open_share,
        reason=reason,
    )


def decay_exit(rule: str, snapshot: Snapshot, reason: str) -> Verdict:
    """Get out because of what time has done to the premium."""
    return Verdict(
        rule=rule,
        action=Action.CLOSE_POSITION,
        urgency=Urgency.MEDIUM,
        pnl_paise=snapshot.marked_paise,
        threshold_paise=None,
        fraction=snapshot.open_share,
        reason=reason,
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
