"""The trade store's writer: what is due to the rows, in order, again until it is done.

A store that is away makes everything wait. One that is there and declines one thing holds back that thing and
what touches the same rows, and nothing else. What is only told beside the rows (figures, exits and their
orders) comes after them and never in their way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from engine.book_rows import RowFigures, row_figures
from engine.effects import AddTrades, CloseTrades, Record, ReduceTrades
from engine.errors import Declined, RateLimited, SourceError, Unreachable
from engine.exit_rows import ended, intent_row, order_row, over_s
from engine.io.ports import Clock, RowTaker, TradeStore
from engine.messages import Message, StoreWriting

__all__ = ["ExitTaker", "StoreWriter"]

_log = logging.getLogger(__name__)

STORE_RETRY_S = 5.0
#: An order of an exit that has ended may still have news on that day: a fill that came after its cancel.
LATE_NEWS_S = 86_400.0

Job = CloseTrades | ReduceTrades | AddTrades


class ExitTaker(Protocol):
    """A store that keeps exits and their orders as rows of their own."""

    async def record_exit(self, intent: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]) -> None:
        """Write one exit as it stands now; what it says already changes nothing. Raises SourceError."""


class StoreWriter:
    """What waits for the trade store, and the one task that writes it.

    Args:
        taker: adds rows; None = nobody asks for that.
        exits: keeps exits as rows; None = this store has no place for them.
        post: hears how it stands whenever changes of rows fail, and once when none does any more.
        read_again: rows were added, whoever watches wants them at once.
    """

    def __init__(
        self,
        store: TradeStore,
        clock: Clock,
        post: Callable[[Message], None],
        read_again: Callable[[], None],
        taker: RowTaker | None = None,
        exits: ExitTaker | None = None,
    ) -> None:
        """Nothing waits yet."""
        self._store, self._clock, self._post = store, clock, post
        self._read_again, self._taker, self._exits = read_again, taker, exits
        self._work = asyncio.Event()
        self._jobs: list[Job] = []
        self._figures: list[RowFigures] = []  # what the store's rows do not say yet
        self._intents: dict[str, Mapping[str, Any]] = {}
        self._orders: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._untold: dict[str, Record] = {}  # the newest of each exit of which the store has not heard
        self._failing = False

    def put(self, job: Job) -> None:
        """Rows are to be changed; never waits."""
        self._jobs.append(job)
        self._work.set()

    def note(self, line: Mapping[str, Any]) -> None:
        """An exit's book has a line: its figures go to the rows once these are there."""
        self._figures += row_figures(line)
        self._work.set()

    def keep(self, record: Record) -> None:
        """The journal has this of an exit or an order; what it said before need not be told any more."""
        if self._exits is None:
            return
        if record.kind == "intent":
            self._intents[record.key] = record.value
            self._untold[record.key] = record
        elif record.kind == "order":
            intent = record.value["intent"]
            self._orders.setdefault(intent, {})[record.key] = record.value
            self._untold[intent] = record
        self._work.set()

    @property
    def due(self) -> int:
        """How many changes of rows wait."""
        return len(self._jobs)

    @property
    def waiting(self) -> bool:
        """Whether there is something to write."""
        return self._work.is_set()

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        self._work.set()  # an earlier run may have been cut off in its midst
        while True:
            await self._work.wait()
            while not await self.round():
                await self._clock.sleep(STORE_RETRY_S)

    async def round(self) -> bool:
        """Try everything that waits, once; True when nothing of it failed."""
        self._work.clear()
        faults = await self._write_rows()
        self._tell(faults)
        if not any(_away(fault) for fault in faults):
            faults += await self._write_figures()
        if self._exits is not None and not any(_away(fault) for fault in faults):
            faults += await self._write_exits(self._exits)
        if faults:
            _log.warning("the trade store has not taken what is due: %s; trying again", faults[0])
        return not faults

    def _tell(self, faults: Sequence[SourceError]) -> None:
        """Only of changes that wait: who does not own the account fails to note old figures, to no harm."""
        if faults or self._failing:
            self._post(StoreWriting(len(self._jobs), str(faults[0]) if faults else ""))
        self._failing = bool(faults)

    async def _write_rows(self) -> list[SourceError]:
        faults: list[SourceError] = []
        held: set[int] = set()
        for job in list(self._jobs):
            if held & _rows(job):  # an earlier word about the same row has not been taken
                continue
            if (fault := await _fault_of(self._do(job))) is None:
                self._jobs.remove(job)
                continue
            faults.append(fault)
            held |= _rows(job)
            if _away(fault):
                break
        return faults

    async def _do(self, job: Job) -> None:
        if isinstance(job, ReduceTrades):
            await self._store.reduce_rows(job.parts, job.closed_at_s, job.name)
        elif isinstance(job, CloseTrades):
            await self._store.close_rows(job)
        else:
            assert self._taker is not None  # noqa: S101 - who asks for it has been given one
            await self._taker.add_rows(job.rows)
            self._read_again()

    async def _write_figures(self) -> list[SourceError]:
        if not (noted := tuple(self._figures)):
            return []
        try:
            missing = await self._store.note_exits(noted)
        except SourceError as fault:
            return [fault]
        self._figures = [*missing, *self._figures[len(noted) :]]
        return []

    async def _write_exits(self, exits: ExitTaker) -> list[SourceError]:
        faults: list[SourceError] = []
        for name, news in list(self._untold.items()):
            intent, fault = self._intents.get(name), None
            if intent is not None:  # else an order of an exit that the journal let go
                orders = [order_row(order) for order in self._orders.get(name, {}).values()]
                fault = await _fault_of(exits.record_exit(intent_row(intent), orders))
            if fault is not None:
                faults.append(fault)
                if _away(fault):
                    break
            elif self._untold[name] is news:  # what came while it was written is told again
                del self._untold[name]
                if intent is None or ended(intent):
                    self._orders.pop(name, None)
        self._forget()
        return faults

    def _forget(self) -> None:
        """Let go of exits that ended long ago and are written."""
        before_s = self._clock.now_s() - LATE_NEWS_S
        for name in self._intents.keys() - self._untold.keys():
            if over_s(self._intents[name]) < before_s:
                del self._intents[name]


async def _fault_of(writing: Awaitable[None]) -> SourceError | None:
    try:
        await writing
    except SourceError as fault:
        return fault
    return None


def _away(fault: SourceError) -> bool:
    """Whether the next question would meet the same; a store that only declines is there."""
    return isinstance(fault, Unreachable | RateLimited) and not isinstance(fault, Declined)


def _rows(job: Job) -> set[int]:
    """The rows that a job is about; of those it adds nobody knows the ids yet."""
    if isinstance(job, ReduceTrades):
        return {part.row_id for part in job.parts}
    return set(job.exits) if isinstance(job, CloseTrades) else set()
