"""The sandbox's own endpoints: what happened, and the strings to pull, for a test in another process.

- ``GET /sandbox/state``: positions, orders, trades of every account, and the log of changing requests.
- ``POST /sandbox/faults``: ``{"arm": METHOD}`` calls a method of `Faults`; ``{"feed": {"silent": true}}``
  or ``{"updates": {...}}`` sets fields of `SocketFaults`; ``{"set": {"refuse_tokens": true}}`` a switch.
- ``POST /sandbox/habits``: fields of `Habits`, for example ``{"order_as_object": true}``.
- ``POST /sandbox/exchange``: ``{"latency_s": 0.5, "funds": 50000}``, see `sandbox.levers`.
- ``POST /sandbox/market``: ``{"spot": {"NIFTY": 25500}}``, ``{"freeze": true}``, see `sandbox.levers`.
- ``POST /sandbox/step``: prices and orders move up to now; answers the state.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox import rows
from sandbox.faults import SWITCHES, RestFault
from sandbox.levers import assign, one_of, pull_exchange, pull_market
from sandbox.refusals import Refusal
from sandbox.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.dhan_rest import World
    from sandbox.faults import Faults

_ARMS = (
    "clear",
    "cut",
    "delay_books",
    "delay_positions",
    "error",
    "half_body",
    "late",
    "reject",
    "reset",
    "stall",
)
_TERMS = ("accepted", "late_s", "path", "reason", "seconds", "status", "times", "verb")


def mount_control(app: web.Application, world: World, step: Callable[[], Awaitable[None]]) -> None:
    """Serve the endpoints above."""

    async def state(_request: web.Request) -> web.Response:
        """What happened."""
        world.settle()
        return web.json_response(_state(world))

    async def stepped(_request: web.Request) -> web.Response:
        """Let time be felt."""
        await step()
        return web.json_response(_state(world))

    async def market(request: web.Request) -> web.Response:
        """Move prices, and let them be felt."""
        answer = await _pull(request, lambda asked: pull_market(world.exchange.source, asked))
        await step()
        return answer

    async def faults(request: web.Request) -> web.Response:
        """Arm something."""
        return await _pull(request, lambda asked: _set_faults(world.faults, asked))

    async def habits(request: web.Request) -> web.Response:
        """Choose among behaviours."""
        return await _pull(request, lambda asked: _set_habits(world, asked))

    async def exchange(request: web.Request) -> web.Response:
        """Change the exchange and its account; what a hand has sent sets out at once."""
        answer = await _pull(request, lambda asked: pull_exchange(world, asked))
        world.settle()
        return answer

    app.router.add_get("/sandbox/state", state)
    app.router.add_post("/sandbox/step", stepped)
    for name, serve in (("faults", faults), ("habits", habits), ("exchange", exchange), ("market", market)):
        app.router.add_post(f"/sandbox/{name}", serve)


async def _pull(request: web.Request, act: Callable[[dict[str, Any]], Any]) -> web.Response:
    try:
        answer = act(dict(parse(await request.read())))
    except (TypeError, ValueError, AttributeError) as wrong:
        return web.json_response({"error": str(wrong)}, status=400)
    except Refusal as wrong:
        return web.json_response({"error": wrong.body["errorMessage"]}, status=400)
    except KeyError as wrong:
        return web.json_response({"error": f"{wrong.args[0]}: not there"}, status=400)
    return web.json_response(answer or {})


def _set_faults(faults: Faults, asked: dict[str, Any]) -> Any:
    for kind, target in (("feed", faults.feed), ("updates", faults.updates)):
        assign(target, asked.pop(kind, {}))
    assign(faults, asked.pop("set", {}), SWITCHES)
    if "arm" in asked:
        method = getattr(faults, one_of(asked.pop("arm"), _ARMS))
        # Tried on a fault that nobody meets, so that a wrong value fails here and not in a later call.
        assign(RestFault("", "", 1), {name: value for name, value in asked.items() if name in _TERMS}, _TERMS)
        method(**asked)
    elif asked:
        one_of(next(iter(asked)), ("arm", "feed", "set", "updates"))
    return {"armed": [asdict(fault) for fault in faults.rest]}


def _set_habits(world: World, asked: dict[str, Any]) -> Any:
    assign(world.habits, asked)
    return asdict(world.habits)


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
