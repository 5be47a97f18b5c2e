"""Copies of what cannot be fetched anew: journals, embedded trade store, files of executions, recorded days.

A backup is a directory that is complete or not there: the copies, and a manifest with the hash of each. It
may be made beside a running monitor (SQLite's online backup waits for nobody and holds nobody up); it is put
back only while none runs. Tokens and settings are not in it, nor is the lease: who owns an account now is no
matter of yesterday. Recorded days are many times as large as all the rest together: they are in it when
somebody asks for them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from engine.errors import BadInput, JournalError
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.io.recorded import recorded_days, whole_files
from engine.io.recorder import RECORDED
from engine.io.terminal import Bar, no_bar
from engine.sessions import ist
from engine.settings import Settings
from engine.tenure import GENERATION

__all__ = ["BACKUPS", "Backup", "back_up", "backups", "prune", "restore", "verify"]

#: Where they are, in the data directory.
BACKUPS = "backups"
#: Where, in the data directory, what was there before a restore is kept.
BEFORE = "before-restore"
MANIFEST = "manifest.json"
#: No backup takes so long: what is unfinished after it was killed.
ABANDONED_S = 3_600.0
_PAPER = "journal-paper.sqlite3"
_JOURNALS = ("journal.sqlite3", _PAPER)
_DATABASES = (*_JOURNALS, "trades.sqlite3")
_FILES = ("logs/exit_executions.json", "logs/exit_executions-paper.json", "logs/exit_executions.json.torn")
#: What SQLite keeps beside a database; of no use to any other copy of it.
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, as its manifest tells it.

    Attributes:
        path: its directory.
        at: when it was made, ISO 8601.
        generation: of the program that made it (`engine.tenure.GENERATION`).
        files: SHA-256 by the path within the data directory.
        size_bytes: of all copies.
        audit_lines: how many lines of each journal's audit were checked against their chain.
        left_out: why a paper journal is not in it; a trial must not keep real money's from being copied.
    """

    path: Path
    at: str
    generation: int
    files: dict[str, str]
    size_bytes: int
    audit_lines: dict[str, int]
    left_out: dict[str, str] = field(default_factory=dict)


def back_up(
    settings: Settings, now_s: float, to: Path | None = None, bar: Bar = no_bar, *, recordings: bool = False
) -> Backup:
    """Copy everything, check the copies, and only then call it a backup.

    It becomes a directory, called by its moment, in ``to``; None = in ``backups`` in DATA_DIR.
    ``bar`` shows how far it is; ``recordings`` takes the recorded days too.

    Raises:
        BadInput: there is nothing to copy, or the disk does not take it.
        JournalError: what was copied is damaged; nothing is left behind.
    """
    root = settings.trades_dir
    moment = ist(now_s)
    where = to or root / BACKUPS
    final = where / f"prahari-{moment:%Y%m%d-%H%M%S}"
    part = where / f".{final.name}.part"
    sources = [path for path in _sources(root) if (root / path).is_file()]
    if recordings:
        sources += _recordings(root)
    if not sources:
        raise BadInput(f"{root}: nothing to back up there; expected DATA_DIR of a monitor that has run")
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        with ExitStack() as unfinished:
            unfinished.callback(shutil.rmtree, part)
            made = _taken(root, part, sources, moment, bar)
            _write(part / MANIFEST, json.dumps(_manifest(made), indent=1))
            final = _free(final)
            part.rename(final)
            unfinished.pop_all()
    except FileExistsError as error:
        raise BadInput(f"{error.filename}: is there already; another backup runs, or try again") from error
    except (OSError, sqlite3.Error) as error:
        raise BadInput(f"{where}: the backup could not be made ({error})") from error
    return verify(final)


def _free(final: Path) -> Path:
    """The first of its names that is not taken: a monitor may have made one in the same second."""
    names = (final.with_name(f"{final.name}-{number}") for number in count(2))
    return next(path for path in chain([final], names) if not path.exists())


def verify(path: Path) -> Backup:
    """A backup whose every file is as it was made and whole.

    Raises:
        BadInput: it is no backup, or a file is missing or altered.
        JournalError: a journal in it is damaged.
    """
    try:
        told = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        backup = Backup(path=path, **told)
    except OSError as error:
        raise BadInput(f"{path}: no backup of Prahari ({MANIFEST}: {error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path / MANIFEST}: cannot be understood ({error})") from error
    for name, expected in backup.files.items():
        try:
            found = _sha256(path / name)
        except OSError as error:
            raise BadInput(f"{path / name}: cannot be read ({error.strerror})") from error
        if found != expected:
            raise BadInput(f"{path / name}: altered since the backup was made; use another one")
    return backup


def backups(settings: Settings, where: Path | None = None) -> list[Path]:
    """The backups in a directory, oldest first."""
    return sorted((where or settings.trades_dir / BACKUPS).glob("prahari-*"))


def prune(settings: Settings, keep: int, now_s: float) -> list[Path]:
    """Remove all but the newest, and what a killed backup has left; the backups that were removed."""
    for part in (settings.trades_dir / BACKUPS).glob(".prahari-*.part"):
        if now_s - part.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(part)
    old = backups(settings)[:-keep]
    for path in old:
        shutil.rmtree(path)
    return old


def restore(settings: Settings, path: Path, now_s: float, bar: Bar = no_bar) -> Path:
    """Put a backup in the place of what is there; where that is kept now. ``bar`` shows how far it is.

    Raises:
        BadInput: the backup is not whole, or a newer version made it.
        JournalError: a monitor runs on this directory, or a journal of the backup is damaged.
    """
    backup = verify(path)
    if backup.generation > GENERATION:
        raise BadInput(
            f"{path}: made by a newer version, generation {backup.generation}, and this one is of "
            f"generation {GENERATION}; use that one"
        )
    root = settings.trades_dir
    homes = sorted({root / _home(name) for name in backup.files} | {root})
    with ExitStack() as held:
        for home in homes:
            held.enter_context(HostLock(home))
        before = root / f"{BEFORE}-{ist(now_s):%Y%m%d-%H%M%S}"
        fresh = root / ".restore.part"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            with bar("copying", float(backup.size_bytes)) as advance:
                for name in backup.files:
                    _keep(path / name, fresh / name)
                    advance(float((fresh / name).stat().st_size))
            for name in chain(_sources(root), _days(backup)):
                _put_aside(root / name, before / name)
            for name in backup.files:
                (root / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (fresh / name).rename(root / name)
            shutil.rmtree(fresh)
        except OSError as error:
            raise BadInput(
                f"{root}: not all was put back ({error}); what was there is in {before}"
            ) from error
    return before


# -------------------------------------------------------------------------------------- parts


def _homes(root: Path) -> list[Path]:
    """The data directory, and that of each account that has its own."""
    return [root, *sorted((root / "accounts").glob("*/"))]


def _home(name: str) -> Path:
    """The one of them that a file of a backup belongs to, within the data directory."""
    parts = Path(name).parts
    return Path(*parts[:2]) if parts[0] == "accounts" else Path()


def _sources(root: Path) -> Iterator[str]:
    """The paths, within the data directory, that every backup has."""
    for home in _homes(root):
        for name in (*_DATABASES, *_FILES):
            yield str((home / name).relative_to(root))


def _recordings(root: Path) -> Iterator[str]:
    """The files of all recorded days, likewise; what is written at this moment is copied as far as it is."""
    for day in chain.from_iterable(map(recorded_days, _homes(root))):
        for file in whole_files(day):
            yield str(file.relative_to(root))


def _days(backup: Backup) -> list[str]:
    """The directories of the recorded days of a backup: files of two lives of a day must not be mixed."""
    found = {Path(name).parent for name in backup.files}
    return sorted(str(path) for path in found if path.parent.name == RECORDED)


def _copy(source: Path, copy: Path) -> None:
    if source.suffix != ".sqlite3":
        _keep(source, copy)
        return
    _make_place(copy)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(copy)) as made,
    ):
        live.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")  # one file, which nobody changes by looking at it
    _sync(copy)


def _keep(source: Path, copy: Path) -> None:
    _make_place(copy)
    with source.open("rb") as read, copy.open("wb") as write:
        shutil.copyfileobj(read, write)
    _sync(copy)


def _make_place(copy: Path) -> None:
    """An empty file for its owner's eyes, and the directories to it."""
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _put_aside(file: Path, to: Path) -> None:
    """Move a file, and what SQLite keeps beside it, out of the way."""
    for path, kept in [(file, to), *((Path(f"{file}{end}"), Path(f"{to}{end}")) for end in _BESIDE)]:
        if path.exists():
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.rename(kept)


def _taken(root: Path, part: Path, names: Sequence[str], moment: datetime, bar: Bar) -> Backup:
    """Copy, and look at each copy; what the manifest says. Raises JournalError."""
    lines: dict[str, int] = {}
    left_out: dict[str, str] = {}
    with bar("copying and checking", float(sum((root / name).stat().st_size for name in names))) as advance:
        for name in names:
            try:
                _copy(root / name, part / name)
                lines |= _looked_at(part, name)
            except (JournalError, sqlite3.Error) as error:
                if Path(name).name != _PAPER:
                    raise
                (part / name).unlink()
                left_out[name] = str(error)
            advance(float((root / name).stat().st_size))
    kept = [name for name in names if name not in left_out]
    sizes = sum((part / name).stat().st_size for name in kept)
    hashes = {name: _sha256(part / name) for name in kept}
    return Backup(part, moment.isoformat(timespec="seconds"), GENERATION, hashes, sizes, lines, left_out)


def _looked_at(part: Path, name: str) -> dict[str, int]:
    """How many lines of its audit hold, of a journal. Raises JournalError: damaged, or another version's."""
    if name.endswith(".sqlite3"):
        _check(part / name)
    return {name: _audit_lines(part / name)} if Path(name).name in _JOURNALS else {}


def _check(database: Path) -> None:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as made:
        (health,) = made.execute("PRAGMA integrity_check(1)").fetchone()
    if health != "ok":
        raise JournalError(f"{database.name}: damaged ({health}); an older backup may be whole")


def _audit_lines(journal: Path) -> int:
    """Walk the audit's chain on a copy of the copy: looking at it changes a journal."""
    scratch = journal.with_suffix(".scratch")
    try:
        shutil.copyfile(journal, scratch)
        with closing(Journal(scratch)) as opened:
            return opened.verify_audit()
    finally:
        for end in ("", *_BESIDE):
            Path(f"{scratch}{end}").unlink(missing_ok=True)


def _manifest(backup: Backup) -> dict[str, object]:
    told = asdict(backup)
    del told["path"]
    return told


def _write(file: Path, text: str) -> None:
    _make_place(file)
    file.write_text(text, encoding="utf-8")
    _sync(file)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
