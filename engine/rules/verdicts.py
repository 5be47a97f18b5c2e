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
    pnl, threshold = snapshot.guarded_paise, params.threshold_paise
    if pnl is not None and with_realised:
        pnl += snapshot.realised_paise
    if pnl is None or pnl > threshold:
        return None
    met = f"is at or below the stop {signed_rupees(threshold)} ({params.text})"
    return _by_amount(rule, snapshot, Action.CLOSE_IMMEDIATELY, pnl, threshold, met)


def profit_exit(
    rule: str, snapshot: Snapshot, params: Amount, *, with_realised: bool = False
) -> Verdict | None:
    """Get out when the target is reached, on believable marks only; None = it is not."""
    pnl, threshold = snapshot.marked_paise, params.threshold_paise
    if pnl is not None and with_realised:
        pnl += snapshot.realised_paise
    if pnl is None or pnl < threshold:
        return None
    met = f"has reached the target {signed_rupees(threshold)} ({params.text})"
    return _by_amount(rule, snapshot, Action.CLOSE_POSITION, pnl, threshold, met)


def ratchet_exit(rule: str, snapshot: Snapshot, params: Ratchet) -> Verdict | None:
    """Get out because the P&L has given back as much of its peak as it may; None = it has not."""
    pnl = snapshot.marked_paise
    if pnl is None or params.peak_paise is None:
        return None
    if params.with_realised:
        pnl += snapshot.realised_paise
    level = params.level_paise
    if level is None or not params.met(pnl):
        return None
    met = f"is at or below {signed_rupees(level)} ({params.text})"
    return _by_amount(rule, snapshot, Action.CLOSE_POSITION, pnl, level, met)


def clock_exit(
    rule: str, snapshot: Snapshot, params: Due | Daily, action: Action, urgency: Urgency
) -> Verdict:
    """Get out because of the time."""
    pnl = snapshot.guarded_paise
    return Verdict(rule, action, urgency, pnl, None, snapshot.open_share, params.text)


def market_stop(rule: str, snapshot: Snapshot, reason: str) -> Verdict:
    """Get out at once: the market is where the position must not meet it."""
    action, pnl = Action.CLOSE_IMMEDIATELY, snapshot.guarded_paise
    return Verdict(rule, action, Urgency.HIGH, pnl, None, snapshot.open_share, reason)


def decay_exit(rule: str, snapshot: Snapshot, reason: str) -> Verdict:
    """Get out because of what time has done to the premium."""
    action, pnl = Action.CLOSE_POSITION, snapshot.marked_paise
    return Verdict(rule, action, Urgency.MEDIUM, pnl, None, snapshot.open_share, reason)


def news(rule: str, urgency: Urgency, reason: str) -> Verdict:
    """Tell the owner, and do nothing."""
    return Verdict(rule, Action.ALERT, urgency, None, None, 0.0, reason)


def _by_amount(rule: str, snapshot: Snapshot, action: Action, pnl: int, threshold: int, met: str) -> Verdict:
    """Close what is open, for a P&L that has met its threshold; a loss is HIGH."""
    urgency = Urgency.HIGH if action is Action.CLOSE_IMMEDIATELY else Urgency.MEDIUM
    reason = f"P&L {signed_rupees(pnl)} {met}"
    return Verdict(rule, action, urgency, pnl, threshold, snapshot.open_share, reason)
