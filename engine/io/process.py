"""What this process knows of itself: version, libraries, schemas, start, the end of its log, its disk."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from engine.io.journal import SCHEMA_VERSION
from engine.io.log import Tail
from engine.preflight import Check, Light
from engine.tenure import GENERATION

__all__ = ["Process", "Version", "disk_check", "this_version"]

#: The release; `engine.tenure.GENERATION` says which releases may follow each other in one account.
VERSION = "unreleased"

_ROOT = Path(__file__).resolve().parents[2]
_MIGRATIONS = _ROOT / "deploy" / "supabase" / "migrations"
#: Those whose version matters when something of the outside has changed.
_LIBRARIES = ("python-telegram-bot", "dhanhq", "websockets", "supabase", "redis", "apscheduler")
#: With less room than this the journal, by which alone orders may leave, is near its end.
DISK_LOW_BYTES, DISK_OUT_BYTES = 1_000_000_000, 200_000_000


@dataclass(frozen=True, slots=True)
class Version:
    """What runs here.

    Attributes:
        commit: of the checkout; empty = it is none.
        libraries, schemas: name and version.
    """

    name: str
    commit: str
    python: str
    libraries: tuple[tuple[str, str], ...]
    schemas: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Process:
    """This process, for whoever looks at it from afar.

    Attributes:
        tail: the end of its log.
        began_s: the host's epoch seconds of its start.
    """

    version: Version
    tail: Tail
    began_s: float


def this_version() -> Version:
    """Read what runs here; blocks for some ms."""
    newest = max((path.stem for path in _MIGRATIONS.glob("*.sql")), default="")
    schemas = [("generation", str(GENERATION)), ("journal", SCHEMA_VERSION), ("database", newest)]
    return Version(
        VERSION,
        _commit(_ROOT / ".git"),
        platform.python_version(),
        (*((name, version(name)) for name in _LIBRARIES), ("SQLite", sqlite3.sqlite_version)),
        tuple((name, is_) for name, is_ in schemas if is_),
    )


def _commit(git: Path) -> str:
    """The commit that is checked out, as git keeps it; empty when it cannot be told."""
    try:
        if git.is_file():  # a worktree's: it names its own directory
            git = Path(git.read_text().partition("gitdir: ")[2].strip())
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:12]
        name = head.removeprefix("ref: ")
        shared = git / "commondir"
        common = git / shared.read_text().strip() if shared.exists() else git
        if (common / name).exists():
            return (common / name).read_text().strip()[:12]
        packed = (common / "packed-refs").read_text().splitlines()
        return next((line[:12] for line in packed if line.endswith(f" {name}")), "")
    except OSError:
        return ""


def disk_check(directory: Path) -> Check:
    """How much room there is for the journal. May block as long as the disk does."""
    try:
        usage = shutil.disk_usage(directory)
    except OSError as error:
        return Check("disk", Light.RED, f"{error.strerror}")
    light = (
        Light.RED
        if usage.free < DISK_OUT_BYTES
        else Light.AMBER
        if usage.free < DISK_LOW_BYTES
        else Light.GREEN
    )
    return Check("disk", light, f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.0f}")
