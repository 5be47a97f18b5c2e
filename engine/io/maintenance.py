"""What is done once a day so that a machine left alone for years stays well; each step by itself.

Nothing here holds up a running monitor: what needs a database for itself waits until none runs.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from engine.errors import BadInput, JournalError, PrahariError
from engine.expected import RECORD_DAYS
from engine.io import packing, tables
from engine.io.backups import BACKUPS, back_up, backups, prune, verify
from engine.io.heap import sweep
from engine.io.locks import HostLock
from engine.io.log_files import LOGS
from engine.io.ports import Clock
from engine.io.process import disk_check
from engine.io.recorded import recorded_days
from engine.preflight import Check, Light, worst
from engine.sessions import Calendar, at, ist, ist_date
from engine.settings import Settings

__all__ = ["ARCHIVE", "Daily", "daily", "standing"]

_log = logging.getLogger(__name__)

#: When the scheduler does it, Indian time: the market is closed and the day's backup has the day's exits.
AT = "18:30"
#: What was missed then, because no monitor ran, is done outside these.
BUSY = ("09:00", "16:00")
#: It leaves a session alone, which may be one of an evening, and so long before and after it.
AROUND_S = 900.0
LOOK_S = 30.0
KEPT_BACKUPS = 14
#: Where old logs are, in ``logs``, and for how long.
ARCHIVE, KEPT_DAYS = "archive", 90
#: Dhan's list is loaded each morning; older than a long weekend means that it was not.
OLD_COPY_DAYS = 5
#: The calendar must know at least so many days to come.
CALENDAR_DAYS = 30


@dataclass(frozen=True, slots=True)
class _Day:
    settings: Settings
    now_s: float

    @property
    def root(self) -> Path:
        return self.settings.trades_dir


def daily(settings: Settings, now_s: float) -> list[Check]:
    """Do everything of the day; a step that fails is red and keeps no other from being done."""
    steps: tuple[tuple[str, Callable[[_Day], tuple[Light, str]]], ...] = (
        ("disk", _disk),
        ("backup", _backup),
        ("old backups", _old_backups),
        ("logs", _logs),
        ("journal", _vacuum),
        ("instruments", _instruments),
        ("calendar", _calendar),
        ("redis", _redis),
        ("recordings", _recordings),
    )
    return [_step(name, run, _Day(settings, now_s)) for name, run in steps]


def standing(settings: Settings, now_s: float) -> list[Check]:
    """Look at what goes bad slowly; nothing is done about it."""
    steps: tuple[tuple[str, Callable[[_Day], tuple[Light, str]]], ...] = (
        ("disk", _disk),
        ("last backup", _last_backup),
        ("old backups", _old_backups),
        ("instruments", _instruments),
        ("calendar", _calendar),
    )
    return [_step(name, run, _Day(settings, now_s)) for name, run in steps]


def _step(name: str, run: Callable[[_Day], tuple[Light, str]], day: _Day) -> Check:
    try:
        return Check(name, *run(day))
    except (PrahariError, OSError, sqlite3.Error) as error:
        return Check(name, Light.RED, str(error))


# -------------------------------------------------------------------------------------- steps


def _disk(day: _Day) -> tuple[Light, str]:
    check = disk_check(day.root)
    return check.light, check.text


def _backup(day: _Day) -> tuple[Light, str]:
    """One from hour to hour: what was made before today's has not the day's exits; one made since stands."""
    young = _young(day.settings, day.now_s)
    made = verify(young[-1]) if young else back_up(day.settings, day.now_s)
    gone = prune(day.settings, KEPT_BACKUPS, day.now_s)
    if made.left_out:
        why = "; ".join(f"{name}: {text}" for name, text in made.left_out.items())
        return Light.RED, f"{made.path.name} is without {why}"
    return Light.GREEN, f"{made.path.name} is whole" + (f", {len(gone)} old ones removed" if gone else "")


def _young(settings: Settings, now_s: float) -> list[Path]:
    """The backups since the last hour at which one was due."""
    since = f"prahari-{ist(at(_due(now_s), AT)):%Y%m%d-%H%M%S}"
    return [path for path in backups(settings) if path.name >= since]


def _last_backup(day: _Day) -> tuple[Light, str]:
    """One a day is made while a monitor runs; a long weekend without any is nobody's fault."""
    found = backups(day.settings)
    if not found:
        return Light.AMBER, "none yet: python -m engine backup"
    days = int((day.now_s - found[-1].stat().st_mtime) // 86_400)
    text = f"{found[-1].name}, {max(days, 0)} days old"
    return (Light.AMBER, f"{text}: python -m engine backup") if days > OLD_COPY_DAYS else (Light.GREEN, text)


def _old_backups(day: _Day) -> tuple[Light, str]:
    """A disk that rots is seen while a younger backup is still good."""
    bad = []
    for path in backups(day.settings):
        try:
            verify(path)
        except (BadInput, JournalError):
            bad.append(path.name)
    if bad:
        return Light.RED, f"not as they were made: {', '.join(bad)}; look at the disk of {BACKUPS}"
    number = len(backups(day.settings))
    return Light.GREEN, f"{number} {'is' if number == 1 else 'are'} whole" if number else "none yet"


def _logs(day: _Day) -> tuple[Light, str]:
    """Files that were turned over are packed; what is older than a quarter goes."""
    packed = removed = 0
    for logs in (day.root / LOGS, *day.root.glob(f"accounts/*/{LOGS}")):
        archive = logs / ARCHIVE
        for old in sorted(logs.glob("*.log.[0-9]*")):
            archive.mkdir(mode=0o700, exist_ok=True)
            _pack(old, archive)
            packed += 1
        for old in archive.glob("*.gz"):
            if day.now_s - old.stat().st_mtime > KEPT_DAYS * 86_400:
                old.unlink()
                removed += 1
    return Light.GREEN, f"{packed} packed, {removed} older than {KEPT_DAYS} days removed"


def _pack(old: Path, archive: Path) -> None:
    """Moved first: the log may turn its files over again at any moment."""
    state = old.stat()
    stem = f"{old.name.split('.')[0]}-{ist(state.st_mtime):%Y%m%d-%H%M%S}-{state.st_ino}"
    taken = old.rename(archive / f"{stem}.log")
    packed = archive / f"{stem}.log.gz"
    with taken.open("rb") as plain, gzip.open(packed, "wb") as to:
        shutil.copyfileobj(plain, to)
    packed.chmod(0o600)
    taken.unlink()


def _vacuum(day: _Day) -> tuple[Light, str]:
    """Needs each database for itself: a running monitor's journal must never wait."""
    try:
        with HostLock(day.root):
            return Light.GREEN, _vacuumed(list(_databases(day.root)))
    except JournalError:
        return Light.GREEN, "left alone: a monitor runs; what it lets go of is used again"


def _databases(root: Path) -> Iterator[Path]:
    for pattern in ("*.sqlite3", "accounts/*/*.sqlite3"):
        yield from sorted(root.glob(pattern))


def _vacuumed(files: list[Path]) -> str:
    before = sum(file.stat().st_size for file in files)
    for file in files:
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("VACUUM")
    saved = before - sum(file.stat().st_size for file in files)
    return f"{len(files)} files vacuumed, {max(saved, 0) / 1e6:.1f} MB given back"


def _instruments(day: _Day) -> tuple[Light, str]:
    """The copy that stands in when Dhan's list cannot be loaded; the monitor alone writes it, each morning.

    A second writer that asks for fewer underlyings would leave a poorer copy.
    """
    copies = [*day.root.glob("instruments.csv"), *day.root.glob("accounts/*/instruments.csv")]
    if not copies:
        return Light.GREEN, "no copy yet: the monitor makes it at its first start"
    days = int((day.now_s - min(copy.stat().st_mtime for copy in copies)) // 86_400)
    if days > OLD_COPY_DAYS:
        return Light.AMBER, f"the copy is {days} days old: no monitor has loaded Dhan's list since"
    return Light.GREEN, f"the copy is {max(days, 0)} days old"


def _calendar(day: _Day) -> tuple[Light, str]:
    """Days are a table that a person keeps; nobody guesses a holiday."""
    last: date = tables.calendar(day.settings.sessions_file).last
    left = last - ist_date(day.now_s)
    if left <= timedelta(days=CALENDAR_DAYS):
        how = "update the program, or lay days of your own over it (SESSIONS_FILE)"
        return Light.RED if left.days < 0 else Light.AMBER, f"ends on {last}: {how}"
    return Light.GREEN, f"reaches until {last}"


def _redis(day: _Day) -> tuple[Light, str]:
    if day.settings.redis_url is None:
        return Light.GREEN, "none is set"
    return Light.GREEN, "prices expire there by themselves after 300 s"


def _recordings(day: _Day) -> tuple[Light, str]:
    """Days that are over become Parquet; what is too old or too much goes."""
    calendar = tables.calendar(day.settings.sessions_file)
    packed = removed = size = torn = 0
    for home in (day.root, *day.root.glob("accounts/*")):
        for each in recorded_days(home):
            if each.spools and packing.is_over(each, calendar, day.now_s):
                told = packing.pack_apart(each)
                packed, size, torn = packed + 1, size + told["bytes"], torn + told["torn_bytes"]
        # what is there is kept as long as the owner said, also when nothing new is recorded
        removed += packing.prune(home, day.settings.record_days or RECORD_DAYS)
    cut = f", {torn:,} bytes that a crash had cut off left out" if torn else ""
    return Light.GREEN, f"{packed} days packed ({size / 1e6:.1f} MB{cut}), {removed} old ones removed"


# -------------------------------------------------------------------------------------- each day


def _due(now_s: float) -> date:
    """The last day whose hour has come."""
    today = ist_date(now_s)
    return today if now_s >= at(today, AT) else today - timedelta(days=1)


def _quiet(now_s: float, calendar: Calendar) -> bool:
    """Whether no market can be open: on any day by the clock, an evening's session by the table."""
    today = ist_date(now_s)
    if at(today, BUSY[0]) <= now_s < at(today, BUSY[1]):
        return False
    if not calendar.is_session(today):
        return True
    session = calendar.session(today)
    return not session.open_s - AROUND_S <= now_s < session.close_s + AROUND_S


class Daily:
    """Does it each day in a running monitor, on a thread; tells what is red.

    Args:
        clock: the monitor's.
        tell: gets what was found, when anything of it is red.
    """

    def __init__(self, settings: Settings, clock: Clock, tell: Callable[[list[Check]], None]) -> None:
        self._settings, self._clock, self._tell = settings, clock, tell
        self._calendar = tables.calendar(settings.sessions_file)
        self._done = self._last()

    def _last(self) -> date | None:
        """The day that is done already; None = nobody knows of one."""
        now_s = self._clock.now_s()
        return _due(now_s) if _young(self._settings, now_s) else None

    def due(self) -> bool:
        """Whether its hour has come; asked once, it counts as done. What was slept through is made up for."""
        now_s = self._clock.now_s()
        due = _due(now_s)
        if due == self._done or not _quiet(now_s, self._calendar):
            return False
        self._done = due
        return True

    async def run(self) -> None:
        """Wait for the hour, day after day, until cancelled."""
        self._done = self._last()  # another life of this task begins anew
        while True:
            await self._clock.sleep(LOOK_S)
            if not self.due():
                continue
            sweep()
            found = await asyncio.to_thread(daily, self._settings, self._clock.now_s())
            for check in found:
                _log.info("maintenance: %s %s: %s", check.light.name.lower(), check.name, check.text)
            if worst(found) is Light.RED:
                self._tell(found)
