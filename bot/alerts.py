"""Which alerts are said: once per topic and cool-down, and in a storm one summary. Pure."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from engine.effects import Alert
from engine.model import Urgency

#: The same topic again within this time is not said again, unless it has become more urgent.
COOL_DOWN_S = {Urgency.HIGH: 60.0, Urgency.MEDIUM: 300.0, Urgency.NORMAL: 300.0}
#: So many alerts are said one by one within `STORM_WINDOW_S`; HIGH ones are counted for themselves.
STORM_LIMIT = 12
STORM_WINDOW_S = 60.0
#: Topics forgotten first when there are more than this.
TOPICS_KEPT = 2_000


@dataclass(slots=True)
class AlertGate:
    """Remembers what was said when; moments are the monitor's clock."""

    _said: dict[str, tuple[float, Urgency]] = field(default_factory=dict)
    _recent: dict[bool, deque[float]] = field(default_factory=lambda: {True: deque(), False: deque()})
    _held_back: list[Alert] = field(default_factory=list)
    _summary_due_s: float = 0.0

    def admit(self, alert: Alert, now_s: float) -> bool:
        """Tell whether this alert is to be said now; in a storm it goes into the summary instead."""
        said = self._said.get(alert.topic)
        if said is not None:
            said_s, urgency = said
            if now_s - said_s < COOL_DOWN_S[alert.urgency] and alert.urgency <= urgency:
                return False
        self._remember(alert, now_s)
        recent = self._recent[alert.urgency is Urgency.HIGH]
        while recent and recent[0] <= now_s - STORM_WINDOW_S:
            recent.popleft()
        if len(recent) < STORM_LIMIT:
            recent.append(now_s)
            return True
        if not self._held_back:
            # The first summary comes at once: a storm's thirteenth alert may be the one that matters.
            self._summary_due_s = max(self._summary_due_s, now_s)
        self._held_back.append(alert)
        return False

    def summary(self, now_s: float) -> Alert | None:
        """Give the summary of what was held back, when one is due: at once, then every minute."""
        if not self._held_back or now_s < self._summary_due_s:
            return None
        held, self._held_back = self._held_back, []
        self._summary_due_s = now_s + STORM_WINDOW_S
        worst = max(alert.urgency for alert in held)
        titles = Counter((-alert.urgency, alert.title) for alert in held)
        lines = [f"{count} × {title}" for (_, title), count in sorted(titles.items())[:10]]
        if len(titles) > 10:
            lines.append(f"and {len(titles) - 10} more kinds")
        noun = "alert" if len(held) == 1 else "alerts"
        text = "\n".join([*lines, "/status shows where everything stands."])
        return Alert(worst, "chat/storm", f"Storm: {len(held)} more {noun}", text)

    def _remember(self, alert: Alert, now_s: float) -> None:
        self._said.pop(alert.topic, None)
        self._said[alert.topic] = (now_s, alert.urgency)
        while len(self._said) > TOPICS_KEPT:
            del self._said[next(iter(self._said))]
