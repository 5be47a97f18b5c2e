"""The way to somebody outside the chat: carries the newest of what they should see, and keeps no queue."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.layout import Page
    from engine.io.ports import Clock

log = logging.getLogger(__name__)

#: What was not taken is tried again this often, until there is something newer or it is seen.
AGAIN_S = 20.0


class Relay:
    """Hands pages on, one at a time; whoever puts one does not wait.

    Attributes:
        name: who is at the other end, in words.
        failed: why the last try did not get through; empty = it did.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        """Carry nothing yet."""
        self.name = name
        self.failed = ""
        self._clock = clock
        self._page: Page | None = None
        self._put = asyncio.Event()

    def heard(self, why: str) -> None:
        """How a try went; empty = it got through."""
        if why and not self.failed:
            log.error("chat: %s is not reached: %s", self.name, why)
        elif self.failed and not why:
            log.warning("chat: %s is reached again", self.name)
        self.failed = why

    def put(self, page: Page | None) -> None:
        """Carry this from now on; None = nothing, it was seen."""
        self._page = page
        self._put.set()

    async def run(self, send: Callable[[Page], Awaitable[str]]) -> None:
        """Carry until cancelled; ``send`` answers with what went wrong, empty = nothing."""
        while True:
            self._put.clear()
            page = self._page
            if page is None:
                await self._put.wait()
                continue
            self.heard(await send(page))
            if not self.failed and self._page is page:
                self._page = None
            elif self.failed and not self._put.is_set():
                await self._clock.sleep(AGAIN_S)
