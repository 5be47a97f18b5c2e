"""The spool: entries as bytes that are only ever appended. Pure.

A file is a head (eight letters and a version) and blocks. A block is the length and the checksum of what
follows, and entries, deflated together. What a crash has cut off is a block that is not whole: it is left
out, and told. A block is written at once or not at all as far as a reader is concerned.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from struct import Struct, error
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.messages import Tick
from engine.model import InstrumentKey
from engine.recording.entries import Book, Entry, Note, Offer, Prices, tick_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

__all__ = ["HEAD", "VERSION", "SpoolReader", "block"]

VERSION = 1
_MAGIC = b"PRAHDAY\n"
_HEAD = Struct("<8sI")
#: What every file begins with.
HEAD = _HEAD.pack(_MAGIC, VERSION)

_BLOCK = Struct("<II")
_KIND_AT = Struct("<Bq")
_PRICES, _BOOK, _NOTE = 1, 2, 3
_COUNT = Struct("<I")
#: The fields of a tick; all as wide as they can be: deflating takes the width off again.
_TICK = Struct("<Qqqqqqqqq")
_OFFER = Struct("<qq")
_BOOK_HEAD = Struct("<QBB")
#: Stands for "this source has no quotes".
_NONE = -(2**63)
#: No block is longer; what claims to be is not ours.
_LONGEST = 64 * 2**20
#: Fastest: the file is packed anew in the evening.
_LEVEL = 1
#: So many pieces are made before the deflater gets them: it lets go of the interpreter, making them does not.
_TURN = 64


def block(entries: Iterable[Entry]) -> bytes:
    """Entries as one block; nothing for none."""
    deflate = zlib.compressobj(_LEVEL)
    done: list[bytes] = []
    pieces: list[bytes] = []
    for entry in entries:
        pieces.append(_packed(entry))
        if len(pieces) == _TURN:
            done.append(deflate.compress(b"".join(pieces)))
            pieces.clear()
    if not (done or pieces):
        return b""
    body = b"".join((*done, deflate.compress(b"".join(pieces)), deflate.flush()))
    return _BLOCK.pack(len(body), zlib.crc32(body)) + body


class SpoolReader:
    """Reads one spool.

    Attributes:
        torn_bytes: what was left out at its end, once all has been read.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Look at the head.

        Raises:
            BadInput: it is no spool, or of a version that this program does not know.
        """
        self.torn_bytes = 0
        self._file, self._name = file, name
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size and HEAD.startswith(head):  # the crash came first
            self.torn_bytes = len(head)
            return
        magic, version = _HEAD.unpack(head.ljust(_HEAD.size, b"\0")[: _HEAD.size])
        if magic != _MAGIC:
            raise BadInput(f"{name}: is no recorded day: read {head[:8]!r}, expected {_MAGIC!r}")
        if version != VERSION:
            raise BadInput(
                f"{name}: read version {version} of the recording, expected {VERSION}; it was written by "
                "another version of this program: use that one, or bring this one up to date"
            )

    def __iter__(self) -> Iterator[Entry]:
        """Every whole block's entries, in order."""
        while head := self._file.read(_BLOCK.size):
            body = self._body(head)
            if body is None:
                self.torn_bytes += len(self._file.read())
                return
            yield from _entries(body)

    def _body(self, head: bytes) -> bytes | None:
        """The next block, or None: from here on the file is not as it was written."""
        if len(head) < _BLOCK.size:
            self.torn_bytes = len(head)
            return None
        length, checksum = _BLOCK.unpack(head)
        body = self._file.read(length) if length <= _LONGEST else b""
        if len(body) == length and zlib.crc32(body) == checksum:
            return zlib.decompress(body)
        self.torn_bytes = len(head) + len(body)
        return None


# ---------------------------------------------------------------------------------- one entry


def _packed(entry: Entry) -> bytes:
    if isinstance(entry, Prices):
        head = _KIND_AT.pack(_PRICES, entry.at_us) + _COUNT.pack(len(entry.ticks))
        return head + b"".join(map(_packed_tick, entry.ticks))
    if isinstance(entry, Book):
        head = _KIND_AT.pack(_BOOK, entry.at_us) + _BOOK_HEAD.pack(
            entry.key, len(entry.bids), len(entry.asks)
        )
        return head + b"".join(_OFFER.pack(*offer) for offer in (*entry.bids, *entry.asks))
    # lenient, as the journal is: an odd value in the story must not cost the day
    text = json.dumps([entry.kind, entry.data], separators=(",", ":"), default=str).encode()
    return _KIND_AT.pack(_NOTE, entry.at_us) + _COUNT.pack(len(text)) + text


def _packed_tick(tick: Tick) -> bytes:
    return _TICK.pack(*(_NONE if value is None else value for value in tick_values(tick)))


def _entries(body: bytes) -> Iterator[Entry]:
    at = 0
    try:
        while at < len(body):
            kind, at_us = _KIND_AT.unpack_from(body, at)
            at += _KIND_AT.size
            entry, at = _READ[kind](body, at, at_us)
            yield entry
    except (error, KeyError, ValueError) as fault:  # its checksum is right: nobody can have written this
        raise BadInput(f"a block of the recording cannot be understood at byte {at} ({fault!r})") from fault


def _prices(body: bytes, at: int, at_us: int) -> tuple[Prices, int]:
    (count,) = _COUNT.unpack_from(body, at)
    start = at + _COUNT.size
    end = start + count * _TICK.size
    ticks = tuple(_tick(row) for row in _TICK.iter_unpack(body[start:end]))
    return Prices(at_us, ticks), end


def _tick(row: tuple[int, ...]) -> Tick:
    key, ltp, ltt_s, bid, bids, ask, asks, volume, oi = row
    return Tick(
        InstrumentKey(key), ltp, ltt_s,
        None if bid == _NONE else bid, bids, None if ask == _NONE else ask, asks, volume, oi,
    )  # fmt: skip


def _book(body: bytes, at: int, at_us: int) -> tuple[Book, int]:
    key, bids, asks = _BOOK_HEAD.unpack_from(body, at)
    start = at + _BOOK_HEAD.size
    end = start + (bids + asks) * _OFFER.size
    offers = [Offer(*pair) for pair in _OFFER.iter_unpack(body[start:end])]
    return Book(at_us, InstrumentKey(key), tuple(offers[:bids]), tuple(offers[bids:])), end


def _note(body: bytes, at: int, at_us: int) -> tuple[Note, int]:
    (length,) = _COUNT.unpack_from(body, at)
    start = at + _COUNT.size
    kind, data = json.loads(body[start : start + length])
    return Note(at_us, kind, data), start + length


_READ: dict[int, Callable[[bytes, int, int], tuple[Entry, int]]] = {
    _PRICES: _prices, _BOOK: _book, _NOTE: _note,
}  # fmt: skip
