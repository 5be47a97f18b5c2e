"""How Telegram fails, on order: error answers, dead connections, silence, lost replies, flood limits."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_WORDS = {
    400: "Bad Request: ordered by the test",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


class FaultKind(StrEnum):
    """What happens to a call."""

    FAIL = "fail"  # refused with an error answer, nothing done
    DROP = "drop"  # the connection closes, nothing done
    HANG = "hang"  # no answer at all until the fault is cleared, nothing done
    LOSE_REPLY = "lose reply"  # done, but the connection closes before the answer


@dataclass(slots=True)
class Fault:
    """One armed fault: for which method (empty = any), and how many more times."""

    kind: FaultKind
    method: str
    times: int
    code: int = 0
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    page: str = ""


class Faults:
    """The switchboard. Faults are used up in the order in which they were armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._released = asyncio.Event()

    def fail(
        self,
        code: int,
        *,
        times: int = 1,
        method: str = "",
        description: str = "",
        retry_after_s: int = 0,
        migrate_to_chat_id: int = 0,
        page: str = "",
    ) -> None:
        """Refuse the next calls with an HTTP status.

        Args:
            code: e.g. 401, 404, 409, 429, 502.
            times: how many calls.
            method: only this Bot API method, e.g. ``sendMessage``; empty = any.
            description: Telegram's words; a usual sentence when empty.
            retry_after_s: seconds in ``parameters.retry_after`` (429; 1 when not given).
            migrate_to_chat_id: the supergroup that a group has become (400).
            page: answer with this HTML instead, like a provider's block page.
        """
        wait_s = retry_after_s or int(code == 429)
        words = description or _WORDS.get(code, f"Error {code}").format(retry_after=wait_s)
        told = {"retry_after": wait_s, "migrate_to_chat_id": migrate_to_chat_id}
        parameters = {name: value for name, value in told.items() if value}
        self._armed.append(Fault(FaultKind.FAIL, method.lower(), times, code, words, parameters, page))

    def drop(self, *, times: int = 1, method: str = "") -> None:
        """Close the connection of the next calls before anything is done."""
        self._armed.append(Fault(FaultKind.DROP, method.lower(), times))

    def hang(self, *, times: int = 1, method: str = "") -> None:
        """Leave the next calls without answer until `clear`, or until the caller gives up."""
        self._armed.append(Fault(FaultKind.HANG, method.lower(), times))

    def lose_reply(self, *, times: int = 1, method: str = "") -> None:
        """Do what the next calls ask, then close the connection instead of answering."""
        self._armed.append(Fault(FaultKind.LOSE_REPLY, method.lower(), times))

    @property
    def armed(self) -> int:
        """How many calls will still meet a fault."""
        return sum(fault.times for fault in self._armed)

    def clear(self) -> None:
        """Disarm everything and let the hanging calls go (their connections close)."""
        self._armed.clear()
        self._released.set()
        self._released = asyncio.Event()

    def take(self, method: str) -> Fault | None:
        """Use up the first fault that fits this method."""
        for fault in self._armed:
            if fault.method in ("", method.lower()):
                fault.times -= 1
                if fault.times == 0:
                    self._armed.remove(fault)
                return fault
        return None

    async def released(self) -> None:
        """Wait until the faults are cleared."""
        await self._released.wait()


class Flood:
    """A model of the per-chat limits: so many sends and edits in a sliding window, then 429.

    The real limits are unpublished and move; known is that edits and sends share them, that groups
    get about 20 a minute, and that answering a tap is free.
    """

    def __init__(
        self,
        *,
        private_calls: int = 10,
        private_window_s: float = 10.0,
        group_calls: int = 20,
        group_window_s: float = 60.0,
    ) -> None:
        self._private = (private_calls, private_window_s)
        self._group = (group_calls, group_window_s)
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)

    def wait_s(self, chat_id: int, now_s: float) -> int:
        """Count one call and return 0, or refuse it and return the whole seconds to wait."""
        calls, window_s = self._private if chat_id > 0 else self._group
        sent = self._sent[chat_id]
        while sent and sent[0] + window_s <= now_s:
            sent.popleft()
        if len(sent) < calls:
            sent.append(now_s)
            return 0
        return max(1, math.ceil(sent[0] + window_s - now_s))
