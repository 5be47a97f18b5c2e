"""A socket of the price feed, whichever client library reads it: frames come in handfuls, the end in words.

`picows` reads, because a frame by it costs a fifth of what `websockets` takes. `websockets` stands in where
picows is not installed and where a proxy is on the way: there it is the one that has always been used.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from websockets.exceptions import ConnectionClosed

from engine.io.dhan.sockets import SOCKET_ERRORS, cut_by_error, how_it_ended, is_loopback, open_socket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from websockets.asyncio.client import ClientConnection

    from engine.io.dhan.backoff import Cut


class NoSocket(Exception):
    """A connection was not made, or broke down; ``cut`` says why, and the remedy follows from it."""

    def __init__(self, cut: Cut) -> None:
        """Keep why; the text holds no address."""
        self.cut = cut
        super().__init__(cut.detail)


class FeedSocket(Protocol):
    """One open connection to the feed."""

    async def send(self, text: str) -> None:
        """Send a text; when the connection has ended nothing happens, the reader will know why."""

    async def read(self, take: Callable[[list[bytes]], bool], on_text: Callable[[], None]) -> str:
        """Hand over what comes, until the connection ends.

        Args:
            take: gets the frames that came together, in order; True = no more is wanted.
            on_text: called for each frame of text, of which a price feed has none.

        Returns:
            How the connection ended, in words for people; empty = ``take`` wanted no more.
        """

    def abort(self) -> None:
        """End the connection without waiting for the other side; `read` comes back then."""

    async def close(self) -> None:
        """Say goodbye, and end the connection when that is answered, or soon; `read` comes back then."""


def open_feed(url: str, proxy: str | None = None) -> AbstractAsyncContextManager[FeedSocket]:
    """Open a socket of the feed by the quickest client there is for the way.

    Args:
        url: with the login in its query: never to be logged.
        proxy: the way there, and then no other; None = as the environment says.

    Raises:
        NoSocket: at the start, or in the middle when something broke.
    """
    if find_spec("picows") is None or proxy or _has_proxy(url):
        return by_websockets(url, proxy)
    from engine.io.dhan.picows_socket import by_picows  # noqa: PLC0415 - it may not be installed

    return by_picows(url)


def _has_proxy(url: str) -> bool:
    """Whether the environment names a proxy for this address, or may mean one."""
    host = urlsplit(url).hostname or ""
    return not is_loopback(url) and bool(getproxies().keys() - {"no"}) and not proxy_bypass(host)


@asynccontextmanager
async def by_websockets(url: str, proxy: str | None = None) -> AsyncIterator[FeedSocket]:
    """Open a socket of the feed by `websockets`; one frame is a handful."""
    try:
        async with open_socket(url, proxy) as socket:
            yield _Websocket(socket)
    except SOCKET_ERRORS as problem:
        raise NoSocket(cut_by_error(problem)) from None


class _Websocket:
    """A connection of `websockets`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            return

    async def read(self, take: Callable[[list[bytes]], bool], on_text: Callable[[], None]) -> str:
        try:
            async for frame in self._socket:
                if isinstance(frame, str):
                    on_text()
                elif take([frame]):
                    return ""
        except ConnectionClosed as closed:
            return how_it_ended(closed)
        return how_it_ended(None)

    def abort(self) -> None:
        self._socket.transport.abort()

    async def close(self) -> None:
        await self._socket.close()
