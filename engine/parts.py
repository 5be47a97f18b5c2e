"""Whether a part of a position can be closed, how much of it a verdict means, and what is traded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.intents import Part
from engine.model import Action, Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent
    from engine.model import InstrumentKey, Position, Verdict
    from engine.pnl import Traded

__all__ = ["part_of", "refusal", "traded"]


def part_of(position: Position, shares: tuple[int, int], verdict: Verdict | None) -> Part | None:
    """How much of the position a verdict closes; None = all of it.

    ``shares`` are its open combinations, and those at entry.
    """
    if verdict is None or verdict.action is not Action.SCALE_OUT:
        return None
    left, entry = shares
    closes = round(verdict.fraction * entry)
    return Part(closes, left, entry) if 0 < closes < left == position.combinations else None


def traded(position: Position, exits: Iterable[Intent]) -> Traded:
    """What exits that have not brought the position flat have traded of it already.

    Rows that somebody has corrected since say themselves what is left.
    """
    rows = {leg.row_id: leg.quantity for leg in position.legs}
    total: dict[InstrumentKey, tuple[int, int]] = {}
    for intent in exits:
        for index, leg in enumerate(intent.legs):
            units, turnover_paise = intent.traded(index)
            if units and all(rows.get(row) == quantity for row, quantity in leg.rows.items()):
                before, paid_paise = total.get(leg.key, (0, 0))
                sign = leg.side.sign
                total[leg.key] = before + sign * units, paid_paise + sign * turnover_paise
    return total


def refusal(position: Position, verdict: Verdict) -> Alert:
    """Tell that no part is closed of legs that are out of proportion."""
    text = (
        f"{verdict.reason}. Nothing was sent: an exit that was not finished has traded a part of it already, "
        "so its legs are out of proportion. /exit closes the rest."
    )
    title = f"{position.symbol} {position.strategy}"
    return Alert(Urgency.HIGH, f"{verdict.rule}:{position.id}:half", title, text, position.id)
