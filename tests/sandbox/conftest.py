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
