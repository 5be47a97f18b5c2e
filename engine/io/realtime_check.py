"""``python -m engine check realtime``: a marked row is put in, changed and removed; how soon each is told.

The row is in ``engine_heartbeats`` and is nobody's trade. It is removed again whatever happens.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from websockets.exceptions import InvalidStatus, WebSocketException

from engine.errors import BadInput, SourceError, Unreachable
from engine.io.stores.realtime_session import Kind, Session
from engine.io.stores.supabase_gate import Gate
from engine.project import project_of
from engine.settings import Settings

if TYPE_CHECKING:
    from supabase import AsyncClient

_TABLE = "engine_heartbeats"
#: How long each word is waited for.
WAIT_S = 15.0


async def check_realtime(settings: Settings, wait_s: float = WAIT_S) -> dict[str, float]:
    """How long each step took, in milliseconds, in order: ``live``, ``insert``, ``update``, ``delete``.

    Raises:
        BadInput: no project is set.
        SourceError: it cannot be reached, or a change was not told; says which.
    """
    project = project_of(settings.supabase_url, settings.supabase_secret_key, settings.supabase_anon_key)
    if project is None:
        raise BadInput("SUPABASE_URL and SUPABASE_SECRET_KEY are not set (.env.example)")
    gate = Gate(project.url, project.key, sees_all=project.sees_all)
    row_id = f"check/{secrets.token_hex(4)}"
    session = Session(project.url, project.key, row_id, wait_s)
    try:
        return await _steps(gate, session, row_id, wait_s)
    except InvalidStatus as refused:
        raise Unreachable(f"realtime refuses the key (HTTP {refused.response.status_code})") from None
    except (OSError, WebSocketException) as error:
        raise Unreachable(f"realtime cannot be reached ({type(error).__name__})") from None
    finally:
        await session.close()
        await _sweep(gate, row_id)
        await gate.close()


async def _steps(gate: Gate, session: Session, row_id: str, wait_s: float) -> dict[str, float]:
    now_s = asyncio.get_running_loop().time
    took_ms: dict[str, float] = {}

    async def step(name: str, deed: Awaitable[Any], kind: Kind, beat: int = 0) -> None:
        began_s = now_s()
        try:
            async with asyncio.timeout(wait_s):
                await deed
                await _hear(session, kind, beat)
        except TimeoutError:
            raise Unreachable(f"{name}: not told within {wait_s:g} s") from None
        took_ms[name] = (now_s() - began_s) * 1_000

    row = {"id": row_id, "beat": 1, "note": "python -m engine check realtime"}
    await step("live", session.open((), _TABLE), Kind.LIVE)
    await step("insert", gate.ask(lambda client: client.table(_TABLE).insert(row)), Kind.BEAT, 1)
    changed = gate.ask(lambda client: client.table(_TABLE).update({"beat": 2}).eq("id", row_id))
    await step("update", changed, Kind.BEAT, 2)
    await step("delete", gate.ask(_delete(row_id)), Kind.GONE)
    return took_ms


async def _hear(session: Session, kind: Kind, beat: int) -> None:
    while True:
        news = await session.news.get()
        if news.kind is Kind.ENDED:
            raise Unreachable(f"realtime: {news.detail}")
        if news.kind is kind and news.beat >= beat:
            return


async def _sweep(gate: Gate, row_id: str) -> None:
    try:
        await gate.ask(_delete(row_id))
    except SourceError:
        return  # what went wrong is told already; a row that stays is marked as what it is


def _delete(row_id: str) -> Callable[[AsyncClient], Any]:
    return lambda client: client.table(_TABLE).delete().eq("id", row_id)


def check_lines(took_ms: dict[str, float]) -> str:
    """What a person reads."""
    lines = [f"{name:<8} {ms:8.1f} ms" for name, ms in took_ms.items()]
    return "\n".join([*lines, "realtime is well: each change was told"])
