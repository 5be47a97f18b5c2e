"""Verified: order book, trade book and position list agree that nothing of the exit is left to do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from engine.orders import read_correlation_id

if TYPE_CHECKING:
    from engine.intents import Intent, LegPlan
    from engine.ledger import Ledger

__all__ = ["Finding", "comes_true", "explained", "verify"]


class Finding(StrEnum):
    """What one read says about an exit that has traded all of its plan."""

    UNREAD = "unread"
    FLAT = "flat"
    NOT_YET = "not yet"
    MISMATCH = "mismatch"


def verify(intent: Intent, ledger: Ledger) -> tuple[Finding, str]:
    """Judge the last report; the sentence says what disagrees, or that there is no report to judge.

    A contract the broker does not list is "not yet", never flat; but a leg that was closed on an earlier
    day is not carried into today's list, if that lists others of the exit, and one that has expired is in
    no list that means anything. A net that differs from what our own fills explain is a mismatch: somebody
    else traded, or a fill is counted wrongly; but what an order of others has just added, the way round
    that the leg was held, is not this exit's business. Of an exit of a part the broker must still hold what
    it was to leave.
    """
    report = ledger.report
    if report is None or any(not ledger.fresh(leg.key) for leg in intent.legs):
        return Finding.UNREAD, "waiting for a fresh report"
    for order in report.orders:
        ours = read_correlation_id(order.correlation_id)
        if ours is not None and ours[1] == intent.id and not order.status.final:
            return Finding.NOT_YET, f"order {order.order_id} is still in the book"
    booked = {o.order_id for o in intent.orders if o.filled and o.sent_s >= ledger.since_s}
    traded = {fill.order_id for fill in report.fills}
    if missing := booked - traded - {""}:
        return Finding.NOT_YET, f"the trade book lacks order {', '.join(sorted(missing))}"
    judged = [_verify_leg(leg, ledger) for leg in intent.legs if not _gone(leg, intent, ledger)]
    return next((said for said in judged if said[0] is not Finding.FLAT), (Finding.FLAT, ""))


def _gone(leg: LegPlan, intent: Intent, ledger: Ledger) -> bool:
    """Whether a leg has expired or was closed on an earlier day, so that today's list need not have it."""
    if leg.lapsed:
        return True
    if leg.keeps or ledger.traded(leg.key) or ledger.row(leg) is not None:
        return False
    return any(other.lapsed or ledger.row(other) is not None for other in intent.legs)


def _verify_leg(leg: LegPlan, ledger: Ledger) -> tuple[Finding, str]:
    row = ledger.row(leg)
    if row is None:
        return Finding.NOT_YET, f"the broker does not list {leg.name}"
    net, expected = row.net_quantity, ledger.expected(leg)
    if net * leg.side.sign > 0:
        return Finding.MISMATCH, f"{leg.name}: the broker shows {net:+d}: it stands the other way round"
    if -net * leg.side.sign < leg.keeps:
        return Finding.MISMATCH, f"{leg.name}: the broker shows {net:+d}, {leg.keeps} units were to stay"
    if expected is not None and net not in (expected, expected - leg.side.sign * ledger.added(leg)):
        return Finding.MISMATCH, f"{leg.name}: the broker shows {net:+d}, our fills explain {expected:+d}"
    return Finding.FLAT, ""


def comes_true(intent: Intent, ledger: Ledger) -> bool:
    """Whether the books agree after all that a stuck exit of today has traded all of its plan."""
    legs = range(len(intent.legs))
    if intent.begun_s < ledger.since_s or intent.live_orders() or any(intent.rest(i) > 0 for i in legs):
        return False
    return explained(intent, ledger) and verify(intent, ledger)[0] is Finding.FLAT


def explained(intent: Intent, ledger: Ledger) -> bool:
    """Whether our own fills of today say what each contract must be that the broker lists.

    Without that a list of zeros proves nothing while the market is closed: the books are made anew then.
    """
    legs = [leg for leg in intent.legs if not leg.lapsed]
    return all(ledger.expected(leg) is not None or ledger.row(leg) is None for leg in legs)
