"""Which alerts are said: once per topic and cool-down, and in a storm one summary. Pure.

Trouble and its end are a pair. Trouble is told at once, also when it comes back soon after its end was told:
else the phone would go on saying that all is well. What waits is the end: the second within a while is told
only when it has lasted, so that what flickers is one trouble.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from engine.effects import Alert
from engine.model import Urgency
from engine.recoveries import ends, tells_an_end

#: The same topic again within this time is not said again, unless it has become more urgent.
COOL_DOWN_S = {Urgency.HIGH: 60.0, Urgency.MEDIUM: 300.0, Urgency.NORMAL: 300.0}
#: So many alerts are said one by one within `STORM_WINDOW_S`; HIGH ones are counted for themselves.
STORM_LIMIT = 12
STORM_WINDOW_S = 60.0
#: The second end of one trouble within `FLICKER_S` has to last this long before it is told, the third twice
#: as long, and so on up to `LONGEST_PROOF_S`.
PROOF_S = 30.0
LONGEST_PROOF_S = 300.0
FLICKER_S = 600.0
#: Topics forgotten first when there are more than this.
TOPICS_KEPT = 2_000


@dataclass(slots=True)
class _End:
    """How one trouble ends, by the topic that tells it.

    Attributes:
        told: how often that was told lately.
        at_s: when trouble or end came last.
        waiting: one that is not told yet, with its account's mark.
        due_s: when that one has lasted.
    """

    told: int = 0
    at_s: float = 0.0
    waiting: tuple[Alert, str] | None = None
    due_s: float = 0.0


@dataclass(slots=True)
class AlertGate:
    """Remembers what was said when; moments are the monitor's clock."""

    _said: dict[str, tuple[float, Urgency]] = field(default_factory=dict)
    _recent: dict[bool, deque[float]] = field(default_factory=lambda: {True: deque(), False: deque()})
    _held_back: list[Alert] = field(default_factory=list)
    _summary_due_s: float = 0.0
    _ends: dict[str, _End] = field(default_factory=dict)

    def admit(self, alert: Alert, now_s: float, of: str = "") -> bool:
        """Tell whether this alert is to be said now; in a storm it goes into the summary instead.

        ``of``: the account's mark that its topic begins with.
        """
        return not self._flickers(alert, now_s, of) and self._says(alert, now_s)

    def holds(self, alert: Alert) -> bool:
        """Whether this very alert waits for the summary."""
        return any(held is alert for held in self._held_back)

    def ending(self, topic: str, of: str = "") -> bool:
        """Whether an end of this trouble waits to be told: it may be over."""
        trouble = topic.removeprefix(of)
        return any(
            end.waiting is not None and over.startswith(of) and ends(over.removeprefix(of), trouble)
            for over, end in self._ends.items()
        )

    def proven(self, now_s: float) -> list[tuple[Alert, str]]:
        """Those ends of troubles that have lasted, to be said now, each with its account's mark."""
        told = []
        for end in self._ends.values():
            if end.waiting is not None and now_s >= end.due_s:
                told.append(end.waiting)
                self._over(end, *end.waiting, now_s)
        return [(alert, of) for alert, of in told if self._says(alert, now_s)]

    def _flickers(self, alert: Alert, now_s: float, of: str) -> bool:
        """Whether it is the end of a trouble that has to last before it is told."""
        topic = alert.topic.removeprefix(of)
        for over, end in self._ends.items():
            if over.startswith(of) and ends(over.removeprefix(of), topic):
                self._said.pop(over, None)
                end.waiting, end.at_s = None, now_s  # for the person it is still there
        if not tells_an_end(topic) or not self._troubles(topic, of):
            return False
        end = self._ends.setdefault(alert.topic, _End())
        if now_s - end.at_s >= FLICKER_S:
            end.told = 0
        if end.told == 0:
            self._over(end, alert, of, now_s)
            return False
        end.waiting, end.at_s = (alert, of), now_s
        end.due_s = now_s + min(PROOF_S * 2 ** (end.told - 1), LONGEST_PROOF_S)
        return True

    def _over(self, end: _End, alert: Alert, of: str, now_s: float) -> None:
        """The person learns that it is over: should it come back, it is told at once."""
        end.waiting, end.told, end.at_s = None, end.told + 1, now_s
        self._said.pop(alert.topic, None)
        for name in self._troubles(alert.topic.removeprefix(of), of):
            del self._said[name]

    def _troubles(self, over: str, of: str) -> list[str]:
        """Which troubles that were said this one ends."""
        return [name for name in self._said if name.startswith(of) and ends(over, name.removeprefix(of))]

    def _says(self, alert: Alert, now_s: float) -> bool:
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
