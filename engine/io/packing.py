"""Spools become Parquet once their day is over, in a process of its own: the monitor never imports pyarrow.

``python -m engine.io.packing DIR`` packs one recorded day; the maintenance starts it, after the close.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

from engine.errors import BadInput
from engine.io.recorded import RecordedDay, find_day, recorded_days
from engine.io.recorder import AFTER_S, PAPER, SPOOL
from engine.recording.spool import SpoolReader
from engine.sessions import Calendar, ist_date

__all__ = ["LARGEST_BYTES", "day_of", "is_over", "main", "pack", "pack_apart", "prune"]

#: So much all recorded days of an account may take; the oldest go first.
LARGEST_BYTES = 4 * 2**30
#: A day of the largest feed takes some minutes.
_LONGEST_S = 3_600.0


def pack(day: RecordedDay) -> dict[str, int]:
    """Make Parquet of every spool of a day, and remove the spools; counts of all that was packed.

    Raises:
        BadInput: a spool is none of ours, or of another version.
        OSError: the disk does not take it.
    """
    from engine.io.parquet import write_parquet  # noqa: PLC0415 - pyarrow takes a moment

    told = {"ticks": 0, "books": 0, "notes": 0, "bytes": 0, "torn_bytes": 0}
    for life in day.spools:
        path = day.path / f"{life}{SPOOL}"
        with path.open("rb") as file:
            reader = SpoolReader(file, str(path))
            made = write_parquet(reader, day.path, life)
        told["ticks"] += made.ticks
        told["books"] += made.books
        told["notes"] += made.notes
        told["bytes"] += made.size_bytes
        told["torn_bytes"] += reader.torn_bytes
    for life in day.lives:  # also of one that was packed before a crash
        (day.path / f"{life}{SPOOL}").unlink(missing_ok=True)
    return told


def pack_apart(day: RecordedDay) -> dict[str, int]:
    """The same in a process of its own, which leaves the cores to others.

    Raises:
        BadInput: it failed; in its words.
    """
    command = [sys.executable, "-m", "engine.io.packing", str(day.path.resolve())]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{day.path}: is not packed after {_LONGEST_S:.0f} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise BadInput(f"{day.path}: cannot be packed ({said[-1] if said else f'status {done.returncode}'})")
    told: dict[str, int] = json.loads(done.stdout)
    return told


def day_of(day: RecordedDay) -> date | None:
    """The date in its name; None = it is none of ours."""
    with suppress(ValueError):
        return date.fromisoformat(day.path.name.removesuffix(PAPER))
    return None


def is_over(day: RecordedDay, calendar: Calendar, now_s: float) -> bool:
    """Whether nobody writes to this day any more."""
    name = day_of(day)
    if name is None:
        return False
    if name < ist_date(now_s):
        return True
    closed = calendar.is_session(name) and now_s > calendar.session(name).close_s + AFTER_S
    return name == ist_date(now_s) and closed


def prune(data_dir: Path, keep: int) -> int:
    """Remove the oldest days beyond a number, and beyond `LARGEST_BYTES`; how many went."""
    days = [day for day in recorded_days(data_dir) if day_of(day) is not None]
    size = sum(_size(day) for day in days)
    gone = 0
    while days and (len(days) > keep or size > LARGEST_BYTES):
        oldest = days.pop(0)
        size -= _size(oldest)
        shutil.rmtree(oldest.path)
        gone += 1
    return gone


def _size(day: RecordedDay) -> int:
    return sum(file.stat().st_size for file in day.path.iterdir())


def main(path: str) -> int:
    """Pack one day and print what was packed."""
    os.nice(10)
    day = find_day(Path(path))
    if day is None:
        print(f"{path}: is no directory", file=sys.stderr)  # noqa: T201 - read by `pack_apart`
        return 2
    try:
        print(json.dumps(pack(day)))  # noqa: T201 - likewise
    except (BadInput, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
