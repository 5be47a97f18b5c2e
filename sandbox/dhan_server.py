"""The sandbox's Dhan on loopback: REST, price feed, order updates, instrument master, one port.

A peer, not a mock: the unmodified ``dhanhq`` client works against it. All state is in `Exchange` and the
market behind it; this class is transport and the beat that lets prices move.

    market = Market(now_s())
    server = DhanServer(Exchange(market), market, now_s=now_s)
    await server.start()
    ... server.api_url, server.feed_url, server.order_update_url, server.instruments_url ...
    server.faults.stall()                 # the next POST /orders is taken and never answered
    market.set_quote(key, 10_000, 10_050) # paise; `await server.step()` sends it when step_s is 0
    await server.stop()
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox import control, desk, master, rest_absent, rest_account, rest_charts, rest_data, rest_orders
from sandbox.dhan_feed import FeedRoom
from sandbox.dhan_orders import UpdateRoom
from sandbox.dhan_rest import Habits, World, mount, not_found
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.faults import Faults
from sandbox.tokens import mount_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.model import InstrumentKey
    from sandbox.limits import RateLimits
    from sandbox.quotes import QuoteSource

_HOST = "127.0.0.1"
_SOONEST_S = 0.001
_LATEST_S = 0.05


class DhanServer:
    """Starts, stops and steps the whole of it.

    Attributes:
        exchange: orders, positions, accounts, and `Exchange.log` of every request that would change
            something.
        market: where prices come from.
        faults: the switchboard.
        habits: choices where sources about Dhan disagree.
        limits: rate limits; ``limits.enforced = False`` lets everything pass.
    """

    def __init__(
        self,
        exchange: Exchange,
        market: QuoteSource,
        *,
        now_s: Callable[[], float],
        client_id: str = DEFAULT_CLIENT,
        token: str = "sandbox-token",  # noqa: S107 - the sandbox's own, worth nothing
        step_s: float = 0.25,
        habits: Habits | None = None,
        port: int = 0,
    ) -> None:
        """``step_s``: how often prices move by themselves; 0 = only by `step`. ``port``: 0 = any free one."""
        self.exchange = exchange
        self.market = market
        self.faults = Faults()
        self._now_s = now_s
        self._step_s = step_s
        self._world = World(exchange, self.faults, now_s, self._settle, habits or Habits())
        self._feed = FeedRoom(self._world)
        self._updates = UpdateRoom(self._world)
        self._runner: web.AppRunner | None = None
        self._stepper: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._port = port
        if client_id not in exchange.accounts:
            exchange.open_account(client_id, token, now_s())

    @property
    def habits(self) -> Habits:
        """Choices where sources about Dhan disagree."""
        return self._world.habits

    @property
    def limits(self) -> RateLimits:
        """The rate limits."""
        return self._world.limits

    @property
    def feed_connections(self) -> int:
        """How many feed sockets are open."""
        return self._feed.connections

    @property
    def update_listeners(self) -> int:
        """How many order-update sockets are logged in."""
        return self._updates.listeners

    @property
    def subscribed(self) -> dict[InstrumentKey, int]:
        """Every subscribed contract with its request code: 15 ticker, 17 quote, 21 full."""
        return self._feed.subscribed

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true; looks whenever a request, login, subscription or hang-up happened."""
        await self._world.bell.until(true)

    @property
    def api_url(self) -> str:
        """Base of the trading and data API, with ``/v2``."""
        return f"{self.auth_url}/v2"

    @property
    def auth_url(self) -> str:
        """Base of the auth host."""
        return f"http://{_HOST}:{self._port}"

    @property
    def feed_url(self) -> str:
        """The price feed; clients add ``?version=2&token=...``."""
        return f"ws://{_HOST}:{self._port}/feed"

    @property
    def order_update_url(self) -> str:
        """The order-update socket."""
        return f"ws://{_HOST}:{self._port}/order-update"

    @property
    def instruments_url(self) -> str:
        """Base of the instrument files: ``/api-scrip-master.csv``, ``/api-scrip-master-detailed.csv``."""
        return f"{self.auth_url}/api-data"

    async def start(self) -> None:
        """Listen on the loopback, and let prices move. Raises OSError when the port is taken."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._note(self.market.instruments)
        if self._step_s:
            self._stepper = asyncio.get_running_loop().create_task(self._beat(), name="sandbox market")

    async def stop(self) -> None:
        """Stop the beat, cut every connection, free the port."""
        if self._stepper is not None:
            self._stepper.cancel()
            await asyncio.gather(self._stepper, return_exceptions=True)
            self._stepper = None
        if self._timer is not None:
            self._timer.cancel()
        self._feed.cut()
        self._updates.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def step(self) -> None:
        """Let prices move up to now, orders meet them, and clients hear of it."""
        self.market.step(self._now_s())
        self._settle()
        changed = self.market.take_changes()
        self._note(changed)
        self._feed.publish(changed)
        self._world.bell.ring()

    def _note(self, keys: Iterable[InstrumentKey]) -> None:
        for key in keys:
            if quote := self.market.quote(key):
                self._world.candles.note(quote, self._now_s())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._step_s)
            await self.step()

    def _settle(self) -> None:
        """Make happen what is due at the exchange, tell of it, and wake again for the next."""
        now_s = self._now_s()
        self.exchange.advance(now_s)
        desk.watch_pnl(self.exchange, now_s)
        while self.exchange.updates:
            self._updates.publish(self.exchange.updates.popleft())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_s = self.exchange.next_due_s()
        if due_s is not None and self._runner is not None:
            wait_s = min(max(due_s - now_s, _SOONEST_S), _LATEST_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._settle)

    def _app(self) -> web.Application:
        app = web.Application()
        world = self._world
        app.on_response_prepare.append(self._date)
        for room in (rest_orders, rest_account, rest_data, rest_charts, rest_absent):
            mount(app, world, room.ROUTES)
        mount_auth(app, world)
        control.mount_control(app, world, self.step)
        for path, serve in (("/feed", self._feed.serve), ("/order-update", self._updates.serve)):
            app.router.add_get(path, serve)
            app.router.add_get(path + "/", serve)
        app.router.add_get("/api-data/api-scrip-master.csv", self._compact)
        app.router.add_get("/api-data/api-scrip-master-detailed.csv", self._detailed)
        app.router.add_route("*", "/{rest:.*}", not_found(world))
        return app

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Every answer tells this world's time, not the host's."""
        response.headers["Date"] = formatdate(self._now_s() + self.habits.date_ahead_s, usegmt=True)

    async def _compact(self, _request: web.Request) -> web.Response:
        text = master.compact(self._world.relisting.listed(self.market.instruments.values()))
        return web.Response(text=text, content_type="text/csv")

    async def _detailed(self, _request: web.Request) -> web.Response:
        text = master.detailed(self._world.relisting.listed(self.market.instruments.values()), self.market)
        return web.Response(text=text, content_type="text/csv")
