"""Whether a part of a position can be closed, and how much of it a verdict means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.intents import Part
from engine.model import Action, Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent
    from engine.model import Position, Verdict

__all__ = ["half_traded", "part_of", "refusal"]


def part_of(position: Position, shares: tuple[int, int], verdict: Verdict | None) -> Part | None:
    """How much of the position a verdict closes; None = all of it.

    ``shares`` are its open combinations, and those at entry.
    """
    if verdict is None or verdict.action is not Action.SCALE_OUT:
        return None
    left, entry = shares
    closes = round(verdict.fraction * entry)
    return Part(closes, left, entry) if 0 < closes < left == position.combinations else None


def half_traded(unfinished: Iterable[Intent]) -> bool:
    """Whether an exit that was not finished has traded some of the position already."""
    return any(intent.filled(leg) for intent in unfinished for leg in range(len(intent.legs)))


def refusal(position: Position, verdict: Verdict) -> Alert:
    """Tell that no part is closed of legs that are out of proportion."""
    text = (
        f"{verdict.reason}. Nothing was sent: an exit that was not finished has traded a part of it already, "
        "so its legs are out of proportion. /exit closes the rest."
    )
    title = f"{position.symbol} {position.strategy}"
    return Alert(Urgency.HIGH, f"{verdict.rule}:{position.id}:half", title, text, position.id)
