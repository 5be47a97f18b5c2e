"""Legs of a running exit that expire before they are traded: they need no order, and the others go on.

The exchange settles an index option in cash: nothing is left to trade, and nobody lists it any more. A
stock option that expires in the money ends in shares, which somebody has to pay for or to deliver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from engine.intents import Intent, LegPlan
    from engine.outgoing import Outgoing

__all__ = ["lapse", "warn"]


def lapse(intent: Intent, today: date, out: Outgoing) -> None:
    """Take what has expired before ``today`` out of an exit's plan, and tell of it.

    The rows of such a leg end without a price; what was traded of it before counts at its fills.
    """
    gone = [(index, leg) for index, leg in _open(intent) if leg.expiry is not None and leg.expiry < today]
    for index, leg in gone:
        units = intent.rest(index)
        leg.quantity, leg.lapsed, leg.blocked = leg.quantity - units, leg.lapsed + units, ""
        text = (
            f"{leg.name}: {units} units expired on {leg.expiry} before they were traded. {_means(leg)} "
            "The other legs of the exit go on. Its rows end without a price: enter it in the store."
        )
        out.tell(
            intent,
            f"lapsed:{intent.id}:{leg.key}:{leg.lapsed}",
            "A contract expired before it was closed",
            text,
        )
    if gone:
        out.save(intent)


def warn(intent: Intent, today: date, out: Outgoing) -> None:
    """Tell at the close of a contract's last day that it was not closed in time."""
    for index, leg in _open(intent):
        if leg.expiry == today:
            text = (
                f"{leg.name}: {intent.rest(index)} units are open at the close of its last day. {_means(leg)}"
            )
            out.tell(intent, f"expires:{intent.id}:{leg.key}", "A contract expires open", text)


def _open(intent: Intent) -> list[tuple[int, LegPlan]]:
    """The legs of which something is still to be traded."""
    return [(index, leg) for index, leg in enumerate(intent.legs) if intent.rest(index) > 0]


def _means(leg: LegPlan) -> str:
    if leg.delivers:
        return (
            "It is settled in SHARES if it is in the money: look at once what the broker will deliver or "
            "collect, and at your funds."
        )
    return "The exchange settles it in cash; it needs no order."
