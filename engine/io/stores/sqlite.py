"""The embedded trade store: ``trades`` and ``strategy_exit_levels`` in a SQLite file of the owner's.

The owner may look into it and edit it with any SQLite tool, so every row is checked on the way in
and again on the way out. Money is text in rupees, moments are ISO 8601 with offset. Each call opens
the file anew in a thread: another program may hold its lock for a while, and the loop must not wait.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from engine.effects import RowPart
from engine.errors import BadInput, Unreachable
from engine.io.stores import exit_levels
from engine.io.stores.exit_levels import LevelReport
from engine.model import ExitLevel, TradeRow
from engine.sessions import IST
from engine.trade_cells import CLOSED_STATUSES
from engine.trades import parse_row

#: How long another program's lock is waited for.
_LOCK_WAIT_S = 2.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trades (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL DEFAULT 'default',
    strategy_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL DEFAULT '',
    security_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    type TEXT NOT NULL,
    strike_price TEXT,
    expiry_date TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    price TEXT,
    order_id TEXT NOT NULL DEFAULT '',
    order_status TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    exit_price TEXT,
    closed_at TEXT,
    rule_set TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS trades_once
    ON trades (account, strategy_id, security_id, order_id, timestamp);
"""

_COLUMNS = (
    "account", "strategy_id", "symbol", "strategy", "security_id", "action", "type", "strike_price",
    "expiry_date", "quantity", "price", "order_id", "order_status", "timestamp", "rule_set",
)  # fmt: skip
# What a row says beyond its identity.
_SAID = ("action", "type", "strike_price_paise", "expiry_date", "quantity", "price_paise", "rule_set")
# For a store that was made before there was this column.
_ADD_RULE_SET = "ALTER TABLE trades ADD COLUMN rule_set TEXT NOT NULL DEFAULT ''"
# A status nobody knows counts as open, so that reading the row complains instead of losing a leg.
_STILL_OPEN = f"upper(trim(order_status)) NOT IN {tuple(sorted(CLOSED_STATUSES))}"
# Built from constants above, never from a value.
_SELECT_OPEN = f"SELECT * FROM trades WHERE {_STILL_OPEN} ORDER BY id"  # noqa: S608
_UPDATE_CLOSE = (
    "UPDATE trades SET order_status = 'CLOSED', exit_price = ?, closed_at = ? "  # noqa: S608
    f"WHERE id = ? AND {_STILL_OPEN}"
)
_INSERT = (
    f"INSERT INTO trades ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608
    "ON CONFLICT (account, strategy_id, security_id, order_id, timestamp) DO NOTHING"
)
_UPDATE_REDUCE = f"UPDATE trades SET quantity = ? WHERE id = ? AND quantity = ? AND {_STILL_OPEN}"  # noqa: S608
_INSERT_PART = (
    f"INSERT INTO trades ({', '.join(_COLUMNS)}, exit_price, closed_at) "  # noqa: S608
    "SELECT account, strategy_id, symbol, strategy, security_id, action, type, strike_price, expiry_date, "
    "?, price, order_id || '/' || ?, 'CLOSED', timestamp, rule_set, ?, ? FROM trades WHERE id = ?"
)
#: Units that partial exits have taken off a row: closed rows named after it.
_SELECT_PARTS = (
    "SELECT coalesce(sum(quantity), 0) FROM trades WHERE account = ? AND strategy_id = ? "
    "AND security_id = ? AND substr(order_id, 1, length(?) + 1) = ? || '/' AND timestamp = ?"
)
_SELECT_TWIN = (
    "SELECT * FROM trades WHERE account = ? AND strategy_id = ? AND security_id = ? "
    "AND order_id = ? AND timestamp = ?"
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of one import."""

    added: tuple[TradeRow, ...]
    already: tuple[TradeRow, ...]


class SqliteStore:
    """The trade store on a file; implements `engine.io.ports.TradeStore`."""

    def __init__(self, path: Path) -> None:
        """Make the file and the table when they are not there yet.

        Raises:
            Unreachable: the file cannot be opened or is no such store.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Unreachable(f"{path}: cannot be opened ({error.strerror})") from error
        with self._database() as database:
            database.executescript(f"PRAGMA journal_mode=WAL; {_SCHEMA} {exit_levels.SCHEMA}")
            if "rule_set" not in {row["name"] for row in database.execute("PRAGMA table_info(trades)")}:
                database.execute(_ADD_RULE_SET)

    async def open_rows(self) -> Sequence[TradeRow]:
        """Every open row.

        A file that has gone, or has lost its table, is an error and never an empty answer.

        Raises:
            Unreachable: the file could not be read.
            BadInput: names every row that cannot be understood.
        """
        return await asyncio.to_thread(self._open_rows)

    async def exit_levels(self) -> Sequence[ExitLevel]:
        """Every row of ``strategy_exit_levels``; what is wrong with one stands in it.

        Raises:
            Unreachable: the file could not be read.
        """
        return await asyncio.to_thread(self._exit_levels)

    async def close_rows(self, exits: Mapping[int, int | None], closed_at_s: float) -> None:
        """Mark rows as closed at these exit prices (paise; None = unknown).

        A row that is closed already stays as it is.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        await asyncio.to_thread(self._close_rows, exits, closed_at_s)

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        """Take parts off rows that have so many units still; each part becomes a closed row of its own.

        A row that has another quantity, or is closed already, stays as it is.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        await asyncio.to_thread(self._reduce_rows, parts, closed_at_s, name)

    async def import_rows(self, rows: Iterable[TradeRow]) -> ImportReport:
        """Add rows, all or none; the store gives them ids of its own.

        A row is there already when account, strategy id, security id, order id and timestamp are
        the same: it is left alone, whatever has become of it since.

        Raises:
            BadInput: a row that is there already says something else about the leg.
            Unreachable: the file could not be written; no row was added.
        """
        return await asyncio.to_thread(self._import_rows, tuple(rows))

    async def import_levels(self, levels: Iterable[ExitLevel]) -> LevelReport:
        """Add rows of ``strategy_exit_levels`` or give known ones their new values, all or none.

        Raises:
            Unreachable: the file could not be written; no row was changed.
        """
        return await asyncio.to_thread(self._import_levels, tuple(levels))

    def _exit_levels(self) -> tuple[ExitLevel, ...]:
        with self._database() as database:
            return exit_levels.select(database)

    def _import_levels(self, levels: tuple[ExitLevel, ...]) -> LevelReport:
        with self._database() as database, _transaction(database):
            return exit_levels.upsert(database, levels)

    def _open_rows(self) -> tuple[TradeRow, ...]:
        with self._database() as database:
            found = database.execute(_SELECT_OPEN).fetchall()
        rows, faults = [], []
        for row in found:
            try:
                rows.append(_parse(row))
            except BadInput as error:
                faults.append(str(error))
        if faults:
            raise BadInput("\n".join(faults))
        return tuple(rows)

    def _close_rows(self, exits: Mapping[int, int | None], closed_at_s: float) -> None:
        closed_at = _moment(closed_at_s)
        with self._database() as database, _transaction(database):
            database.executemany(
                _UPDATE_CLOSE,
                [(_rupees(price_paise), closed_at, row_id) for row_id, price_paise in exits.items()],
            )

    def _reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        closed_at = _moment(closed_at_s)
        with self._database() as database, _transaction(database):
            for row_id, before, after, exit_paise in parts:
                if database.execute(_UPDATE_REDUCE, (after, row_id, before)).rowcount == 1:
                    part = (before - after, name, _rupees(exit_paise), closed_at, row_id)
                    database.execute(_INSERT_PART, part)

    def _import_rows(self, rows: tuple[TradeRow, ...]) -> ImportReport:
        added, already, faults = [], [], _repeated(rows)
        with self._database() as database, _transaction(database):
            for row in rows:
                if _insert(database, row):
                    added.append(row)
                    continue
                already.append(row)
                faults += _differences(row, _stored(database, row))
            if faults:
                raise BadInput("\n".join(faults))  # which takes everything back
        return ImportReport(tuple(added), tuple(already))

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


def _insert(database: sqlite3.Connection, row: TradeRow) -> bool:
    """Add the row; False when it is there already."""
    expiry = None if row.expiry_date is None else row.expiry_date.isoformat()
    cells = (
        row.account, row.strategy_id, row.symbol, row.strategy, row.security_id, str(row.action), row.type,
        _rupees(row.strike_price_paise), expiry, row.quantity, _rupees(row.price_paise), row.order_id,
        row.order_status, _moment(row.timestamp_s), row.rule_set,
    )  # fmt: skip
    return database.execute(_INSERT, cells).rowcount == 1


def _stored(database: sqlite3.Connection, row: TradeRow) -> TradeRow:
    """The row that is there already, as it was before parts were taken off it."""
    identity = (row.account, row.strategy_id, row.security_id, row.order_id, _moment(row.timestamp_s))
    stored = _parse(database.execute(_SELECT_TWIN, identity).fetchone())
    parts = (*identity[:4], *identity[3:])
    return replace(stored, quantity=stored.quantity + database.execute(_SELECT_PARTS, parts).fetchone()[0])


def _repeated(rows: Sequence[TradeRow]) -> list[str]:
    """Rows that name the same leg twice in one import: one of them would be lost in silence."""
    first: dict[tuple[object, ...], TradeRow] = {}
    faults = []
    for row in rows:
        name = (row.account, row.strategy_id, row.security_id, row.order_id, row.timestamp_s)
        twin = first.setdefault(name, row)
        if twin is not row:
            faults.append(
                f"row {row.id}: read the leg of row {twin.id} again (same strategy, security id, order id "
                "and timestamp); expected another order_id, or one row with the whole quantity"
            )
    return faults


def _differences(row: TradeRow, stored: TradeRow) -> list[str]:
    """What the import says of a leg that the store knows otherwise."""
    return [
        f"row {row.id}: order {row.order_id or '(no id)'} of strategy {row.strategy_id} is stored already "
        f"(trades row {stored.id}) with {name} {getattr(stored, name)}, read {getattr(row, name)}; "
        "correct the file, or edit the stored row"
        for name in _SAID
        if getattr(row, name) != getattr(stored, name)
    ]


def _parse(row: sqlite3.Row) -> TradeRow:
    return parse_row({name: row[name] for name in row.keys()}, f"trades row {row['id']}", row["id"])  # noqa: SIM118


def _rupees(paise: int | None) -> str | None:
    return None if paise is None else f"{paise // 100}.{paise % 100:02d}"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, IST).isoformat()
