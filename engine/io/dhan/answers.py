"""The answer to one request on a connection of ours: taken in piece by piece, never more than a bound.

Whatever goes wrong here goes wrong after a command has left: it ends the connection, and the command is
unknown.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h11

from engine.io.dhan import http
from engine.io.dhan.http import Reply

if TYPE_CHECKING:
    import asyncio

__all__ = ["LONGEST_BYTES", "Ended", "Exchange", "conversation"]

#: Head and body, and the body unpacked; the longest answer to an order that was seen has 300 bytes.
LONGEST_BYTES = 1 << 20
#: How zlib is told what it reads, by HTTP's word. "deflate" comes with its head, or without by some.
_PACKINGS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
#: Whoever says so is tired of this connection, or has trouble behind it.
_TIRED, _TROUBLED = 408, 500


class Ended(Exception):
    """The connection ended, or what came is no answer; its text is a word for it."""


def conversation() -> h11.Connection:
    """One in which a question was put that changes something: how an answer ends depends on that."""
    made = h11.Connection(h11.CLIENT)
    made.send(h11.Request(method="POST", target="/", headers=[("Host", "")]))
    made.send(h11.EndOfMessage())
    return made


@dataclass(slots=True)
class Exchange:
    """One request under way and what has come of its answer.

    Attributes:
        conversation: from `conversation`, fresh.
        answer: has the answer when it is whole.
        until_s: by the loop's clock; after that no piece is taken.
        began_s: when the request left, by the monotonic clock.
        taken_bytes: so much has come.
    """

    conversation: h11.Connection
    answer: asyncio.Future[Reply]
    until_s: float
    began_s: float = 0.0
    taken_bytes: int = 0
    _head: h11.Response | None = None
    _body: list[bytes] = field(default_factory=list)

    def take(self, piece: bytes) -> None:
        """Read one piece of the answer; empty = the other side has hung up.

        Raises:
            Ended: it was cut, has no end, or cannot be read.
            h11.RemoteProtocolError: it is no HTTP.
            ValueError: likewise.
        """
        self.taken_bytes += len(piece)
        if self.taken_bytes > LONGEST_BYTES:
            raise Ended("an answer without end")
        self.conversation.receive_data(piece)
        while True:
            event = self.conversation.next_event()
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.answer.set_result(self._reply())
                return
            elif isinstance(event, h11.InformationalResponse):
                continue
            elif isinstance(event, h11.ConnectionClosed):
                raise Ended("ConnectionError")
            else:  # NEED_DATA, or a pause that no answer of Dhan's has
                return

    @property
    def reusable(self) -> bool:
        """Whether the answer came whole, nothing after it, and both sides mean to go on."""
        talk, head = self.conversation, self._head
        done = {talk.our_state, talk.their_state} == {h11.DONE}
        if not done or talk.trailing_data[0] or talk.trailing_data[1] or head is None:
            return False
        return head.status_code != _TIRED and head.status_code < _TROUBLED

    def _reply(self) -> Reply:
        """The answer in our words.

        Raises:
            Ended: it is packed in a way that nobody can undo.
        """
        head = self._head
        assert head is not None  # noqa: S101 - h11 ends no message that has not begun
        found = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return Reply(
            head.status_code,
            _unpacked(b"".join(self._body), found.get("content-encoding", "")),
            retry_after_s=http.retry_after_s(found.get("retry-after", "")),
            date_s=http.date_s(found.get("date", "")),
            took_s=time.monotonic() - self.began_s,
        )


def _unpacked(body: bytes, packing: str) -> bytes:
    """A body as it was before somebody on the way packed it, which nobody had asked for.

    Raises:
        Ended: it cannot be unpacked, or would be too long.
    """
    word = packing.strip().casefold()
    if word in {"", "identity"}:
        return body
    for how in _PACKINGS.get(word, ()):
        unpacking = zlib.decompressobj(how)
        try:
            plain = unpacking.decompress(body, LONGEST_BYTES)
        except zlib.error:
            continue
        if unpacking.eof and not unpacking.unused_data:
            return plain
    raise Ended("an answer packed in a way that cannot be undone")
