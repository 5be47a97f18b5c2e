"""A scripted feed server, and an ear that waits for what it wants to hear."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from engine.broker_nouns import BrokerOrder
from engine.messages import FeedChanged, FeedState, Tick
from engine.model import InstrumentKey

PATIENCE_S = 5.0


class Ear:
    """Collects what a client tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.states: list[FeedChanged] = []
        self.orders: list[BrokerOrder] = []
        self.gaps: list[str] = []
        self.stops: list[str] = []
        self._news = asyncio.Event()

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        self.ticks += ticks
        self._news.set()

    def on_state(self, change: FeedChanged) -> None:
        self.states.append(change)
        self._news.set()

    def on_order(self, order: BrokerOrder) -> None:
        self.orders.append(order)
        self._news.set()

    def on_gap(self, why: str) -> None:
        self.gaps.append(why)
        self._news.set()

    def on_stopped(self, why: str) -> None:
        self.stops.append(why)
        self._news.set()

    @property
    def state(self) -> FeedState | None:
        """The last state told."""
        return self.states[-1].state if self.states else None

    async def until(self, heard: Callable[[], object]) -> None:
        """Wait until this is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not heard():
                self._news.clear()
                await self._news.wait()

    def has_gaps(self, number: int) -> bool:
        """Whether so many gaps were told."""
        return len(self.gaps) == number

    async def until_state(self, state: FeedState) -> None:
        """Wait until this is the state."""
        await self.until(lambda: self.state is state)


class Peer:
    """A websocket server that notes what it hears and does what a test says.

    Attributes:
        refusals: HTTP statuses for the coming handshakes.
        greet: frames every new connection gets at once.
        farewell: what ends a new connection after its greeting: a close code, "reset", or None.
    """

    def __init__(self) -> None:
        self.refusals: list[int] = []
        self.greet: list[bytes | str] = []
        self.farewell: int | str | None = None
        self.paths: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self.open: list[ServerConnection] = []
        self.url = ""
        self._news = asyncio.Event()

    async def until(self, seen: Callable[[], object]) -> None:
        """Wait until this is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not seen():
                self._news.clear()
                await self._news.wait()

    async def send(self, frame: bytes | str) -> None:
        """Send to every open connection."""
        for connection in self.open:
            await connection.send(frame)

    def cut(self) -> None:
        """Reset every connection without a close frame."""
        for connection in self.open:
            reset(connection)

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the handshake with an armed status."""
        self.paths.append(request.path)
        self._news.set()
        if not self.refusals:
            return None
        return connection.respond(HTTPStatus(self.refusals.pop(0)), "no\n")

    async def live(self, connection: ServerConnection) -> None:
        """One client from greeting to end."""
        self.open.append(connection)
        self._news.set()
        try:
            for frame in self.greet:
                await connection.send(frame)
            if isinstance(self.farewell, int):
                await connection.close(self.farewell)
            elif self.farewell:
                reset(connection)
            async for text in connection:
                self.heard.append(json.loads(text))
                self._news.set()
        except ConnectionClosed:
            pass
        finally:
            self.open.remove(connection)
            self._news.set()

    def subscribed(self) -> list[tuple[int, list[int]]]:
        """What was heard, as (code, ids) per message."""
        return [
            (message["RequestCode"], [int(item["SecurityId"]) for item in message["InstrumentList"]])
            for message in self.heard
        ]


@asynccontextmanager
async def listening() -> AsyncIterator[Peer]:
    """A peer on a free port of the loopback."""
    peer = Peer()
    server: Server
    async with serve(
        peer.live, "127.0.0.1", 0, process_request=peer.refuse, ping_interval=None, close_timeout=0.2
    ) as server:
        peer.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield peer


def reset(connection: ServerConnection) -> None:
    """End a connection with a TCP reset."""
    raw = connection.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


class FakeQuotes:
    """REST quotes that answer, raise what they are told to, or wait at the gate."""

    def __init__(self) -> None:
        self.calls: list[list[InstrumentKey]] = []
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def quotes(self, keys: Iterable[InstrumentKey]) -> Sequence[Tick]:
        asked = list(keys)
        self.calls.append(asked)
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return [Tick(key, 4_242) for key in asked]


@asynccontextmanager
async def running(*works: Callable[[], Any]) -> AsyncIterator[None]:
    """Run clients while a test looks at them; one that falls over fails the test."""
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        yield
    finally:
        fallen = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in fallen:
        await task
