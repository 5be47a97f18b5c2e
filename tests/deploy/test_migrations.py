"""The SQL migrations: on an empty database, on an old one, twice; nothing of the owner's changes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.support.legacy import LEGACY
from tests.support.postgres import HOSTED, MIGRATIONS, Database, Postgres, migrations

_TABLES = {
    "audit", "engine_heartbeats", "engine_leases", "exit_intents", "exit_orders", "strategy_exit_levels",
    "trades",
}  # fmt: skip


@pytest.fixture(params=["empty", "legacy", "hosted", "hosted legacy"])
async def migrated(request: pytest.FixtureRequest, postgres: Postgres) -> AsyncIterator[Database]:
    """Four beginnings, each with all migrations applied."""
    before = [script for word, script in (("hosted", HOSTED), ("legacy", LEGACY)) if word in request.param]
    database = await postgres.database(*before, *migrations())
    yield database
    await postgres.drop(database)


@pytest.fixture
async def legacy(postgres: Postgres) -> AsyncIterator[Database]:
    """The old tables alone."""
    database = await postgres.database(HOSTED, LEGACY)
    yield database
    await postgres.drop(database)


async def _shape(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Everything of the schema that a migration could change."""
    queries = {
        "columns": "select table_name, column_name, data_type, column_default, is_nullable from "
        "information_schema.columns where table_schema = 'public' order by 1, 2",
        "indexes": "select indexdef from pg_indexes where schemaname = 'public' order by 1",
        "triggers": "select tgrelid::regclass::text, tgname from pg_trigger "
        "where not tgisinternal order by 1, 2",
        "functions": "select oid::regprocedure::text as f, prosrc, proacl::text from pg_proc "
        "where pronamespace = 'public'::regnamespace order by 1",
        "tables": "select relname, relrowsecurity, relreplident::text, relacl::text from pg_class "
        "where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') order by 1",
        "published": "select tablename from pg_publication_tables order by 1",
    }
    return {name: await database.rows(sql) for name, sql in queries.items()}


def test_names_sort_as_the_command_line_wants():
    """Each file is called by a moment of fourteen digits and a name, and no two share the moment."""
    names = [path.name for path in MIGRATIONS.iterdir()]
    assert all(re.fullmatch(r"\d{14}_[a-z_]+\.sql", name) for name in names)
    assert len({name[:14] for name in names}) == len(names) > 0


async def test_a_second_time_changes_nothing(migrated):
    """All migrations applied again leave schema, grants and publication as they are."""
    first = await _shape(migrated)
    await migrated.run(*migrations())
    assert await _shape(migrated) == first


async def test_every_beginning_ends_with_every_table(migrated):
    """Whatever there was, all seven tables are there, each with row level security and not one policy."""
    tables = await migrated.rows(
        "select relname, relrowsecurity from pg_class where relnamespace = 'public'::regnamespace "
        "and relkind = 'r'"
    )
    assert {row["relname"]: row["relrowsecurity"] for row in tables} == dict.fromkeys(_TABLES, True)
    assert not await migrated.rows("select * from pg_policies")


async def test_only_service_role_may_execute_and_every_function_has_its_search_path(migrated):
    """No function can be called by anon, authenticated or everybody, none runs as its owner."""
    functions = await migrated.rows(
        "select proname, proconfig, prosecdef, has_function_privilege('anon', oid, 'execute') as anon, "
        "has_function_privilege('authenticated', oid, 'execute') as authenticated, "
        "has_function_privilege('service_role', oid, 'execute') as service "
        "from pg_proc where pronamespace = 'public'::regnamespace"
    )
    assert len(functions) > 6
    for each in functions:
        assert 'search_path=""' in each["proconfig"], each["proname"]
        held = (each["anon"], each["authenticated"], each["service"], each["prosecdef"])
        assert held == (False, False, True, False), each["proname"]


async def test_service_role_may_do_its_work_and_no_more(migrated):
    """It reads and writes every table, but the audit can only be added to."""
    for table in _TABLES:
        for right in ("select", "insert", "update", "delete"):
            (row,) = await migrated.rows(
                f"select has_table_privilege('service_role', 'public.{table}', $1)", right
            )
            expected = table != "audit" or right in {"select", "insert"}
            assert row["has_table_privilege"] is expected, (table, right)
    for table in _TABLES - {"trades", "strategy_exit_levels"}:
        (row,) = await migrated.rows(f"select has_table_privilege('anon', 'public.{table}', 'select')")
        assert row["has_table_privilege"] is False, table


async def test_what_realtime_tells(migrated):
    """Where there is a publication it has what people edit and the canary; edited tables tell whole rows."""
    there = await migrated.rows("select 1 from pg_publication")
    told = {row["tablename"] for row in await migrated.rows("select tablename from pg_publication_tables")}
    assert told == ({"trades", "strategy_exit_levels", "engine_heartbeats"} if there else set())
    kinds = await migrated.rows(
        "select relname, relreplident::text as kind from pg_class where relname = any($1)", list(_TABLES)
    )
    full = {row["relname"] for row in kinds if row["kind"] == "f"}
    assert full == {"trades", "strategy_exit_levels"}


async def test_nothing_of_an_old_table_changes(legacy):
    """Every cell, type and column name that was there is there after two runs; new columns say nothing."""
    trades = await legacy.rows("select * from trades order by id")
    levels = await legacy.rows("select * from strategy_exit_levels order by id")
    shape = {(row["table_name"], row["column_name"]): row for row in (await _shape(legacy))["columns"]}
    await legacy.run(*migrations(), *migrations())
    for table, before in (("trades", trades), ("strategy_exit_levels", levels)):
        after = await legacy.rows(f"select * from {table} order by id")  # noqa: S608
        assert [{name: row[name] for name in was} for was, row in zip(before, after, strict=True)] == before
        assert all(row["version"] == 1 for row in after)
    now = {(row["table_name"], row["column_name"]): row for row in (await _shape(legacy))["columns"]}
    assert {key: now[key] for key in shape} == shape
    columns = {column for table, column in now if table == "strategy_exit_levels"}
    assert {"value", "is_active", "close_percentage"} <= columns
    assert not columns & {"trigger_value", "enabled"}
    assert len(await legacy.rows("select * from open_trades")) == 1


async def test_an_owners_choices_stay(legacy):
    """A replica identity, a policy and a publication of the owner's are left as they are."""
    await legacy.run(
        "alter table trades replica identity using index trades_pkey;"
        "create policy mine on trades for select to anon using (true);"
        "alter publication supabase_realtime add table trades;"
    )
    await legacy.run(*migrations())
    (row,) = await legacy.rows("select relreplident::text as kind from pg_class where relname = 'trades'")
    assert row["kind"] == "i"
    assert [row["policyname"] for row in await legacy.rows("select policyname from pg_policies")] == ["mine"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("create table trades (id uuid primary key, strategy_id integer)", "must be a whole number"),
        ("create table trades (id serial, strategy_id integer)", "must be a whole number"),
        ("create table trades (id bigint primary key)", "must be a whole number"),
        ("create table trades (id serial primary key, version text)", "mean something else"),
        (
            "create table strategy_exit_levels (id serial primary key, updated_at text, exit_type text)",
            "mean something",
        ),
    ],
)
async def test_a_table_that_cannot_serve_is_refused_whole(postgres, table, words):
    """A table whose rows could not be told apart or dated is refused in words, and nothing is changed."""
    database = await postgres.database(table)
    before = await _shape(database)
    with pytest.raises(asyncpg.RaiseError, match=words):
        await database.run("".join(migrations()))
    assert await _shape(database) == before
    await postgres.drop(database)
