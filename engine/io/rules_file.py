"""The owner's rules file: read at the start, and looked at again as long as the monitor runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from engine.errors import ConfigError
from engine.io import tables
from engine.io.ports import Clock
from engine.messages import Message, RulesChanged
from engine.rules.rulebook import Rulebook

#: How often the file is looked at. A change counts once two looks have seen the same content, so that
#: a file that is still being written is not taken for what was meant.
LOOK_S = 2.0


class RulesFile:
    """One file, its newest content, and the content that was last judged.

    Attributes:
        text: what is in force of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._seen: bytes | OSError = b""
        self._judged: bytes | str = b""
        self.text = ""

    def load(self) -> Rulebook:
        """The rules as the file has them now.

        Raises:
            ConfigError: the file cannot be read, or has faults.
        """
        self._look()
        self._judged = _essence(self._seen)
        return self._parse()

    async def watch(self, post: Callable[[Message], None], clock: Clock) -> None:
        """Post a `RulesChanged` for every new content, valid or not, once. Runs until cancelled."""
        while True:
            await clock.sleep(LOOK_S)
            message = await asyncio.to_thread(self._news)
            if message is not None:
                post(message)

    def _news(self) -> RulesChanged | None:
        before = _essence(self._seen)
        self._look()
        now = _essence(self._seen)
        if now == self._judged or now != before:
            return None
        self._judged = now
        version = blake2b(now if isinstance(now, bytes) else now.encode(), digest_size=6).hexdigest()
        try:
            return RulesChanged(self._parse(), str(self._path), version)
        except ConfigError as error:
            return RulesChanged(None, str(self._path), version, error.faults)

    def _look(self) -> None:
        """Read the file, if it is not plainly the one that was read last."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._stamp or isinstance(self._seen, OSError):
                self._seen, self._stamp = self._path.read_bytes(), stamp
        except OSError as error:
            self._seen = error

    def _parse(self) -> Rulebook:
        if isinstance(self._seen, OSError):
            raise ConfigError([f"RULES_FILE: {self._path} cannot be read ({self._seen.strerror})."])
        try:
            text = self._seen.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            fault = f"RULES_FILE: {self._path} is not UTF-8 text at byte {error.start}."
            raise ConfigError([fault]) from error
        rulebook = tables.rulebook(text, str(self._path))
        self.text = text
        return rulebook


def _essence(seen: bytes | OSError) -> bytes | str:
    """What makes two looks the same."""
    return str(seen.strerror) if isinstance(seen, OSError) else seen
