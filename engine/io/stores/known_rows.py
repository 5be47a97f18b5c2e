"""Rows of a file's table, each understood once: one that is read again as it was is the same object.

A store is read whole every half minute, and oftener; nearly always it says what it said. To understand three
thousand rows takes a fifth of a second of the interpreter, which the loop then has to share; to see that
they are as they were takes next to nothing: the file is what it was, or else the rows are.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["KnownRows"]

_T = TypeVar("_T")
_Row = tuple[tuple[Any, ...], _T]
#: From so many characters of cells on the file itself is compared first: four thousand rows are 700,000,
#: which SQLite takes 24 ms to write down; to copy their file, and compare it, takes 0.2 ms.
LONG_TEXT = 50_000
#: A larger file is not copied: that alone would hold the interpreter for a millisecond. Nor is any where the
#: SQLite at hand cannot do it.
LARGE_BYTES = 4 * 2**20 if hasattr(sqlite3.Connection, "serialize") else 0


class _Known(NamedTuple, Generic[_T]):
    """An answer, and what it was made of; ``file``: the whole file that it was in, None = not looked at."""

    columns: tuple[str, ...]
    text: str | None
    rows: Mapping[object, _Row[_T]]
    answer: tuple[_T, ...]
    file: bytes | None = None


class KnownRows(Generic[_T]):
    """What the rows of one query were when they were last read.

    Two threads may read at once: each takes what is known when it begins, and what it leaves is whole.

    Args:
        select: the query, of ``id`` and whatever else, in a fixed order.
        parse: called with the cells by column, for a row that is new or has changed only; must not raise.
    """

    def __init__(self, select: str, parse: Callable[[Mapping[str, object]], _T]) -> None:
        """Nothing is known yet."""
        self._select = select
        self._parse = parse
        self._known = _Known[_T]((), None, {}, ())

    def read(self, database: sqlite3.Connection) -> tuple[_T, ...]:
        """Every row, in the order of the query; the same object as last time while nothing has changed.

        A file whose every byte is as it was has the same rows; so has one of which SQLite itself writes down
        all cells as the same text. Neither holds the interpreter for long. Only when the text is another one
        are the rows fetched, of the same moment.
        """
        known = self._known
        database.execute("BEGIN")
        columns = tuple(name for name, *_ in database.execute(self._select).description)
        file = _whole(database) if len(known.text or "") >= LONG_TEXT else None
        if file is not None and (columns, file) == (known.columns, known.file):
            database.execute("ROLLBACK")
            return known.answer
        ((text,),) = database.execute(_all_cells(self._select, columns))
        if (columns, text) == (known.columns, known.text):
            database.execute("ROLLBACK")
            self._known = known._replace(file=file)
            return known.answer
        before = known.rows if columns == known.columns else {}
        rows = list(self._rows(database, columns, before))  # an owner's own table may have an id twice
        database.execute("ROLLBACK")
        answer = tuple(parsed for _, (_, parsed) in rows)
        self._known = _Known(columns, text, dict(rows), answer, file)
        return answer

    def _rows(
        self, database: sqlite3.Connection, columns: tuple[str, ...], before: Mapping[object, _Row[_T]]
    ) -> Iterator[tuple[object, _Row[_T]]]:
        """Each row by its id, those that are as they were as they are known."""
        at, found = columns.index("id"), database.execute(self._select)
        found.row_factory = None  # plain tuples
        for cells in found:
            known = before.get(cells[at])
            if known is not None and _alike(known[0], cells):
                yield cells[at], known
            else:
                yield cells[at], (cells, self._parse(dict(zip(columns, cells, strict=True))))


def _whole(database: sqlite3.Connection) -> bytes | None:
    """The file as it is in this transaction, what its log holds included; None = it is too large."""
    ((size,),) = database.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return database.serialize() if size <= LARGE_BYTES else None


def _all_cells(select: str, columns: Iterable[str]) -> str:
    """A query for all cells of another one as one text that no other cells can give."""
    cells = " || ',' || ".join('quote("' + name.replace('"', '""') + '")' for name in columns)
    return f"SELECT group_concat({cells}) FROM ({select})"  # noqa: S608 - a query of ours, and names of columns


def _alike(before: object, cells: tuple[object, ...]) -> bool:
    """Whether a row is what it was, to the type of each cell: for SQLite 1 and 1.0 are not alike."""
    return before == cells and list(map(type, before)) == list(map(type, cells))
