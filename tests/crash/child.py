"""One life of the real house in a process of its own, which ends itself with SIGKILL where it was told to.

The product knows nothing of this: the child wraps the journal, the broker, the store and the inbox of its
own process. Every passage of a label is written down at once, so that the parent can count them also after
a kill.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import blotter, steps
from engine.effects import Record
from engine.io.app import Options, run_house
from engine.io.dhan.direct import Direct
from engine.io.dhan.rest import DhanRest
from engine.io.executions import ExecutionsFile, executions_file, read_lines
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.stores.sqlite import SqliteStore
from engine.messages import Beat, BrokerReport, CommandOutcome, OrderUpdate, TradesLoaded
from engine.model import Mode
from engine.settings import Settings
from tests.support.ear import Ear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.io.dhan.letters import Letter

#: The loopback has no lag, so that an order which never left may be known to be absent sooner.
ABSENT_AFTER_S = 1.5
PASSAGES = "passages"
SAID = "said"

#: Every label, with what passing it means.
LABELS = {
    "journal read": "the start: what the journal knows is read, nothing is restored yet",
    "before a commit": "an order or an exit was decided, and the disk does not have it yet",
    "after a commit": "the disk has it, and none of its effects has begun",
    "before POST": "an order is about to leave",
    "after POST": "the whole answer to an order is read, and the loop does not know",
    "before PUT": "a new price is about to leave",
    "after PUT": "the answer to a new price is read, and the loop does not know",
    "before DELETE": "a cancellation is about to leave",
    "after DELETE": "the answer to a cancellation is read, and the loop does not know",
    "answer": "the answer to a command is in the inbox's door",
    "update": "an order update is in the inbox's door",
    "report": "a report of the broker's books is in the inbox's door",
    "before orders": "a report is about to read the order book, for the first or the second time",
    "before fills": "a report has the order book and is about to read the trade book",
    "before positions": "a report has orders and fills and is about to read the positions",
    "before rows close": "the exit is flat, and the trade store still shows its rows open",
    "after rows close": "the trade store has closed the rows",
    "before a book": "the journal has the book of the exit, and the file of executions does not",
    "after a book": "the file has it too, and the loop does not know",
    "closing": "the house is shutting down: everything has stopped, the journal is still open",
}


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a life ends: at the n-th passage of a label, counted from 1."""

    label: str
    passage: int


def live(env: dict[str, str], aim: Aim | None, most_modifies: int) -> None:
    """Run one house until it is killed, or until its exit is flat and written down everywhere.

    Args:
        env: the settings.
        aim: where to die; None = nowhere.
        most_modifies: how often an order is moved before it is cancelled and replaced.
    """
    home = Path(env["DATA_DIR"])
    said = os.open(home / SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    blotter.ABSENT_AFTER_S, steps.MAX_MODIFIES = ABSENT_AFTER_S, most_modifies
    watch(Passages(home, aim), home)
    settings, options = Settings.parse(env), Options(Mode.EXECUTE)
    asyncio.run(
        run_house(
            settings, options, lambda _: Ear(lambda _said: None), lambda _view: None, lambda _secret: None
        )
    )


class Passages:
    """Counts the passages of each label, and ends the process at the one that was aimed at."""

    def __init__(self, home: Path, aim: Aim | None) -> None:
        """Write them down in ``home``."""
        self._counts: Counter[str] = Counter()
        self._aim = aim
        self._file = os.open(home / PASSAGES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def at(self, label: str) -> None:
        """One passage. Raises KeyError for a label that nobody has explained."""
        assert LABELS[label]
        self._counts[label] += 1
        os.write(self._file, f"{label}\n".encode())
        if self._aim == Aim(label, self._counts[label]):
            os.kill(os.getpid(), signal.SIGKILL)


def watch(passages: Passages, home: Path) -> None:
    """Put the labels around the parts of the house, and see to it that this life ends when all is done."""
    at = passages.at
    wrap(Journal, "load", after=lambda _: at("journal read"))
    wrap(Journal, "close", before=lambda _: at("closing"))
    wrap(
        Journal,
        "commit",
        before=lambda args: at("before a commit") if _of_an_exit(args[0]) else None,
        after=lambda args: at("after a commit") if _of_an_exit(args[0]) else None,
    )
    wrap(Direct, "send", before=_command("before", at), after=_command("after", at))
    wrap(DhanRest, "orders", before=lambda _: at("before orders"))
    wrap(DhanRest, "fills", before=lambda _: at("before fills"))
    wrap(DhanRest, "positions", before=lambda _: at("before positions"))
    wrap(
        SqliteStore,
        "close_rows",
        before=lambda _: at("before rows close"),
        after=lambda _: at("after rows close"),
    )
    wrap(
        ExecutionsFile,
        "append",
        before=lambda _: at("before a book"),
        after=lambda _: at("after a book"),
    )
    doors = {CommandOutcome: "answer", OrderUpdate: "update", BrokerReport: "report"}
    seen: set[type] = set()

    def arrived(args: tuple[Any, ...]) -> None:
        seen.add(type(args[0]))
        if label := doors.get(type(args[0])):
            at(label)
        if isinstance(args[0], Beat) and {BrokerReport, TradesLoaded} <= seen and all_done(home):
            os.kill(os.getpid(), signal.SIGTERM)

    wrap(Inbox, "post", before=arrived)


def wrap(
    owner: type,
    name: str,
    before: Callable[[tuple[Any, ...]], object] = lambda _: None,
    after: Callable[[tuple[Any, ...]], object] = lambda _: None,
) -> None:
    """Call these around a method, plain or async, with its positional arguments."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def plain(self: object, *args: Any, **more: Any) -> Any:
        before(args)
        found = inner(self, *args, **more)
        after(args)
        return found

    @functools.wraps(inner)
    async def waiting(self: object, *args: Any, **more: Any) -> Any:
        before(args)
        found = await inner(self, *args, **more)
        after(args)
        return found

    setattr(owner, name, waiting if inspect.iscoroutinefunction(inner) else plain)


def all_done(home: Path) -> bool:
    """Whether by journal, trade store and books there was an exit, and nothing of it is left to do."""
    return set(intents(home).values()) == {"flat"} and not open_rows(home) and bool(book_lines(home))


def book_lines(home: Path) -> list[str]:
    """The file of executions, line by line."""
    return read_lines(executions_file(home, Mode.EXECUTE))


def intents(home: Path) -> Mapping[str, str]:
    """The state of every exit in the journal, by its id."""
    with closing(sqlite3.connect(f"file:{home}/journal.sqlite3?mode=ro", uri=True)) as journal:
        rows = journal.execute("SELECT key, value FROM record WHERE kind = 'intent'").fetchall()
    return {key: json.loads(value)["state"] for key, value in rows}


def open_rows(home: Path) -> int:
    """How many rows of the trade store are not closed."""
    with closing(sqlite3.connect(f"file:{home}/trades.sqlite3?mode=ro", uri=True)) as store:
        return int(store.execute("SELECT count(*) FROM trades WHERE order_status <> 'CLOSED'").fetchone()[0])


def _of_an_exit(items: list[object]) -> bool:
    return any(isinstance(item, Record) and item.kind in {"intent", "order"} for item in items)


def _command(when: str, at: Callable[[str], None]) -> Callable[[tuple[Any, ...]], None]:
    """The label of an order command; reads have labels of their own."""

    def passed(args: tuple[Any, ...]) -> None:
        letter: Letter = args[0]
        if letter.endpoint.startswith("/orders"):
            at(f"{when} {letter.method}")

    return passed
