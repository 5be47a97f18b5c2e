"""A Supabase of one's own on loopback: REST and Realtime over a PostgreSQL.

A peer, not a mock: the unmodified ``supabase`` client works against it. Rights, row level security,
constraints, functions and what Realtime tells come from the database itself; this is transport.

    server = SupabaseServer({"host": "/tmp/pg", "user": "postgres", "database": "postgres"})
    await server.start()
    ... server.url, server.keys.secret ...
    server.faults.fail(503, times=2)
    server.faults.realtime.silent = True
    await server.stop()
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from aiohttp import web

from sandbox.supabase.control import mount_control
from sandbox.supabase.faults import Faults
from sandbox.supabase.keys import Keys
from sandbox.supabase.realtime import RealtimeRoom
from sandbox.supabase.rest import RestRoom

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HOST = "127.0.0.1"
_MOST_CONNECTIONS = 6
#: PostgREST itself has no limit; a file of some ten thousand rows goes in with one call.
_LARGEST_BODY_BYTES = 32 * 2**20


class SupabaseServer:
    """Starts and stops all of it; stopped and started again it keeps its port, which makes an outage.

    Attributes:
        keys: what it lets in.
        faults: the switchboard.
    """

    def __init__(
        self,
        database: Mapping[str, Any],
        *,
        now_s: Callable[[], float] = time.time,
        poll_s: float = 0.02,
        port: int = 0,
    ) -> None:
        """Nothing listens before `start`.

        Args:
            database: arguments of `asyncpg.connect`, for a superuser.
            now_s: the clock by which tokens end.
            poll_s: how often Realtime looks for changes (hosted: 0.1).
            port: to listen on; 0 = any free one.
        """
        self.keys = Keys(now_s)
        self.faults = Faults()
        self._database = dict(database)
        self._now_s, self._poll_s, self._port = now_s, poll_s, port
        self._pool: asyncpg.Pool | None = None
        self._runner: web.AppRunner | None = None
        self._realtime: RealtimeRoom | None = None
        self._rest: RestRoom | None = None

    @property
    def url(self) -> str:
        """The project's address: ``SUPABASE_URL``."""
        return f"http://{_HOST}:{self._port}"

    @property
    def rest(self) -> RestRoom:
        """The REST API and its calls, while started."""
        if self._rest is None:
            raise RuntimeError("not started")
        return self._rest

    @property
    def realtime(self) -> RealtimeRoom:
        """Realtime and who listens, while started."""
        if self._realtime is None:
            raise RuntimeError("not started")
        return self._realtime

    async def start(self) -> None:
        """Connect to the database and listen on loopback. Raises OSError when either cannot be."""
        self._pool = await asyncpg.create_pool(**self._database, min_size=1, max_size=_MOST_CONNECTIONS)
        self._rest = RestRoom(self._pool, self.keys, self.faults)
        self._realtime = RealtimeRoom(
            self._pool, self.keys, self.faults, now_s=self._now_s, poll_s=self._poll_s
        )
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.router.add_route("*", "/rest/v1/{path:.+}", self._rest.serve)
        app.router.add_get("/realtime/v1/websocket", self._realtime.serve)
        mount_control(app, self._rest, self._realtime, self.faults)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut every connection and free the port; harmless when not started."""
        if self._realtime is not None:
            await self._realtime.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def __aenter__(self) -> Self:
        """Start with the block."""
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop with the block."""
        await self.stop()
