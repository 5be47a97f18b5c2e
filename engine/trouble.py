"""One trouble of the house: told when it begins, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.effects import Alert, Effect

__all__ = ["Trouble"]


class Trouble:
    """Whether it was told, so that it is told once; `engine.recoveries` pairs the topics."""

    def __init__(self) -> None:
        self._told: str | None = None

    def begins(self, alert: Alert, cause: str = "") -> list[Effect]:
        """Tell it, unless that was done; of another cause it is told anew."""
        if self._told == cause:
            return []
        self._told = cause
        return [alert]

    def over(self, alert: Alert) -> list[Effect]:
        """Tell its end to whoever has heard of it."""
        told, self._told = self._told, None
        return [] if told is None else [alert]
