"""An order desk made by hand: it says when each request came, and can do to its callers what servers do.

``python -m tests.support.order_desk`` serves in a process of its own: it prints its port, then a line of JSON
for each request. An accepted order's number is the moment at which its last byte had come, nanoseconds of
the monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

_HEAD_END = b"\r\n\r\n"


class Asked(NamedTuple):
    """One request; the names of its headers in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at_ns: int

    @property
    def name(self) -> str:
        """The correlation id of a place."""
        return str(json.loads(self.body)["correlationId"]) if self.method == "POST" else self.target


class OrderDesk:
    """The server's side of every connection.

    Attributes:
        asked: every request, in the order in which they were complete.
        opened: how many connections were ever made.
        writers: of the connections that stand.
        replies: what the next requests are answered with, bytes as they are; without any an order is taken.
        gate: while it is closed no answer passes.
        told: called with each request.
    """

    def __init__(self, told: Callable[[Asked], None] = lambda _asked: None) -> None:
        self.asked: list[Asked] = []
        self.opened = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.replies: list[bytes | None] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.port = 0
        self._told = told
        self._news = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true; looks whenever a connection or a request has come or gone."""
        async with asyncio.timeout(10.0):
            while not true():
                self._news.clear()
                await self._news.wait()

    def hang_up(self) -> None:
        """Close every connection that stands, in order."""
        for writer in self.writers:
            writer.close()

    def reset(self) -> None:
        """Break every connection that stands."""
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; ``None`` among the replies ends it without one."""
        self.opened += 1
        self.writers.append(writer)
        self._news.set()
        try:
            while True:
                asked = await _request(reader)
                self.asked.append(asked)
                self._told(asked)
                self._news.set()
                await self.gate.wait()
                reply = self.replies.pop(0) if self.replies else taken(asked.at_ns)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.remove(writer)
            self._news.set()
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = await reader.readuntil(_HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.strip().casefold(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, time.monotonic_ns())


def answer(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """An HTTP answer with this body and more headers."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def taken(number: int) -> bytes:
    """The answer that an order of this number is taken."""
    return answer(json.dumps({"orderId": str(number), "orderStatus": "TRANSIT"}).encode())


@asynccontextmanager
async def order_desk(tls: ssl.SSLContext | None = None) -> AsyncIterator[OrderDesk]:
    """One of this loop."""
    made = OrderDesk()
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = listener.sockets[0].getsockname()[1]
    async with listener:
        try:
            yield made
        finally:
            made.gate.set()
            made.reset()
            await made.until(lambda: not made.writers)


def _say(what: str | int) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until killed."""
    desk = OrderDesk(lambda asked: _say(asked.name))
    async with await asyncio.start_server(desk.serve, "127.0.0.1", 0) as listener:
        _say(listener.sockets[0].getsockname()[1])
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
