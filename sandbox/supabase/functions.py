"""Functions over REST: ``/rpc/NAME`` with arguments by name, one call in one transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.supabase.errors import ApiFault
from sandbox.supabase.prefer import check_single
from sandbox.supabase.query import ident
from sandbox.supabase.tables import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from sandbox.supabase.prefer import Prefer

_FIND = """
select p.proretset or t.typtype = 'c' as rows, t.typname = 'void' as nothing, p.provolatile <> 'v' as reads,
  coalesce(p.proargnames[1:p.pronargs]::text[], '{}') as names, p.pronargs - p.pronargdefaults as needed,
  array(select format_type(each, null) from unnest(p.proargtypes::oid[]) each) as types
from pg_catalog.pg_proc p join pg_catalog.pg_type t on t.oid = p.prorettype
where p.pronamespace = 'public'::regnamespace and p.proname = $1 and p.prokind = 'f'
"""


async def call(
    db: asyncpg.Connection, name: str, arguments: Mapping[str, Any], prefer: Prefer, *, reading: bool
) -> Answer:
    """Call a function in the transaction that is open. Raises ApiFault, PostgresError.

    Args:
        db: in a transaction, as the caller's role.
        name: the function's, in ``public``.
        arguments: by name.
        prefer: whether one row is wanted as an object.
        reading: by GET, which takes functions only that change nothing.
    """
    found = await _find(db, name, arguments)
    if found["reads"] or reading:
        await db.execute("set transaction read only")
    types = dict(zip(found["names"], found["types"], strict=True))
    given = ", ".join(f"{ident(each)} => a.{ident(each)}" for each in arguments)
    listed = ", ".join(f"{ident(each)} {types[each]}" for each in arguments)
    source = f"from json_to_record($1) a({listed})" if arguments else ""
    sent = [json.dumps(arguments)] if arguments else []
    if not found["rows"]:
        statement = f"select to_json(public.{ident(name)}({given}))::text {source}"
        text = await db.fetchval(statement, *sent)
        if found["nothing"]:
            return Answer(204, "", "0-0/*")
        return Answer(200, "null" if text is None else text, "0-0/*")
    lateral = f"{source}, lateral" if arguments else "from"
    statement = (
        "select count(*) as n, coalesce(json_agg(f), '[]')::text as body "
        f"{lateral} public.{ident(name)}({given}) f"
    )
    row = await db.fetchrow(statement, *sent)
    text = row["body"]
    if prefer.single:
        check_single(row["n"])
        text = text.strip()[1:-1]
    return Answer(200, text, f"0-{row['n'] - 1}/*" if row["n"] else "*/*")


async def _find(db: asyncpg.Connection, name: str, arguments: Mapping[str, Any]) -> asyncpg.Record:
    for each in await db.fetch(_FIND, name):
        needed = set(each["names"][: each["needed"]])
        if needed <= set(arguments) <= set(each["names"]):
            return each
    listed = ", ".join(sorted(arguments))
    told = f"({listed})" if arguments else " without parameters"
    raise ApiFault(
        404, "PGRST202", f"Could not find the function public.{name}{told} in the schema cache",
        details=f"Searched for the function public.{name}{told}, but no matches were found.",
    )  # fmt: skip
