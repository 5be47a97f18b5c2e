"""A table of the database, kept in step by asking what has changed: few bytes, and little of the loop's time.

``updated_at`` tells what is new or edited; it does not tell what was deleted, or closed. So each look also
counts, and only a wrong count makes it ask for the list of ids. Whatever is odd makes it read everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from postgrest import CountMethod
from supabase import AsyncClient

from engine.errors import Unreachable
from engine.io.stores.supabase_gate import Answer, Gate

_T = TypeVar("_T")

#: The client reads a page's JSON in the loop, in one piece: some 20 microseconds a row.
PAGE = 200
#: A change is stamped before it is committed: an edit that comes late by this much is still found. What is
#: new or gone is missed by the count, however late it comes.
OVERLAP_S = 120.0


class Table(NamedTuple):
    """What is mirrored.

    Attributes:
        columns: to select, with ``id`` and ``updated_at``.
        only: a condition in PostgREST's words, or empty: which rows are ours.
    """

    name: str
    columns: str
    only: str


class Mirror(Generic[_T]):
    """The rows of a table by id, each as ``parse`` made it.

    Args:
        gate: the way to the database.
        table: what is mirrored.
        parse: called anew only for a row that has changed; must not raise.
        now_s: the time; only how much of it has passed counts.
        agree: asked before no rows at all are believed, with the ids that were there; raises when not.

    Attributes:
        rows: by id.
        version: another one when `rows` has changed.
        full_reads: how often everything was read.
    """

    def __init__(
        self,
        gate: Gate,
        table: Table,
        parse: Callable[[Mapping[str, Any]], _T],
        now_s: Callable[[], float],
        agree: Callable[[Sequence[int]], Awaitable[None]] | None = None,
    ) -> None:
        self._agree = agree
        self._gate = gate
        self.table = table
        self._parse = parse
        self._now_s = now_s
        self._raw: dict[int, Mapping[str, Any]] = {}
        self.rows: dict[int, _T] = {}
        self._since: datetime | None = None
        self._since_s = 0.0  # when the newest row was first seen
        self._overlaps = True  # what was stamped before the newest may still come
        self.full_reads = 0
        self.version = 0

    async def look(self, *, full: bool) -> None:
        """Bring `rows` up to date; ``full``: read everything. Nothing changes when it raises.

        Raises:
            SourceError: as `Gate.ask`; an answer that contradicts itself is Unreachable.
        """
        began_s = self._now_s()
        raw = await self._changed(self._since) if self._since and not full else await self._all()
        if not raw and self._agree is not None:
            await self._agree(list(self._raw))
        newest = self._since
        await self._keep(raw)
        if self._since != newest:
            self._since_s, self._overlaps = self._now_s(), True
        elif began_s - self._since_s >= OVERLAP_S:
            self._overlaps = False  # this look began late enough: it has seen all of it

    def cells(self, row_id: int) -> Mapping[str, Any]:
        """A row as the database has it."""
        return self._raw[row_id]

    async def _changed(self, since: datetime) -> dict[int, Mapping[str, Any]]:
        back_s = OVERLAP_S if self._overlaps else 0.0
        changed = await self._pages(self.table.columns, since - timedelta(seconds=back_s))
        raw = self._raw | {row["id"]: row for row in changed}
        if len(raw) != await self._count():
            there = {row["id"] for row in await self._pages("id")}
            if not there <= raw.keys():
                return await self._all()
            raw = {row: cells for row, cells in raw.items() if row in there}
        return raw

    async def _all(self) -> dict[int, Mapping[str, Any]]:
        rows = await self._pages(self.table.columns)
        self.full_reads += 1
        return {row["id"]: row for row in rows}

    async def _keep(self, raw: dict[int, Mapping[str, Any]]) -> None:
        if raw == self._raw:
            return  # mostly so, and nearly free: unchanged rows are the same objects
        # off the loop's thread: three thousand new rows would hold it for 0.2 s
        self.rows, newest = await asyncio.to_thread(self._parsed, raw, self._raw, self.rows)
        self._raw, self._since = raw, newest or self._since
        self.version += 1

    def _parsed(
        self,
        raw: Mapping[int, Mapping[str, Any]],
        before: Mapping[int, Mapping[str, Any]],
        parsed: Mapping[int, _T],
    ) -> tuple[dict[int, _T], datetime | None]:
        """The rows, those that have changed parsed anew, and the newest moment of a change."""
        rows = {
            row: parsed[row] if before.get(row) == cells else self._parse(cells)
            for row, cells in sorted(raw.items())
        }
        # a table that is older than ours may have rows without: the full looks see what becomes of those
        return rows, max((_moment(cells) for cells in raw.values() if cells["updated_at"]), default=None)

    async def _pages(self, columns: str, since: datetime | None = None) -> list[Mapping[str, Any]]:
        """Every row changed since then, in the order of ids, page by page from the last id on."""
        rows: list[Mapping[str, Any]] = []

        def page(client: AsyncClient) -> Any:
            asked = self._ours(client, columns)
            if since is not None:
                asked = asked.gt("updated_at", since.isoformat())
            if rows:
                asked = asked.gt("id", rows[-1]["id"])
            return asked.order("id").limit(PAGE)

        while True:
            answer = await self._gate.ask(page)
            rows += answer.data
            if len(answer.data) >= counted(answer):
                return rows
            if not answer.data:
                raise Unreachable(f"Supabase counts {answer.total} rows of {self.table.name} and shows none")

    async def _count(self) -> int:
        answer = await self._gate.ask(lambda client: self._ours(client, "id").limit(1))
        return counted(answer)

    def _ours(self, client: AsyncClient, columns: str) -> Any:
        asked = client.table(self.table.name).select(columns, count=CountMethod.exact)
        return asked.or_(self.table.only) if self.table.only else asked


def _moment(cells: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(cells["updated_at"])


def counted(answer: Answer) -> int:
    """How many rows there are; a gateway's empty page has no such number and is no answer."""
    if answer.total is None:
        raise Unreachable("Supabase: an answer without its count")
    return answer.total
