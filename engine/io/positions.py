"""``python -m engine positions``: trade stores, journals and files of executions, only read.

It may run beside a monitor: nothing here writes, locks or asks anybody outside.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from engine.books import book_of
from engine.errors import BadInput
from engine.intents import Intent, IntentState
from engine.io import tables
from engine.io.env import SANDBOX_DIR
from engine.io.executions import executions_file, read_lines, verify_lines
from engine.io.journal import LOCK_WAIT_S, journal_name
from engine.io.stores import trade_rows
from engine.model import Mode, TradeRow
from engine.orders import Order
from engine.positions_page import Checked, House
from engine.reductions import Reductions
from engine.settings import Settings
from engine.trades import sound_rows

__all__ = ["read_houses"]

_KINDS = {"real": Mode.EXECUTE, "paper": Mode.SIMULATE}

Records = Mapping[str, Mapping[str, Mapping[str, Any]]]


def read_houses(
    settings: Settings, last: int, elsewhere: tuple[TradeRow, ...] | None = None
) -> tuple[House, ...]:
    """What this account's directory, and its sandbox's, hold; of the exits that ended the ``last`` ones.

    Of a trade store that several accounts share it gives this one's rows; ``elsewhere`` are the open rows of
    a store that is not in the directory.

    Raises:
        BadInput: there is nothing here, it cannot be read, or a row cannot be understood.
    """
    found = []
    data_dir = settings.data_dir
    for place in ("",) if settings.accounts else ("", SANDBOX_DIR):  # a sandbox has one account
        at = data_dir / place
        store = settings.trades_dir / place / "trades.sqlite3"
        journals = {kind: at / journal_name(mode) for kind, mode in _KINDS.items()}
        given = None if place else elsewhere
        if given is not None or store.exists() or any(file.exists() for file in journals.values()):
            kept = {kind: _records(file) for kind, file in journals.items() if file.exists()}
            rows = _rows(store, settings.account if settings.accounts else None) if given is None else given
            try:
                found.append(_house(place, at, rows, kept, last))
            except (KeyError, ValueError, TypeError) as error:
                raise BadInput(f"{at}: a record of a journal cannot be understood ({error!r})") from error
    if not found:
        raise BadInput(
            f"{data_dir}: holds no trade store and no journal; fill the store with `python -m engine import "
            "FILE.csv`, run the monitor first, or set DATA_DIR"
        )
    return tuple(found)


def _house(place: str, at: Path, rows: tuple[TradeRow, ...], kept: Mapping[str, Records], last: int) -> House:
    running: list[dict[str, Any]] = []
    ended: list[Mapping[str, Any]] = []
    files = []
    for kind, records in kept.items():
        lines = [value["line"] for value in records.get("book", {}).values()]
        running += _running(records, _KINDS[kind])
        ended += {line["intent"]: line for line in sorted(lines, key=lambda x: int(x["sequence"]))}.values()
        files.append(_checked(executions_file(at, _KINDS[kind]), lines))
    ended.sort(key=lambda line: str(line["ended_at"]))
    return House(
        place, rows,
        {kind: _left(rows, records) for kind, records in kept.items()},
        tuple(running), tuple(ended[-last:]),
        tuple(checked for checked in files if checked.lines or checked.faults),
        _closes(kept.values()),
    )  # fmt: skip


def _closes(journals: Iterable[Records]) -> dict[str, dict[int, int]]:
    """Prices at each session's close (`engine.hindsight`), whichever journal has them."""
    found: dict[str, dict[int, int]] = {}
    for records in journals:
        for day, value in records.get("hindsight", {}).items():
            found.setdefault(day, {}).update({int(key): mid for key, mid in value["mids"].items()})
    return found


def _running(records: Records, mode: Mode) -> Iterator[dict[str, Any]]:
    """The books of the exits that have not ended, with what they have so far."""
    for row in records.get("intent", {}).values():
        if IntentState(row["state"]).live:
            orders = [Order.from_json(dict(o)) for o in records["order"].values() if o["intent"] == row["id"]]
            intent = Intent.from_json(dict(row), orders)
            yield book_of(intent, mode, tables.charges(), intent.created_s) | {"ended_at": None}


def _left(rows: Sequence[TradeRow], records: Records) -> dict[int, int]:
    """Units of rows of which a journal's exits have closed what the store does not show."""
    reductions = Reductions()
    reductions.restore(records.get("reduced", {}), ())
    closed = {int(row) for value in records.get("closed", {}).values() for row in value["exits"]}
    left = {row.id: 0 if row.id in closed else reductions.apply(row).quantity for row in rows}
    return {row.id: left[row.id] for row in rows if left[row.id] != row.quantity}


def _checked(file: Path, lines: Sequence[Mapping[str, Any]]) -> Checked:
    try:
        found = verify_lines(read_lines(file), lines)
    except OSError as error:
        return Checked(file.name, 0, (f"it cannot be read ({error.strerror})",))
    return Checked(file.name, found.lines, found.faults)


def _rows(store: Path, account: str | None) -> tuple[TradeRow, ...]:
    """Every open row, or those of one account that shares the store."""
    if not store.exists():
        return ()
    with _read_only(store) as database:
        database.row_factory = sqlite3.Row
        stored = trade_rows.open_rows().read(database)
        return sound_rows(each for each in stored if account in {None, each.account})


def _records(journal: Path) -> Records:
    found: dict[str, dict[str, Any]] = {"order": {}}
    with _read_only(journal) as database:
        for kind, key, value in database.execute(
            "SELECT kind, key, value FROM record "
            "WHERE kind IN ('intent', 'order', 'book', 'closed', 'reduced', 'hindsight') ORDER BY kind, key"
        ):
            found.setdefault(kind, {})[key] = json.loads(value)
    return found


@contextmanager
def _read_only(file: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file that this connection cannot change.

    Raises:
        BadInput: it cannot be read, or holds what it should not.
    """
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_S)) as database:
            yield database
    except sqlite3.Error as error:
        raise BadInput(f"{file}: cannot be read ({error})") from error
