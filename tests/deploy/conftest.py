"""Calls of the database's functions as the monitor makes them: by name, as service_role."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.postgres import Database

Call = Callable[..., Awaitable[Any]]


async def call_on(database: Database, name: str, **arguments: Any) -> Any:
    """Call a function in a transaction of its own; JSON in, JSON out."""
    given = ", ".join(f"p_{each} => ${at}" for at, each in enumerate(arguments, 1))
    values = [json.dumps(each) if isinstance(each, list | dict) else each for each in arguments.values()]
    async with database.session() as connection, connection.transaction():
        await connection.execute("set local role service_role")
        answer = await connection.fetchval(f"select to_json({name}({given}))::text", *values)
    return json.loads(answer)


@pytest.fixture
def call(database: Database) -> Call:
    """Call a function of the test's database."""

    async def bound(name: str, **arguments: Any) -> Any:
        return await call_on(database, name, **arguments)

    return bound
