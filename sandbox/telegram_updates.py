"""The queue from which a bot fetches what people did, and the bell that wakes whoever waits.

Updates stay until a later ``offset`` confirms them, at most a day. One poller at a time: a new call
ends the one that was waiting, which answers 409, exactly as two copies of one bot see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

KEPT_S = 24 * 3600.0

#: Never delivered unless asked for by name.
_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class Superseded(Exception):
    """Another call of getUpdates took over."""


class Bell:
    """Wakes everybody who waits for something to have changed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something changed: let the waiting look again."""
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def until(self, look: Callable[[], T], timeout_s: float) -> T:
        """Look after every ring until it sees something true; return the last look at the timeout."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while not (seen := look()):
            rung = self._rung
            try:
                async with asyncio.timeout_at(ends):
                    await rung.wait()
            except TimeoutError:
                return look()
        return seen


class UpdateQueue:
    """What the bot has not confirmed yet.

    Attributes:
        allowed: the kinds of update that the bot asked for; empty = the usual ones.
        webhook: where a bot wants them sent; while one is set nobody can fetch them.
    """

    def __init__(self, bell: Bell, now: Callable[[], float]) -> None:
        self.allowed: list[str] = []
        self.webhook = ""
        self._bell = bell
        self._now = now
        self._waiting: list[tuple[float, dict[str, Any]]] = []
        self._last_id = 100_000
        self._poll = 0

    def __len__(self) -> int:
        """Count the updates nobody has confirmed."""
        return len(self._waiting)

    def push(self, kind: str, payload: dict[str, Any]) -> None:
        """Queue an update, unless the bot said that it does not want this kind."""
        if kind not in self.allowed if self.allowed else kind in _ON_REQUEST:
            return
        self._last_id += 1
        self._waiting.append((self._now(), {"update_id": self._last_id, kind: payload}))
        self._bell.ring()

    def drop_all(self) -> None:
        """Forget what waits, as deleteWebhook(drop_pending_updates) asks."""
        self._waiting.clear()

    def redeliver(self, update: dict[str, Any]) -> None:
        """Put a confirmed update back at the head: Telegram may deliver one twice."""
        self._waiting.insert(0, (self._now(), update))
        self._bell.ring()

    async def fetch(self, offset: int, limit: int, timeout_s: float) -> list[dict[str, Any]]:
        """Confirm everything before ``offset``, then wait for updates, at most ``timeout_s``.

        Raises:
            Superseded: a later call arrived while this one was waiting.
        """
        self._poll += 1
        poll = self._poll
        self._bell.ring()
        self._confirm(offset)

        def ready() -> list[dict[str, Any]]:
            if poll != self._poll:
                raise Superseded
            return [update for _at, update in self._waiting[:limit]]

        return await self._bell.until(ready, timeout_s)

    def _confirm(self, offset: int) -> None:
        oldest_s = self._now() - KEPT_S
        fresh = [(at, update) for at, update in self._waiting if at >= oldest_s]
        if offset < 0:
            fresh = fresh[offset:]
        self._waiting = [(at, update) for at, update in fresh if update["update_id"] >= offset]
