"""Rows of the owner's tables, from a CSV file or a database: cells by column, and what is wrong with them.

All faults are told at once, each with the row, the column, what was read and what was expected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from engine.errors import BadInput
from engine.trade_cells import EMPTY

_T = TypeVar("_T")
_D = TypeVar("_D")


class RowReader:
    """Takes columns out of one row and collects what is wrong with them."""

    def __init__(self, row: Mapping[str, object], where: str) -> None:
        self.row = row
        self.where = where
        self.faults: list[str] = []

    def word(self, column: str) -> str:
        """The cell as text without blanks around it; the databases' words for nothing are empty."""
        text = self._text(column)
        return "" if text.lower() in EMPTY else text

    def nothing(self, column: str, expected: str) -> None:
        """Note a fault when the cell has a word for nothing instead of being empty."""
        text = self._text(column)
        if text and not self.word(column):
            self._fault(column, expected)

    def _text(self, column: str) -> str:
        value = self.row.get(column)
        return "" if value is None else str(value).strip()

    def _fault(self, column: str, expected: str) -> None:
        self.faults.append(f"{self.where}: {column}: read {self._text(column)!r}, expected {expected}")

    def __call__(self, column: str, parse: Callable[[str], _T], default: _D, expected: str) -> _T | _D:
        """The parsed cell, or the default when it is wrong (the fault is kept)."""
        try:
            return parse(self.word(column))
        except ValueError:
            self._fault(column, expected)
            return default


class CsvRow(NamedTuple):
    """One row of a file: its number from 1, how to name it in a fault, its cells.

    ``fault`` non-empty: it cannot be taken apart, and there are no cells.
    """

    number: int
    where: str
    cells: Mapping[str, str]
    fault: str = ""


def csv_rows(text: str, required: Sequence[str], aliases: Mapping[str, str] | None = None) -> list[CsvRow]:
    """Every row of a CSV file with a header.

    Args:
        text: the file.
        required: columns that must be there.
        aliases: other names of columns -> ours.

    Raises:
        BadInput: the header lacks columns or has some twice.
    """
    lines = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    rows: list[CsvRow] = []
    try:
        header = [(aliases or {}).get(name, name) for name in map(_column, next(lines, []))]
        _check_header(header, required)
        for number, words in enumerate((words for words in lines if any(map(str.strip, words))), start=1):
            where = f"row {number} (line {lines.line_num})"
            if any(map(str.strip, words[len(header) :])):
                fault = f"{where}: read {len(words)} cells, expected {len(header)}"
                rows.append(CsvRow(number, where, {}, fault))
            else:
                rows.append(CsvRow(number, where, dict(zip(header, words, strict=False))))
    except csv.Error as error:
        where = f"line {lines.line_num}"
        rows.append(CsvRow(len(rows) + 1, where, {}, f"{where}: not readable as CSV ({error})"))
    return rows


def _column(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _check_header(header: Sequence[str], required: Sequence[str]) -> None:
    missing = [column for column in required if column not in header]
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if missing or twice:
        raise BadInput(
            f"header: read {', '.join(header) or 'nothing'}; "
            + "; ".join(f"{what}: {', '.join(names)}"
                        for what, names in (("missing", missing), ("twice", twice)) if names)
        )  # fmt: skip
