"""What Realtime tells of a change, and to whom: by grants, row level security and replica identity.

As Supabase does it: rights are looked up when the change is read, not when it was made, so that a row
inserted and deleted in between is told as a DELETE alone; with row level security a DELETE tells the key
only, and tells it to everybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from sandbox.supabase.errors import ApiFault
from sandbox.supabase.query import ident, literal, read_query
from sandbox.supabase.rest import act_as
from sandbox.supabase.wal import Change, Row, changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.supabase.keys import Caller

_SLOT = "select pg_create_logical_replication_slot($1, 'pgoutput', true)"
_READ = (
    "select data from pg_logical_slot_get_binary_changes($1, null, 100, "
    "'proto_version', '1', 'publication_names', 'supabase_realtime')"
)
_TABLE = """
select c.relrowsecurity as secured, array(
  select a.attname::text from pg_catalog.pg_index i
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
  where i.indrelid = c.oid and i.indisprimary) as key
from pg_catalog.pg_class c where c.oid = format('%I.%I', $1::text, $2::text)::regclass
"""
_PUBLISHED = """
select 1 from pg_catalog.pg_publication_tables
where pubname = 'supabase_realtime' and schemaname = $1 and tablename like $2
"""
_BARE = {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "json", "jsonb"}
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What one entry of a channel's ``postgres_changes`` asks for."""

    id: int
    event: str
    schema: str
    table: str
    filter: str

    def wants(self, change: Change) -> bool:
        """Whether kind and table fit; the filter is the database's to judge."""
        relation = change.relation
        return (
            self.event in {"*", change.kind}
            and self.schema == relation.schema
            and self.table in {"*", relation.table}
        )


class Changes:
    """A temporary replication slot, read again and again; what is read is gone."""

    def __init__(self, db: asyncpg.Connection, name: str) -> None:
        """Use a connection of its own, for as long as that lives."""
        self._db, self._name = db, name
        self._types: dict[int, str] = {}

    async def open(self) -> None:
        """Begin: changes from now on are seen. Raises PostgresError."""
        await self._db.execute("set timezone = 'UTC'; set datestyle = 'ISO'")
        await self._db.fetchval(_SLOT, self._name)
        self._types = {
            row["oid"]: row["typname"] for row in await self._db.fetch("select oid, typname from pg_type")
        }

    async def read(self) -> list[Change]:
        """What has been committed since the last time, at most about a hundred changes."""
        return list(changes(row["data"] for row in await self._db.fetch(_READ, self._name)))

    async def fault(self, wish: Wish) -> str:
        """Why a wish cannot be met: an unpublished table, a filter without sense; empty = it can."""
        name = "%" if wish.table == "*" else wish.table.replace("_", r"\_")
        if await self._db.fetchval(_PUBLISHED, wish.schema, name) is None:
            return "Please check Realtime is enabled"
        try:
            await self._passes(wish, {})
        except (ApiFault, asyncpg.PostgresError) as wrong:
            return f"Please check the filter ({wrong})"
        return ""

    async def told(self, change: Change, wish: Wish, caller: Caller) -> str | None:
        """The event's ``data`` as JSON text for this listener; None = it is not told."""
        relation = change.relation
        about = await self._db.fetchrow(_TABLE, relation.schema, relation.table)
        name = f"{ident(relation.schema)}.{ident(relation.table)}"
        if not about["key"]:
            return self._fault(change, "Error 400: Bad Request, no primary key")
        if not await self._db.fetchval("select has_table_privilege($1, $2, 'select')", caller.role, name):
            return self._fault(change, "Error 401: Unauthorized")
        old = self._old(change, about["key"], secured=about["secured"])
        if not await self._passes(wish, change.new or old):
            return None
        if change.kind != "DELETE" and not await self._visible(change, about["key"], caller):
            return None
        parts = {**self._frame(change, None), "commit_timestamp": json.dumps(_moment(change.commit_s))}
        if change.kind != "DELETE":
            parts["record"] = self._record(change, change.new)
        if change.kind != "INSERT":
            parts["old_record"] = self._record(change, old)
        return _object(parts)

    def _old(self, change: Change, key: Sequence[str], *, secured: bool) -> Row:
        if change.kind == "DELETE" and secured:
            return {name: change.old[name] for name in key}
        return change.old or {name: change.new[name] for name in key if name in change.new}

    async def _passes(self, wish: Wish, row: Row) -> bool:
        if not wish.filter:
            return True
        column, _, condition = wish.filter.partition("=")
        where = read_query([(column, condition)], "t").where
        name = f"{ident(wish.schema)}.{ident(wish.table)}"
        statement = f"select {where} from json_populate_record(null::{name}, $1) t"  # noqa: S608
        return bool(await self._db.fetchval(statement, json.dumps(row)))

    async def _visible(self, change: Change, key: Sequence[str], caller: Caller) -> bool:
        relation = change.relation
        where = " and ".join(f"{ident(name)} = {literal(change.new[name] or '')}" for name in key)
        name = f"{ident(relation.schema)}.{ident(relation.table)}"
        async with self._db.transaction():
            await act_as(self._db, caller)
            return await self._db.fetchval(f"select 1 from {name} where {where}") is not None  # noqa: S608

    def _fault(self, change: Change, words: str) -> str:
        frame = self._frame(change, words)
        return _object({**frame, "commit_timestamp": "null", "record": "{}", "old_record": "{}"})

    def _frame(self, change: Change, fault: str | None) -> dict[str, str]:
        relation = change.relation
        columns = [{"name": name, "type": self._types[oid]} for name, oid in relation.columns]
        told: dict[str, Any] = {
            "schema": relation.schema,
            "table": relation.table,
            "type": change.kind,
            "errors": None if fault is None else [fault],
            "columns": columns,
        }
        return {name: json.dumps(value) for name, value in told.items()}

    def _record(self, change: Change, row: Row) -> str:
        types = dict(change.relation.columns)
        return _object({name: _cell(value, self._types[types[name]]) for name, value in row.items()})


def _object(parts: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in parts.items()) + "}"


def _cell(text: str | None, kind: str) -> str:
    """A cell as JSON text; numbers keep every digit."""
    if text is None:
        return "null"
    if kind == "bool":
        return "true" if text == "t" else "false"
    if kind in _BARE and text not in _NO_NUMBERS:
        return text
    if kind == "timestamptz":
        return json.dumps(f"{text.replace(' ', 'T')}:00")  # PostgreSQL writes +00
    return json.dumps(text.replace(" ", "T") if kind == "timestamp" else text)


def _moment(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
