"""The switchboard: how the REST API and Realtime fail, on order.

REST faults are armed for the next calls whose path (below ``/rest/v1``) begins alike; what Realtime does
wrong are switches and counters that its sockets look at, and things that happen at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class RestKind(StrEnum):
    """What happens to a call."""

    FAIL = "fail"  # an error answer, nothing done
    DROP = "drop"  # the connection closes, nothing done
    HANG = "hang"  # no answer until the faults are cleared, nothing done
    SLOW = "slow"  # done, and answered late
    LOSE_REPLY = "lose reply"  # done, but the connection closes before the answer
    EMPTY = "empty"  # a read is answered with no rows, though there are some


@dataclass(slots=True)
class RestFault:
    """One armed fault: for which path, and how many more times."""

    kind: RestKind
    path: str
    times: int
    status: int = 0
    body: dict[str, Any] | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class RealtimeFaults:
    """What Realtime does wrong.

    Attributes:
        silent: joins succeed, heartbeats are answered, no event comes.
        lose_events: how many coming events are lost.
        lag_s: every event is this much late (replication lag).
        frozen: nothing is read or answered, not even a ping; the TCP connection stays up.
        no_heartbeats: pings of the socket are answered, Phoenix's heartbeats and pushes are not.
        join_delay_s: a join is answered this much late.
        never_live: a join is answered, but the subscription to the database never comes about.
        refuse_join: how many coming joins are refused, with ``refuse_reason``.
        refuse_upgrade: how many coming handshakes are refused with the HTTP status ``upgrade_status``.
        database_error: a channel's subscription to the database fails with these words; empty = it works.
    """

    silent: bool = False
    lose_events: int = 0
    lag_s: float = 0.0
    frozen: bool = False
    no_heartbeats: bool = False
    join_delay_s: float = 0.0
    never_live: bool = False
    refuse_join: int = 0
    refuse_reason: str = "Unauthorized: You do not have permissions to read from this Channel topic"
    refuse_upgrade: int = 0
    upgrade_status: int = 503
    database_error: str = ""


@dataclass(slots=True)
class Faults:
    """Arm a method; it hits the next matching calls, or happens at once.

    Attributes:
        max_rows: what a read gives at most, whatever it asks for.
        realtime: what Realtime does wrong from now on.
        at_once: how the sockets hear of what happens at once; set by the server.
    """

    max_rows: int = 1000
    realtime: RealtimeFaults = field(default_factory=RealtimeFaults)
    at_once: Callable[[str, dict[str, Any]], None] = lambda _deed, _words: None
    _armed: list[RestFault] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(
        self, status: int, *, times: int = 1, path: str = "", body: dict[str, Any] | None = None
    ) -> None:
        """Answer with an HTTP status: a gateway's HTML page, or a JSON body."""
        self._armed.append(RestFault(RestKind.FAIL, path, times, status=status, body=body))

    def drop(self, *, times: int = 1, path: str = "") -> None:
        """Close the connection before anything is done."""
        self._armed.append(RestFault(RestKind.DROP, path, times))

    def hang(self, *, times: int = 1, path: str = "") -> None:
        """Give no answer until `clear`."""
        self._armed.append(RestFault(RestKind.HANG, path, times))

    def slow(self, seconds: float, *, times: int = 1, path: str = "") -> None:
        """Do what is asked and answer late."""
        self._armed.append(RestFault(RestKind.SLOW, path, times, seconds=seconds))

    def lose_reply(self, *, times: int = 1, path: str = "") -> None:
        """Do what is asked, then close the connection instead of answering."""
        self._armed.append(RestFault(RestKind.LOSE_REPLY, path, times))

    def empty(self, *, times: int = 1, path: str = "") -> None:
        """Answer a read with no rows."""
        self._armed.append(RestFault(RestKind.EMPTY, path, times))

    def cut(self) -> None:
        """Reset every socket of Realtime now, without a close frame."""
        self.at_once("cut", {})

    def close(self, code: int = 1012) -> None:
        """Close every socket now, politely."""
        self.at_once("close", {"code": code})

    def crash_channels(self) -> None:
        """Tell every channel ``phx_error``; it is gone at the server until it joins again."""
        self.at_once("crash", {})

    def end_channels(self, message: str) -> None:
        """Tell every channel a system error and ``phx_close``, as when a token has expired."""
        self.at_once("end", {"message": message})

    def say_database_error(self, message: str) -> None:
        """Tell every channel a system error of its database subscription; it stays open and goes on."""
        self.at_once("database", {"message": message})

    def clear(self) -> None:
        """All is well again, and hanging calls are let go (their connections close)."""
        self._armed.clear()
        self.realtime = RealtimeFaults()
        self.max_rows = 1000
        self._released.set()
        self._released = asyncio.Event()
        self.at_once("clear", {})

    @property
    def armed(self) -> int:
        """How many calls will still meet a fault."""
        return sum(fault.times for fault in self._armed)

    def take(self, path: str) -> RestFault | None:
        """Use up the first fault that fits this path."""
        for fault in self._armed:
            if path.startswith(fault.path):
                fault.times -= 1
                if not fault.times:
                    self._armed.remove(fault)
                return fault
        return None

    async def released(self) -> None:
        """Wait until the faults are cleared."""
        await self._released.wait()
