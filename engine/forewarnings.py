"""A loss alert that comes with its stop: at a jump both are due within seconds, and one message is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.effects import Alert, Effect
    from engine.model import PositionId

__all__ = ["Forewarnings"]

#: The stop is confirmed within this, as a rule; if it is not, its alert is told after all.
STOP_WITHIN_S = 4.0


class Forewarnings:
    """Alerts of losses beyond a stop, each until its stop has spoken."""

    def __init__(self) -> None:
        self._waiting: dict[PositionId, tuple[float, Alert]] = {}

    def put(self, position: PositionId, alert: Alert, now_s: float) -> None:
        """The loss is beyond a stop that has not been confirmed yet."""
        self._waiting[position] = (now_s, alert)

    def overtaken(self, position: PositionId) -> None:
        """A rule has spoken, which says it all."""
        self._waiting.pop(position, None)

    def look(self, now_s: float) -> list[Effect]:
        """Those whose stop did not come."""
        late = [name for name, (since_s, _) in self._waiting.items() if now_s - since_s >= STOP_WITHIN_S]
        return [self._waiting.pop(name)[1] for name in late]
