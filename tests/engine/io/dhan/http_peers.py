"""HTTP servers that answer with given bytes, and a REST client with short patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from engine.io.clock import SystemClock
from engine.io.dhan.rest import DhanRest

TOKEN = "canary-token-one"


def client(
    base_url: str,
    executor: ThreadPoolExecutor,
    token: Callable[[], str] = lambda: TOKEN,
    *,
    direct: bool = False,
) -> DhanRest:
    """A client with short patience on any address."""
    made = DhanRest(
        client_id="1000000001",
        access_token=token,
        base_url=base_url,
        executor=executor,
        clock=SystemClock(),
        direct=direct,
    )
    made._http.timeout = (0.3, 0.3)
    return made


class Ages:
    """The clock of the connections' ages, set by hand."""

    def __init__(self, rest: DhanRest) -> None:
        self.now_s = 1_000.0
        direct = rest._direct
        assert direct is not None
        direct._now_s = direct._dials._now_s = lambda: self.now_s


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[str]:
    """A server that gives these bytes to every request and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v2"


@asynccontextmanager
async def hanging(start: bytes) -> AsyncIterator[str]:
    """A server that begins every answer with these bytes and never goes on."""
    over = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await over.wait()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v2"
        over.set()


def row_server(rows: bytes) -> bytes:
    """An HTTP answer with this JSON."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(rows), rows)
