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
from engine.io.journal import LOCK_WAIT_S, journal_name
from engine.model import Mode
from engine.why import Sighting
from engine.why_story import story, why_not

__all__ = ["Seen", "human", "machine", "read_why"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one journal has of one position.

    Attributes:
        kept: the looks near a threshold and at verdicts, oldest first.
        latest: the newest look of all.
    """

    position: str
    paper: bool
    kept: tuple[Sighting, ...]
    latest: Sighting


def read_why(data_dir: Path, strategy_id: int) -> tuple[Seen, ...]:
    """What the journals in this directory have of a strategy, in whatever account.

    Raises:
        BadInput: there is no journal, it cannot be read, or nothing was seen of the strategy.
    """
    files = {mode: data_dir / journal_name(mode) for mode in (Mode.EXECUTE, Mode.SIMULATE)}
    there = {mode: file for mode, file in files.items() if file.exists()}
    if not there:
        raise BadInput(f"{data_dir}: holds no journal; run the monitor first, or set DATA_DIR")
    found: list[Seen] = []
    for mode, file in there.items():
        try:
            found += _read(file, strategy_id, paper=mode is Mode.SIMULATE)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{file}: cannot be read ({error})") from error
    if not found:
        raise BadInput(
            f"nothing was seen of strategy {strategy_id} yet; `python -m bot` has to watch it first"
        )
    return tuple(found)


def _read(file: Path, strategy_id: int, *, paper: bool) -> Iterator[Seen]:
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
        yield Seen(position, paper, kept, all_of_it[-1][1])


def human(found: tuple[Seen, ...], last: int, now_s: float | None) -> str:
    """The story of each, and how far each rule is now."""
    blocks = []
    for seen in found:
        lines = story(seen.kept, last) or ["nothing came near a threshold"]
        head = f"{seen.position}{' (paper)' if seen.paper else ''}"
        blocks.append("\n".join([head, *(f"  {line}" for line in lines), "", *why_not(seen.latest, now_s)]))
    return "\n\n".join(blocks)


def machine(found: tuple[Seen, ...], last: int) -> list[dict[str, Any]]:
    """The same as plain values for JSON; amounts are paise, moments epoch seconds."""
    return [
        {
            "position": seen.position,
            "paper": seen.paper,
            "seen": [each.to_json() for each in seen.kept[max(len(seen.kept) - last, 0) :]],
            "latest": seen.latest.to_json(),
        }
        for seen in found
    ]
