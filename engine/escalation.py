"""How an alert that nobody has seen climbs: again, louder, to a second person, by another channel. Pure.

An alarm is a HIGH alert that was told and waits to be seen. It ends when a person says so or turns to its
position, when its trouble is over, or when its position is closed. Moments are the host's epoch seconds,
because an alarm outlives the process; its owner keeps it (`Alarm.to_json`) and asks what is due.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["ALARMS_KEPT", "CHANNEL_AFTER_S", "SECOND_AFTER_S", "Alarm", "Call", "Escalation", "Ladder"]

#: The owner's settings say otherwise, if they like (`engine.settings`).
SECOND_AFTER_S = 180.0
CHANNEL_AFTER_S = 300.0
#: What is due this soon after another is told with it: one message for many.
JOIN_S = 15.0
#: Two calls are at least so far apart, however many alarms wait.
APART_S = 20.0
#: More than these nobody looks through; the oldest are given up first.
ALARMS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Ladder:
    """The policy: how long each rung waits.

    Attributes:
        gaps_s: the pauses before the second telling, the third, and so on; the last one repeats.
        second_after_s: unseen for so long, a second person is told as well; None = there is none.
        channel_after_s: unseen for so long, it goes by another channel as well; None = there is none.
    """

    gaps_s: tuple[float, ...] = (60.0, 120.0, 120.0, 300.0, 600.0)
    second_after_s: float | None = None
    channel_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One HIGH alert that waits to be seen.

    Attributes:
        id: five letters that its buttons carry; the same for as long as it is open.
        topic: the alert's, its account's mark before it.
        of: that mark; empty = the only account, or the chat itself.
        position: what it is about; None = the whole house.
        raised_s, last_s: when it was told first, and last.
        told: how often the chat has told it.
        second, channel: whether the second person, or the other channel, has it.
    """

    id: str
    topic: str
    of: str
    title: str
    text: str
    position: str | None
    raised_s: float
    last_s: float
    told: int = 1
    second: bool = False
    channel: bool = False

    def to_json(self) -> dict[str, Any]:
        """The alarm as its owner keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Alarm:
        """Read it back. Raises TypeError for what another version wrote."""
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be told now: these alarms, the oldest first, and to whom beside the chat."""

    alarms: tuple[Alarm, ...]
    second: bool
    channel: bool


class Escalation:
    """The open alarms, and when each is told again.

    Args:
        ladder: the policy.
        alarms: those that an earlier life has left open.
    """

    def __init__(self, ladder: Ladder, alarms: Iterable[Alarm] = ()) -> None:
        self._ladder = ladder
        self._open = {alarm.topic: alarm for alarm in sorted(alarms, key=lambda each: each.raised_s)}
        self._called_s = float("-inf")

    @property
    def open(self) -> tuple[Alarm, ...]:
        """What waits to be seen, the oldest first."""
        return tuple(self._open.values())

    def sound(self, alarm: Alarm) -> tuple[Alarm, Alarm | None]:
        """An alert was told: it waits from now on, or waits still; the second is one given up for it.

        Told anew it keeps id, age and rung, and the pause before the next telling begins again.
        """
        known = self._open.get(alarm.topic)
        if known is not None:
            alarm = replace(
                alarm, id=known.id, raised_s=known.raised_s, told=known.told + 1, second=known.second,
                channel=known.channel,
            )  # fmt: skip
        self._open[alarm.topic] = alarm
        oldest = next(iter(self._open)) if len(self._open) > ALARMS_KEPT else None
        return alarm, None if oldest is None else self._open.pop(oldest)

    def end(self, over: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        """Take out those that are seen or over."""
        gone = tuple(alarm for alarm in self.open if over(alarm))
        for alarm in gone:
            del self._open[alarm.topic]
        return gone

    def call(
        self, now_s: float, *, unreached: bool = False, waits: Callable[[Alarm], bool] = lambda _: False
    ) -> Call | None:
        """What has to be told at this moment; those alarms have climbed by it.

        Args:
            now_s: this moment.
            unreached: the chat cannot be reached: the other channel does not wait for its turn then.
            waits: an alarm that is perhaps over is left where it is.
        """
        self._open = {topic: _not_ahead(alarm, now_s) for topic, alarm in self._open.items()}
        if 0 <= now_s - self._called_s < APART_S:
            return None
        due_s = {
            alarm.topic: self._due_s(alarm, unreached=unreached) for alarm in self.open if not waits(alarm)
        }
        if not due_s or min(due_s.values()) > now_s:
            return None
        self._called_s = now_s
        told = [
            self._climbed(self._open[topic], now_s, unreached=unreached)
            for topic, at_s in due_s.items()
            if at_s <= now_s + JOIN_S
        ]
        self._open |= {alarm.topic: alarm for alarm in told}
        return Call(tuple(told), any(alarm.second for alarm in told), any(alarm.channel for alarm in told))

    def _due_s(self, alarm: Alarm, *, unreached: bool) -> float:
        gaps_s, ladder = self._ladder.gaps_s, self._ladder
        dues_s = [alarm.last_s + gaps_s[min(alarm.told, len(gaps_s)) - 1]]
        if ladder.second_after_s is not None and not alarm.second:
            dues_s.append(alarm.raised_s + ladder.second_after_s)
        channel_s = self._channel_after_s(unreached=unreached)
        if channel_s is not None and not alarm.channel:
            dues_s.append(alarm.raised_s + channel_s)
        return min(dues_s)

    def _climbed(self, alarm: Alarm, now_s: float, *, unreached: bool) -> Alarm:
        age_s = now_s + JOIN_S - alarm.raised_s
        second_s, channel_s = self._ladder.second_after_s, self._channel_after_s(unreached=unreached)
        return replace(
            alarm,
            told=alarm.told + 1,
            last_s=now_s,
            second=alarm.second or (second_s is not None and age_s >= second_s),
            channel=alarm.channel or (channel_s is not None and age_s >= channel_s),
        )

    def _channel_after_s(self, *, unreached: bool) -> float | None:
        after_s = self._ladder.channel_after_s
        return min(after_s, self._ladder.gaps_s[0]) if after_s is not None and unreached else after_s


def _not_ahead(alarm: Alarm, now_s: float) -> Alarm:
    """A clock that was set back may not silence it: told in the future is told now, its age kept."""
    if alarm.last_s <= now_s and alarm.raised_s <= now_s:
        return alarm
    ahead_s = max(alarm.last_s - now_s, 0.0)
    return replace(alarm, raised_s=min(alarm.raised_s - ahead_s, now_s), last_s=min(alarm.last_s, now_s))
