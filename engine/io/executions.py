"""``logs/exit_executions.json``: one line of JSON for each exit that has ended, never changed afterwards.

Each line carries the SHA-256 of the line before it and, last of all, its own, so that a line that was
altered, taken out or put in between is found. What the lines say is made by `engine.books`; the journal has
them before the file does, so that none is lost when the disk is full or the process dies between the two.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.io.ports import Clock
from engine.messages import BooksState, Message
from engine.model import Mode

__all__ = [
    "Executions",
    "ExecutionsFile",
    "Verified",
    "executions_file",
    "line_order",
    "read_lines",
    "verify_lines",
]

_log = logging.getLogger(__name__)

#: How soon a file that could not be written is tried again.
AGAIN_S = 30.0
#: What the first line has in place of the hash of a line before it.
NO_LINE = "0" * 64
_OWN_HASH = ', "sha256": "'

Line = Mapping[str, Any]
Name = tuple[str, int, str]


def executions_file(data_dir: Path, mode: Mode) -> Path:
    """Where the lines are; paper's are kept apart, as its journal is."""
    name = "exit_executions-paper.json" if mode is Mode.SIMULATE else "exit_executions.json"
    return data_dir / "logs" / name


class ExecutionsFile:
    """The file itself; used by one process at a time.

    Attributes:
        torn: where the last half line was put that a crash had left behind; None = there was none.
    """

    def __init__(self, path: Path) -> None:
        """Touches nothing yet."""
        self.torn: Path | None = None
        self._path = path
        self._turn = threading.Lock()  # whoever stops the writer may find its thread still at it
        self._names: set[Name] | None = None  # None = to be read anew
        self._size = 0
        self._last = NO_LINE

    def append(self, line: Line) -> bool:
        """Write a line to the disk; False when it is there already.

        Raises:
            OSError: the disk does not take it, or not for sure; the next call looks at the file anew.
        """
        with self._turn:
            return self._append(line)

    def _append(self, line: Line) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if self._names is None or os.fstat(file).st_size != self._size:
                self._read(file)
            return self._write(file, line)
        finally:
            os.close(file)

    def _write(self, file: int, line: Line) -> bool:
        assert self._names is not None  # noqa: S101 - read just before
        if _name(line) in self._names:
            return False
        text = _sealed({**line, "previous": self._last})
        data = text.encode() + b"\n"
        if os.write(file, data) != len(data):
            os.ftruncate(file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)
        self._names.add(_name(line))
        self._size += len(data)
        self._last = _hash(text)
        return True

    def _read(self, file: int) -> None:
        """Learn what is there; a half line at the end is put aside, all others stay as they are."""
        data = _all_of(file)
        rest = data.rpartition(b"\n")[2]
        good = len(data) - len(rest)
        if rest:
            if _own_hash_fits(rest.decode(errors="replace")):  # only its end of line is missing
                os.write(file, b"\n")
                data, good = data + b"\n", len(data) + 1
            else:
                self.torn = self._put_aside(rest)
                os.ftruncate(file, good)
        os.fsync(file)  # also of a line that an earlier call wrote and could not sync
        _sync_directory(self._path.parent)
        lines = data[:good].decode(errors="replace").split("\n")[:-1]
        self._names = {name for text in lines if (name := _name_in(text)) is not None}
        self._size, self._last = good, _hash(lines[-1]) if lines else NO_LINE

    def _put_aside(self, rest: bytes) -> Path:
        aside = self._path.with_name(f"{self._path.name}.torn")
        copy = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(copy, rest + b"\n")
            os.fsync(copy)
        finally:
            os.close(copy)
        return aside


class Executions:
    """The file's writer: takes lines at once, writes them in a thread, again until the disk has them.

    Args:
        post: the inbox; what is wrong with the file is told there, and stops nothing.
    """

    def __init__(self, path: Path, post: Callable[[Message], None], clock: Clock) -> None:
        self._path, self._post, self._clock = path, post, clock
        self._file = ExecutionsFile(path)
        self._waiting: asyncio.Queue[Line] = asyncio.Queue()
        self._failed = False

    def put(self, line: Line) -> None:
        """Take a line; never waits."""
        self._waiting.put_nowait(line)

    async def run(self) -> None:
        """Write until cancelled, and then what waits; what fails is in the journal, for the next start."""
        under_way: list[Line] = []
        try:
            while True:
                under_way = [await self._waiting.get()]
                while not await self._written(under_way[0]):
                    await self._clock.sleep(AGAIN_S)
        finally:
            with suppress(OSError):
                for line in under_way:  # whether its thread has begun or not: it is written once
                    self._file.append(line)
                while not self._waiting.empty():
                    self._file.append(self._waiting.get_nowait())

    async def _written(self, line: Line) -> bool:
        try:
            await asyncio.to_thread(self._file.append, line)
        except OSError as error:
            if not self._failed:
                _log.error("%s cannot be written: %s", self._path, error)
                text = (
                    f"{self._path.name}: {error.strerror}. Exits go on; the journal keeps the lines for it."
                )
                self._post(BooksState("cannot be written", text))
            self._failed = True
            return False
        if self._failed:
            self._failed = False
            _log.warning("%s is written again", self._path)
            self._post(BooksState("is written again", "Nothing of it is missing."))
        if self._file.torn is not None:
            text = (
                f"A crash left it there. It was moved to {self._file.torn.name}; all others are as they were."
            )
            _log.warning("%s: %s", self._path, text)
            self._post(BooksState("had a half line at its end", text))
            self._file.torn = None
        return True


# ---------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a file of executions.

    Attributes:
        lines: how many there are.
        faults: one sentence for each thing that is not as it was written; empty = all is well.
    """

    lines: int
    faults: tuple[str, ...]


def read_lines(path: Path) -> list[str]:
    """The whole lines of the file; none when there is no file.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.split("\n") if line]


def verify_lines(lines: Iterable[str], kept: Iterable[Line]) -> Verified:
    """Walk the chain of hashes, and hold each line against the journal's own copy of it.

    Args:
        lines: as they stand in the file.
        kept: the lines as the journal has them; an alteration that made all hashes anew differs from these.
    """
    ours = {_name(line): line for line in kept}
    faults, last, number = [], NO_LINE, 0
    for number, text in enumerate(lines, start=1):
        name = _name_in(text)
        if name is None:
            faults.append(f"line {number} cannot be read")
        else:
            line = json.loads(text)
            own = ours.pop(name, None)
            said = {key: value for key, value in line.items() if key not in ("previous", "sha256")}
            if not _own_hash_fits(text) or (own is not None and json.loads(json.dumps(own)) != said):
                faults.append(f"line {number} (exit {name[0]}) was altered")
            if line.get("previous") != last:
                faults.append(f"line {number} (exit {name[0]}) does not follow the line before it")
        last = _hash(text)
    faults += [f"exit {name[0]}, line {name[1]} of it, is in the journal alone" for name in sorted(ours)]
    return Verified(number, tuple(faults))


# --------------------------------------------------------------------------------------- plumbing


def _sealed(line: Line) -> str:
    """One line of JSON that ends in the hash of what stands before it."""
    body = json.dumps(line, ensure_ascii=False, allow_nan=False)
    return f'{body[:-1]}{_OWN_HASH}{_hash(body)}"}}'


def _own_hash_fits(text: str) -> bool:
    body, found, rest = text.rpartition(_OWN_HASH)
    return bool(found) and rest == _hash(f"{body}}}") + '"}'


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _name(line: Line) -> Name:
    """What a line is known by: its exit, the how manieth of it, and when it was decided.

    The last, because a journal that was lost may count its exits of the day from one again.
    """
    return str(line["intent"]), int(line["sequence"]), str(line["decided_at"])


def line_order(line: Line) -> tuple[str, int]:
    """By what lines are sorted: when the exit ended, then their number."""
    return str(line["ended_at"]), int(line["sequence"])


def _name_in(text: str) -> Name | None:
    """The same of a line of the file; None when it is none."""
    try:
        return _name(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return None


def _all_of(file: int) -> bytes:
    size, parts, at = os.fstat(file).st_size, [], 0
    while at < size and (part := os.pread(file, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _sync_directory(path: Path) -> None:
    """A new file's name is on the disk too."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
