"""A sandbox Dhan whose market stands still, and our REST client on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from engine.broker_nouns import OrderRequest, Product
from engine.io.clock import SystemClock
from engine.io.dhan import feed_sockets
from engine.io.dhan.feed_sockets import by_websockets
from engine.io.dhan.limits import Lane, Window
from engine.io.dhan.picows_socket import by_picows
from engine.io.dhan.rest import DhanRest
from engine.model import Instrument, InstrumentKey, Right, Side
from sandbox.dhan_server import DhanServer
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.ist import moment_s
from sandbox.market import Market
from tests.engine.io.dhan import http_peers
from tests.engine.io.dhan.http_peers import TOKEN
from tests.support.order_desk import OrderDesk, order_desk

MORNING_S = moment_s(date(2026, 2, 3), 9, 20)


@pytest.fixture
def market() -> Market:
    made = Market(MORNING_S)
    made.freeze()
    return made


@pytest.fixture
async def server(market: Market) -> AsyncIterator[DhanServer]:
    """Orders reach the exchange at once; the clock stands at 09:20 on a Tuesday."""
    exchange = Exchange(market, latency_s=0.0)
    made = DhanServer(exchange, market, now_s=lambda: MORNING_S, token=TOKEN, step_s=0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=["picows", "websockets"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The library by which the feed reads in this test: each of the two in turn."""
    opened = {"picows": lambda url, _proxy: by_picows(url), "websockets": by_websockets}
    monkeypatch.setattr(feed_sockets, "open_feed", opened[request.param])
    return str(request.param)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


#: For a test of what becomes of orders: by dhanhq on a thread, and by a connection of our own.
both_ways = pytest.mark.parametrize("direct", [False, True], ids=["thread", "direct"])


@pytest.fixture
def direct() -> bool:
    """The way of orders where a test does not care."""
    return False


@pytest.fixture
async def rest(server: DhanServer, executor: ThreadPoolExecutor, direct: bool) -> AsyncIterator[DhanRest]:  # noqa: FBT001 - a fixture
    """A client with short patience, so that lost answers are cheap to test."""
    made = DhanRest(
        client_id=DEFAULT_CLIENT,
        access_token=lambda: TOKEN,
        base_url=server.api_url,
        executor=executor,
        clock=SystemClock(),
        direct=direct,
    )
    made._http.timeout = (0.3, 0.3)
    yield made
    made.close()


@pytest.fixture
async def desk() -> AsyncIterator[OrderDesk]:
    """An order desk that takes everything."""
    async with order_desk() as made:
        yield made


@pytest.fixture
def make(executor: ThreadPoolExecutor) -> Iterator[Callable[..., DhanRest]]:
    """Clients of a port whose orders go by their own connections, any number a second; closed at the end."""
    made: list[DhanRest] = []

    def one(
        port: int, scheme: str = "http", passes: Callable[[], Callable[[], str]] | None = None
    ) -> DhanRest:
        rest = http_peers.client(f"{scheme}://127.0.0.1:{port}/v2", executor, direct=True)
        rest._passes = passes or rest._passes
        rest._order_lane = Lane(SystemClock(), (Window(1_000, 1.0),))
        made.append(rest)
        return rest

    yield one
    for rest in made:
        rest.close()


@pytest.fixture
def option(market: Market) -> Instrument:
    """A NIFTY call quoted 100.00 / 100.50 for as long as the test lasts."""
    made = market.option("NIFTY", 25_300, Right.CALL)
    market.set_quote(made.key, 10_000, 10_050)
    return made


def limit_order(
    key: InstrumentKey, limit_paise: int, *, quantity: int = 65, ioc: bool = False
) -> OrderRequest:
    """A buying order that opens a position; its correlation id names its price."""
    return OrderRequest(f"t-{limit_paise}", key, Side.BUY, quantity, limit_paise, Product.MARGIN, ioc)
