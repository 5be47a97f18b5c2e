"""An ear at a channel of the unmodified client, and a bare socket for what the client keeps to itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from realtime.types import RealtimeAcknowledgementStatus
from supabase import AsyncClient

from sandbox.bell import Bell
from sandbox.supabase_server import SupabaseServer

_WAIT_S = 10.0


class Ear:
    """What one channel has told.

    Attributes:
        events: payloads of changes, oldest first.
        states: what became of the channel, in words.
        words: the system's messages that the client passes on.
        replies: answers to `push`.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.states: list[str] = []
        self.words: list[str] = []
        self.replies: list[Any] = []
        self._bell = Bell()

    async def join(
        self, client: AsyncClient, table: str = "trades", *, name: str = "watch", **more: Any
    ) -> Ear:
        """Open the channel; returns when the client does, whatever became of it."""
        config = {"broadcast": {"ack": True, "self": False}, "presence": {"key": "", "enabled": False}}
        self.channel = client.channel(name, {"config": config | {"private": False}})
        self.channel.on_postgres_changes(
            "*", self._note(self.events), schema="public", table=table, **more
        )  # fmt: skip
        self.channel.on_system(lambda payload: self._note(self.words)(payload.message))
        await self.channel.subscribe(lambda state, _error: self._note(self.states)(state.value))
        return self

    async def live(self, times: int = 1) -> Ear:
        """Wait until the database's changes flow (again)."""
        await self.until(lambda: self.words.count("Subscribed to PostgreSQL") >= times)
        return self

    async def ask(self) -> None:
        """A push whose answer lands in `replies`."""
        push = await self.channel.push("broadcast", {"type": "broadcast", "event": "ask", "payload": {}})
        push.receive(RealtimeAcknowledgementStatus.Ok, self._note(self.replies))

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something told; raises TimeoutError with all of it."""
        try:
            await asyncio.wait_for(self._bell.until(true), _WAIT_S)
        except TimeoutError:
            raise TimeoutError(f"{self.states} {self.words} {self.events}") from None

    async def heard(self, count: int) -> list[dict[str, Any]]:
        """So many changes, without what is around them."""
        await self.until(lambda: len(self.events) >= count)
        return [event["data"] for event in self.events]

    def _note(self, shelf: list[Any]) -> Callable[[Any], None]:
        def note(what: Any) -> None:
            shelf.append(what)
            self._bell.ring()

        return note


class Wire:
    """A bare socket that speaks Phoenix by hand."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def say(
        self, event: str, payload: Any, *, topic: str = "realtime:x", ref: str | None = "1"
    ) -> None:
        """Send a frame."""
        frame = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": ref}
        await self.socket.send(json.dumps(frame))

    async def hear(self) -> Any:
        """The next frame."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), _WAIT_S))

    async def join(self, table: str, *, token: str = "") -> list[Any]:
        """Join and go live; the two frames that say so."""
        change = {"event": "*", "schema": "public", "table": table}
        await self.say("phx_join", {"config": {"postgres_changes": [change]}, "access_token": token})
        return [await self.hear(), await self.hear()]


@asynccontextmanager
async def wire(server: SupabaseServer, key: str = "", *, vsn: str = "1.0.0") -> AsyncIterator[Wire]:
    """A socket for a block, with the secret key unless told otherwise."""
    address = server.url.replace("http", "ws", 1)
    key = key or server.keys.secret
    async with websockets.connect(f"{address}/realtime/v1/websocket?apikey={key}&vsn={vsn}") as socket:
        yield Wire(socket)
