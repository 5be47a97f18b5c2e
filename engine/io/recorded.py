"""Recorded days as they lie in their directories: which lives they have, and everything in them in order.

A life of the house is a spool while it runs, and Parquet once it has been packed. Both are read alike;
pyarrow is imported only where there is Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from engine.errors import BadInput
from engine.io.recorder import RECORDED, SPOOL
from engine.recording.entries import Entry, Note
from engine.recording.spool import SpoolReader

__all__ = ["PACKED", "RecordedDay", "find_day", "recorded_days", "whole_files"]

#: How the last file of a life that is packed ends (`engine.io.parquet`).
PACKED = ".ticks.parquet"


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """One directory.

    Attributes:
        packed, spools: names of lives without their ends; one that is both counts as packed.
        torn: bytes that a crash has cut off, by life; known of what has been read to its end.
    """

    path: Path
    packed: tuple[str, ...]
    spools: tuple[str, ...]
    torn: dict[str, int]

    @property
    def lives(self) -> tuple[str, ...]:
        """All of them as they followed each other: a life is named after its first moment."""
        return tuple(sorted({*self.packed, *self.spools}))

    def entries(self) -> Iterator[Entry]:
        """Everything, in order.

        Raises:
            BadInput: a file is none of ours, or of another version.
        """
        for life in self.lives:
            if life in self.packed:
                yield from _parquet().read_parquet(self.path, life)
            else:
                yield from self._spool(life)

    def notes(self) -> Iterator[Note]:
        """The notes alone. Raises as `entries`."""
        for life in self.lives:
            if life in self.packed:
                yield from _parquet().read_notes(self.path, life)
            else:
                yield from (entry for entry in self._spool(life) if isinstance(entry, Note))

    def _spool(self, life: str) -> Iterator[Entry]:
        path = self.path / f"{life}{SPOOL}"
        try:
            with path.open("rb") as file:
                reader = SpoolReader(file, str(path))
                yield from reader
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
        self.torn[life] = reader.torn_bytes


def find_day(path: Path, data_dir: Path | None = None) -> RecordedDay | None:
    """The recorded day that a path names, as it stands or below DATA_DIR; None = it names none."""
    for where in (path, *([data_dir / path] if data_dir is not None else [])):
        if where.is_dir():
            return _day(where)
    return None


def recorded_days(data_dir: Path) -> list[RecordedDay]:
    """All recorded days of one account, oldest first."""
    root = data_dir / RECORDED
    return [_day(where) for where in sorted(root.iterdir()) if where.is_dir()] if root.is_dir() else []


def whole_files(day: RecordedDay) -> list[Path]:
    """All that makes up a day; not what a packing has not finished (`engine.io.parquet`)."""
    return sorted(file for file in day.path.iterdir() if file.suffix in {SPOOL, ".parquet"})


def _day(path: Path) -> RecordedDay:
    names = sorted(each.name for each in path.iterdir())
    packed = tuple(name.removesuffix(PACKED) for name in names if name.endswith(PACKED))
    spools = (name.removesuffix(SPOOL) for name in names if name.endswith(SPOOL))
    return RecordedDay(path, packed, tuple(name for name in spools if name not in packed), {})


def _parquet() -> ModuleType:
    try:
        from engine.io import parquet  # noqa: PLC0415 - pyarrow takes a moment, and the monitor never needs it
    except ImportError as error:
        raise BadInput(
            f"the recorded day is Parquet, and pyarrow cannot be imported ({error}); "
            "install the requirements: pip install --require-hashes -r requirements.txt"
        ) from error
    return parquet
