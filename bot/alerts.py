"""Which alerts are said: once per topic and cool-down, as far as storms leave room (`bot.storms`). Pure.

Trouble and its end are a pair. Trouble is told at once, also when it comes back soon after its end was told:
else the phone would go on saying that all is well. What waits is the end: the second within a while is told
only when it has lasted, so that what flickers is one trouble.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.storms import Said, Storms
from engine.model import Urgency
from engine.recoveries import ends, tells_an_end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.effects import Alert

#: The same topic again within this time is not said again, unless it has become more urgent.
COOL_DOWN_S = {Urgency.HIGH: 60.0, Urgency.MEDIUM: 300.0, Urgency.NORMAL: 300.0}
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

    storms: Storms = field(default_factory=Storms)
    _said: dict[str, tuple[float, Urgency]] = field(default_factory=dict)
    _ends: dict[str, _End] = field(default_factory=dict)

    def take_up(self, held: Iterable[Alert], ends_: Iterable[tuple[Alert, str]], now_s: float) -> None:
        """Go on with what an earlier life has held back, and with the ends that it has not told."""
        self.storms.held |= {alert.topic: alert for alert in held}
        for alert, of in ends_:
            self._ends[alert.topic] = _End(1, now_s, (alert, of), now_s + PROOF_S)

    def admit(self, alert: Alert, now_s: float, of: str = "", room: float = math.inf) -> Said:
        """Tell what becomes of an alert.

        ``of``: the account's mark that its topic begins with; ``room``: see `bot.storms.Storms.take`.
        """
        return Said.LATER if self._flickers(alert, now_s, of) else self.say(alert, now_s, room)

    @property
    def waiting(self) -> dict[str, tuple[Alert, str]]:
        """The ends that have to last before they are told, each with its account's mark."""
        return {topic: end.waiting for topic, end in self._ends.items() if end.waiting is not None}

    def ending(self, topic: str, of: str = "") -> bool:
        """Whether an end of this trouble waits to be told: it may be over."""
        trouble = topic.removeprefix(of)
        return any(
            end.waiting is not None and over.startswith(of) and ends(over.removeprefix(of), trouble)
            for over, end in self._ends.items()
        )

    def proven(self, now_s: float) -> list[tuple[Alert, str]]:
        """Those ends of troubles that have lasted, each with its account's mark; `say` is for them too."""
        told = []
        for end in self._ends.values():
            if end.waiting is not None and now_s >= end.due_s:
                told.append(end.waiting)
                self._over(end, *end.waiting, now_s)
        calm = [t for t, end in self._ends.items() if not end.waiting and now_s - end.at_s >= FLICKER_S]
        for topic in calm:
            del self._ends[topic]
        return told

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

    def say(self, alert: Alert, now_s: float, room: float = math.inf) -> Said:
        """What becomes of one that is no end, or one that has lasted."""
        known = self._said.get(alert.topic)
        if known is not None:
            said_s, urgency = known
            if now_s - said_s < COOL_DOWN_S[alert.urgency] and alert.urgency <= urgency:
                return Said.NOT
        said = self.storms.take(alert, now_s, room)
        if said is Said.NOW or (said is Said.HELD and alert.urgency is Urgency.HIGH):  # counted is told
            self._remember(alert, now_s)
        return said

    def _remember(self, alert: Alert, now_s: float) -> None:
        self._said.pop(alert.topic, None)
        self._said[alert.topic] = (now_s, alert.urgency)
        while len(self._said) > TOPICS_KEPT:
            del self._said[next(iter(self._said))]
