"""Realtime: sockets that speak Phoenix (vsn 1.0.0), and the one reader that feeds their channels."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
from aiohttp import web

from sandbox.bell import Bell
from sandbox.supabase.changes import Changes
from sandbox.supabase.errors import ApiFault
from sandbox.supabase.phoenix import Socket

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.supabase.faults import Faults
    from sandbox.supabase.keys import Keys
    from sandbox.supabase.phoenix import Channel

_AGAIN_S = 0.1
_slots = itertools.count(1)


class RealtimeRoom:
    """All sockets of a project, and the reader of its database, which runs from the first join on."""

    def __init__(
        self, pool: asyncpg.Pool, keys: Keys, faults: Faults, *, now_s: Callable[[], float], poll_s: float
    ) -> None:
        """Nobody is connected."""
        self._pool = pool
        self.keys, self.faults, self.now_s = keys, faults, now_s
        self._poll_s = poll_s
        self._bell = Bell()
        self._rounds = 0
        self._reader: asyncio.Task[None] | None = None
        self._sockets: list[Socket] = []
        self._ids = itertools.count(28_259_552)
        self.handshakes = 0
        faults.at_once = self._at_once

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    @property
    def channels(self) -> list[Channel]:
        """Every joined channel."""
        return [channel for socket in self._sockets for channel in socket.channels.values()]

    @property
    def live(self) -> int:
        """How many channels get changes of the database."""
        return sum(channel.live for channel in self.channels)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true; looks at each join, leave, message and turn of the reader."""
        await self._bell.until(true)

    def changed(self) -> None:
        """Something happened that somebody may be waiting for."""
        self._bell.ring()

    def next_id(self) -> int:
        """The number of a subscription."""
        return next(self._ids)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One client's socket, from handshake to end."""
        self.handshakes += 1
        told = self.faults.realtime
        if told.refuse_upgrade > 0:
            told.refuse_upgrade -= 1
            self.changed()
            return web.json_response({"message": "ordered by the test"}, status=told.upgrade_status)
        try:
            caller = self.keys.of_key(request.query.get("apikey", ""))
        except ApiFault as refused:
            return refused.answer()
        socket = Socket(self, request, caller)
        self._sockets.append(socket)
        self.changed()
        try:
            return await socket.run()
        finally:
            self._sockets.remove(socket)
            self.changed()

    async def stop(self) -> None:
        """Cut every socket and end the reader."""
        self._at_once("cut", {})
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None

    async def drained(self) -> None:
        """Wait until everything committed before this call has been read."""
        if self._reader is None:
            self._reader = asyncio.get_running_loop().create_task(self._read(), name="sandbox realtime")
        begun = self._rounds
        await self._bell.until(lambda: self._rounds >= begun + 2)

    async def _read(self) -> None:
        while True:
            # the last when the connection ends between two steps of one query
            with suppress(
                OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                async with self._pool.acquire() as db:
                    await self._follow(Changes(db, f"sandbox_realtime_{next(_slots)}"))
            await asyncio.sleep(_AGAIN_S)  # the database has gone; what happens meanwhile is not told

    async def _follow(self, source: Changes) -> None:
        await source.open()
        while True:
            for channel in [each for each in self.channels if each.unchecked]:
                await channel.check(source)
            for change in await source.read():
                for channel in self.channels:
                    await channel.tell(source, change)
            for channel in self.channels:
                channel.check_token()
            self._rounds += 1
            self.changed()
            await asyncio.sleep(self._poll_s)

    def _at_once(self, deed: str, words: dict[str, Any]) -> None:
        for socket in list(self._sockets):
            socket.suffer(deed, words)
        self.changed()
