"""A proxy on loopback that writes down what is asked of it, and carries it on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """What has gone through it.

    Attributes:
        asked: the method and target of each request.
        keys: each ``Proxy-Authorization`` that came with one.
        address: of it.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        self.asked.append((method, target))
        self.keys += [line.split(" ")[-1] for line in lines if line.lower().startswith("proxy-auth")]
        parts = urlsplit(target if "://" in target else f"//{target}")
        beyond_reader, beyond = await asyncio.open_connection(parts.hostname, parts.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection"))]
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            rest = "\r\n".join([f"{method} {path} {version}", "Connection: close", *kept])
            beyond.write(rest.encode("latin-1"))
        await asyncio.gather(_carry(reader, beyond), _carry(beyond_reader, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def proxy():
    """A running one."""
    made = Proxy()
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with listener:
        made.address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield made
