"""The ``strategy_exit_levels`` table of the embedded store: SQL on an open file, nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.exit_levels import read_level
from engine.io.stores.known_rows import KnownRows
from engine.model import ExitLevel

SCHEMA = """
CREATE TABLE IF NOT EXISTS strategy_exit_levels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    strategy_id INTEGER NOT NULL,
    exit_type TEXT NOT NULL,
    level_name TEXT NOT NULL DEFAULT 'primary',
    trigger_type TEXT NOT NULL,
    trigger_value TEXT NOT NULL,
    close_percentage TEXT,
    enabled INTEGER NOT NULL DEFAULT 1
);
"""

_SELECT = "SELECT * FROM strategy_exit_levels ORDER BY id"
_INSERT = (
    "INSERT INTO strategy_exit_levels (strategy_id, exit_type, level_name, trigger_type, trigger_value, "
    "close_percentage, enabled) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = "UPDATE strategy_exit_levels SET trigger_value = ?, close_percentage = ?, enabled = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class LevelReport:
    """What became of the rows of one import: how many were new, were there with another value, were there."""

    added: int
    changed: int
    already: int


def rows() -> KnownRows[ExitLevel]:
    """Who reads every row, the wrong ones with their faults."""
    return KnownRows(_SELECT, _read)


def _read(cells: Mapping[str, object]) -> ExitLevel:
    return read_level(cells, int(str(cells["id"])))


def export(database: sqlite3.Connection) -> list[dict[str, object]]:
    """Every row, its cells as they stand, by column."""
    return [dict(row) for row in database.execute(_SELECT)]


def upsert(database: sqlite3.Connection, levels: Iterable[ExitLevel]) -> LevelReport:
    """Add rows, or give those that are there their new values.

    A row is there when strategy, exit type, level name and trigger type are the same.
    """
    known = {_identity(level): level for level in map(_read, reversed(export(database)))}
    counts = {"added": 0, "changed": 0, "already": 0}
    for level in levels:
        there = known.get(_identity(level))
        cells = (_text(level.value), _text(level.close_pct), int(level.enabled))
        if there is None:
            database.execute(_INSERT, (*_identity(level), *cells))
            counts["added"] += 1
        elif (there.value, there.close_pct, there.enabled) == (level.value, level.close_pct, level.enabled):
            counts["already"] += 1
        else:
            database.execute(_UPDATE, (*cells, there.id))
            counts["changed"] += 1
    return LevelReport(**counts)


def _identity(level: ExitLevel) -> tuple[int, str, str, str]:
    return level.strategy_id, level.exit_type, level.level_name, level.trigger_type


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
