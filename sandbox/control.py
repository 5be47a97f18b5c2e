"""The sandbox's own endpoints: what happened, and the switchboard, for a test in another process."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox import rows
from sandbox.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.dhan_rest import World

_ARMS = frozenset(
    {"stall", "reset", "half_body", "error", "late", "reject", "delay_positions", "cut", "clear"}
)


def mount_control(app: web.Application, world: World, step: Callable[[], Awaitable[None]]) -> None:
    """Serve ``GET /sandbox/state``, ``POST /sandbox/faults`` and ``POST /sandbox/step``."""

    async def state(_request: web.Request) -> web.Response:
        """Everything every account has done, as plain JSON."""
        world.settle()
        return web.json_response(_state(world))

    async def faults(request: web.Request) -> web.Response:
        """Like ``{"arm": METHOD}``, ``{"feed": {"silent": true}}``, ``{"set": {"refuse_tokens": true}}``."""
        asked: dict[str, Any] = await request.json()
        try:
            _set(world.faults, asked)
        except (TypeError, ValueError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({"armed": [asdict(fault) for fault in world.faults.rest]})

    async def stepped(_request: web.Request) -> web.Response:
        """Let prices and orders move up to now."""
        await step()
        return web.json_response(_state(world))

    app.router.add_get("/sandbox/state", state)
    app.router.add_post("/sandbox/faults", faults)
    app.router.add_post("/sandbox/step", stepped)


def _set(faults: Faults, asked: dict[str, Any]) -> None:
    arm = asked.pop("arm", None)
    for kind, fields in (("feed", faults.feed), ("updates", faults.updates), ("set", faults)):
        for name, value in asked.pop(kind, {}).items():
            getattr(fields, name)
            setattr(fields, name, value)
    if arm is None:
        return
    if arm not in _ARMS:
        raise ValueError(f"read arm={arm!r}, expected one of {', '.join(sorted(_ARMS))}")
    getattr(faults, arm)(**asked)


def _state(world: World) -> dict[str, Any]:
    now_s = world.now_s()
    source = world.exchange.source
    accounts = {}
    for client_id, account in world.exchange.accounts.items():
        accounts[client_id] = {
            "positions": [
                rows.position_row(client_id, at, source.instruments[at.key], source.quote(at.key))
                for at in account.holdings().values()
            ],
            "orders": [rows.order_row(order) for order in account.orders.values()],
            "trades": [rows.trade_row(t, account.orders[t.order_id]) for t in account.trades],
        }
    log = [asdict(mutation) for mutation in world.exchange.log]
    return {"now_s": now_s, "accounts": accounts, "log": log}
