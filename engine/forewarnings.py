"""A loss alert that comes with its stop: at a jump both are due within seconds, and one message is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.effects import Alert, Record
from engine.model import PositionId, Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.effects import Effect

__all__ = ["Forewarnings"]

#: The stop is confirmed within this, as a rule; if it is not, its alert is told after all.
STOP_WITHIN_S = 4.0


class Forewarnings:
    """Alerts of losses beyond a stop, each until its stop has spoken.

    They are journaled while they wait: their level counts as told there, so nobody else would tell them.
    """

    def __init__(self) -> None:
        self._waiting: dict[PositionId, tuple[float, Alert]] = {}

    def restore(self, rows: Mapping[str, Mapping[str, Any]], now_s: float) -> None:
        """Take over what another process has not told; the wait begins anew."""
        for name, row in rows.items():
            if row:
                position = PositionId(name)
                alert = Alert(Urgency.HIGH, row["topic"], row["title"], row["text"], position)
                self._waiting[position] = (now_s, alert)

    def put(self, position: PositionId, alert: Alert, now_s: float) -> list[Effect]:
        """The loss is beyond a stop that has not been confirmed yet."""
        self._waiting[position] = (now_s, alert)
        return [
            Record("forewarning", position, {"topic": alert.topic, "title": alert.title, "text": alert.text})
        ]

    def overtaken(self, position: PositionId) -> list[Effect]:
        """A rule has spoken, which says it all."""
        if self._waiting.pop(position, None) is None:
            return []
        return [Record("forewarning", position, {})]

    def look(self, now_s: float) -> list[Effect]:
        """Those whose stop did not come."""
        late = [name for name, (since_s, _) in self._waiting.items() if now_s - since_s >= STOP_WITHIN_S]
        return [each for name in late for each in (self._waiting[name][1], *self.overtaken(name))]
