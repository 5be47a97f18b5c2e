"""A whole monitor whose trades are in Supabase: over the unmodified client, a real PostgreSQL behind it."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.supabase_world import supabase_world

pytestmark = pytest.mark.timeout(150)


async def test_what_was_closed_while_the_database_was_down_is_written_after_a_crash(database, tmp_path):
    """It dies at the exit's first order; the exit runs flat, the monitor is killed, both come back.

    Every row is closed once, at what the exchange says it brought, by the exit whose name it has.
    """
    async with supabase_world(database, tmp_path / "house", shorts_sold_at=0.5) as world:
        gone = asyncio.Event()

        def dies(_order):
            if not gone.is_set():
                gone.set()
                world.dying = asyncio.ensure_future(world.server.stop())

        world.on_enter = dies
        async with world.monitor() as first:
            await first.ended()
            await world.dying
            assert world.nets == {0}
            assert {row["order_status"] for row in await world.rows()} == {"TRADED"}
            first.process.kill()
            await first.process.wait()
        await world.server.start()
        async with world.monitor() as second:
            rows = await world.until_rows(lambda rows: all(row["exit_line"] for row in rows))
            assert await second.end() == 0
        assert {row["order_status"] for row in rows} == {"CLOSED"}
        assert {row["security_id"]: row["exit_price"] for row in rows} == world.brought()
        assert len({row["exit_id"] for row in rows}) == 1
        assert {row["version"] for row in rows} == {3}  # entered, closed, its figures
        (lease,) = await database.rows("select fence, expires_at <= now() as free from engine_leases")
        assert lease == {"fence": 2, "free": True}
