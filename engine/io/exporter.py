"""Writes the trade store's rows as CSV: the tool behind ``python -m engine export``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.errors import BadInput

HELP = """\
The rows of the trade store as CSV, one row per leg, in the columns that `python -m engine import` takes
(docs/trades.md): the open rows, or with --closed those that have ended. Cells are written as they stand in
the store, also those that cannot be understood; import names what is wrong with them.

With --exit-levels it is the rows of strategy_exit_levels instead (`import --exit-levels`).

What comes out goes in again: importing the file into an empty store gives the same legs, importing it into
the store it comes from adds nothing. An ended row takes the columns of its exit (exit_price, closed_at,
realised_pnl …) along.

The store is only read, so it may run beside the monitor.

exit status:
  0  written; also when there was no row: then it is the header alone
  2  the store cannot be read, the file exists already or cannot be written

examples:
  python -m engine export > open.csv
  python -m engine export --closed --out closed-2026.csv
  python -m engine export --exit-levels > levels.csv
  DATA_DIR=/elsewhere python -m engine import open.csv
"""

#: What comes first, in the order of docs/trades.md; what else the store has comes after it.
_FIRST = (
    "id", "account", "strategy_id", "symbol", "strategy", "security_id", "action", "type", "strike_price",
    "expiry_date", "quantity", "price", "order_id", "order_status", "timestamp", "rule_set", "margin",
)  # fmt: skip
_LAST = ("exit_price", "closed_at", "realised_pnl", "exit_charges", "exit_slippage", "exit_line")
_LEVELS = (
    "id", "strategy_id", "exit_type", "level_name", "trigger_type", "trigger_value", "close_percentage",
    "enabled",
)  # fmt: skip
_QUOTE = '"'


class Exports(Protocol):
    """A trade store that gives out its rows as they stand."""

    async def export_rows(self, *, closed: bool) -> Sequence[Mapping[str, object]]:
        """Every open row, or every closed one, its cells by column. Raises SourceError."""

    async def export_levels(self) -> Sequence[Mapping[str, object]]:
        """Every row of ``strategy_exit_levels``, its cells by column. Raises SourceError."""


async def export_levels_csv(store: Exports) -> tuple[str, int]:
    """The file's text with every row of ``strategy_exit_levels``, and how many there are.

    Raises:
        SourceError: the store could not be read.
    """
    rows = await store.export_levels()
    return csv_text(rows, _LEVELS), len(rows)


async def export_csv(store: Exports, *, closed: bool) -> tuple[str, int]:
    """The file's text, and how many rows it has.

    Raises:
        SourceError: the store could not be read.
    """
    rows = await store.export_rows(closed=closed)
    return csv_text(rows, (*_FIRST, *_LAST) if closed else _FIRST), len(rows)


def csv_text(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """These columns of the rows; a cell that is not there is empty."""
    lines = [columns, *([row[name] for name in columns] for row in rows)]
    return "".join(",".join(map(_cell, cells)) + "\n" for cells in lines)


def _cell(value: object) -> str:
    """A cell as it must be written: `csv.writer` leaves a lone carriage return bare, which ends a row."""
    text = "" if value is None else str(value)
    return f'"{text.replace(_QUOTE, _QUOTE * 2)}"' if re.search('[",\r\n]', text) else text


def write_new(path: Path, content: str | bytes) -> None:
    """Write a file that is not there yet, readable by its owner alone, whole or not at all.

    Raises:
        BadInput: it exists, or cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        if path.exists():
            raise BadInput(f"{path}: is there already; nothing was written")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
        part.rename(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error
