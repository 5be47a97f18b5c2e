"""One open connection to Dhan that carries a command at once, on the loop, without a thread between.

h11 writes and reads HTTP; the socket is ours, so that the last look is followed by nothing but the system
call. A connection carries one request at a time and is given up at the slightest doubt: an answer that
comes late must never be taken for the answer to another order.
"""

from __future__ import annotations

import asyncio
import select
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h11

from engine.io.dhan import http
from engine.io.dhan.http import Reply

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["WarmConnection", "fields", "write"]

_PIECE_BYTES = 1 << 16


class _Ended(Exception):
    """The connection ended, or what came is no HTTP; its text is a word for it."""


def fields(headers: Mapping[str, str]) -> bytes:
    """Write the headers that every request has, as they stand between its first line and its length.

    Raises:
        h11.LocalProtocolError: one of them cannot be sent.
    """
    request = h11.Request(method="POST", target="/", headers=[*headers.items()])
    written = h11.Connection(h11.CLIENT).send(request) or b""
    return written.partition(b"\r\n")[2].removesuffix(b"\r\n")


def write(method: str, target: str, headers: bytes, body: bytes) -> bytes:
    """Write one request that changes something; an empty body says so, as with requests.

    Args:
        method: HTTP's word.
        target: the path; letters, digits and what else an address has without a question.
        headers: from `fields`.
        body: may be empty.
    """
    first = f"{method} {target} HTTP/1.1\r\n".encode("ascii")
    return b"%s%sContent-Length: %d\r\n\r\n%s" % (first, headers, len(body), body)


@dataclass(slots=True)
class _Exchange:
    """One request under way and what has come of its answer."""

    conversation: h11.Connection
    answer: asyncio.Future[None]
    until_s: float
    head: h11.Response | None = None
    body: list[bytes] = field(default_factory=list)


class WarmConnection:
    """A connected socket of the running loop.

    Attributes:
        closed: it is of no use any more.
        opened_s, idle_since_s: by the loop's clock.
    """

    def __init__(self, sock: socket.socket, on_closed: Callable[[WarmConnection], None]) -> None:
        """Listen to a socket that does not block; ``on_closed`` is told once, whoever closes it."""
        self._sock = sock
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._under_way: _Exchange | None = None
        self._patience: asyncio.Timeout | None = None
        self._read_s = http.READ_TIMEOUT_S
        self.closed = False
        self.opened_s = self.idle_since_s = self._loop.time()
        self._arrivals = select.poll()
        self._arrivals.register(sock, select.POLLIN)
        self._loop.add_reader(sock.fileno(), self._readable)

    def idle_s(self) -> float:
        """How long nothing has been sent on it."""
        return self._loop.time() - self.idle_since_s

    def lived_s(self) -> float:
        """How long ago it was opened."""
        return self._loop.time() - self.opened_s

    def is_there(self) -> bool:
        """Whether it still stands, by all that has arrived: the loop may not have come to it yet."""
        if not self.closed and self._arrivals.poll(0):  # all that had come before was taken in to its end
            self._readable()
        return not self.closed

    def close(self) -> None:
        """Give it up; an answer under way is lost."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()  # without a farewell: of TLS too, so that nothing half written follows
        if self._under_way is not None and not self._under_way.answer.done():
            self._under_way.answer.set_exception(_Ended("ConnectionError"))
        self._on_closed(self)

    async def exchange(self, request: bytes, why_not: Callable[[], str], read_s: float) -> Reply:
        """Send one whole request, if it still may leave, and wait for the whole answer.

        Whoever calls has looked at `is_there` without awaiting anything since.

        Args:
            request: as `write` wrote it.
            why_not: looked at last; empty = it may leave.
            read_s: how long the answer, and each further piece of it, may take.
        """
        began_s = time.monotonic()
        if why := why_not():
            return Reply(None, failure=why, sent=False)
        try:
            left = self._sock.send(request)
        except OSError as problem:  # also of TLS: a record that did not leave whole can be read by nobody
            self.close()
            return Reply(None, failure=type(problem).__name__, sent=False)
        if left < len(request):  # nobody can act on a part; and there is no second look for the rest
            self.close()
            return Reply(None, failure="it did not leave whole", sent=False)
        # what reads the answer is made while the answer is on its way
        until_s = self._loop.time() + http.ANSWER_DEADLINE_S
        under_way = _Exchange(_asked(request), self._loop.create_future(), until_s)
        self._under_way, self._read_s = under_way, read_s
        return await self._answer(under_way, began_s)

    async def _answer(self, under_way: _Exchange, began_s: float) -> Reply:
        try:
            async with asyncio.timeout_at(self._next_s(under_way)) as self._patience:
                await under_way.answer
        except TimeoutError:
            late = self._loop.time() >= under_way.until_s
            return Reply(None, failure="TimeoutError" if late else "ReadTimeout")
        except _Ended as end:
            return Reply(None, failure=str(end))
        finally:
            self._patience = self._under_way = None
            self.idle_since_s = self._loop.time()
            if not _reusable(under_way):
                self.close()
        return _reply(under_way, time.monotonic() - began_s)

    def _next_s(self, under_way: _Exchange) -> float:
        """By when the next piece must be there."""
        return min(self._loop.time() + self._read_s, under_way.until_s)

    def _readable(self) -> None:
        """Take in all that has come. What nobody has asked for ends the connection."""
        under_way = self._under_way
        try:
            for piece in self._pieces():
                if under_way is None or under_way.answer.done():
                    raise _Ended("ConnectionError")  # noqa: TRY301 - an end like the others
                _take(under_way, piece)
                if self._patience is not None and not self._patience.expired():
                    self._patience.reschedule(self._next_s(under_way))
        except (_Ended, h11.RemoteProtocolError) as end:
            if under_way is not None and not under_way.answer.done():
                word = str(end) if isinstance(end, _Ended) else "ProtocolError"
                under_way.answer.set_exception(_Ended(word))
            self.close()  # an answer that is whole stays so

    def _pieces(self) -> Iterator[bytes]:
        """All that has arrived; an empty piece, the last, when the other side has hung up.

        Raises:
            _Ended: the connection broke.
        """
        while True:
            try:
                piece = self._sock.recv(_PIECE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                raise _Ended("ConnectionError") from None
            yield piece
            if not piece:
                return


def _asked(request: bytes) -> h11.Connection:
    """A conversation in which a question of this method was put: how an answer ends depends on it."""
    conversation = h11.Connection(h11.CLIENT)
    method = request.partition(b" ")[0]
    conversation.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"")]))
    conversation.send(h11.EndOfMessage())
    return conversation


def _take(under_way: _Exchange, piece: bytes) -> None:
    """Read one piece of the answer.

    Raises:
        h11.RemoteProtocolError: it is no HTTP, or was cut.
    """
    conversation = under_way.conversation
    conversation.receive_data(piece)
    while True:
        event = conversation.next_event()
        if isinstance(event, h11.Response):
            under_way.head = event
        elif isinstance(event, h11.Data):
            under_way.body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            under_way.answer.set_result(None)
            return
        elif isinstance(event, h11.InformationalResponse):
            continue
        elif isinstance(event, h11.ConnectionClosed):
            raise _Ended("ConnectionError")
        else:  # NEED_DATA, or a pause that no answer of Dhan's has
            return


def _reusable(under_way: _Exchange) -> bool:
    """Whether the answer came whole, nothing after it, and both sides mean to go on."""
    conversation = under_way.conversation
    states = {conversation.our_state, conversation.their_state}
    return states == {h11.DONE} and not conversation.trailing_data[0] and not conversation.trailing_data[1]


def _reply(under_way: _Exchange, took_s: float) -> Reply:
    """The answer in our words; one that is packed is left so, as nobody had asked for that."""
    head = under_way.head
    assert head is not None  # noqa: S101 - h11 ends no message that has not begun
    found = {name.decode(): value.decode("latin-1") for name, value in head.headers}
    return Reply(
        head.status_code,
        b"".join(under_way.body),
        retry_after_s=http.retry_after_s(found.get("retry-after", "")),
        date_s=http.date_s(found.get("date", "")),
        took_s=took_s,
    )
