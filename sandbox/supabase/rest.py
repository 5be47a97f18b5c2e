"""The REST API: keys, faults, transactions and answers around `tables` and `functions`."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import asyncpg
from aiohttp import web

from sandbox.misbehaviour import reset
from sandbox.supabase import functions, tables
from sandbox.supabase.errors import ApiFault, from_database
from sandbox.supabase.faults import RestKind
from sandbox.supabase.prefer import read_prefer
from sandbox.supabase.query import RESERVED

if TYPE_CHECKING:
    from sandbox.supabase.faults import Faults, RestFault
    from sandbox.supabase.keys import Caller, Keys
    from sandbox.supabase.tables import Answer

# What hosted Supabase sets for its roles.
_TIMEOUT_MS = {"anon": 3_000}
_USUAL_TIMEOUT_MS = 8_000
_GATEWAY = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class RestRoom:
    """Everything below ``/rest/v1``.

    Attributes:
        calls: verb, path with query, and status of every call, oldest first.
    """

    def __init__(self, pool: asyncpg.Pool, keys: Keys, faults: Faults) -> None:
        """Serve from this database."""
        self._pool, self._keys, self._faults = pool, keys, faults
        self.calls: list[tuple[str, str, int]] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One call, from key to answer."""
        path = request.match_info["path"]
        response = await self._with_faults(request, path)
        self.calls.append((request.method, request.path_qs, response.status))
        return response

    async def _with_faults(self, request: web.Request, path: str) -> web.StreamResponse:
        fault = self._faults.take(path)
        if fault is None:
            return await self._honest(request, path)
        if fault.kind is RestKind.FAIL:
            return _failure(fault)
        if fault.kind is RestKind.HANG:
            await self._faults.released()
        if fault.kind in {RestKind.HANG, RestKind.DROP}:
            reset(request)
            return web.Response(status=500)
        if fault.kind is RestKind.EMPTY:
            return _json(200, "[]", "*/*")
        response = await self._honest(request, path)
        if fault.kind is RestKind.LOSE_REPLY:
            reset(request)
        await asyncio.sleep(fault.seconds)
        return response

    async def _honest(self, request: web.Request, path: str) -> web.Response:
        try:
            caller = self._keys.of_request(request.headers, request.query)
            body = await _body(request)
            async with self._pool.acquire() as db, db.transaction():
                try:
                    await act_as(db, caller)
                    answer = await self._act(db, request, path, body)
                except asyncpg.PostgresError as error:
                    raise from_database(error, caller.role) from error
        except ApiFault as refused:
            return refused.answer()
        return _json(answer.status, answer.text, answer.content_range)

    async def _act(self, db: asyncpg.Connection, request: web.Request, path: str, body: Any) -> Answer:
        pairs = [pair for pair in request.query.items() if pair[0] != "apikey"]
        prefer = read_prefer(request.headers)
        reading = request.method in {"GET", "HEAD"}
        if path.startswith("rpc/"):
            given = {name: value for name, value in pairs if name not in RESERVED} if reading else body or {}
            return await functions.call(db, path.removeprefix("rpc/"), given, prefer, reading=reading)
        if reading:
            await db.execute("set transaction read only")
        bounds = _bounds(request.headers.get("Range", ""))
        asked = tables.Asked(request.method, path, pairs, body, prefer, bounds, self._faults.max_rows)
        return await tables.serve(db, asked)


async def act_as(db: asyncpg.Connection, caller: Caller) -> None:
    """From here to the end of the transaction the database sees this role and its claims."""
    timeout_ms = _TIMEOUT_MS.get(caller.role, _USUAL_TIMEOUT_MS)
    await db.execute(f'set local role "{caller.role}"; set local statement_timeout = {timeout_ms}')
    await db.execute("select set_config('request.jwt.claims', $1, true)", caller.claims)


async def _body(request: web.Request) -> Any:
    text = await request.text()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise ApiFault(400, "PGRST102", "Empty or invalid json") from None


def _bounds(header: str) -> tuple[int, int | None] | None:
    found = re.fullmatch(r"(\d+)-(\d*)", header)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


def _failure(fault: RestFault) -> web.Response:
    if fault.body is not None:
        return web.json_response(fault.body, status=fault.status)
    return web.Response(status=fault.status, text=_GATEWAY.format(fault.status), content_type="text/html")


def _json(status: int, text: str, content_range: str) -> web.Response:
    headers = {"Content-Range": content_range}
    if not text:
        return web.Response(status=status, headers=headers)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
