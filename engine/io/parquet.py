"""A recorded day as Parquet: written once the day is over, read by the replay. Imports pyarrow.

One life of a house makes three files: its prices, its looks into the book, and its notes. Prices are in
groups that follow each other in time; within a group they are sorted by instrument and moment, so that each
column holds small steps only. The columns keep their names and units: whatever reads Parquet can read them.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import BadInput
from engine.messages import Tick
from engine.model import InstrumentKey
from engine.recording.entries import TICK_FIELDS, Book, Entry, Note, Offer, Prices, tick_values

__all__ = ["BOOKS", "NOTES", "TICKS", "Packed", "read_notes", "read_parquet", "write_parquet"]

#: How the files of one life end; the prices come last: a life is packed when they are there.
NOTES, BOOKS, TICKS = ".notes.parquet", ".books.parquet", ".ticks.parquet"
#: What the files say of themselves.
_VERSION = "1"
_NAMED = b"prahari recording"
#: Prices of one group: some 40 MB while it is made or read.
_GROUP = 250_000
_LEVELS = 5
#: Stands for "this source has no quotes" until it is a null.
_NONE = -(2**63)
_ZSTD = 9

_TICK_COLUMNS = ("at_us", "nth", *TICK_FIELDS)
_NULLABLE = frozenset({"bid_paise", "ask_paise"})
_SIDES = [f"{side}{level}" for side in ("bid", "ask") for level in range(1, _LEVELS + 1)]
_BOOK_COLUMNS = ("at_us", "key", *(f"{side}_{what}" for side in _SIDES for what in ("paise", "units")))


class Packed(NamedTuple):
    """What was written: prices, looks into the book, notes, and bytes of all files."""

    ticks: int
    books: int
    notes: int
    size_bytes: int


def write_parquet(entries: Iterable[Entry], folder: Path, stem: str) -> Packed:
    """Write one life's entries; the files are there whole, or not at all.

    Raises:
        OSError: the disk does not take them.
    """
    parts = [folder / f"{stem}{end}.part" for end in (NOTES, BOOKS, TICKS)]
    notes, books, ticks = (_Table(path, *_SHAPES[end]) for path, end in zip(parts, _SHAPES, strict=True))
    try:
        for entry in entries:
            if isinstance(entry, Prices):
                for nth, tick in enumerate(entry.ticks):
                    ticks.add((entry.at_us, nth, *tick_values(tick)))
            elif isinstance(entry, Book):
                books.add((entry.at_us, entry.key, *_levels(entry.bids), *_levels(entry.asks)))
            else:
                notes.add((entry.at_us, entry.kind, json.dumps(entry.data, separators=(",", ":"))))
        for table in (notes, books, ticks):
            table.close()
        size = sum(path.stat().st_size for path in parts)
        for path in parts:
            path.replace(path.with_suffix(""))
    finally:
        for path in parts:
            path.unlink(missing_ok=True)
    return Packed(ticks.rows, books.rows, notes.rows, size)


def read_parquet(folder: Path, stem: str) -> Iterator[Entry]:
    """Every entry of one life, in order.

    Raises:
        BadInput: a file is damaged, or of a version that this program does not know.
    """
    parts: list[Iterator[Entry]] = [
        _prices(_opened(folder / f"{stem}{TICKS}")),
        _books(_opened(folder / f"{stem}{BOOKS}")),
        read_notes(folder, stem),
    ]
    yield from merge(*parts, key=attrgetter("at_us"))


def read_notes(folder: Path, stem: str) -> Iterator[Note]:
    """The notes of one life alone. Raises as `read_parquet`."""
    for rows in _groups(_opened(folder / f"{stem}{NOTES}")):
        for at_us, kind, text in rows:
            yield Note(at_us, kind, json.loads(text))


# ------------------------------------------------------------------------------------ writing

_INT = pa.int64()
_SHAPES: dict[str, tuple[pa.Schema, tuple[tuple[str, str], ...]]] = {
    NOTES: (pa.schema([("at_us", _INT), ("kind", pa.string()), ("data", pa.string())]), ()),
    BOOKS: (
        pa.schema([(name, _INT) for name in _BOOK_COLUMNS]),
        (("key", "ascending"), ("at_us", "ascending")),
    ),
    TICKS: (
        pa.schema([(name, _INT) for name in _TICK_COLUMNS]),
        (("key", "ascending"), ("at_us", "ascending"), ("nth", "ascending")),
    ),
}


class _Table:
    """One file in the making."""

    def __init__(self, path: Path, schema: pa.Schema, order: tuple[tuple[str, str], ...]) -> None:
        schema = schema.with_metadata({_NAMED: _VERSION})
        self.rows = 0
        self._schema, self._order = schema, order
        whole = [field.name for field in schema if field.type == _INT]
        words = ["kind"] if "kind" in schema.names else False
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=_ZSTD, use_dictionary=words,
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"), write_statistics=False,
        )  # fmt: skip
        self._columns: list[Any] = self._fresh()

    def _fresh(self) -> list[Any]:
        return [array("q") if field.type == _INT else [] for field in self._schema]

    def add(self, row: Iterable[Any]) -> None:
        for column, value in zip(self._columns, row, strict=True):
            column.append(_NONE if value is None else value)
        self.rows += 1
        if self.rows % _GROUP == 0:
            self._flush()

    def close(self) -> None:
        if self._columns[0]:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        made = [_column(field, values) for field, values in zip(self._schema, self._columns, strict=True)]
        table = pa.Table.from_arrays(made, schema=self._schema)
        if self._order:
            table = table.sort_by(list(self._order))
        self._writer.write_table(table)
        self._columns = self._fresh()


def _column(field: pa.Field, values: Any) -> pa.Array:
    if field.type != _INT:
        return pa.array(values, field.type)
    column = pa.Array.from_buffers(_INT, len(values), [None, pa.py_buffer(values)])
    if field.name in _NULLABLE or field.name not in _TICK_COLUMNS:
        missing = pa.compute.equal(column, _NONE)
        column = pa.compute.if_else(missing, pa.scalar(None, _INT), column)
    return column


def _levels(offers: tuple[Offer, ...]) -> list[int | None]:
    """One side, nulls where it is shorter."""
    shown = [value for offer in offers[:_LEVELS] for value in offer]
    return [*shown, *[None] * (2 * _LEVELS - len(shown))]


# ------------------------------------------------------------------------------------ reading


def _opened(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"{path}: cannot be read as a recorded day ({error})") from error
    version = (file.schema_arrow.metadata or {}).get(_NAMED, b"").decode()
    if version != _VERSION:
        raise BadInput(
            f"{path}: read version {version or 'none'} of the recording, expected {_VERSION}; it was written "
            "by another version of this program: use that one, or bring this one up to date"
        )
    return file


def _groups(file: pq.ParquetFile) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of each group, by their first column."""
    for number in range(file.num_row_groups):
        try:
            table = file.read_row_group(number)
        except (OSError, pa.ArrowInvalid) as error:
            raise BadInput(f"a group of the recorded day cannot be read ({error})") from error
        if "nth" in table.column_names:
            table = table.sort_by([("at_us", "ascending"), ("nth", "ascending")])
        elif "key" in table.column_names:
            table = table.sort_by([("at_us", "ascending")])
        yield list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _prices(file: pq.ParquetFile) -> Iterator[Prices]:
    """Batches put together again; one that two groups share is one batch."""
    rows = (row for group in _groups(file) for row in group)
    for at_us, batch in groupby(rows, itemgetter(0)):
        yield Prices(at_us, tuple(Tick(InstrumentKey(row[2]), *row[3:]) for row in batch))


def _books(file: pq.ParquetFile) -> Iterator[Book]:
    for rows in _groups(file):
        for at_us, key, *values in rows:
            offers = [
                Offer(paise, units) for paise, units in zip(values[::2], values[1::2], strict=True)
                if paise is not None
            ]  # fmt: skip
            bids = sum(paise is not None for paise in values[: 2 * _LEVELS : 2])
            yield Book(at_us, InstrumentKey(key), tuple(offers[:bids]), tuple(offers[bids:]))
