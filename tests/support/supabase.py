"""The sandbox's Supabase over a database of one test, and the unmodified client against it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from sandbox.supabase_server import SupabaseServer
from tests.support.postgres import Database

TRADE = {
    "strategy_id": 3359,
    "symbol": "NIFTY",
    "strategy": "Iron Condor",
    "security_id": 49081,
    "action": "BUY",
    "type": "PE",
    "strike_price": "24500.00",
    "expiry_date": "2026-02-24",
    "quantity": 130,
    "price": "20.05",
    "order_id": "1",
    "order_status": "TRADED",
    "timestamp": "2026-02-03T09:20:00+05:30",
    "margin": "1000.01",
}


# Loopback speaks plain HTTP; reading all authorities for each client would take longer than most tests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class House:
    """A server, its database, and a client with the secret key."""

    server: SupabaseServer
    database: Database
    client: AsyncClient

    async def put(self, **more: Any) -> int:
        """A row of ``trades``, written beside the API as a person would; its id."""
        cells = TRADE | more
        names = ", ".join(f'"{name}"' for name in cells)
        statement = (
            f"insert into trades ({names}) select {names} "  # noqa: S608
            "from json_populate_record(null::trades, $1) returning id"
        )
        (row,) = await self.database.rows(statement, json.dumps(cells))
        return int(row["id"])


@asynccontextmanager
async def house_on(database: Database) -> AsyncIterator[House]:
    """A server on a migrated database, and its client."""
    async with SupabaseServer(database.terms) as server, client_of(server) as client:
        yield House(server, database, client)


@asynccontextmanager
async def client_of(
    server: SupabaseServer, key: str = "", *, realtime: dict[str, Any] | None = None
) -> AsyncIterator[AsyncClient]:
    """The unmodified client with a key (the secret one by default); all it leaves behind is ended."""
    before = asyncio.all_tasks()
    http = httpx.AsyncClient(verify=NO_TLS, timeout=httpx.Timeout(5, connect=2))
    options = AsyncClientOptions(
        httpx_client=http,
        postgrest_client_retry=False,
        auto_refresh_token=False,
        persist_session=False,
        realtime=realtime or {},
    )
    client = await acreate_client(server.url, key or server.keys.secret, options)
    try:
        yield client
    finally:
        await client.realtime.close()
        await http.aclose()
        await _end(asyncio.all_tasks() - before, server)


async def _end(tasks: set[asyncio.Task[Any]], server: SupabaseServer) -> None:
    """The client's rejoin and push timers live on after its close."""
    theirs = [task for task in tasks if "realtime" in repr(task.get_coro()) and "sandbox" not in repr(task)]
    for task in theirs:
        task.cancel()
    for task in theirs:
        with suppress(asyncio.CancelledError, Exception):
            await task
