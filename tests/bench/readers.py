"""The clients of the parts about the way in, each until it has had a number of packets.

What one of them has understood it gives to ``heard``, as a list of what its parser makes: our ticks, or the
dicts of dhanhq; the floor, which parses nothing, gives the bytes.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dhanhq.marketfeed import MarketFeed
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan import feed_sockets
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.feed_sockets import by_websockets
from engine.wire import decode
from tests.bench.market import PACKET_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.model import InstrumentKey
    from tests.bench.market import Scene

    Heard = Callable[[Sequence[Any]], None]

#: How long a round may take before it is given up.
PATIENCE_S = 120.0
_HEADER_BYTES = 4
_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Zmxvb3IgZmxvb3IgZmxvbw==\r\n\r\n"
)


class Over(Exception):
    """Whoever hears has heard enough."""


def floor(port: int, heard: Heard) -> None:
    """A blocking ``recv``, each message cut out of what came, and nothing else."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.sendall(_HANDSHAKE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(1)
        rest = b""
        try:
            while True:
                data = rest + client.recv(65_536)
                size = _HEADER_BYTES + PACKET_BYTES
                whole = len(data) // size * size
                heard([data[at + _HEADER_BYTES : at + size] for at in range(0, whole, size)])
                rest = data[whole:]
        except Over:
            return


def dhanhq(port: int, heard: Heard) -> None:
    """Dhanhq's own feed, run as its documentation says."""

    class Context:
        """What MarketFeed wants to know of the account."""

        def get_client_id(self) -> str:
            return "1000000001"

        def get_access_token(self) -> str:
            return "bench"

    class Feed(MarketFeed):  # type: ignore[misc]
        """It swallows every exception of a callback, so that the end is told by its flag."""

        over = False

        def told(self, _feed: object, data: dict[str, Any]) -> None:
            goes_on = False
            try:
                heard((data,))
                goes_on = True
            except Over:
                self.over = True
            finally:
                self._running = goes_on

    usual, MarketFeed.market_feed_wss = MarketFeed.market_feed_wss, f"ws://127.0.0.1:{port}/"
    feed = Feed(Context(), [(MarketFeed.NSE_FNO, "1", MarketFeed.Full)])
    feed.on_message = feed.told
    try:
        feed.run()
        feed.loop.run_until_complete(feed.ws.close())
        if not feed.over:
            raise AssertionError("what heard dhanhq's feed has failed")
    finally:
        MarketFeed.market_feed_wss = usual
        feed.loop.close()
        asyncio.set_event_loop(None)


def websockets(port: int, heard: Heard, grid: Mapping[InstrumentKey, int]) -> None:
    """The library as it is, compression off, and our decoder."""

    async def read() -> None:
        async with (
            asyncio.timeout(PATIENCE_S),
            connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None, close_timeout=0.1) as client,
        ):
            try:
                async for frame in client:
                    heard(decode(frame, grid))
            except (Over, ConnectionClosed):
                return

    asyncio.run(read())


def ours(port: int, heard: Heard, market: Scene, *, by: str = "picows") -> None:
    """The house's feed, by either of its clients."""

    async def read() -> None:
        over = asyncio.Event()

        def on_ticks(ticks: Sequence[Any]) -> None:
            try:
                heard(ticks)
            except Over:
                over.set()

        feed = feed_of(market, port, on_ticks)
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            life = group.create_task(feed.run())
            await over.wait()
            life.cancel()

    with reading_by(by):
        asyncio.run(read())


def feed_of(
    market: Scene, port: int, on_ticks: Callable[[Sequence[Any]], None], clock: SystemClock | None = None
) -> DhanFeed:
    """The house's feed on the bench's server, with all contracts of the market."""
    feed = DhanFeed(
        url=f"ws://127.0.0.1:{port}/",
        client_id="1000000001",
        access_token=lambda: "bench",
        on_ticks=on_ticks,
        on_state=lambda _change: None,
        quotes=None,
        clock=clock or SystemClock(),
        jitter=lambda: 0.0,
        policy=FeedPolicy(in_session=tables.calendar().is_open),
    )
    feed.subscribe([contract.instrument for contract in market.contracts.values()])
    return feed


@contextmanager
def reading_by(client: str) -> Iterator[None]:
    """Let the house's feed read by this client, ``picows`` or ``websockets``."""
    usual = feed_sockets.open_feed
    setattr(feed_sockets, "open_feed", by_websockets if client == "websockets" else usual)  # noqa: B010 - mypy
    try:
        yield
    finally:
        setattr(feed_sockets, "open_feed", usual)  # noqa: B010 - mypy
