"""Fills the trade store from a CSV file: the tool behind ``python -m engine import FILE.csv``."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.errors import BadInput
from engine.io.stores.sqlite import ImportReport, SqliteStore
from engine.model import TradeRow
from engine.trades import parse_csv

#: More than this is not a table of somebody's own trades.
_LARGEST_BYTES = 20_000_000


async def import_csv(path: Path, store: SqliteStore) -> ImportReport:
    """Add every row of the file to the store, or none; importing a file again adds nothing.

    Raises:
        BadInput: the file cannot be read, or names every fault of its rows.
        Unreachable: the store could not be written.
    """
    return await store.import_rows(await asyncio.to_thread(_read, path))


def _read(path: Path) -> tuple[TradeRow, ...]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise BadInput(f"{path}: larger than {_LARGEST_BYTES:,} bytes; expected a table of trades")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text at byte {error.start}; save it as CSV UTF-8") from error
    return parse_csv(text)


def summary(report: ImportReport) -> str:
    """One line for the terminal."""
    text = f"{len(report.added)} row{'s' * (len(report.added) != 1)} added"
    if report.already:
        numbers = ", ".join(str(row.id) for row in report.already)
        text += f", {len(report.already)} there already (rows {numbers})"
    return f"{text}."
