"""Fills the trade store from CSV files: the tool behind ``python -m engine import``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from engine import exit_levels
from engine.errors import BadInput
from engine.io.stores.exit_levels import LevelReport
from engine.io.stores.imports import ImportReport
from engine.model import ExitLevel, TradeRow
from engine.trades import parse_csv

#: More than this is not a table of somebody's own trades.
_LARGEST_BYTES = 20_000_000


class Imports(Protocol):
    """A trade store that takes rows in, those of a call all or none."""

    async def import_rows(self, rows: Iterable[TradeRow]) -> ImportReport:
        """Add those that are not there yet. Raises BadInput of a contradiction, SourceError."""

    async def import_levels(self, levels: Iterable[ExitLevel]) -> LevelReport:
        """Add rows of ``strategy_exit_levels``, or give known ones their new values. Raises SourceError."""


async def import_csv(path: Path, store: Imports) -> ImportReport:
    """Add every row of the file to the store, or none; importing a file again adds nothing.

    Raises:
        BadInput: the file cannot be read, or names every fault of its rows.
        SourceError: the store could not be written.
    """
    return await store.import_rows(parse_csv(await asyncio.to_thread(_read, path)))


async def import_levels_csv(path: Path, store: Imports) -> LevelReport:
    """Add every row of ``strategy_exit_levels`` in the file to the store, or none; known rows are changed.

    Raises:
        BadInput: the file cannot be read, or names every fault of its rows.
        SourceError: the store could not be written.
    """
    return await store.import_levels(exit_levels.parse_csv(await asyncio.to_thread(_read, path)))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise BadInput(f"{path}: larger than {_LARGEST_BYTES:,} bytes; expected a table of trades")
        with path.open(encoding="utf-8-sig", newline="") as file:  # a cell's own line ends stay what they are
            return file.read()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text at byte {error.start}; save it as CSV UTF-8") from error


def summary(report: ImportReport) -> str:
    """One line for the terminal."""
    text = f"{_rows(len(report.added))} added"
    if report.already:
        numbers = ", ".join(str(row.id) for row in report.already)
        text += f", {len(report.already)} there already (rows {numbers})"
    return f"{text}."


def levels_summary(report: LevelReport) -> str:
    """One line for the terminal."""
    return (
        f"strategy_exit_levels: {_rows(report.added)} added, {report.changed} changed, "
        f"{report.already} there already."
    )


def _rows(number: int) -> str:
    return f"{number} row{'s' * (number != 1)}"
