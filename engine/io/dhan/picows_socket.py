"""A socket of the price feed read by `picows`: all frames of one look at the network in one handful.

picows calls its listener from inside the event loop's own read, and says which frame is the last that has
come: at that moment the handful is handed over, with no turn of the loop in between.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSInvalidURL,
    WSListener,
    WSMsgType,
    WSProtocolError,
    WSTransport,
    ws_connect,
)

from engine.io.dhan.backoff import Cut, Why, cut_by_status
from engine.io.dhan.feed_sockets import FeedSocket, NoSocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from picows.url import WSParsedURL

#: At DEBUG picows writes the handshake, and the feed's address holds the token; how a connection ends, we
#: tell. A level set here stands whatever the root logger's is.
_QUIET = logging.getLogger(__name__)
_QUIET.setLevel(logging.CRITICAL)

_OPEN_S = 5.0
_CLOSE_S = 1.0
#: The socket's own pings, as `websockets` sends them by itself.
_PING_EVERY_S = _PONG_WITHIN_S = 20.0
#: No frame of the feed comes near this; one that is larger ends the connection.
_LARGEST_FRAME = 2**20
#: Close codes that say goodbye and nothing else.
_POLITE = frozenset({1000, 1001, 1005})
_NO_CODE = 1005
_FULL_PACKET = 162
_DATA = frozenset({WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION})


@asynccontextmanager
async def by_picows(url: str) -> AsyncIterator[FeedSocket]:
    """Open a socket of the feed by picows, without a proxy.

    Raises:
        NoSocket: at the start, or in the middle when something broke.
    """
    listener = Listener()
    with ExitStack() as without_socket:
        without_socket.callback(listener.abandon)
        await _connect(listener, url)
        without_socket.pop_all()
    try:
        yield listener
    finally:
        await listener.close()


async def _connect(listener: Listener, url: str) -> None:
    """Open the connection; whoever is cancelled here must abandon the listener, for picows goes on.

    The way is dialled by the listener: what picows opens itself nobody else could close before it is done.

    Raises:
        NoSocket: there is none in time.
    """
    try:
        async with asyncio.timeout(_OPEN_S):
            _, made = await ws_connect(
                lambda: listener,
                url,
                websocket_handshake_timeout=_OPEN_S,
                logger_name=_QUIET,
                enable_auto_ping=True,
                auto_ping_idle_timeout=_PING_EVERY_S,
                auto_ping_reply_timeout=_PONG_WITHIN_S,
                auto_ping_strategy=WSAutoPingStrategy.PING_PERIODICALLY,
                max_frame_size=_LARGEST_FRAME,
                max_redirects=0,
                socket_factory=listener.dial,
            )
    except (WSError, OSError, TimeoutError) as problem:
        raise NoSocket(_cut(problem)) from None
    if made is not listener:  # picows says no more when the connection ends before the handshake does
        raise NoSocket(_cut(ConnectionResetError()))


async def _addresses(url: WSParsedURL) -> Sequence[tuple[Any, ...]]:
    """All of a host's, as `socket.getaddrinfo` tells them; what is one already takes no thread.

    Raises:
        OSError: nobody knows the name.
    """
    with suppress(socket.gaierror):
        return socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)


def _cut(problem: Exception) -> Cut:
    """Sort a failed handshake; only the kind of failure is told, for its text may hold the address."""
    if isinstance(problem, WSHandshakeError) and problem.response is not None:
        status = int(problem.response.status)
        if status != 101:
            return cut_by_status(status)
    if isinstance(problem, WSInvalidURL):
        return Cut(Why.REFUSED, "the socket's address in the settings is malformed")
    return Cut(Why.LOST, f"no connection to Dhan ({type(problem).__name__})")


class Listener(WSListener):
    """One connection: collects frames, and hands them over with the last one of a look."""

    def __init__(self) -> None:
        """Wait for the connection."""
        loop = asyncio.get_running_loop()
        self._handful: list[bytes] = []
        self._texts = 0
        self._message = _Message()
        self._take: Callable[[list[bytes]], bool] | None = None
        self._on_text: Callable[[], None] | None = None
        self._over: asyncio.Future[str] = loop.create_future()
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._code = 0
        self._connected = self._abandoned = False
        self._way: socket.socket | None = None

    # What the feed's client calls: `FeedSocket`.

    async def send(self, text: str) -> None:
        """Send a text as soon as the other side has room for it."""
        await self._writable.wait()
        self._transport.send(WSMsgType.TEXT, text)

    async def read(self, take: Callable[[list[bytes]], bool], on_text: Callable[[], None]) -> str:
        """Hand over what comes until the connection ends."""
        self._take, self._on_text = take, on_text
        try:
            self._hand_over()  # what came with the handshake's answer
            said = await self._over
        finally:
            self._take = None
        if self._gone.is_set():
            try:
                await self._transport.wait_disconnected()  # raises what was raised in `take`
            except WSProtocolError:
                return "reset"
        return said

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.disconnect(graceful=False)

    async def close(self) -> None:
        """Say goodbye, wait a moment for the answer, and be gone whatever happens."""
        try:
            self._transport.send_close(WSCloseCode.OK)
            async with asyncio.timeout(_CLOSE_S):
                await self._gone.wait()
        except TimeoutError:
            pass
        finally:
            self.abort()
            with suppress(WSProtocolError):
                await self._transport.wait_disconnected()

    def abandon(self) -> None:
        """Nobody waits for the connection any more: it is ended now, whatever its handshake is at.

        When whoever waits is cancelled, picows goes on with the handshake, whose own time begins later than
        ours; a connection made then would live without an owner, and Dhan counts five for each user. To shut
        the way tells the other side at once, and lets picows find its end and close it.
        """
        self._abandoned = True
        if self._connected:
            self.abort()
        elif self._way is not None:
            with suppress(OSError):  # it may be closed already
                self._way.shutdown(socket.SHUT_RDWR)

    # What picows calls: the way first, all else from inside the loop's read.

    async def dial(self, url: WSParsedURL) -> socket.socket:
        """Open the way to the other side; each address of its name is tried.

        Raises:
            OSError: there is none; the last one's reason.
        """
        loop = asyncio.get_running_loop()
        problem = OSError("the name has no address")
        for family, kind, protocol, _, address in await _addresses(url):
            with ExitStack() as undone:
                way = socket.socket(family, kind, protocol)
                undone.callback(way.close)
                way.setblocking(False)
                try:
                    await loop.sock_connect(way, address)
                except OSError as error:
                    problem = error
                    continue
                undone.pop_all()
                self._way = way
                return way
        raise problem

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done; of no use if nobody waits for it any more."""
        self._transport, self._connected = transport, True
        if self._abandoned:
            self.abort()

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Keep the frame; with the last one that has come hand all over.

        To ask for the kind of a frame costs as much as all the rest here, and a whole one of this size is
        no control frame; the head of a Full packet is no text either, so that the decoder will notice.
        """
        if frame.payload_size == _FULL_PACKET and frame.fin and not self._message.open:
            self._handful.append(frame.get_payload_as_bytes())
        else:
            self._unusual(frame)
        if frame.last_in_buffer:
            self._hand_over()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The connection is no more."""
        self._gone.set()
        self._writable.set()
        if not self._over.done():
            polite = "closed" if self._code in _POLITE else f"closed with code {self._code}"
            self._over.set_result(polite if self._code else "reset")

    def pause_writing(self) -> None:
        """The other side does not take what we send."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._writable.set()

    def _hand_over(self) -> None:
        """Give what has come to whoever reads; before that it waits."""
        if self._take is None or self._on_text is None:
            return
        for _ in range(self._texts):
            self._on_text()
        self._texts = 0
        if self._handful:
            handful, self._handful = self._handful, []
            if self._take(handful):
                self._take = None
                if not self._over.done():
                    self._over.set_result("")

    def _unusual(self, frame: WSFrame) -> None:
        """Take a frame that is not a Full packet."""
        if frame.payload_size > _LARGEST_FRAME:
            # picows has noticed, but reads on for the moment that the connection still has
            raise WSProtocolError(WSCloseCode.MESSAGE_TOO_BIG, "the frame is too large")
        kind = frame.msg_type
        if kind is WSMsgType.BINARY and frame.fin and not self._message.open:
            self._handful.append(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            self._code = int.from_bytes(payload[:2]) or _NO_CODE
            self._transport.send_close(frame.get_close_code())
            self._transport.disconnect()
        elif kind in _DATA and self._message.add(frame):
            if self._message.text:
                self._texts += 1
            else:
                self._handful.append(self._message.whole())


class _Message:
    """A message that comes in pieces, or is a text."""

    def __init__(self) -> None:
        self.open = self.text = False
        self._pieces: list[bytes] = []

    def add(self, frame: WSFrame) -> bool:
        """Take a piece; True when it was the last one.

        Raises:
            WSProtocolError: it does not belong here, the whole is too large, or the text is none. picows
                closes the connection then.
        """
        if (frame.msg_type is WSMsgType.CONTINUATION) is not self.open:
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "a piece of no message, or a message in pieces")
        if not self.open:
            self._pieces, self.text = [], frame.msg_type is WSMsgType.TEXT
        self._pieces.append(frame.get_payload_as_bytes())
        self.open = not frame.fin
        if sum(map(len, self._pieces)) > _LARGEST_FRAME:
            raise WSProtocolError(WSCloseCode.MESSAGE_TOO_BIG, "the message is too large")
        if not self.open and self.text:
            try:
                self.whole().decode()
            except UnicodeDecodeError:
                raise WSProtocolError(WSCloseCode.INVALID_TEXT, "the text is not UTF-8") from None
        return not self.open

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)
