"""How the trade store stands: of when its rows are, and whether Realtime tells of changes.

Both are for people: rules and orders go by the rows that are known, whatever their age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.messages import StoreWriting
from engine.model import Urgency
from engine.sessions import ist
from engine.trouble import Trouble

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import RealtimeState, TradesLoaded

__all__ = ["Stored"]

TOPIC = "store-writer"
#: Changes of rows that wait for so long are told.
WAITED_S = 120.0

#: Rows are read every 30 s; older than this they are told, in the session.
OLD_S = 120.0


class Stored:
    """What was heard of the trade store.

    Attributes:
        fault: why it could not be read last time; empty = it could, or was not asked yet.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._rows_s: float | None = None
        self._heard_s: float | None = None
        self._away = ""
        self._away_s: float | None = None
        self._writing = StoreWriting(0, "")
        self._unwritten_s: float | None = None
        self._told = False
        self._unread = Trouble()

    def read(self, loaded: TradesLoaded, now_s: float, *, believed: bool) -> list[Effect]:
        """An answer has come, or none: told once, and its return; rows are of when they were asked for."""
        if loaded.rows is None:
            self.fault = loaded.detail
            text = f"{loaded.detail} What is known goes on being watched."
            return self._unread.begins(
                Alert(Urgency.MEDIUM, "trade-store", "The trade store cannot be read", text)
            )
        self.fault = ""
        if believed:
            self._rows_s = now_s if loaded.began_s is None else loaded.began_s
        text = "What has changed there meanwhile is known now."
        return self._unread.over(
            Alert(Urgency.MEDIUM, "trade-store-back", "The trade store can be read again", text)
        )

    def realtime(self, message: RealtimeState, now_s: float) -> list[Effect]:
        """Keep when Realtime was heard last, or since when it has been away."""
        self._away = message.failed
        if message.failed:
            self._away_s = now_s if self._away_s is None else self._away_s
        else:
            self._heard_s, self._away_s = now_s, None
        return []

    def writing(self, message: StoreWriting, now_s: float) -> list[Effect]:
        """Changes that the store does not take are told once they have waited, and once they are in."""
        self._writing = message
        if not message.failed:
            told, self._unwritten_s, self._told = self._told, None, False
            back = Alert(
                Urgency.NORMAL, f"{TOPIC}-back", "The trade store takes changes again",
                "All changes of rows that were due are written.",
            )  # fmt: skip
            return [back] if told else []
        self._unwritten_s = now_s if self._unwritten_s is None else self._unwritten_s
        if self._told or now_s - self._unwritten_s < WAITED_S:
            return []
        self._told = True
        text = f"{self.unwritten()} Exits do not wait for it and nothing is lost: it is tried again."
        return [Alert(Urgency.MEDIUM, TOPIC, "The trade store does not take changes", text)]

    def unwritten(self) -> str:
        """How many changes of rows wait, since when and why; empty = none that was refused."""
        if self._unwritten_s is None:
            return ""
        waiting, why = self._writing.waiting, self._writing.failed.rstrip(". ")
        number = f"{waiting} change{'s' * (waiting != 1)} of rows wait{'s' * (waiting == 1)}"
        return f"{number} for the trade store since {ist(self._unwritten_s):%H:%M} ({why})."

    @property
    def rows_words(self) -> str:
        """Of when the rows are, e.g. ``rows of 10:15:30``; empty = they have not been read yet."""
        return "" if self._rows_s is None else f"rows of {ist(self._rows_s):%H:%M:%S}"

    @property
    def realtime_away(self) -> bool:
        """Whether Realtime is away: rows are read on a timer alone."""
        return self._away_s is not None

    def realtime_words(self, now_s: float) -> str:
        """How Realtime stands; empty = there is none, or nothing was heard of it yet."""
        if self._away_s is not None:
            return f"away since {ist(self._away_s):%H:%M} ({self._away}), rows are read every 30 s"
        return "" if self._heard_s is None else f"live, last event {max(now_s - self._heard_s, 0):.0f} s ago"

    def trouble(self, now_s: float, *, in_session: bool) -> str:
        """What is wrong with the rows' age; empty = nothing. That none were read tells `engine.bearings`."""
        if not in_session or self._rows_s is None or now_s - self._rows_s <= OLD_S:
            return ""
        why = f" ({self.fault.rstrip('. ')})" if self.fault else ""
        return (
            f"The trade store's rows are of {ist(self._rows_s):%H:%M:%S}{why}. "
            "What has changed there since is not known."
        )
