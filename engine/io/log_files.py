"""The log's files: a line of JSON for each fact, in the file of what it is about.

::

    logs/monitor.log    everything that is not below, and each warning of those too
    logs/feed.log       the price feed and Redis
    logs/realtime.log   Supabase's Realtime
    logs/orders.log     exits and orders: each of their states, and what the broker's books say of them

A line has ``at`` (ISO 8601 in Indian time), ``level``, ``name``, ``message``, where known ``account``,
``strategy``, ``intent``, ``order``, and ``trace`` after an error.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from engine.sessions import IST

__all__ = ["IDS", "LOGS", "files"]

#: Where they are, in the data directory.
LOGS = "logs"
#: What a record may carry beside its text (``extra=``), for who looks for one exit among all.
IDS = ("account", "strategy", "intent", "order")
FILE_BYTES, FILES = 5_000_000, 5

#: Whose records are in which file, by the beginnings of their loggers' names; first match counts.
_ABOUT = {
    "feed": ("engine.io.feed", "engine.io.dhan.feed", "engine.io.dhan.connection", "engine.io.dhan.sockets",
             "engine.io.dhan.polling", "engine.io.redis"),
    "realtime": ("engine.io.stores.realtime", "realtime"),
    "orders": ("engine.io.orders", "engine.io.dhan", "engine.io.lease"),
}  # fmt: skip


#: What JSON leaves as it is, and some readers take for the end of a line.
_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


class _Json(logging.Formatter):
    """One record, one line; its text has been through the sieve."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, IST).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in IDS if (value := getattr(record, name, None)) not in {None, ""}}
        trace = "\n".join(filter(None, (record.exc_text, record.stack_info)))
        if trace:
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False, default=str).translate(_BREAKS)


class _OwnersFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner may read, after each turn anew."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)


class _About(logging.Filter):
    """Lets through what belongs into this file."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def filter(self, record: logging.LogRecord) -> bool:
        """The file of its name; and the monitor's also gets what went wrong anywhere."""
        file = next((file for file, names in _ABOUT.items() if record.name.startswith(names)), "monitor")
        return file == self._file or (self._file == "monitor" and record.levelno >= logging.WARNING)


def files(directory: Path) -> Iterator[logging.Handler]:
    """A handler for each file; each turns over at 5 MB, and four old ones are kept."""
    place = directory / LOGS
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("monitor", *_ABOUT):
        handler = _OwnersFile(
            place / f"{name}.log", maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8",
            errors="backslashreplace",
        )  # fmt: skip
        handler.setFormatter(_Json())
        handler.addFilter(_About(name))
        yield handler
