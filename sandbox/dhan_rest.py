"""The HTTP side of the sandbox's Dhan: who may call, how often, what goes wrong, and the routes.

Every request passes the same way: an armed fault may swallow it; the token is checked; the rate limit
counts it; the handler answers; an armed fault may spoil the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox import refusals
from sandbox.bell import Bell
from sandbox.candles import Candles
from sandbox.exchange import Mutation
from sandbox.limits import Group, RateLimits
from sandbox.misbehaviour import misbehave
from sandbox.refusals import Refusal
from sandbox.relisting import Relisting
from sandbox.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.account import Account
    from sandbox.exchange import Exchange
    from sandbox.faults import Faults, RestFault

PREFIX = "/v2"


@dataclass(slots=True)
class Habits:
    """Where Dhan's own pages and recordings disagree: which of the seen behaviours this server has.

    Attributes:
        bare_202: changes, cancellations, conversions and exit-all answer 202 without a body.
        order_as_object: ``GET /orders/{id}`` gives an object, not an array of one.
        unknown_external: HTTP status of that call for an id nobody used, 400 or 404.
        mint_refusal: HTTP status of the refusal to make a second token within two minutes, 400 or 200.
        external_as_array: ``GET /orders/external/{id}`` gives an array, not an object.
        pascal_updates: order updates in the documented spelling, not in the wire's.
        stack: packets per feed frame.
        stack_updates: order updates per frame, one JSON object right after the other.
        reply_s: how long replies of order calls take.
        update_s: how long an order update takes to be sent.
        ping_s: how often a socket pings its client.
        pong_within_s: how long a socket lives without a pong.
        date_ahead_s: how far the clock of the Date header is ahead of the exchange's.
    """

    bare_202: bool = False
    order_as_object: bool = False
    external_as_array: bool = False
    unknown_external: int = 400
    mint_refusal: int = 400
    pascal_updates: bool = False
    stack: int = 1
    stack_updates: int = 1
    reply_s: float = 0.0
    update_s: float = 0.0
    ping_s: float = 10.0
    pong_within_s: float = 40.0
    date_ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """What every room of the server shares."""

    exchange: Exchange
    faults: Faults
    now_s: Callable[[], float]
    settle: Callable[[], None]
    habits: Habits = field(default_factory=Habits)
    limits: RateLimits = field(default_factory=RateLimits)
    candles: Candles = field(default_factory=Candles)
    bell: Bell = field(default_factory=Bell)
    relisting: Relisting = field(default_factory=Relisting)


@dataclass(frozen=True, slots=True)
class Call:
    """One understood request."""

    world: World
    request: web.Request
    account: Account
    body: dict[str, Any]
    now_s: float
    fault: RestFault | None

    def part(self, name: str) -> str:
        """A piece of the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; the handler returns what goes out as JSON, or a whole response."""

    verb: str
    path: str
    group: Group
    handler: Callable[[Call], Any]
    changes: bool = False


def mount(app: web.Application, world: World, routes: Iterable[Route]) -> None:
    """Serve these endpoints under ``/v2``, with and without a slash at the end."""
    for route in routes:

        async def serve(request: web.Request, route: Route = route) -> web.StreamResponse:
            return await _serve(world, route, request)

        app.router.add_route(route.verb, PREFIX + route.path, serve)
        app.router.add_route(route.verb, PREFIX + route.path + "/", serve)


def not_found(world: World) -> Callable[[web.Request], Any]:
    """The answer to a path that does not exist."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return _json(refusals.unknown_path(request.path, world.now_s()))

    return serve


def bare(world: World, reply: dict[str, Any]) -> Any:
    """The reply of a change: its JSON, or 202 with nothing, by habit."""
    return web.Response(status=202) if world.habits.bare_202 else reply


async def _serve(world: World, route: Route, request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    now_s = world.now_s()
    path = request.path.removeprefix(PREFIX)
    if route.changes:
        client_id = request.headers.get("client-id", "")
        mutation = Mutation(now_s, client_id, request.method, path, _lenient(raw))
        world.exchange.log.append(mutation)
    fault = world.faults.take(request.method, path)
    answer: web.StreamResponse = web.Response()
    if fault is None or fault.accepted:
        answer = _answer(world, route, request, raw, fault)
        world.settle()
    world.bell.ring()
    if route.group is Group.ORDER and world.habits.reply_s:
        await asyncio.sleep(world.habits.reply_s)
    if fault is not None:
        return await misbehave(request, fault, answer)
    return answer


def _answer(
    world: World, route: Route, request: web.Request, raw: bytes, fault: RestFault | None
) -> web.StreamResponse:
    try:
        now_s = world.now_s()
        world.settle()
        account = _account(world, request, now_s, data=route.group in {Group.DATA, Group.QUOTE})
        if not world.limits.allow(account.client_id, route.group, now_s):
            data = route.group in {Group.DATA, Group.QUOTE}
            raise refusals.data(429, 805) if data else refusals.too_fast()
        _check_rights(world, route)
        call = Call(world, request, account, _body(raw), now_s, fault)
        result = route.handler(call)
    except Refusal as refusal:
        return _json(refusal)
    if isinstance(result, web.StreamResponse):
        return result
    return web.json_response(result)


def _account(world: World, request: web.Request, now_s: float, *, data: bool) -> Account:
    token = request.headers.get("access-token", "")
    for account in world.exchange.accounts.values():
        if account.token == token and not world.faults.refuse_tokens:
            if now_s >= account.token_expires_s:
                raise refusals.data(401, 807) if data else refusals.bad_token()
            if data and request.headers.get("client-id") != account.client_id:
                raise refusals.data(401, 810)
            return account
    if world.faults.token_as_order_error:
        raise refusals.invalid_token_as_order_error()
    raise refusals.data(401, 808) if data else refusals.bad_token()


def _check_rights(world: World, route: Route) -> None:
    if world.faults.no_data_plan and route.group in {Group.DATA, Group.QUOTE}:
        raise refusals.no_data_plan()
    if world.faults.wrong_ip and route.group is Group.ORDER:
        raise refusals.bad_input("Invalid IP")


def _body(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = parse(raw)
    except ValueError as wrong:
        raise refusals.bad_input() from wrong
    if not isinstance(body, dict):
        raise refusals.bad_input()
    return body


def _lenient(raw: bytes) -> Any:
    try:
        return parse(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def _json(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.body, status=refusal.status)
