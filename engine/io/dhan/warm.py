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
from typing import TYPE_CHECKING

import h11

from engine.io.dhan import http
from engine.io.dhan.answers import Ended, Exchange, conversation
from engine.io.dhan.http import Reply

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["WarmConnection", "boot_s", "fields", "write"]

_PIECE_BYTES = 1 << 16
#: So many are taken in before others have their turn in the loop.
_PIECES_AT_ONCE = 4


def boot_s() -> float:
    """Seconds on a clock that nobody sets and that counts the host's sleep: the others hang up then too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


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


class WarmConnection:
    """A connected socket of the running loop.

    Attributes:
        closed: it is of no use any more.
        silent: nothing at all came to what was sent last, for as long as was waited.
        opened_s, idle_since_s: by the clock given in.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_closed: Callable[[WarmConnection], None],
        now_s: Callable[[], float] = boot_s,
    ) -> None:
        """Listen to a socket that does not block.

        Args:
            sock: connected.
            on_closed: told once, whoever closes it.
            now_s: the clock of its age.
        """
        self._sock = sock
        self._on_closed = on_closed
        self._now_s = now_s
        self._loop = asyncio.get_running_loop()
        self._under_way: Exchange | None = None
        self._next = conversation()  # made while nobody waits: before an order leaves, time counts
        self._patience: asyncio.Timeout | None = None
        self._read_s = http.READ_TIMEOUT_S
        self._more = False  # is taken in at the loop's next turn
        self.closed = self.silent = False
        self.opened_s = self.idle_since_s = now_s()
        self._arrivals = select.poll()
        self._arrivals.register(sock, select.POLLIN)
        self._loop.add_reader(sock.fileno(), self._readable)

    @property
    def at_rest(self) -> bool:
        """Whether it stands and nothing is under way on it."""
        return not self.closed and self._under_way is None

    def idle_s(self) -> float:
        """How long nothing has been sent on it."""
        return self._now_s() - self.idle_since_s

    def lived_s(self) -> float:
        """How long ago it was opened."""
        return self._now_s() - self.opened_s

    def is_there(self) -> bool:
        """Whether it still stands, by all that has arrived: the loop may not have come to it yet."""
        if not self.closed and (self._more or self._arrivals.poll(0)):
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
            self._under_way.answer.set_exception(Ended("ConnectionError"))
        self._on_closed(self)

    async def exchange(self, request: bytes, why_not: Callable[[], str], read_s: float) -> Reply:
        """Send one whole request, if it still may leave, and wait for the whole answer.

        Whoever calls has looked at `is_there` without awaiting anything since. Nothing but a cancellation
        is raised once it has left.

        Args:
            request: as `write` wrote it.
            why_not: looked at last; empty = it may leave.
            read_s: how long the answer, and each further piece of it, may take.
        """
        until_s = self._loop.time() + http.ANSWER_DEADLINE_S
        under_way = Exchange(self._next, self._loop.create_future(), until_s, time.monotonic())
        self._read_s, self.silent = read_s, False
        if why := why_not():
            return Reply(None, failure=why, sent=False)
        self._under_way = under_way  # before it leaves: from then on a connection in doubt is none
        try:
            left = self._sock.send(request)
        except OSError as problem:  # also of TLS: a record that did not leave whole can be read by nobody
            return self._unsent(type(problem).__name__)
        if left < len(request):  # nobody can act on a part; and there is no second look for the rest
            return self._unsent("it did not leave whole")
        return await self._answer(under_way)

    def _unsent(self, why: str) -> Reply:
        self._under_way = None
        self.close()
        return Reply(None, failure=why, sent=False)

    async def _answer(self, under_way: Exchange) -> Reply:
        try:
            async with asyncio.timeout_at(self._next_s(under_way)) as self._patience:
                return await under_way.answer
        except TimeoutError:
            self.silent = not under_way.taken_bytes
            late = self._loop.time() >= under_way.until_s
            return Reply(None, failure="TimeoutError" if late else "ReadTimeout")
        except Ended as end:
            return Reply(None, failure=str(end))
        finally:
            self._patience = self._under_way = None
            self.idle_since_s = self._now_s()
            if under_way.reusable:
                self._next = conversation()
            else:
                self.close()

    def _next_s(self, under_way: Exchange) -> float:
        """By when the next piece must be there."""
        return min(self._loop.time() + self._read_s, under_way.until_s)

    def _readable(self) -> None:
        """Take in what has come, some of it at a time. What nobody has asked for ends the connection.

        Whatever happens here, the connection is closed unless all was well: an answer that is whole stays so,
        any other is lost.
        """
        under_way, well, self._more = self._under_way, False, False
        if self.closed:
            return
        try:
            for piece in self._pieces():
                self._take(under_way, piece)
            well = True
        except (Ended, h11.RemoteProtocolError, ValueError) as end:
            if under_way is not None and not under_way.answer.done():
                word = str(end) if isinstance(end, Ended) else "ProtocolError"
                under_way.answer.set_exception(Ended(word))
        finally:
            if not well:
                self.close()

    def _take(self, under_way: Exchange | None, piece: bytes) -> None:
        """Take in one piece.

        Raises:
            Ended: nobody waits for it any more, or what `Exchange.take` raises.
        """
        if under_way is None or under_way.answer.done():
            raise Ended("ConnectionError")
        if self._loop.time() >= under_way.until_s:
            raise Ended("TimeoutError")
        under_way.take(piece)
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(self._next_s(under_way))

    def _pieces(self) -> Iterator[bytes]:
        """What has arrived, as much as fits one turn; the last is empty when the other side has hung up.

        Raises:
            Ended: the connection broke.
        """
        for _ in range(_PIECES_AT_ONCE):
            try:
                piece = self._sock.recv(_PIECE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                raise Ended("ConnectionError") from None
            yield piece
            if not piece:
                return
        self._more = True  # the kernel does not tell what TLS has taken in already
        self._loop.call_soon(self._readable)
