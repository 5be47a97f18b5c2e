"""The sandbox's own endpoints: what happened, and the strings to pull, for a test in another process.

- ``GET /sandbox/state``: positions, orders, trades of every account, and the log of changing requests.
- ``POST /sandbox/faults``: ``{"arm": METHOD}`` calls a method of `Faults`; ``{"feed": {"silent": true}}``
  or ``{"updates": {...}}`` sets fields of `SocketFaults`; ``{"set": {"refuse_tokens": true}}`` a switch.
- ``POST /sandbox/market``: ``{"spot": {"NIFTY": 25500}}``, ``{"freeze": true}``.
- ``POST /sandbox/step``: prices and orders move up to now; answers the state.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox import rows
from sandbox.market import Market

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.dhan_rest import World
    from sandbox.faults import Faults

_ARMS = ("clear", "cut", "delay_positions", "error", "half_body", "late", "reject", "reset", "stall")
_SWITCHES = ("feed_says_why", "refuse_tokens", "token_as_order_error")


def mount_control(app: web.Application, world: World, step: Callable[[], Awaitable[None]]) -> None:
    """Serve the endpoints above."""

    async def state(_request: web.Request) -> web.Response:
        """What happened."""
        world.settle()
        return web.json_response(_state(world))

    async def faults(request: web.Request) -> web.Response:
        """Arm something."""
        try:
            _set_faults(world.faults, await request.json())
        except (TypeError, ValueError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({"armed": [asdict(fault) for fault in world.faults.rest]})

    async def market(request: web.Request) -> web.Response:
        """Move prices."""
        try:
            _set_market(world.exchange.source, await request.json())
        except (TypeError, ValueError, KeyError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        await step()
        return web.json_response({})

    async def stepped(_request: web.Request) -> web.Response:
        """Let time be felt."""
        await step()
        return web.json_response(_state(world))

    app.router.add_get("/sandbox/state", state)
    app.router.add_post("/sandbox/faults", faults)
    app.router.add_post("/sandbox/market", market)
    app.router.add_post("/sandbox/step", stepped)


def _set_faults(faults: Faults, asked: dict[str, Any]) -> None:
    for kind, fields in (("feed", faults.feed), ("updates", faults.updates)):
        for name, value in asked.pop(kind, {}).items():
            setattr(fields, name, value)
    for name, value in asked.pop("set", {}).items():
        setattr(faults, _one_of(name, _SWITCHES), bool(value))
    if "arm" in asked:
        getattr(faults, _one_of(asked.pop("arm"), _ARMS))(**asked)


def _set_market(source: object, asked: dict[str, Any]) -> None:
    if not isinstance(source, Market):
        raise TypeError("a recorded day cannot be moved")
    for symbol, rupees in asked.get("spot", {}).items():
        source.set_spot(symbol, float(rupees))
    if "freeze" in asked:
        (source.freeze if asked["freeze"] else source.thaw)()


def _one_of(read: str, expected: tuple[str, ...]) -> str:
    if read not in expected:
        raise ValueError(f"read {read!r}, expected one of {', '.join(expected)}")
    return read


def _state(world: World) -> dict[str, Any]:
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
    return {"now_s": world.now_s(), "accounts": accounts, "log": log}
