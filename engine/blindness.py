"""Tells of a broker whose books cannot be read, and of its return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect

__all__ = ["Blindness"]

#: A broker that cannot be read for this long is told of, exit or not ...
BLIND_S = 60.0
#: ... and for this long while an exit runs: nothing new is sent without the books.
EXIT_BLIND_S = 10.0
TITLE = "The broker cannot be read"


class Blindness:
    """Since when no report has come, and whether that was told.

    Attributes:
        why: why the last one did not come; empty = it did.
    """

    def __init__(self) -> None:
        self.why = ""
        self._since_s: float | None = None
        self._told = False

    def failed(self, why: str, now_s: float, *, exits: bool) -> list[Effect]:
        """A report failed, after others were read: that is news when it lasts.

        Args:
            why: what the broker said.
            now_s: the moment.
            exits: an exit is running.
        """
        self.why = why
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s < (EXIT_BLIND_S if exits else BLIND_S):
            return []
        self._told = True
        text = f"{why}. Rules go on, but no exit can be placed until it answers."
        return [Alert(Urgency.HIGH, "blind", TITLE, text)]

    def answered(self) -> list[Effect]:
        """A report came; that is news for who has heard of the others."""
        told, self._since_s, self._told, self.why = self._told, None, False, ""
        text = "Orders and positions can be read again."
        return [Alert(Urgency.MEDIUM, "broker-back", "The broker answers again", text)] if told else []
