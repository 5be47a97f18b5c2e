"""What is told by itself and what is counted when many alerts come at once. Pure.

A chat takes some five messages at once and then one every two seconds. So few HIGH alerts are told by
themselves at once, and those beyond are counted, by title and position, in one message that is sent at once
and edited as the count grows: the budget may shorten a HIGH alert, never delay it. Of the others a dozen a
minute is told; those beyond wait for a summary, which comes at once and then every minute.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many alerts below HIGH are said one by one within `STORM_WINDOW_S`.
STORM_LIMIT = 12
STORM_WINDOW_S = 60.0
#: So many HIGH ones at once, and one more after each such pause; the burst's fifth message is for the count.
HIGH_BURST = 4
HIGH_EVERY_S = 5.0
#: So many kinds are named, the others are counted; of HIGH ones twice as many.
KINDS_NAMED = 10


class Said(Enum):
    """What becomes of an alert.

    NOW: told by itself. HELD: counted. LATER: an end that has to last first. NOT: a repetition.
    """

    NOW = "now"
    HELD = "held"
    LATER = "later"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Count:
    """How many HIGH alerts one message has counted so far.

    Attributes:
        alert: the message.
        window: names it; the same for as long as it is edited.
        first: it is a new message.
    """

    alert: Alert
    window: str
    first: bool


@dataclass(slots=True)
class Storms:
    """Budgets and counts; moments are the monitor's clock.

    Attributes:
        held: what waits for the summary, by topic.
    """

    held: dict[str, Alert] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _summary_due_s: float = 0.0
    _tokens: float = HIGH_BURST
    _tokens_s: float = 0.0
    _counted: dict[str, Alert] = field(default_factory=dict)
    _window_s: float = 0.0

    def take(self, alert: Alert, now_s: float, room: float = math.inf) -> Said:
        """Decide about an alert that is no repetition of one that was told.

        ``room``: so many messages the chat takes at once now; one of them is for the count.
        """
        if alert.urgency is Urgency.HIGH:
            return self._take_high(alert, now_s, room)
        return self._take_other(alert, now_s)

    def summary(self, now_s: float) -> Alert | None:
        """Give the summary of what is held back, when one is due: at once, then every minute."""
        if not self.held or now_s < self._summary_due_s:
            return None
        held, self.held = tuple(self.held.values()), {}
        self._summary_due_s = now_s + STORM_WINDOW_S
        noun = "alert" if len(held) == 1 else "alerts"
        worst = max(alert.urgency for alert in held)
        return Alert(
            worst,
            "chat/storm",
            f"Storm: {len(held)} more {noun}",
            _kinds(Counter(map(_kind, held)).most_common()),
        )

    def count(self) -> Count:
        """Give the message that counts the HIGH alerts of this window, after one was held."""
        held = tuple(self._counted.values())
        noun = "alert" if len(held) == 1 else "alerts"
        kinds = Counter(map(_kind, reversed(held)))  # the newest first
        text = _kinds(list(kinds.items()), 2 * KINDS_NAMED)
        told = Alert(Urgency.HIGH, "chat/storm", f"Storm: {len(held)} more HIGH {noun}", text)
        return Count(told, f"storm/{self._window_s:.3f}", len(held) == 1)

    def _take_high(self, alert: Alert, now_s: float, room: float) -> Said:
        if self._counted and now_s - self._window_s >= STORM_WINDOW_S:
            self._counted.clear()
        refilled = self._tokens + (now_s - self._tokens_s) / HIGH_EVERY_S
        self._tokens = min(HIGH_BURST, refilled, room - 1)
        self._tokens_s = now_s
        if self._tokens >= 1:
            self._tokens -= 1
            return Said.NOW
        if not self._counted:
            self._window_s = now_s
        self._counted[alert.topic] = alert
        return Said.HELD

    def _take_other(self, alert: Alert, now_s: float) -> Said:
        known = self.held.get(alert.topic)
        if known is not None and alert.urgency <= known.urgency:
            return Said.NOT
        while self._recent and self._recent[0] <= now_s - STORM_WINDOW_S:
            self._recent.popleft()
        if known is None and len(self._recent) < STORM_LIMIT:
            self._recent.append(now_s)
            return Said.NOW
        if not self.held:
            # The first summary comes at once: a storm's thirteenth alert may be the one that matters.
            self._summary_due_s = max(self._summary_due_s, now_s)
        self.held[alert.topic] = alert
        return Said.HELD


def _kind(alert: Alert) -> tuple[Urgency, str, str]:
    return alert.urgency, alert.title, (alert.position or "").removeprefix("default/")


def _kinds(counts: Sequence[tuple[tuple[Urgency, str, str], int]], named: int = KINDS_NAMED) -> str:
    """How many there are of each title and position, the gravest first, else as given."""
    graver = sorted(counts, key=lambda each: -each[0][0])
    lines = [" · ".join(filter(None, [f"{count} × {title}", about])) for (_, title, about), count in graver]
    if len(lines) > named:
        lines[named:] = [f"and {len(lines) - named} more kinds"]
    return "\n".join([*lines, "/status shows where everything stands."])
