"""PostgreSQL's logical replication messages (pgoutput, protocol 1) become changes. Bytes in, facts out.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Cells as text by column; None is NULL; a long value that an update did not touch is not there at all.
Row = dict[str, str | None]

_EPOCH_2000_S = 946_684_800
_INSERT, _UPDATE, _DELETE = b"I", b"U", b"D"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as the change saw it: ``columns`` are names with their type's oid."""

    schema: str
    table: str
    columns: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row.

    Attributes:
        kind: INSERT, UPDATE or DELETE.
        new: the row after it; empty for a DELETE.
        old: as much of the row before it as the replica identity gives.
        commit_s: when its transaction was committed, epoch seconds.
    """

    relation: Relation
    kind: str
    new: Row
    old: Row
    commit_s: float


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, code: str) -> int:
        (value,) = struct.unpack(f">{code}", self.take(struct.calcsize(f">{code}")))
        return int(value)

    def word(self) -> str:
        end = self._data.index(b"\0", self._at)
        word = self._data[self._at : end].decode()
        self._at = end + 1
        return word

    def row(self, relation: Relation) -> Row:
        row: Row = {}
        for name, _ in relation.columns[: self.number("h")]:
            kind = self.take(1)
            if kind == b"n":
                row[name] = None
            elif kind == b"t":
                row[name] = self.take(self.number("i")).decode()
        return row


def changes(messages: Iterable[bytes]) -> Iterator[Change]:
    """The changes of row after row, in the order of commits; TRUNCATE tells nothing, as at Supabase."""
    relations: dict[int, Relation] = {}
    commit_s = 0.0
    for message in messages:
        read = _Reader(message)
        kind = read.take(1)
        if kind == b"B":
            read.number("q")
            commit_s = read.number("q") / 1e6 + _EPOCH_2000_S
        elif kind == b"R":
            number, relation = _relation(read)
            relations[number] = relation
        elif kind in {_INSERT, _UPDATE, _DELETE}:
            yield _change(kind, relations[read.number("I")], read, commit_s)


def _relation(read: _Reader) -> tuple[int, Relation]:
    number, schema, table = read.number("I"), read.word(), read.word()
    read.take(1)  # the replica identity
    columns = []
    for _ in range(read.number("h")):
        read.take(1)  # part of the key
        name = read.word()
        columns.append((name, read.number("I")))
        read.take(4)  # the type's modifier
    return number, Relation(schema, table, tuple(columns))


def _change(kind: bytes, relation: Relation, read: _Reader, commit_s: float) -> Change:
    new: Row = {}
    old: Row = {}
    which = read.take(1)
    if which in {b"K", b"O"}:
        old = read.row(relation)
        which = read.take(1) if kind == _UPDATE else b""
    if which == b"N":
        # A long value that did not change comes with the old row, when that comes whole.
        row = read.row(relation)
        new = {
            name: row.get(name, old.get(name)) for name, _ in relation.columns if name in row or name in old
        }
    word = {_INSERT: "INSERT", _UPDATE: "UPDATE", _DELETE: "DELETE"}[kind]
    return Change(relation, word, new, old, commit_s)
