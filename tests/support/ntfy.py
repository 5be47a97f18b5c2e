"""An ntfy of one's own on loopback, which can refuse, hang and be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Ntfy:
    """What it was told, and how it behaves.

    Attributes:
        status: what each request is answered with.
        hangs: requests are taken and not answered.
        heard: the messages it has taken.
        asked: how many requests came.
    """

    port: int = 0
    status: int = 200
    hangs: bool = False
    heard: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    _release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        """How it is written in ALERT_URLS; topic and password are secrets."""
        return f"ntfy://asha:canary-pass-0001@127.0.0.1:{self.port}/canary-topic-0001?priority=max"

    async def publish(self, request: web.Request) -> web.Response:
        """Take one message."""
        body = await request.json()
        if self.status == 200 and not self.hangs:
            self.heard.append(body | {"priority": request.headers.get("X-Priority", "")})
        self.asked += 1
        self.bell.set()
        if self.hangs:
            await self._release.wait()
        return web.json_response({"id": "x"}, status=self.status)

    def let_go(self) -> None:
        """Answer what hangs."""
        self._release.set()

    async def wait_asked(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(timeout_s):
            while self.asked < count:
                self.bell.clear()
                await self.bell.wait()


@asynccontextmanager
async def ntfy(server: Ntfy | None = None) -> AsyncIterator[Ntfy]:
    """Run one, or a given one again on its old port."""
    server = server or Ntfy()
    app = web.Application()
    app.router.add_post("/{tail:.*}", server.publish)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", server.port)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        server.let_go()
        await runner.cleanup()
