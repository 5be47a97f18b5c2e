"""What waits to be seen: told again until somebody has seen it, kept in the chat's store meanwhile."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from bot.alarms_view import alarms_page
from bot.bubbles import event_id
from bot.kept import alarms_kept
from bot.layout import span
from bot.letters import again_letter
from engine.escalation import Alarm, Escalation
from engine.recoveries import ends

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.queue import Outgoing
    from bot.relay import Relay
    from bot.store import ChatStore
    from engine.effects import Alert
    from engine.escalation import Call, Ladder

log = logging.getLogger(__name__)

#: What a Seen button names: one alarm, or all that were raised up to a moment in milliseconds.
ALL_UNTIL = re.compile(r"t([0-9]{1,15})")
KIND = "alarm"


class Alarms:
    """The one owner of the open alarms."""

    def __init__(
        self,
        ladder: Ladder,
        *,
        store: ChatStore,
        add: Callable[[Outgoing], None],
        wall_s: Callable[[], float],
        relays: tuple[Relay | None, Relay | None],
    ) -> None:
        """Take up what an earlier life left open; ``relays``: to the second person, and by other channels."""
        self._climb = Escalation(ladder, alarms_kept(store.notes(KIND)))
        self._store, self._add, self._wall_s = store, add, wall_s
        self._relays = relays

    @property
    def open(self) -> tuple[Alarm, ...]:
        """What waits, the oldest first."""
        return self._climb.open

    def sound(self, alert: Alert, of: str, now_s: float) -> str:
        """A HIGH alert is being told; the answer is the name its Seen button carries."""
        wall_s = self._wall_s()
        new = Alarm(
            event_id(alert.topic, now_s), alert.topic, of, alert.title, alert.text, alert.position,
            wall_s, wall_s,
        )  # fmt: skip
        alarm, given_up = self._climb.sound(new)
        self._store.note(KIND, alarm.topic, alarm.to_json())
        if given_up is not None:
            log.error("chat: too many alarms wait to be seen; given up: %s", given_up.title)
            self._store.unnote(KIND, given_up.topic)
        return alarm.id

    def look(self, *, unreached: bool, ending: Callable[[str, str], bool]) -> None:
        """Tell again what is due.

        ``unreached``: Telegram cannot be reached; ``ending``: by topic and account, whether its end waits to
        be told.
        """
        wall_s = self._wall_s()
        call = self._climb.call(
            wall_s, unreached=unreached, waits=lambda alarm: ending(alarm.topic, alarm.of)
        )
        if call is None:
            return
        for alarm in call.alarms:
            self._store.note(KIND, alarm.topic, alarm.to_json())
        self._tell(call, wall_s, unreached=unreached)

    def seen(self, name: str, may: Callable[[str], bool]) -> tuple[int, int]:
        """A Seen button was pressed: how many were ended, and how many this person has no say about."""
        until = ALL_UNTIL.fullmatch(name)
        meant = [
            alarm.topic
            for alarm in self.open
            if (alarm.raised_s * 1000 <= int(until[1]) if until else alarm.id == name)
        ]
        gone = self._end(lambda alarm: alarm.topic in meant and may(alarm.of))
        return len(gone), len(meant) - len(gone)

    def turned_to(self, of: str, strategy_id: int | None) -> None:
        """A person who may has asked for something about a position of this account; None = all of them."""
        self._end(
            lambda alarm: (
                alarm.of == of
                and alarm.position is not None
                and (strategy_id is None or alarm.position.rpartition("/")[2] == str(strategy_id))
            )
        )

    def settled(self, of: str, position: str) -> None:
        """A position is verified flat, or a person has answered a question about it."""
        self._end(lambda alarm: alarm.of == of and alarm.position == position)

    def over(self, topic: str, of: str) -> None:
        """An alert of this topic is told, which may say that a trouble is over."""
        recovery = topic.removeprefix(of)
        self._end(lambda alarm: alarm.of == of and ends(recovery, alarm.topic.removeprefix(of)))

    def words(self, marks: Collection[str]) -> str:
        """What waits of these accounts, for /status; empty = nothing."""
        waiting = [alarm for alarm in self.open if alarm.of in marks]
        if not waiting:
            return ""
        age = span(self._wall_s() - waiting[0].raised_s)
        noun = "1 alert waits" if len(waiting) == 1 else f"{len(waiting)} alerts wait"
        return f"{noun} to be seen, for {age}: {waiting[0].title}"

    def faults(self) -> tuple[str, ...]:
        """Who beside the chat could not be told, and why."""
        return tuple(f"{relay.name}: {relay.failed}" for relay in self._relays if relay and relay.failed)

    def _tell(self, call: Call, wall_s: float, *, unreached: bool) -> None:
        page = alarms_page(self.open, call.alarms, wall_s)
        if not unreached:  # what would arrive much later may be over by then
            self._add(again_letter(page, wall_s))
        for relay, told in zip(self._relays, (call.second, call.channel), strict=True):
            if relay is not None and told:
                relay.put(page)

    def _end(self, over: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        gone = self._climb.end(over)
        for alarm in gone:
            self._store.unnote(KIND, alarm.topic)
        if gone and not self.open:
            for relay in self._relays:
                if relay is not None:
                    relay.put(None)
        return gone
