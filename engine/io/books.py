"""The lines that exits have left in a journal; only read, whether a monitor is running on it or not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from engine.errors import BadInput
from engine.exit_sums import ExitLine
from engine.io.journal import LOCK_WAIT_S

__all__ = ["read_books"]


def read_books(file: Path, since: date) -> tuple[ExitLine, ...]:
    """Every line of an exit that ended on this day (IST) or later, superseded ones too. Blocks for some ms.

    Raises:
        BadInput: there is no journal yet, or it cannot be read.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_S)) as database:
            rows = database.execute(
                "SELECT json_extract(value, '$.line') FROM record "
                "WHERE kind = 'book' AND json_extract(value, '$.line.ended_at') >= ?",
                (since.isoformat(),),
            )
            return tuple(json.loads(line) for (line,) in rows)
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise BadInput(f"{file.name}: cannot be read ({error})") from error
