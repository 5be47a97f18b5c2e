"""``python -m engine why``: what the monitor has seen of a position, read from its journal.

The journal is only read, whether a monitor is running on it or not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadInput
from engine.io.env import SANDBOX_DIR
from engine.io.journal import LOCK_WAIT_S, journal_name
from engine.model import Mode
from engine.why import Sighting
from engine.why_story import story, why_not

__all__ = ["Found", "human", "machine", "read_journal", "read_why"]


@dataclass(frozen=True, slots=True)
class Found:
    """What one journal has of one position.

    Attributes:
        kind: ``paper``, ``sandbox``, both, or nothing for a real journal.
        kept: the looks near a threshold and at verdicts, oldest first.
        latest: the newest look of all.
    """

    position: str
    kind: str
    kept: tuple[Sighting, ...]
    latest: Sighting


def read_why(data_dir: Path, strategy_id: int) -> tuple[Found, ...]:
    """What the journals in this directory, and its sandbox's, have of a strategy, in whatever account.

    Raises:
        BadInput: there is no journal, it cannot be read, or nothing was seen of the strategy.
    """
    files = {
        f"{place} {kind}".strip(): data_dir / place / journal_name(mode)
        for place in ("", SANDBOX_DIR)
        for mode, kind in ((Mode.EXECUTE, ""), (Mode.SIMULATE, "paper"))
    }
    there = {kind: file for kind, file in files.items() if file.exists()}
    if not there:
        raise BadInput(f"{data_dir}: holds no journal; run the monitor first, or set DATA_DIR")
    found: list[Found] = []
    for kind, file in there.items():
        found += read_journal(file, strategy_id, kind)
    if not found:
        raise BadInput(
            f"nothing was seen of strategy {strategy_id} yet; `python -m bot` has to watch it first"
        )
    return tuple(found)


def read_journal(file: Path, strategy_id: int, kind: str = "") -> tuple[Found, ...]:
    """What one journal has of a strategy; nothing when it has seen nothing of it. Blocks for a few ms.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return tuple(_read(file, strategy_id, kind))
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: cannot be read ({error})") from error


def _read(file: Path, strategy_id: int, kind: str) -> Iterator[Found]:
    uri = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_S)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'seen'").fetchone():
            return
        rows = database.execute(
            "SELECT position, passing, data FROM seen WHERE position LIKE ? ORDER BY at_s, line",
            (f"%/{strategy_id}",),
        ).fetchall()
    looks: dict[str, list[tuple[bool, Sighting]]] = {}
    for position, passing, data in rows:
        looks.setdefault(position, []).append((bool(passing), Sighting.from_json(json.loads(data))))
    for position, all_of_it in looks.items():
        kept = tuple(seen for passing, seen in all_of_it if not passing)
        yield Found(position, kind, kept, all_of_it[-1][1])


def human(found: tuple[Found, ...], last: int, now_s: float | None) -> str:
    """The story of each, and how far each rule is now."""
    blocks = []
    for seen in found:
        lines = story(seen.kept, last) or ["nothing came near a threshold"]
        clock_s = None if seen.kind.startswith(SANDBOX_DIR) else now_s  # the sandbox's clock is its own
        head = f"{seen.position}{f' ({seen.kind})' if seen.kind else ''}"
        blocks.append("\n".join([head, *(f"  {line}" for line in lines), "", *why_not(seen.latest, clock_s)]))
    return "\n\n".join(blocks)


def machine(found: tuple[Found, ...], last: int) -> list[dict[str, Any]]:
    """The same as plain values for JSON; amounts are paise, moments epoch seconds."""
    return [
        {
            "position": seen.position,
            "kind": seen.kind,
            "seen": [each.to_json() for each in seen.kept[max(len(seen.kept) - last, 0) :]],
            "latest": seen.latest.to_json(),
        }
        for seen in found
    ]
