"""The journal: what must survive a crash, committed before its effect leaves the house.

SQLite with a write-ahead log and ``synchronous=FULL``: when `Journal.commit` returns, the disk has
it; when it raises, nothing of it counts and nothing that hangs on it may be sent. Used from the
loop's thread only: one sync of the disk per commit (0.2 to 5 ms measured), and handing that to another
thread would only put an await between the decision and its record.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.effects import Audit, Record, Seen, Settle
from engine.errors import JournalError, Settled, Unwritable
from engine.model import Mode

SCHEMA_VERSION = "2"
_SCHEMA = (
    """CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE record (
        kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, at_s REAL NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE audit (
        line INTEGER PRIMARY KEY, at_s REAL NOT NULL,
        event TEXT NOT NULL, data TEXT NOT NULL, hash TEXT NOT NULL
    )""",
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)
#: Looks at positions are no part of the story that nobody may cut: they are kept for a while.
_SEEN = (
    """CREATE TABLE IF NOT EXISTS seen (
        line INTEGER PRIMARY KEY, position TEXT NOT NULL, at_s REAL NOT NULL,
        passing INTEGER NOT NULL, data TEXT NOT NULL
    )""",
    """CREATE INDEX IF NOT EXISTS seen_of ON seen (position, passing, line)""",
    """CREATE INDEX IF NOT EXISTS seen_at ON seen (at_s)""",
)
#: So many looks of one position are kept, and none for longer than so many days.
SEEN_KEPT = 500
SEEN_DAYS = 30
_DAY_S = 86_400

#: A log that is checkpointed at 1,000 pages of 4 KiB, which is SQLite's way, gets this long.
_ROOM_BYTES, _PIECE_BYTES = 1_024 * 4_096, 1 << 18

#: How long another program's lock is waited for: the whole house waits with us. The runner tries again.
LOCK_WAIT_S = 0.2

Item = Record | Settle | Audit | Seen


def journal_name(mode: Mode) -> str:
    """Paper and real never share a journal: what was closed on paper is still held."""
    return "journal-paper.sqlite3" if mode is Mode.SIMULATE else "journal.sqlite3"


class Journal:
    """Records, confirmations and the audit story of one monitor.

    A record is a JSON object under (kind, key); a confirmation is the record of that kind under its
    nonce, with a ``status``. Every line of the audit holds a hash over itself and the line before.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal.

        Raises:
            JournalError: the file cannot be opened, is damaged, or belongs to a newer version.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened ({error.strerror}); check DATA_DIR") from error
        with self._errors(), ExitStack() as unfinished:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=LOCK_WAIT_S)
            unfinished.callback(self._database.close)
            self._open()
            unfinished.pop_all()

    def _open(self) -> None:
        """Set the durability, make or check the schema, find the audit's end."""
        execute = self._database.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        (health,) = execute("PRAGMA quick_check(1)").fetchone()
        if health != "ok":
            raise JournalError(f"{self._path}: damaged ({health}); restore it or move it away")
        if not execute("SELECT 1 FROM sqlite_master").fetchone():
            with self._transaction():
                for statement in _SCHEMA:
                    execute(statement)
                execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
                execute("INSERT INTO meta VALUES ('audit', ?)", (str(NO_AUDIT),))
        meta = dict(execute("SELECT name, value FROM meta"))
        if meta.get("schema") != SCHEMA_VERSION:
            raise JournalError(
                f"{self._path}: read schema {meta.get('schema')}, expected {SCHEMA_VERSION}; "
                "it was written by another version of this program: use that one, or another DATA_DIR"
            )
        for statement in _SEEN:
            execute(statement)
        self._tail = ChainEnd.read(meta["audit"])
        self._make_room()

    def _make_room(self) -> None:
        """Give the write-ahead log its full length before it is needed.

        To sync a file that has grown, the file system writes a journal of its own too, and waits there for
        what others write; in one that has its length, pages are written over and that is all. So as much as
        SQLite lets come together between two checkpoints is written once and taken back: of pages that
        were never committed nothing is left but the length. A disk without room keeps it as it is.
        """
        execute = self._database.execute
        with suppress(sqlite3.Error):
            execute("PRAGMA cache_size = 16")  # pages; what is more goes to the log at once
            try:
                execute("BEGIN IMMEDIATE")
                execute("CREATE TABLE room (bytes BLOB)")
                for _ in range(_ROOM_BYTES // _PIECE_BYTES):
                    execute("INSERT INTO room VALUES (zeroblob(?))", (_PIECE_BYTES,))
            finally:
                if self._database.in_transaction:
                    execute("ROLLBACK")
                execute("PRAGMA cache_size = -2000")  # kibibytes, as SQLite has it
            execute("UPDATE meta SET value = value WHERE name = 'schema'")  # syncs it

    def commit(self, items: Sequence[Item], at_s: float) -> None:
        """Write all items as one transaction, in their order.

        Raises:
            Settled: a `Settle` found its confirmation in another status; nothing was written.
            Unwritable: one of them holds what no journal can; nothing was written.
            JournalError: the disk or the file would not take it; nothing was written.
        """
        if not items:
            return
        tail = self._tail
        with self._errors(), self._transaction():
            for item in items:
                try:
                    tail = self._write(item, at_s, tail)
                except (ValueError, TypeError) as error:
                    raise Unwritable(f"{self._path}: {error}", item) from error
        self._tail = tail

    def _write(self, item: Item, at_s: float, tail: ChainEnd) -> ChainEnd:
        match item:
            case Record():
                self._record(item, at_s)
            case Settle():
                self._settle(item, at_s)
            case Audit():
                return self._tell(item, at_s, tail)
            case Seen():
                self._see(item)
        return tail

    def _record(self, item: Record, at_s: float) -> None:
        value = json.dumps(dict(item.value), sort_keys=True, separators=(",", ":"), allow_nan=False)
        self._database.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, at_s = excluded.at_s",
            (item.kind, item.key, value, at_s),
        )

    def _settle(self, item: Settle, at_s: float) -> None:
        changed = self._database.execute(
            "UPDATE record SET value = json_set(value, '$.status', ?), at_s = ? "
            "WHERE kind = 'confirmation' AND key = ? AND json_extract(value, '$.status') = ?",
            (item.to, at_s, item.nonce, item.expect),
        )
        if changed.rowcount != 1:
            raise Settled(f"confirmation {item.nonce} is not {item.expect} any more")

    def _tell(self, item: Audit, at_s: float, tail: ChainEnd) -> ChainEnd:
        # Lenient: an odd value in the story must not cost an exit its journal line.
        text = json.dumps(dict(item.data), separators=(",", ":"), default=str)
        tail = tail.after(at_s, item.event, text)
        self._database.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (tail.line, at_s, item.event, text, tail.digest)
        )
        self._database.execute("UPDATE meta SET value = ? WHERE name = 'audit'", (str(tail),))
        return tail

    def _see(self, item: Seen) -> None:
        """Keep a look, and let go of what is too much or too old."""
        execute = self._database.execute
        text = json.dumps(dict(item.data), separators=(",", ":"), default=str)
        if item.passing:
            execute("DELETE FROM seen WHERE position = ? AND passing", (item.position,))
            execute(
                "DELETE FROM seen WHERE line IN (SELECT line FROM seen WHERE at_s < ? LIMIT 500)",
                (item.at_s - SEEN_DAYS * _DAY_S,),
            )
        execute(
            "INSERT INTO seen (position, at_s, passing, data) VALUES (?, ?, ?, ?)",
            (item.position, item.at_s, item.passing, text),
        )
        if not item.passing:
            execute(
                "DELETE FROM seen WHERE position = ? AND NOT passing AND line <= (SELECT line FROM seen "
                "WHERE position = ? AND NOT passing ORDER BY line DESC LIMIT 1 OFFSET ?)",
                (item.position, item.position, SEEN_KEPT),
            )

    def load(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Every record: kind -> key -> value.

        Raises:
            JournalError: it cannot be read.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        with self._errors():
            for kind, key, value in self._database.execute(
                "SELECT kind, key, value FROM record ORDER BY kind, key"
            ):
                found.setdefault(kind, {})[key] = json.loads(value)
        return found

    def verify_audit(self) -> int:
        """Walk the audit's chain of hashes; the number of lines when all is as it was written.

        Raises:
            JournalError: names the first line that was altered, or where the story was cut.
        """
        tail = NO_AUDIT
        with self._errors():
            (end,) = self._database.execute("SELECT value FROM meta WHERE name = 'audit'").fetchone()
            for line, at_s, event, text, digest in self._database.execute(
                "SELECT line, at_s, event, data, hash FROM audit ORDER BY line"
            ):
                tail = tail.after(at_s, event, text)
                if (line, digest) != (tail.line, tail.digest):
                    raise JournalError(f"{self._path}: the audit was altered at line {tail.line}")
        if end != str(tail):
            raise JournalError(f"{self._path}: the audit ends at line {tail.line}, expected {end.split()[0]}")
        return tail.line

    def close(self) -> None:
        """Close the file; everything committed is safe without it too."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                with suppress(sqlite3.Error):  # what brought us here is the error that counts
                    self._database.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Give SQLite's errors, and what is no JSON in the file, their place among ours."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise JournalError(f"{self._path}: {error}") from error


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The end of the audit's chain at a line: its number and hash."""

    line: int
    digest: str

    def after(self, at_s: float, event: str, text: str) -> ChainEnd:
        """The end once this line is told too."""
        line = self.line + 1
        told = f"{self.digest}\n{line}\n{float(at_s)!r}\n{event}\n{text}"
        return ChainEnd(line, hashlib.sha256(told.encode()).hexdigest())

    def __str__(self) -> str:
        return f"{self.line} {self.digest}"

    @classmethod
    def read(cls, text: str) -> ChainEnd:
        """Read what `str` has written."""
        line, digest = text.split()
        return cls(int(line), digest)


NO_AUDIT = ChainEnd(0, "0" * 64)
