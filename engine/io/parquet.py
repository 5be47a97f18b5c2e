"""A recorded day as Parquet: written once the day is over, read by the replay. Imports pyarrow.

One life of a house makes three files: its prices, its looks into the book, and its notes. Prices are in
groups that follow each other in time; within a group they are sorted by instrument and moment, so that each
column holds small steps only. Prices are told in steps of ``price_step`` paise and quantities in steps of
``units_step`` units, which are the contract's tick and lot, or whatever divides all of the group's.
Whatever reads Parquet can read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from math import gcd
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
#: Prices of one group: some 100 MB while it is made or read.
_GROUP = 250_000
_LEVELS = 5
_ZSTD = 9

#: The moment is milliseconds and, for the few that share one, their place in it.
_MOMENT = ("at_ms", "of_ms")
_STEPS = ("price_step", "units_step")
_TICK_COLUMNS = (*_MOMENT, "nth", *TICK_FIELDS, *_STEPS)
_SIDES = ("bid", "ask")
#: Of the levels below the best, how much further away than the one above they are.
_BOOK_COLUMNS = (
    *_MOMENT, "key",
    *(
        f"{side}{level}_{what}"
        for side in _SIDES
        for level in range(1, _LEVELS + 1)
        for what in ("paise" if level == 1 else "further", "units")
    ),
    *_STEPS,
)  # fmt: skip
_PRICES = ("paise", "further")
_UNITS = ("units", "quantity", "volume", "oi")
#: Columns whose values say more than their steps.
_NOT_IN_STEPS = ("units", "quantity", "oi", "further", "of_ms", "nth")


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
                    ticks.add((*divmod(entry.at_us, 1_000), nth, *tick_values(tick)))
            elif isinstance(entry, Book):
                sides = (*_levels(entry.bids, -1), *_levels(entry.asks, 1))
                books.add((*divmod(entry.at_us, 1_000), entry.key, *sides))
            else:
                text = json.dumps(entry.data, separators=(",", ":"))
                notes.add((*divmod(entry.at_us, 1_000), entry.kind, text))
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
        for at_ms, of_ms, kind, text in rows:
            yield Note(1_000 * at_ms + of_ms, kind, json.loads(text))


# ------------------------------------------------------------------------------------ writing

_INT = pa.int64()


def _whole(names: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, _INT) for name in names])


#: The columns of each file, and by which of them the rows of a group are sorted.
_SHAPES: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    NOTES: (_whole(_MOMENT).append(pa.field("kind", pa.string())).append(pa.field("data", pa.string())), ()),
    BOOKS: (_whole(_BOOK_COLUMNS), ("key", *_MOMENT)),
    TICKS: (_whole(_TICK_COLUMNS), ("key", *_MOMENT, "nth")),
}


class _Table:
    """One file in the making."""

    def __init__(self, path: Path, schema: pa.Schema, order: tuple[str, ...]) -> None:
        self.rows = 0
        self._schema = schema.with_metadata({_NAMED: _VERSION})
        self._order = [schema.names.index(name) for name in order]
        self._key = schema.names.index("key") if order else None
        self._priced, self._counted = (_ending(schema, ends) for ends in (_PRICES, _UNITS))
        words = ["kind"] if not order else False
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=_ZSTD, use_dictionary=words,
            column_encoding={field.name: _encoding(field.name) for field in schema if field.type == _INT},
            write_statistics=False,
        )  # fmt: skip
        self._group: list[tuple[Any, ...]] = []

    def add(self, row: tuple[Any, ...]) -> None:
        self._group.append(row)
        self.rows += 1
        if len(self._group) == _GROUP:
            self._flush()

    def close(self) -> None:
        if self._group:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._order:
            self._group.sort(key=itemgetter(*self._order))
        if self._key is None:
            columns: Iterable[Iterable[Any]] = zip(*self._group, strict=True)
        else:
            parts = [self._stepped(rows) for _, rows in groupby(self._group, itemgetter(self._key))]
            columns = map(chain.from_iterable, zip(*parts, strict=True))
        made = [pa.array(list(c), field.type) for c, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(made, schema=self._schema))
        self._group.clear()

    def _stepped(self, rows: Iterable[tuple[Any, ...]]) -> list[Sequence[int | None]]:
        """The columns of one contract, prices and quantities in the steps that they have."""
        columns: list[Sequence[int | None]] = list(zip(*rows, strict=True))
        for which in (self._priced, self._counted):
            step = gcd(*(value for n in which for value in columns[n] if value is not None)) or 1
            if step != 1:
                for n in which:
                    columns[n] = [None if value is None else value // step for value in columns[n]]
            columns.append([step] * len(columns[0]))
        return columns


def _ending(schema: pa.Schema, ends: tuple[str, ...]) -> list[int]:
    """Which columns tell what these words say."""
    return [n for n, name in enumerate(schema.names) if name.endswith(ends)]


def _encoding(name: str) -> str:
    """Small steps where a column has such, else byte by byte."""
    return "BYTE_STREAM_SPLIT" if name.endswith(_NOT_IN_STEPS) else "DELTA_BINARY_PACKED"


def _levels(offers: tuple[Offer, ...], away: int) -> Iterator[int | None]:
    """One side, nulls where it is shorter; prices as what they are further away than the level above."""
    above = 0
    for offer in offers[:_LEVELS]:
        yield away * (offer.paise - above) if above else offer.paise
        yield offer.units
        above = offer.paise
    yield from [None] * (2 * (_LEVELS - len(offers)))


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
    """The rows of each group, in the order of their moments."""
    for number in range(file.num_row_groups):
        try:
            table = file.read_row_group(number)
        except (OSError, pa.ArrowInvalid) as error:
            raise BadInput(f"a group of the recorded day cannot be read ({error})") from error
        rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        if "key" in table.column_names:
            rows.sort(key=itemgetter(0, 1, 2))  # moment, and place within it
        yield rows


def _prices(file: pq.ParquetFile) -> Iterator[Prices]:
    """Batches put together again; one that two groups share is one batch."""
    rows = (row for group in _groups(file) for row in group)
    for (at_ms, of_ms), batch in groupby(rows, itemgetter(0, 1)):
        yield Prices(1_000 * at_ms + of_ms, tuple(map(_tick, batch)))


def _tick(row: tuple[Any, ...]) -> Tick:
    _, _, _, key, ltp, ltt_s, bid, bids, ask, asks, volume, oi, price, units = row
    return Tick(
        InstrumentKey(key), ltp * price, ltt_s,
        None if bid is None else bid * price, bids * units, None if ask is None else ask * price,
        asks * units, volume * units, oi * units,
    )  # fmt: skip


def _books(file: pq.ParquetFile) -> Iterator[Book]:
    for rows in _groups(file):
        for at_ms, of_ms, key, *values, price, units in rows:
            bids, asks = (
                _offers(values[start : start + 2 * _LEVELS], away, price, units)
                for start, away in ((0, -1), (2 * _LEVELS, 1))
            )
            yield Book(1_000 * at_ms + of_ms, InstrumentKey(key), bids, asks)


def _offers(values: list[int | None], away: int, price: int, units: int) -> tuple[Offer, ...]:
    """`_levels` and the steps read back."""
    found: list[Offer] = []
    above = 0
    for told, shown in zip(values[::2], values[1::2], strict=True):
        if told is None or shown is None:
            break
        paise = above + away * told * price if above else told * price
        found.append(Offer(paise, shown * units))
        above = paise
    return tuple(found)
