"""Prices that come faster than they can be looked at: told when it begins, and when it is over.

Under overload the house keeps the newest price of each instrument and lets older ones go, and control
messages go first. That keeps it right, not early: a stop may act late, and a peak may be skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.model import Urgency
from engine.trouble import Trouble

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import Behind

__all__ = ["Overload"]

#: So many looks in a row without a delay, and it is over: one good moment is none.
CALM_LOOKS = 2


class Overload:
    """What was heard of how far decisions are behind prices.

    Attributes:
        words: how it stands, as a sentence; empty = nothing is late.
    """

    def __init__(self) -> None:
        self.words = ""
        self._trouble = Trouble()
        self._calm = 0

    def look(self, message: Behind, _now_s: float) -> list[Effect]:
        """Tell of a delay that begins, and of its end."""
        if not message.late:
            self._calm += 1
            if self._calm < CALM_LOOKS:
                return []
            self.words = ""
            text = "Prices are decided about as they come."
            return self._trouble.over(Alert(Urgency.MEDIUM, "keeps-up", "The house keeps up again", text))
        self._calm = 0
        self.words = _words(message)
        text = f"{self.words} Stops may act late, and a peak may be missed: give this machine less to do."
        return self._trouble.begins(Alert(Urgency.MEDIUM, "falls-behind", "The house falls behind", text))


def _words(message: Behind) -> str:
    """What is late, with its figures."""
    span, parts = f"{message.span_s:.0f} s", []
    if message.slow:
        limit = f"{1_000 * message.limit_s:.0f} ms"
        parts.append(f"More than one decision of a hundred came later than {limit} after its price")
    if message.overtaken:
        parts.append(f"{message.overtaken:,} prices were overtaken by newer ones before anybody saw them")
    return f"{', and '.join(parts)}, in the last {span}."
