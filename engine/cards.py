"""The story of an exit in lines short enough for a phone (32 columns)."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from engine.effects import Card
from engine.intents import Intent, IntentState
from engine.model import Urgency
from engine.money import rupees, signed_rupees

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["exit_card", "realised_paise"]

_TITLE = {
    IntentState.WORKING: "Exiting",
    IntentState.STOPPING: "Stopping",
    IntentState.FLAT: "Verified flat",
    IntentState.CLOSED_OUTSIDE: "Closed by somebody else",
    IntentState.STUCK: "Stuck",
    IntentState.ABORTED: "Stopped",
}


def exit_card(intent: Intent, pnl_paise: int | None) -> Card:
    """The exit's card as it stands: one line a leg, then the result."""
    lines = [f"{intent.verdict.reason}."] if intent.verdict.reason else []
    for index, leg in enumerate(intent.legs):
        filled, average = intent.filled(index), intent.average_paise(index)
        at = f" @ {rupees(average).removeprefix('₹')}" if average is not None else ""
        lines += [leg.name] + [f"  {leg.side} {filled}/{leg.quantity}{at}"] * bool(leg.quantity)
        lines += [f"  {others} closed by others"] if (others := intent.outside(index)) > 0 else []
        lines += [f"  {leg.lapsed} expired"] if leg.lapsed else []
    if intent.note:
        lines.append(intent.note[0].upper() + intent.note[1:])
    if pnl_paise is not None:
        lines.append(f"P&L {signed_rupees(pnl_paise)}")
    loud = intent.state is IntentState.STUCK
    return Card(
        intent.card,
        f"{_title(intent)}: {intent.position.removeprefix('default/')} {intent.title}",
        tuple(lines),
        final=not intent.state.live,
        urgency=Urgency.HIGH if loud else Urgency.NORMAL,
        done=intent.state.flat,
        closed=intent.position if intent.state is IntentState.FLAT and intent.part is None else None,
    )


def _title(intent: Intent) -> str:
    """What the exit is at, with how much of the position it is about when that is a part."""
    part = intent.part
    if part is None:
        return _TITLE[intent.state]
    if intent.state is IntentState.FLAT:
        return part.done_text.capitalize()
    return f"{_TITLE[intent.state]} {part.closes} of {part.open}"


def realised_paise(intent: Intent, entries: Mapping[int, Fraction]) -> int | None:
    """Gross P&L of what was traded: leg index -> entry price per unit in paise; None = unknown.

    Of turnovers, not of averages: those are rounded for the eye, and the books have to say the same.
    """
    total = Fraction(0)
    for index, leg in enumerate(intent.legs):
        if intent.exit_paise(index) is None or index not in entries:
            return None
        total -= leg.side.sign * (intent.turnover_paise(index) - intent.filled(index) * entries[index])
    return floor(total)
