"""The embedded trade store: ``trades`` and ``strategy_exit_levels`` in a SQLite file of the owner's.

The owner may look into it and edit it with any SQLite tool, so every row is checked on the way in
and again on the way out if it has changed (`known_rows`). Money is text in rupees, moments are ISO 8601 with
offset. Each call opens the file anew in a thread: another program may hold its lock for a while, and the
loop must not wait.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from engine.book_rows import RowFigures
from engine.effects import CloseTrades, RowPart
from engine.errors import Unreachable
from engine.io.stores import exit_levels, trade_rows
from engine.io.stores.exit_levels import LevelReport
from engine.io.stores.imports import ImportReport
from engine.last import Last
from engine.model import ExitLevel, TradeRow
from engine.trades import StoredRow, sound_rows

#: How long another program's lock is waited for.
_LOCK_WAIT_S = 2.0


#: Ids begin at 1 again in a new file: what is remembered of rows names the file that they were in.
_IDENTITY = """
CREATE TABLE IF NOT EXISTS store_identity (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL);
"""
_NAME_IT = "INSERT OR IGNORE INTO store_identity VALUES (1, lower(hex(randomblob(8))))"


class SqliteStore:
    """The trade store on a file; implements `engine.io.ports.TradeStore`."""

    def __init__(self, path: Path) -> None:
        """Make the file and the table when they are not there yet.

        Raises:
            Unreachable: the file cannot be opened or is no such store.
        """
        self._path = path
        self._rows, self._levels = trade_rows.open_rows(), exit_levels.rows()
        self._sound = Last(sound_rows)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Unreachable(f"{path}: cannot be opened ({error.strerror})") from error
        with self._database() as database:
            schema = f"{trade_rows.SCHEMA} {exit_levels.SCHEMA} {_IDENTITY}"
            database.executescript(f"PRAGMA journal_mode=WAL; {schema}")
            if database.execute("SELECT 1 FROM store_identity").fetchone() is None:
                database.execute(_NAME_IT)
            if trade_rows.lacking(database):
                with _transaction(database):  # another process may have been faster
                    trade_rows.add(database, trade_rows.lacking(database))

    def identity(self) -> str:
        """The name that this file was given when it was made. Raises Unreachable."""
        with self._database() as database:
            ((name,),) = database.execute("SELECT name FROM store_identity")
        return f"sqlite:{name}"

    async def open_rows(self) -> Sequence[TradeRow]:
        """Every open row.

        A file that has gone, or has lost its table, is an error and never an empty answer.

        Raises:
            Unreachable: the file could not be read.
            BadInput: names every row that cannot be understood.
        """
        return self._sound(await self.stored_rows())

    async def stored_rows(self) -> Sequence[StoredRow]:
        """Every open row, or what is wrong with it. Raises Unreachable."""
        return await asyncio.to_thread(self._stored_rows)

    async def exit_levels(self) -> Sequence[ExitLevel]:
        """Every row of ``strategy_exit_levels``; what is wrong with one stands in it.

        Raises:
            Unreachable: the file could not be read.
        """
        return await asyncio.to_thread(self._exit_levels)

    async def close_rows(self, job: CloseTrades) -> None:
        """Mark rows as closed at their exit prices.

        A row that is closed already stays as it is.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        await asyncio.to_thread(self._close_rows, job.exits, job.closed_at_s)

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        """Take parts off rows that have so many units still; each part becomes a closed row of its own.

        A row that has another quantity, or is closed already, stays as it is.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        await asyncio.to_thread(self._reduce_rows, parts, closed_at_s, name)

    async def note_exits(self, figures: Sequence[RowFigures]) -> Sequence[RowFigures]:
        """Write what exits cost and made to their rows; those whose row is not there (yet) come back.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        return await asyncio.to_thread(self._note_exits, figures) if figures else ()

    async def add_rows(self, rows: Sequence[TradeRow]) -> None:
        """Add rows under ids of its own; those that are there already stay.

        Raises:
            Unreachable: the file could not be written; no row was added.
        """
        await self.import_rows(rows)

    async def import_rows(self, rows: Iterable[TradeRow]) -> ImportReport:
        """Add rows, all or none; the store gives them ids of its own.

        A row is there already when account, strategy id, security id, order id and timestamp are
        the same: it is left alone, whatever has become of it since. Where one of the two lacks a security
        id, type, strike and expiry stand for it.

        Raises:
            BadInput: a row that is there already says something else about the leg.
            Unreachable: the file could not be written; no row was added.
        """
        return await asyncio.to_thread(self._import_rows, tuple(rows))

    async def export_rows(self, *, closed: bool) -> Sequence[Mapping[str, object]]:
        """Every open row, or every closed one, its cells by column as they stand.

        Raises:
            Unreachable: the file could not be read.
        """
        return await asyncio.to_thread(self._export_rows, closed)

    async def export_levels(self) -> Sequence[Mapping[str, object]]:
        """Every row of ``strategy_exit_levels``, its cells by column as they stand.

        Raises:
            Unreachable: the file could not be read.
        """
        return await asyncio.to_thread(self._export_levels)

    async def import_levels(self, levels: Iterable[ExitLevel]) -> LevelReport:
        """Add rows of ``strategy_exit_levels`` or give known ones their new values, all or none.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        return await asyncio.to_thread(self._import_levels, tuple(levels))

    def _export_rows(self, closed: bool) -> list[dict[str, object]]:  # noqa: FBT001 - for to_thread
        with self._database() as database:
            return trade_rows.export(database, closed=closed)

    def _export_levels(self) -> list[dict[str, object]]:
        with self._database() as database:
            return exit_levels.export(database)

    def _exit_levels(self) -> tuple[ExitLevel, ...]:
        with self._database() as database:
            return self._levels.read(database)

    def _import_levels(self, levels: tuple[ExitLevel, ...]) -> LevelReport:
        with self._database() as database, _transaction(database):
            return exit_levels.upsert(database, levels)

    def _stored_rows(self) -> tuple[StoredRow, ...]:
        with self._database() as database:
            return self._rows.read(database)

    def _close_rows(self, exits: Mapping[int, int | None], closed_at_s: float) -> None:
        with self._database() as database, _transaction(database):
            trade_rows.close(database, exits, closed_at_s)

    def _reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        with self._database() as database, _transaction(database):
            trade_rows.reduce(database, parts, closed_at_s, name)

    def _note_exits(self, figures: Sequence[RowFigures]) -> tuple[RowFigures, ...]:
        with self._database() as database, _transaction(database):
            return tuple(each for each in figures if not trade_rows.note(database, each))

    def _import_rows(self, rows: tuple[TradeRow, ...]) -> ImportReport:
        with self._database() as database, _transaction(database):
            return trade_rows.insert(database, rows)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The file, opened only if it is still there."""
        try:
            with closing(
                sqlite3.connect(
                    f"{self._path.absolute().as_uri()}?mode=rw",
                    uri=True,
                    timeout=_LOCK_WAIT_S,
                    isolation_level=None,
                )
            ) as database:
                database.row_factory = sqlite3.Row
                yield database
        except sqlite3.Error as error:
            raise Unreachable(f"{self._path}: {error}") from error


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    database.execute("BEGIN IMMEDIATE")
    with database:
        yield
