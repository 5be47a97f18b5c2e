"""Rows of a file's table, each understood once: one that is read again as it was is the same object.

A store is read whole every half minute, and oftener; nearly always it says what it said. To understand three
thousand rows takes a fifth of a second of the interpreter, which the loop then has to share; to see that
they are as they were takes a fiftieth of that, and between any two of them the loop can have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

__all__ = ["KnownRows"]

_T = TypeVar("_T")


class KnownRows(Generic[_T]):
    """What the rows of one query were when they were last read.

    Two threads may read at once: each takes what is known when it begins, and what it leaves is whole.

    Args:
        parse: called with the cells by column, for a row that is new or has changed only; must not raise.
    """

    def __init__(self, parse: Callable[[Mapping[str, object]], _T]) -> None:
        """Nothing is known yet."""
        self._parse = parse
        self._known: tuple[tuple[str, ...], dict[object, tuple[object, _T]], tuple[_T, ...]] = ((), {}, ())

    def read(self, found: sqlite3.Cursor) -> tuple[_T, ...]:
        """Every row that a query gives, in its order; the same object as last time while nothing has changed.

        Args:
            found: of a query that selects ``id``, about to give its first row.
        """
        columns, known, before = self._known
        names = tuple(name for name, *_ in found.description)
        if names != columns:
            known = {}
        at = names.index("id")
        found.row_factory = None  # plain tuples, compared cell by cell
        rows: dict[object, tuple[object, _T]] = {}
        for cells in found:
            one = known.get(cells[at])
            if one is None or not _alike(one[0], cells):
                one = cells, self._parse(dict(zip(names, cells, strict=True)))
            rows[cells[at]] = one
        answer = tuple(parsed for _, parsed in rows.values())
        if len(answer) == len(before) and all(map(_is, answer, before)):
            return before
        self._known = names, rows, answer
        return answer


def _alike(before: object, cells: tuple[object, ...]) -> bool:
    """Whether a row is what it was, to the type of each cell: for SQLite 1 and 1.0 are not alike."""
    return before == cells and list(map(type, before)) == list(map(type, cells))


def _is(one: object, other: object) -> bool:
    return one is other
