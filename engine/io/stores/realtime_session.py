"""One socket of Supabase Realtime, from its handshake to its end: the unmodified client, never mended.

The client calls back from within its reader, and dies of any exception there: so its callbacks only put
words into a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from realtime import AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.types import RealtimeAcknowledgementStatus, RealtimePostgresChangesListenEvent

if TYPE_CHECKING:
    from realtime import AsyncRealtimeChannel

    from engine.words import Secret

_CONFIG = {
    "config": {
        "broadcast": {"ack": True, "self": False},
        "presence": {"key": "", "enabled": False},
        "private": False,
    }
}
#: How long a farewell is waited for; a peer that is frozen never answers one.
_CLOSE_S = 0.5
#: Farewells that take longer: somebody must hold them until they end.
_leaving: set[asyncio.Future[None]] = set()


class Kind(Enum):
    """What a socket tells."""

    LIVE = auto()  # from here on changes are told
    CHANGE = auto()
    BEAT = auto()  # the canary's row has changed
    GONE = auto()  # the canary's row was removed
    ANSWER = auto()  # to a ping
    ENDED = auto()  # nothing more is to be expected


class News(NamedTuple):
    """One word; ``detail`` why it ended, ``beat`` the canary's number."""

    kind: Kind
    detail: str = ""
    beat: int = 0


class Session:
    """A client of its own for one socket and one channel.

    Args:
        url: the project's.
        key: in the handshake's address, hence never told.
        canary: the id of the row whose changes are beats.
        join_s: how long the answer to the join may take.

    Attributes:
        news: what it has told, in order.
    """

    def __init__(self, url: str, key: Secret, canary: str, join_s: float) -> None:
        """Connect to nothing yet."""
        self.news: asyncio.Queue[News] = asyncio.Queue()
        self._canary = canary
        # Its timeout is an int by its signature alone: it goes to functions that take any number.
        self._client = AsyncRealtimeClient(
            f"{url}/realtime/v1",
            key.reveal(),
            auto_reconnect=False,
            max_retries=1,
            timeout=join_s,  # type: ignore[arg-type]
        )
        self._channel: AsyncRealtimeChannel = self._client.channel("prahari", _CONFIG)  # type: ignore[arg-type]
        self._timers: list[Callable[[], None]] = []

    async def open(self, tables: Iterable[str], beats: str) -> None:
        """Connect and join; that changes flow is told by the news alone.

        Args:
            tables: whose changes are news.
            beats: the table of the canary.

        Raises:
            OSError, TimeoutError, WebSocketException: there is no connection.
        """
        put = self.news.put_nowait
        all_of = RealtimePostgresChangesListenEvent.All
        for table in tables:
            self._channel.on_postgres_changes(
                all_of, lambda _: put(News(Kind.CHANGE)), schema="public", table=table
            )
        self._channel.on_postgres_changes(all_of, self._beat, schema="public", table=beats)
        self._channel.on_system(self._word)
        await self._channel.subscribe(self._state)

    async def ping(self) -> None:
        """Ask for an answer of the channel itself. Raises WebSocketException."""
        told = {"type": "broadcast", "event": "ping", "payload": {}}
        push = await self._channel.push("broadcast", told)
        push.receive(RealtimeAcknowledgementStatus.Ok, lambda _: self.news.put_nowait(News(Kind.ANSWER)))
        self._timers = [push.destroy]

    async def close(self) -> None:
        """Let go of everything that would live on, whatever state it is in."""
        self._channel.rejoin_timer.reset()
        for end in (*self._timers, self._channel.join_push.destroy):
            end()
        farewell = asyncio.ensure_future(self._client.close())
        _leaving.add(farewell)
        farewell.add_done_callback(_leaving.discard)
        await asyncio.wait({farewell}, timeout=_CLOSE_S)
        if not farewell.done():  # it goes on waiting; a second call waits for nobody and ends the rest
            await self._client.close()

    def _beat(self, payload: Any) -> None:
        record, before = payload["data"].get("record") or {}, payload["data"].get("old_record") or {}
        if not record and before.get("id") == self._canary:
            self.news.put_nowait(News(Kind.GONE))
        if record.get("id") == self._canary:
            self.news.put_nowait(News(Kind.BEAT, beat=int(record.get("beat") or 0)))

    def _word(self, payload: Any) -> None:
        if payload.extension == "postgres_changes":
            self.news.put_nowait(News(Kind.LIVE))

    def _state(self, state: RealtimeSubscribeStates, error: Exception | None) -> None:
        if state is not RealtimeSubscribeStates.SUBSCRIBED:
            self.news.put_nowait(News(Kind.ENDED, f"{state.value} {error or ''}".strip()[:300]))
