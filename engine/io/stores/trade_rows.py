"""The ``trades`` table of the embedded store: SQL on an open file, nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from engine.book_rows import RowFigures
from engine.effects import RowPart
from engine.errors import BadInput
from engine.io.stores.imports import (
    ImportReport,
    before_parts,
    cells,
    contract,
    contradictions,
    day,
    moment,
    rupees,
    same_by_contract,
)
from engine.io.stores.known_rows import KnownRows
from engine.model import TradeRow
from engine.rows import RowReader
from engine.trade_cells import CLOSED_STATUSES, margin_paise
from engine.trades import StoredRow, account_word, parse_row, repeated

SCHEMA = """
CREATE TABLE IF NOT EXISTS trades (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL DEFAULT 'default',
    strategy_id INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL DEFAULT '',
    security_id INTEGER NOT NULL DEFAULT 0,
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
    rule_set TEXT NOT NULL DEFAULT '',
    margin TEXT,
    realised_pnl TEXT,
    exit_charges TEXT,
    exit_slippage TEXT,
    exit_line TEXT
);
DROP INDEX IF EXISTS trades_once;
CREATE UNIQUE INDEX IF NOT EXISTS trades_once_by_contract ON trades (
    account, strategy_id, security_id, type, coalesce(strike_price, ''), expiry_date, order_id, timestamp
);
"""

_COLUMNS = (
    "account", "strategy_id", "symbol", "strategy", "security_id", "action", "type", "strike_price",
    "expiry_date", "quantity", "price", "order_id", "order_status", "timestamp", "rule_set", "margin",
)  # fmt: skip
_ENDS = ("exit_price", "closed_at", "realised_pnl", "exit_charges", "exit_slippage", "exit_line")
# Columns that a store of an older version lacks.
_ADDED_LATER = {
    "rule_set": "TEXT NOT NULL DEFAULT ''", "margin": "TEXT", "realised_pnl": "TEXT", "exit_charges": "TEXT",
    "exit_slippage": "TEXT", "exit_line": "TEXT",
}  # fmt: skip
# A status nobody knows counts as open, so that reading the row complains instead of losing a leg.
_STILL_OPEN = f"upper(trim(order_status)) NOT IN {tuple(sorted(CLOSED_STATUSES))}"
# Built from constants above, never from a value.
_SELECT_OPEN = f"SELECT * FROM trades WHERE {_STILL_OPEN} ORDER BY id"  # noqa: S608
_UPDATE_CLOSE = (
    "UPDATE trades SET order_status = 'CLOSED', exit_price = ?, closed_at = ? "  # noqa: S608
    f"WHERE id = ? AND {_STILL_OPEN}"
)
_WRITTEN = (*_COLUMNS, *_ENDS)
_INSERT = f"INSERT INTO trades ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"  # noqa: S608
_SELECT_MARGIN = f"SELECT margin FROM trades WHERE id = ? AND quantity = ? AND {_STILL_OPEN}"  # noqa: S608
_UPDATE_REDUCE = "UPDATE trades SET quantity = ?, margin = ? WHERE id = ?"
_INSERT_PART = (
    f"INSERT INTO trades ({', '.join(_COLUMNS)}, exit_price, closed_at) "  # noqa: S608
    "SELECT account, strategy_id, symbol, strategy, security_id, action, type, strike_price, expiry_date, "
    "?, price, order_id || '/' || ?, 'CLOSED', timestamp, rule_set, ?, ?, ? FROM trades WHERE id = ?"
)
# Two rows of one leg: where a security id is lacking, the contract itself tells.
_SAME_LEG = (
    "part.account = row.account AND part.strategy_id = row.strategy_id "
    "AND part.security_id = row.security_id AND part.type = row.type "
    "AND part.strike_price IS row.strike_price AND part.expiry_date = row.expiry_date "
    "AND part.timestamp = row.timestamp"
)
#: What partial exits have taken off a row: closed rows named after it.
_SELECT_PARTS = (
    "SELECT part.* FROM trades AS row JOIN trades AS part "  # noqa: S608
    "ON substr(part.order_id, 1, length(row.order_id) + 1) = row.order_id || '/' "
    f"AND {_SAME_LEG} WHERE row.id = ?"
)
#: The row itself, or the closed row that is the part which an exit has taken off it.
_SELECT_ENDED = (
    "SELECT part.id, part.exit_line FROM trades AS row JOIN trades AS part "  # noqa: S608
    "ON CASE WHEN ? THEN part.id = row.id ELSE part.order_id = row.order_id || '/' || ? "
    f"AND {_SAME_LEG} END WHERE row.id = ?"
)
_UPDATE_NOTE = (
    "UPDATE trades SET realised_pnl = ?, exit_charges = ?, exit_slippage = ?, exit_line = ? WHERE id = ?"
)
#: The same leg is known by its security id, and where one of the two lacks it, by its contract.
_SELECT_TWIN = (
    "SELECT * FROM trades WHERE account = ? AND strategy_id = ? AND order_id = ? AND timestamp = ? "
    "AND CASE WHEN security_id > 0 AND ?5 > 0 THEN security_id = ?5 "
    "ELSE type = ?6 AND coalesce(CAST(strike_price AS REAL), 0) = ?7 AND expiry_date = ?8 END"
)


def lacking(database: sqlite3.Connection) -> tuple[str, ...]:
    """Columns that a store made by an older version has not got."""
    there = {row["name"] for row in database.execute("PRAGMA table_info(trades)")}
    return tuple(name for name in _ADDED_LATER if name not in there)


def add(database: sqlite3.Connection, columns: Iterable[str]) -> None:
    """Add columns that are lacking; the rows that are there have nothing in them."""
    for name in columns:
        database.execute(f"ALTER TABLE trades ADD COLUMN {name} {_ADDED_LATER[name]}")


def open_rows() -> KnownRows[StoredRow]:
    """Who reads every open row, or what is wrong with it."""
    return KnownRows(_SELECT_OPEN, _open_row)


def _open_row(cells: Mapping[str, object]) -> StoredRow:
    """An open row of the table, or what is wrong with it."""
    row_id, account = int(str(cells["id"])), account_word(cells["account"])
    try:
        return StoredRow(row_id, account, parse_row(cells, f"trades row {row_id}", row_id))
    except BadInput as error:
        return StoredRow(row_id, account, error)


def export(database: sqlite3.Connection, *, closed: bool) -> list[dict[str, object]]:
    """Every open row, or every closed one: its cells as they stand, by column; nothing is checked or lost."""
    which = f"NOT ({_STILL_OPEN})" if closed else _STILL_OPEN
    return [dict(row) for row in database.execute(f"SELECT * FROM trades WHERE {which} ORDER BY id")]  # noqa: S608


def close(database: sqlite3.Connection, exits: Mapping[int, int | None], closed_at_s: float) -> None:
    """Mark rows as closed at these exit prices (paise; None = unknown); closed ones stay as they are."""
    closed_at = moment(closed_at_s)
    database.executemany(
        _UPDATE_CLOSE, [(rupees(price_paise), closed_at, row_id) for row_id, price_paise in exits.items()]
    )


def reduce(database: sqlite3.Connection, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
    """Take parts off rows that have so many units still; each becomes a closed row of its own."""
    closed_at = moment(closed_at_s)
    for row_id, before, after, exit_paise in parts:
        found = database.execute(_SELECT_MARGIN, (row_id, before)).fetchone()
        if found is None:
            continue
        stays, goes = _margins(found["margin"], before, after)
        database.execute(_UPDATE_REDUCE, (after, stays, row_id))
        part = (before - after, name, goes, rupees(exit_paise), closed_at, row_id)
        database.execute(_INSERT_PART, part)


def note(database: sqlite3.Connection, figures: RowFigures) -> bool:
    """Write what an exit cost and made to its row; False when that row is not there.

    A row that has this line, or a later one of the exit, keeps what it says, also what the owner has changed.
    """
    found = database.execute(_SELECT_ENDED, (figures.whole, figures.exit, figures.row_id)).fetchone()
    if found is None:
        return False
    if (found["exit_line"] or "") < figures.line:
        amounts = (figures.realised_paise, figures.charges_paise, figures.slippage_paise)
        database.execute(_UPDATE_NOTE, (*map(rupees, amounts), figures.line, found["id"]))
    return True


def insert(database: sqlite3.Connection, rows: Sequence[TradeRow]) -> ImportReport:
    """Add rows; those that are there already are left alone.

    Raises:
        BadInput: a row that is there already says something else about the leg, or one comes twice;
            the caller takes everything back.
    """
    added: dict[int, TradeRow] = {}
    already: list[TradeRow] = []
    faults = repeated(rows, contract)
    for row in rows:
        stored = _stored(database, row)
        if stored is None:
            added[_insert(database, row)] = row
        elif (
            twin := added.get(stored[0].id)
        ) and twin.security_id != row.security_id:  # one of them has none
            faults += same_by_contract(twin, row)
        else:
            already.append(row)
            faults += contradictions(row, *stored)
    if faults:
        raise BadInput("\n".join(faults))
    return ImportReport(tuple(added.values()), tuple(already))


def _margins(cell: object, before: int, after: int) -> tuple[object, str | None]:
    """A row's margin, of the units that stay and of those that go; what cannot be read stays."""
    margin = RowReader({"margin": cell}, "trades")("margin", margin_paise, None, "rupees")
    if margin is None:
        return cell, None
    stays = margin * after // before
    return rupees(stays), rupees(margin - stays)


def _insert(database: sqlite3.Connection, row: TradeRow) -> int:
    """Add the row; the store's id of it."""
    written = cells(row)
    return int(database.execute(_INSERT, [written[name] for name in _WRITTEN]).lastrowid or 0)


def _stored(database: sqlite3.Connection, row: TradeRow) -> tuple[TradeRow, TradeRow] | None:
    """The row that is there already: as it stands, and as it was before parts were taken off it.

    None = it is not there. A file may be of before or of after.
    """
    identity = (
        row.account, row.strategy_id, row.order_id, moment(row.timestamp_s), row.security_id, row.type,
        (row.strike_price_paise or 0) / 100, day(row),
    )  # fmt: skip
    found = database.execute(_SELECT_TWIN, identity).fetchone()
    if found is None:
        return None
    now = _parse(found)
    return now, before_parts(now, map(_parse, database.execute(_SELECT_PARTS, (found["id"],))))


def _parse(row: sqlite3.Row) -> TradeRow:
    return parse_row({name: row[name] for name in row.keys()}, f"trades row {row['id']}", row["id"])  # noqa: SIM118
