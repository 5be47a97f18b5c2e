"""The real journal on a disk that can be full, in a process that can die at a commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.effects import Record
from engine.errors import JournalError
from engine.io.journal import Item, Journal


class Killed(Exception):
    """SIGKILL, at the place where it is raised."""


class Pages(Journal):
    """`Journal` with its SQLite in memory, or in a file without syncs; it outlives its process.

    Attributes:
        full: the disk takes nothing.
        crash: the process dies ``before`` or ``after`` the next commit that holds an exit or an order;
            ``full``: that commit alone fails.
        kept: the records as they are on disk: kind -> key -> value.
    """

    def __init__(self, hear: Callable[[Record], None], file: Path | None = None) -> None:
        """``hear`` is told of every record that has reached the disk."""
        self._path = file or Path("memory")
        self._database = sqlite3.connect(":memory:" if file is None else file, isolation_level=None)
        self._open()
        self._database.execute("PRAGMA synchronous=OFF")  # nobody pulls the plug of a test
        self.full = False
        self.crash = ""
        self.kept: dict[str, dict[str, Any]] = {}
        self._hear = hear

    def commit(self, items: Sequence[Item], at_s: float) -> None:
        """Write, or fail as the disk does; die when the time has come."""
        if self.full:
            raise JournalError("database or disk is full")
        records = [item for item in items if isinstance(item, Record)]
        crash = self.crash if any(item.kind in ("intent", "order") for item in records) else ""
        self.crash = "" if crash else self.crash
        if crash == "before":
            raise Killed
        if crash == "full":
            raise JournalError("database or disk is full")
        super().commit(items, at_s)
        for item in records:
            self.kept.setdefault(item.kind, {})[item.key] = item.value
            self._hear(item)
        if crash == "after":
            raise Killed
