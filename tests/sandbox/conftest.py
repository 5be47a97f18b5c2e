"""A sandbox Dhan on a market that stands still until a test moves it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from engine.model import Instrument, Right
from sandbox.dhan_server import DhanServer
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.ist import moment_s
from sandbox.market import Market
from sandbox.orders import Order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MORNING_S = moment_s(date(2026, 2, 3), 9, 20)


class Hands:
    """A clock that a test moves by hand."""

    def __init__(self, now_s: float) -> None:
        self.now = now_s

    def __call__(self) -> float:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Hands:
    return Hands(MORNING_S)


@pytest.fixture
def market(clock: Hands) -> Market:
    made = Market(clock())
    made.freeze()
    return made


@pytest.fixture
def exchange(market: Market) -> Exchange:
    return Exchange(market, latency_s=0.05)


@pytest.fixture
async def server(exchange: Exchange, market: Market, clock: Hands) -> AsyncIterator[DhanServer]:
    made = DhanServer(exchange, market, now_s=clock, step_s=0)
    await made.start()
    yield made
    await made.stop()


class Client:
    """Calls the REST API as Dhan's clients do."""

    def __init__(self, server: DhanServer, session: ClientSession) -> None:
        self.server, self.session = server, session
        self.headers = {"access-token": "sandbox-token", "client-id": DEFAULT_CLIENT}

    async def __call__(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON (None when there is no body)."""
        url = path if path.startswith("http") else self.server.api_url + path
        headers = self.headers | more.pop("headers", {})
        async with self.session.request(verb, url, json=body, headers=headers, **more) as response:
            raw = await response.read()
            return response.status, await response.json() if raw else None


@pytest.fixture
async def call(server: DhanServer) -> AsyncIterator[Client]:
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        yield Client(server, session)


def buy(option: Instrument, quantity: int = 65, price: float = 341.0, **more: Any) -> dict[str, Any]:
    """The body of a limit order."""
    return {
        "dhanClientId": DEFAULT_CLIENT,
        "transactionType": "BUY",
        "exchangeSegment": "NSE_FNO",
        "productType": "MARGIN",
        "orderType": "LIMIT",
        "validity": "DAY",
        "securityId": str(option.security_id),
        "quantity": quantity,
        "price": price,
    } | more


@pytest.fixture
def option(market: Market) -> Instrument:
    """A call whose book stands at 340.00 to 341.00."""
    found = market.option("NIFTY", 25_300, Right.CALL)
    market.set_quote(found.key, 34_000, 34_100)
    return found


class Desk:
    """One account at an exchange, with short words for what tests do."""

    def __init__(self, market: Market, exchange: Exchange, clock: Hands) -> None:
        self.market, self.exchange, self.clock = market, exchange, clock
        self.option = market.option("NIFTY", 25_300, Right.CALL)
        exchange.open_account(DEFAULT_CLIENT, "sandbox-token", clock())
        self.quote(33_500, 33_600)

    def body(
        self, side: str = "BUY", quantity: int = 65, price: float = 336.0, **more: Any
    ) -> dict[str, Any]:
        return {
            "transactionType": side,
            "exchangeSegment": "NSE_FNO",
            "productType": "MARGIN",
            "orderType": "LIMIT",
            "validity": "DAY",
            "securityId": str(self.option.security_id),
            "quantity": quantity,
            "price": price,
        } | more

    def place(self, *args: Any, wait: bool = True, **more: Any) -> Order:
        order = self.exchange.place(self.body(*args, **more), self.clock())
        if wait:
            self.wait()
        return order

    def wait(self, seconds: float = 1.0) -> None:
        self.clock.on(seconds)
        self.exchange.advance(self.clock())

    def quote(
        self, bid: int, ask: int, quantity: int | None = None, option: Instrument | None = None
    ) -> None:
        self.market.set_quote((option or self.option).key, bid, ask, quantity=quantity)
        self.exchange.advance(self.clock())

    @property
    def net(self) -> int:
        return self.exchange.net(self.option.key)

    def change(self, order: Order, **terms: Any) -> None:
        self.exchange.modify(order.order_id, terms, self.clock())
        self.wait()


@pytest.fixture
def desk_(market: Market, exchange: Exchange, clock: Hands) -> Desk:
    return Desk(market, exchange, clock)
