"""The end of a journal's audit, and whether its chain holds there; only read."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.audit_page import UNTOLD, AuditLine, AuditNow
from engine.errors import BadInput
from engine.io.journal import LOCK_WAIT_S, NO_AUDIT, ChainEnd

__all__ = ["CHECKED", "read_audit"]

#: Of so many of the last lines the chain is verified at each look: some 10 ms of a thread's time. The whole
#: chain is verified by `Journal.verify_audit`.
CHECKED = 2_000


def read_audit(file: Path, last: int) -> AuditNow:
    """The last lines that are told, the newest first. Blocks for some ms.

    Raises:
        BadInput: there is no journal yet, or it cannot be read.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=LOCK_WAIT_S)) as database:
            database.execute("BEGIN")  # one moment for all that is read: the house goes on writing
            return _read(database, last)
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise BadInput(f"{file.name}: cannot be read ({error})") from error


def _read(database: sqlite3.Connection, last: int) -> AuditNow:
    (kept,) = database.execute("SELECT value FROM meta WHERE name = 'audit'").fetchone()
    end = ChainEnd.read(kept)
    untold = ", ".join("?" * len(UNTOLD))
    rows = database.execute(
        f"SELECT line, at_s, event, data FROM audit WHERE event NOT IN ({untold}) "  # noqa: S608 - marks only
        "ORDER BY line DESC LIMIT ?",
        (*UNTOLD, last),
    )
    lines = tuple(AuditLine(line, at_s, event, json.loads(data)) for line, at_s, event, data in rows)
    checked, broken = _verify(database, end)
    return AuditNow(lines, end.line, checked, broken)


def _verify(database: sqlite3.Connection, end: ChainEnd) -> tuple[int, str]:
    """Walk the last links up to the end that the journal keeps beside them."""
    first = max(end.line - CHECKED, 0)
    tail = NO_AUDIT
    if first:
        before = database.execute("SELECT hash FROM audit WHERE line = ?", (first,)).fetchone()
        if before is None:
            return 0, f"line {first} is missing"
        tail = ChainEnd(first, before[0])
    for line, at_s, event, text, digest in database.execute(
        "SELECT line, at_s, event, data, hash FROM audit WHERE line > ? ORDER BY line", (first,)
    ):
        tail = tail.after(at_s, event, text)
        if (line, digest) != (tail.line, tail.digest):
            return tail.line - first - 1, f"altered at line {tail.line}"
    if tail != end:
        return tail.line - first, f"it ends at line {tail.line}, expected {end.line}"
    return tail.line - first, ""
