"""Who was turned away: a refusal, or a stranger's word or press, is written into the audit.

A stranger may knock as often as they like: each first knock is a line, what follows within the minute is
counted and becomes one line at its end. So nobody outside makes the journal grow fast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.effects import Audit
from engine.messages import Actor

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import TurnedAway

__all__ = ["Door"]

#: So many different knocks are told apart between two looks; the rest is counted together.
TOLD_APART = 30
_OTHERS = Actor(0, 0, "others")


class Door:
    """Remembers who has knocked since the last look, and how often."""

    def __init__(self) -> None:
        self._knocks: dict[tuple[int, str], tuple[TurnedAway, int]] = {}

    def turned_away(self, message: TurnedAway, _now_s: float) -> list[Effect]:
        """The first knock is written down now, the next ones are counted."""
        key = message.by.user_id, message.what
        if key not in self._knocks and len(self._knocks) >= TOLD_APART:
            message = replace(message, by=_OTHERS, what="")
            key = _OTHERS.user_id, ""
        first, more = self._knocks.get(key, (message, -1))
        self._knocks[key] = first, more + 1
        return [] if more >= 0 else [_line(first)]

    def look(self) -> list[Effect]:
        """Write down what was counted since the last look; everybody's next knock is a first one again."""
        effects: list[Effect] = [_line(knock, more) for knock, more in self._knocks.values() if more]
        self._knocks.clear()
        return effects


def _line(knock: TurnedAway, more: int = 0) -> Audit:
    by = knock.by
    data = {"by": by.name, "user": by.user_id, "chat": by.chat_id, "what": knock.what, "why": knock.why}
    return Audit("turned away", data | ({"more": more} if more else {}))
