"""Tables over REST: select, insert, upsert, update, delete, each one statement in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.supabase.errors import ApiFault
from sandbox.supabase.prefer import check_single
from sandbox.supabase.query import ident, names, read_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from sandbox.supabase.prefer import Prefer

_COLUMNS = """
select a.attname::text as name from pg_catalog.pg_attribute a
where a.attrelid = (select c.oid from pg_catalog.pg_class c where c.relname = $1
  and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm'))
  and a.attnum > 0 and not a.attisdropped
"""
_KEY = """
select a.attname::text as name from pg_catalog.pg_index i
join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
where i.indrelid = format('public.%I', $1::text)::regclass and i.indisprimary
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a table.

    Attributes:
        pairs: the query string.
        body: what was sent, decoded; None = nothing.
        bounds: first and last row of a ``Range`` header, or None.
        most: rows a read gives at most.
    """

    verb: str
    table: str
    pairs: Sequence[tuple[str, str]]
    body: Any
    prefer: Prefer
    bounds: tuple[int, int | None] | None
    most: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: a status, JSON text (empty = none) and a content range."""

    status: int
    text: str
    content_range: str


async def serve(db: asyncpg.Connection, asked: Asked) -> Answer:
    """Do what is asked in the transaction that is open. Raises ApiFault, PostgresError."""
    known = [row["name"] for row in await db.fetch(_COLUMNS, asked.table)]
    if not known:
        raise ApiFault(
            404, "PGRST205", f"Could not find the table 'public.{asked.table}' in the schema cache"
        )
    if asked.verb in {"GET", "HEAD"}:
        return await _read(db, asked)
    if asked.verb == "POST":
        return await _insert(db, asked, known)
    if asked.verb in {"PATCH", "DELETE"}:
        return await _change(db, asked, known)
    raise ApiFault(405, "PGRST117", f"Unsupported HTTP method: {asked.verb}")


async def _read(db: asyncpg.Connection, asked: Asked) -> Answer:
    table = ident(asked.table)
    query = read_query(asked.pairs, table)
    offset, limit = query.offset, query.limit
    if asked.bounds is not None:
        first, last = asked.bounds
        offset, limit = first, None if last is None else last - first + 1
    limit = asked.most if limit is None else min(limit, asked.most)
    where = f"where {query.where}" if query.where else ""
    row = await db.fetchrow(
        f"select count(*) as n, coalesce(json_agg(r), '[]')::text as body from (select {query.columns} "  # noqa: S608
        f"from public.{table} {where} {query.order} limit {limit} offset {offset}) r"
    )
    total = None
    if asked.prefer.counted:
        total = await db.fetchval(f"select count(*) from public.{table} {where}")  # noqa: S608
        if offset > total:
            details = f"An offset of {offset} was requested, but there are only {total} rows."
            raise ApiFault(416, "PGRST103", "Requested range not satisfiable", details=details)
    text = row["body"]
    if asked.prefer.single:
        check_single(row["n"])
        text = _inside(text)
    status = 206 if total is not None and row["n"] < total else 200
    return Answer(status, "" if asked.verb == "HEAD" else text, _range(offset, row["n"], total))


async def _insert(db: asyncpg.Connection, asked: Asked, known: Sequence[str]) -> Answer:
    rows = asked.body if isinstance(asked.body, list) else [asked.body]
    if not all(isinstance(row, dict) for row in rows):
        raise ApiFault(400, "PGRST102", "Empty or invalid json")
    wanted = dict(asked.pairs).get("columns")
    columns = names(wanted) if wanted else list(dict.fromkeys(name for row in rows for name in row))
    _check_columns(asked.table, columns, known)
    # With defaults for what is missing, every row names its own columns.
    groups = [(list(row), [row]) for row in rows] if asked.prefer.defaults else [(columns, rows)]
    conflict = await _on_conflict(db, asked, columns)
    parts: list[str] = []
    done = 0
    for each, batch in groups:
        listed = ", ".join(map(ident, each))
        target = f"public.{ident(asked.table)}"
        source = f"json_populate_recordset(null::{target}, $1)"
        values = f"({listed}) select {listed} from {source}" if each else "default values"  # noqa: S608
        statement = f"insert into {target} {values} {conflict}"
        count, text = await _write(db, asked, statement, json.dumps(batch) if each else None)
        done += count
        parts += [_inside(text)] if _inside(text) else []
    return _written(asked, 201, done, f"[{','.join(parts)}]")


async def _on_conflict(db: asyncpg.Connection, asked: Asked, columns: Sequence[str]) -> str:
    if not asked.prefer.resolution:
        return ""
    target = names(dict(asked.pairs).get("on_conflict", ""))
    if not target:
        target = [row["name"] for row in await db.fetch(_KEY, asked.table)]
    on = f"on conflict ({', '.join(map(ident, target))})"
    if asked.prefer.resolution == "ignore-duplicates" or not columns:
        return f"{on} do nothing"
    settings = ", ".join(f"{ident(name)} = excluded.{ident(name)}" for name in columns)
    return f"{on} do update set {settings}"


async def _change(db: asyncpg.Connection, asked: Asked, known: Sequence[str]) -> Answer:
    table = ident(asked.table)
    query = read_query(asked.pairs, table)
    what = "UPDATE" if asked.verb == "PATCH" else "DELETE"
    if not query.where:
        raise ApiFault(400, "21000", f"{what} requires a WHERE clause")  # hosted Supabase loads pg-safeupdate
    if asked.verb == "DELETE":
        statement, sent = f"delete from public.{table} where {query.where}", None  # noqa: S608
    else:
        if not isinstance(asked.body, dict) or not asked.body:
            raise ApiFault(400, "PGRST102", "Empty or invalid json")
        _check_columns(asked.table, list(asked.body), known)
        settings = ", ".join(f"{ident(name)} = new_values.{ident(name)}" for name in asked.body)
        source = f"json_populate_record(null::public.{table}, $1) new_values"
        statement = f"update public.{table} set {settings} from {source} where {query.where}"  # noqa: S608
        sent = json.dumps(asked.body)
    done, text = await _write(db, asked, statement, sent)
    if asked.prefer.most is not None and done > asked.prefer.most:
        details = f"The query affects {done} rows"
        raise ApiFault(
            400, "PGRST124", "Query result exceeds max-affected preference constraint", details=details
        )
    return _written(asked, 200, done, text)


async def _write(db: asyncpg.Connection, asked: Asked, statement: str, sent: str | None) -> tuple[int, str]:
    """How many rows were written, and those that the client may see as JSON text."""
    if not asked.prefer.representation:
        tag = await db.execute(statement, *([] if sent is None else [sent]))
        return int(tag.rsplit(" ", 1)[1]), "[]"
    columns = read_query([p for p in asked.pairs if p[0] == "select"], "").columns
    returning = f"with written as ({statement} returning {ident(asked.table)}.*) "
    rows = f"(select {columns} from written) r"  # noqa: S608 - columns are quoted
    row = await db.fetchrow(
        f"{returning} select count(*) as n, coalesce(json_agg(r), '[]')::text as body from {rows}",  # noqa: S608
        *([] if sent is None else [sent]),
    )
    return row["n"], row["body"]


def _written(asked: Asked, status: int, done: int, text: str) -> Answer:
    if asked.prefer.representation and asked.prefer.single:
        check_single(done)
        text = _inside(text)
    bounds = _range(0, done, done if asked.prefer.counted else None) if status == 200 else "*/*"
    if not asked.prefer.representation:
        return Answer(204 if status == 200 else status, "", bounds)
    return Answer(status, text, bounds)


def _check_columns(table: str, columns: Sequence[str], known: Sequence[str]) -> None:
    for name in columns:
        if name not in known:
            raise ApiFault(
                400, "PGRST204", f"Could not find the '{name}' column of '{table}' in the schema cache"
            )


def _inside(array: str) -> str:
    """The text between the brackets: numbers stay as the database wrote them."""
    return array.strip()[1:-1].strip()


def _range(offset: int, rows: int, total: int | None) -> str:
    told = "*" if total is None else str(total)
    return f"{offset}-{offset + rows - 1}/{told}" if rows else f"*/{told}"
