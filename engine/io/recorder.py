"""The recorder: what the house has handled, kept beside the path of the ticks.

The runner appends each handled message to a queue, and that is all the tick path knows of it. A thread of
the recorder's own takes what is there once a second, makes bytes of it and appends them to the day's file.
Nobody ever waits for that thread: while the disk is slow, full or silent, what is too much is let go of,
counted and told once, and the day goes on with a gap that a replay knows of.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf, nextafter
from pathlib import Path

from engine.effects import Alert
from engine.io.backlog import Backlog, Heard
from engine.io.ports import Clock
from engine.messages import Message, Ticks
from engine.model import Mode, Urgency
from engine.recording.entries import Entry, Note
from engine.recording.scribe import Scribe
from engine.recording.spool import HEAD, block
from engine.sessions import Calendar, at, ist, ist_date

__all__ = ["PAPER", "RECORDED", "SPOOL", "Heard", "Recorder"]

_log = logging.getLogger(__name__)

#: Where recorded days are in a DATA_DIR, and what ends the names of paper's.
RECORDED, PAPER = "recorded", "-paper"
SPOOL = ".spool"
#: How often the thread writes, and how often it is looked after.
FLUSH_S, LOOK_S = 1.0, 1.0
#: So much may wait for the thread, weighed in ticks (`engine.io.backlog`); what is more has no room. A tick
#: holds on to the packet that it came in: this is some 65 MB, and a quarter of an hour of 500 contracts.
MOST_WAITING = 200_000
#: A write that takes longer than this is told, whatever there still is room for.
HANGS_S = 10.0
#: A session is recorded from so long before its open until so long after its close.
BEFORE_S, AFTER_S = 1_800.0, 3_600.0
#: No file of one life grows beyond this, and none is written while the disk has less left: the journal
#: needs what there is.
LARGEST_BYTES = 2 * 2**30
ROOM_BYTES = 512 * 2**20
#: So much, by the same weight, is made into bytes in one piece.
_BATCH = 2_048
#: How long the end of the house waits for the last of them.
_END_S = 3.0


class Recorder:
    """Records one life of a house.

    Args:
        data_dir: of the account.
        tell: takes what the owner should know.
        room: bytes that are free where a path is.

    Attributes:
        heard: takes what was handled; an ``append`` and a sum.
        dropped: ticks that were let go of.
    """

    def __init__(
        self,
        scribe: Scribe,
        data_dir: Path,
        mode: Mode,
        calendar: Calendar,
        clock: Clock,
        tell: Callable[[Alert], None],
        room: Callable[[Path], int] | None = None,
    ) -> None:
        self._backlog = Backlog()
        self.heard: Callable[[Heard], None] = self._backlog.append
        self._scribe, self._calendar = scribe, calendar
        self._places = _Places(data_dir / RECORDED, PAPER if mode is Mode.SIMULATE else "", room or _room)
        self._clock, self._tell = clock, tell
        self._told = ""
        self._fault = ""
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.dropped = 0
        self._untold = 0  # of those, and of other messages, what no gap in the file tells of yet
        self._turn = self._seen_turn = self._looks = 0  # odd while a write is going on; looks that saw it
        self._from_s, self._until_s, self._inside = inf, -inf, False

    async def run(self) -> None:
        """Record until cancelled; may be run again after that."""
        self._end.clear()
        thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                await self._clock.sleep(LOOK_S)
                self.look()
            raise RuntimeError("the recorder's thread has ended")  # why stands on stderr; begun anew
        finally:
            self._end.set()
            await asyncio.to_thread(thread.join, _END_S)

    def look(self) -> None:
        """Let go of what is too much, and tell what is wrong, once."""
        if self._backlog.weight > MOST_WAITING:
            self._let_go()
        slow = self._untold and self._backlog.weight >= MOST_WAITING // 4
        hangs = self._hangs()
        fault = self._fault or ("the disk is too slow for it" if slow or hangs else "")
        if fault and not self._told:
            _log.warning("the day is not recorded: %s", fault)
            self._tell(_alert(fault))
        elif self._told and not fault:
            _log.warning("the day is recorded again; %d prices are missing", self.dropped)
        self._told = fault

    def _hangs(self) -> bool:
        """Whether one write goes on since long; counted in looks, which no step of a clock makes more."""
        turn = self._turn
        self._looks = self._looks + 1 if turn % 2 and turn == self._seen_turn else 0
        self._seen_turn = turn
        return self._looks * LOOK_S > HANGS_S

    def _let_go(self) -> None:
        """Half of what waits, the oldest; the thread may take some of it meanwhile."""
        with suppress(IndexError):
            while self._backlog.weight > MOST_WAITING // 2:
                self._lose(self._backlog.oldest()[0])

    def _lose(self, message: Message) -> None:
        lost = len(message.ticks) if isinstance(message, Ticks) else 0
        with self._lock:
            self.dropped += lost
            self._untold += max(lost, 1)

    # -------------------------------------------------------------------------- on its own thread

    def _work(self) -> None:
        while not self._end.wait(FLUSH_S):
            self.flush()
        self.flush()
        self._places.close()

    def flush(self) -> None:
        """Write what waits now; what comes meanwhile is for the next time."""
        left = len(self._backlog)
        while left > 0 and (batch := self._backlog.batch(left, _BATCH)):
            left -= len(batch)
            self._write(batch)

    def _write(self, batch: Sequence[Heard]) -> None:
        """Follow a batch; whatever keeps it from the file, or ends the thread over it, it is counted."""
        kept = False
        self._turn += 1
        try:
            kept = self._put(batch)
        finally:
            self._turn += 1
            if not kept:
                for message, _, _ in batch:
                    self._lose(message)

    def _put(self, batch: Sequence[Heard]) -> bool:
        """Append what of a batch belongs to a session; False = it could not be."""
        with self._lock:
            lost = self._untold
        entries, fault = self._beginning(batch, lost)
        for message, now_s, effects in batch:
            told = self._scribe.take(message, now_s, effects)
            if self._within(now_s):
                entries += told
        if not entries:
            return True
        try:
            if not fault:
                self._places.append(block(entries))
        except OSError as error:
            fault = _why(error)
        self._fault = fault
        if not fault:
            with self._lock:
                self._untold -= lost
        return not fault

    def _beginning(self, batch: Sequence[Heard], lost: int) -> tuple[list[Entry], str]:
        """What goes before a batch in its file, and why there is no file; what was missed before is told.

        After a gap all that holds is told anew: what has changed meanwhile may have been among it.
        """
        first_s, last_s = batch[0][1], batch[-1][1]
        if not self._within(last_s):
            self._places.close()
            return [], ""
        try:
            new = self._places.begins(last_s)
        except OSError as error:
            return [], _why(error)
        entries = self._scribe.standing(first_s, again=not new) if new or lost else []
        if lost:
            entries.append(Note(entries[-1].at_us, "gap", {"lost": lost}))
        return entries, ""

    def _within(self, now_s: float) -> bool:
        """Whether a moment belongs to a session; asked for every message, so the answer's span is kept."""
        if not self._from_s <= now_s <= self._until_s:
            self._from_s, self._until_s, self._inside = self._span(now_s)
        return self._inside

    def _span(self, now_s: float) -> tuple[float, float, bool]:
        """From when until when the answer is the same as now, and what it is."""
        day = ist_date(now_s)
        if not self._calendar.is_session(day):
            return at(day, "00:00"), at(day, "23:59"), False
        session = self._calendar.session(day)
        from_s, until_s = session.open_s - BEFORE_S, session.close_s + AFTER_S
        if now_s < from_s:
            return at(day, "00:00"), nextafter(from_s, 0), False
        return (from_s, until_s, True) if now_s <= until_s else (now_s, at(day, "23:59"), False)


class _Places:
    """The file that is being written, one for each day of a life."""

    def __init__(self, root: Path, suffix: str, room: Callable[[Path], int]) -> None:
        self._root, self._suffix, self._room = root, suffix, room
        self._file: int | None = None
        self._name = ""
        self._size = 0

    def begins(self, now_s: float) -> bool:
        """Open the file of the moment's day; True when it is a new one. Raises OSError."""
        day = f"{ist_date(now_s)}{self._suffix}"
        if self._file is not None and self._name == day:
            return False
        self.close()
        where = self._root / day
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._room(where) < ROOM_BYTES:
            raise OSError(f"less than {ROOM_BYTES // 2**20} MB are free")
        self._file = _new_file(where, f"{ist(now_s):%H%M%S}")
        self._name, self._size = day, 0
        self._put(HEAD)
        return True

    def append(self, data: bytes) -> None:
        """Append a block whole, or nothing of it. Raises OSError."""
        if self._size + len(data) > LARGEST_BYTES:
            raise OSError(f"the day's file has {LARGEST_BYTES // 2**20} MB, the most that it may have")
        if self._room(self._root) < ROOM_BYTES:
            raise OSError(f"less than {ROOM_BYTES // 2**20} MB are free")
        self._put(data)

    def _put(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - `begins` came before
        whole = False
        try:
            whole = os.write(self._file, data) == len(data)
        finally:
            if not whole:
                self._undo()
        if not whole:
            raise OSError("the disk is full")
        self._size += len(data)

    def _undo(self) -> None:
        """Take half a block off again; a file that has not even its head is let go of."""
        assert self._file is not None  # noqa: S101 - as above
        with suppress(OSError):
            os.ftruncate(self._file, self._size)
        if not self._size:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None


def _new_file(where: Path, stem: str) -> int:
    """A file of its own for each life; two of one second are told apart by a letter."""
    for more in ("", *"abcdefghijklmnop"):
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            return os.open(where / f"{stem}{more}{SPOOL}", flags, 0o600)
    raise OSError("too many starts in one second")


def _room(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _why(error: OSError) -> str:
    return str(error.strerror or error)


def _alert(fault: str) -> Alert:
    return Alert(
        Urgency.NORMAL, "recording", "The day is not recorded",
        f"{fault[:1].upper()}{fault[1:]}. Rules and exits go on; a replay of today will have a gap.",
    )  # fmt: skip
