"""A whole monitor whose trades are in Supabase: over the unmodified client, a real PostgreSQL behind it."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from engine.model import Right
from tests.e2e.supabase_world import living, supabase_world
from tests.support.looks import view_of
from tests.support.stage import FIRST

pytestmark = [
    pytest.mark.timeout(150),
    # A wart of the client's, which reads the code of a close through the old names.
    pytest.mark.filterwarnings(
        "ignore:ConnectionClosed.code is deprecated:DeprecationWarning",
        "ignore:ConnectionClosed.reason is deprecated:DeprecationWarning",
    ),
]


def done(rows) -> bool:
    """Every row is closed and has its figures; a start may write the one before the other."""
    return all(row["exit_line"] and row["order_status"] == "CLOSED" for row in rows)


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
            rows = await world.until_rows(done)
            (intent,) = await world.until(
                "select * from exit_intents", lambda told: all(each["ended_at"] for each in told) and told
            )
            assert await second.end() == 0
        orders = await database.rows("select * from exit_orders where filled > 0")
        assert (intent["account"], intent["status"]) == ("default", "flat")
        assert intent["id"] == f"default/{rows[0]['exit_id']}"
        assert {each["intent_id"] for each in orders} == {intent["id"]}
        filled = {each["security_id"]: each["average"] for each in orders}
        assert {key: round(average, 2) for key, average in filled.items()} == world.brought()
        assert {row["order_status"] for row in rows} == {"CLOSED"}
        assert {row["security_id"]: row["exit_price"] for row in rows} == world.brought()
        assert len({row["exit_id"] for row in rows}) == 1
        assert {row["version"] for row in rows} == {3}  # entered, closed, its figures
        (lease,) = await database.rows("select fence, expires_at <= now() as free from engine_leases")
        assert lease == {"fence": 2, "free": True}


#: The trade store is asked every 30 s, whatever Realtime says; and an answer is read.
SYNC_S = 32.0
NO_RULES = '[default]\nstop_loss = "off"\nprofit_target = "off"\n'


def fresh(world, row):
    """That leg in a contract that nobody has asked prices of yet."""
    held = world.stage.legs[FIRST][0]
    strike = (held.strike_paise or 0) // 100 - 200
    option = world.stage.market.option("NIFTY", strike, held.right, held.expiry)
    assert option.security_id not in world.stage.planned
    quote = world.stage.market.quote(option.key)
    return row | {
        "security_id": option.security_id, "strike_price": strike, "price": quote.reference_paise / 100,
    }  # fmt: skip


async def test_a_new_trade_is_watched_and_priced_within_a_second_of_its_commit(database, tmp_path):
    """Realtime says so; edits, a closed leg and a deleted position follow as fast, in their own way."""
    async with supabase_world(database, tmp_path / "house") as world, living(world, NO_RULES) as person:
        await person.until(lambda: person.units(FIRST) is not None and world.server.realtime.live)
        seconds = {}
        loop = asyncio.get_running_loop()

        async def seen(name, true):
            began_s = loop.time()
            await person.until(true)
            seconds[name] = loop.time() - began_s

        first, *others = csv.DictReader(io.StringIO(world.stage.trades_csv()))
        row_id = await world.put(**fresh(world, first) | {"strategy_id": 777, "order_id": "new"})
        await seen("new", lambda: person.units(777) is not None)
        units = person.units(777)
        assert units == [-int(first["quantity"])]
        await database.rows("update trades set quantity = quantity / 2 where id = $1", row_id)
        await seen("edited", lambda: person.units(777) == [units[0] // 2])
        pnl_paise = person.pnl_paise(777)
        await database.rows("update trades set price = price + 1 where id = $1", row_id)
        await seen("price edited", lambda: person.pnl_paise(777) == pnl_paise - units[0] // 2 * 100)
        leg = await world.put(**others[0] | {"strategy_id": 777, "order_id": "leg"})
        await seen("another leg", lambda: len(person.units(777) or ()) == 2)
        await database.rows("update trades set order_status = 'CLOSED' where id = $1", leg)
        await seen("closed by hand", lambda: len(person.units(777) or ()) == 1)
        await database.rows("delete from trades where id = $1", row_id)
        await seen("deleted", lambda: person.units(777) is None)
        assert max(seconds.values()) < 1.0, seconds
        assert person.units(FIRST) is not None


@pytest.mark.slow
async def test_what_hands_do_is_seen_within_half_a_minute_when_realtime_is_dead(database, tmp_path):
    """No handshake succeeds: a new trade, an edit, a leg closed and a position deleted, all by the sync."""
    async with supabase_world(database, tmp_path / "house", condors=3) as world:
        world.server.faults.realtime.refuse_upgrade = 1_000_000
        async with living(world, NO_RULES) as person:
            await person.until(lambda: all(person.units(strategy_id) for strategy_id in world.stage.legs))
            await person.until(lambda: world.looks_as_owner() >= 2)
            units = person.units(FIRST)
            first, *_ = csv.DictReader(io.StringIO(world.stage.trades_csv()))
            began_s = asyncio.get_running_loop().time()
            await world.put(**fresh(world, first) | {"strategy_id": 777, "order_id": "new"})
            rows = await world.rows()
            await database.rows("update trades set quantity = quantity / 2 where id = $1", rows[0]["id"])
            await database.rows("update trades set order_status = 'CLOSED' where id = $1", rows[4]["id"])
            await database.rows("delete from trades where strategy_id = $1", FIRST + 2)
            await person.until(lambda: person.units(777) == [-int(first["quantity"])])
            assert asyncio.get_running_loop().time() - began_s < SYNC_S
            await person.until(lambda: person.legs(FIRST) == [units[0] // 2, *units[1:]])
            await person.until(lambda: len(person.legs(FIRST + 1)) == 3)
            await person.until(lambda: not person.legs(FIRST + 2))
            assert asyncio.get_running_loop().time() - began_s < SYNC_S
            assert world.server.realtime.sockets == 0


@pytest.mark.slow
async def test_one_lost_event_while_realtime_lives_is_made_up_for_and_acted_on(database, tmp_path):
    """At most once: the event of a losing trade never comes. The sync finds it, and its stop ends it flat."""
    async with supabase_world(database, tmp_path / "house") as world, living(world) as person:
        await person.until(lambda: person.units(FIRST) is not None and world.server.realtime.live)
        await person.until(lambda: world.looks_as_owner() >= 2)
        beat = "select beat from engine_heartbeats"
        await world.until(beat, lambda rows: rows)  # the next one is a minute away
        await world.server.realtime.drained()
        row = next(iter(csv.DictReader(io.StringIO(world.stage.trades_csv()))))
        held = world.stage.legs[FIRST][0]
        option = world.stage.market.option("NIFTY", int(row["strike_price"]) - 200, Right.PUT, held.expiry)
        units = -int(row["quantity"])
        world.stage.exchange.carry(option.key, units, 10)
        world.server.faults.realtime.lose_events = 1
        began_s = asyncio.get_running_loop().time()
        losing = row | {"security_id": option.security_id, "strike_price": int(row["strike_price"]) - 200}
        await world.put(**losing | {"strategy_id": 777, "price": 1, "order_id": "lost"})
        await world.server.realtime.drained()
        assert world.server.faults.realtime.lose_events == 0
        assert not person.legs(777)
        await person.until(lambda: bool(person.legs(777)))
        assert 1.0 < asyncio.get_running_loop().time() - began_s < SYNC_S
        await person.until(lambda: any(title.startswith("Verified flat: 777") for title in person.titles))
        assert world.stage.exchange.net(option.key) == 0
        assert world.server.realtime.handshakes == 1  # it was live all the time, and knew of nothing


async def test_an_exit_runs_flat_while_database_and_realtime_are_dead_and_the_rows_agree_in_the_end(
    database, tmp_path
):
    """Both die, the price moves, the stop is met, the exit runs flat; both come back.

    Then every row is closed once, at what the broker says to the paisa, and the position is gone.
    """
    async with supabase_world(database, tmp_path / "house") as world, living(world) as person:
        await person.until(lambda: person.units(FIRST) is not None and world.server.realtime.live)
        await person.until(lambda: world.looks_as_owner() >= 2)  # a new owner reads everything first
        await world.server.stop()
        for leg in (leg for leg in world.stage.legs[FIRST] if world.stage.planned[leg.security_id] < 0):
            quote = world.stage.market.quote(leg.key)
            bid, ask = quote.bids[0].price_paise, quote.asks[0].price_paise
            world.stage.market.set_quote(leg.key, bid + 800, ask + 800)
        await person.until(lambda: any(title.startswith("Verified flat") for title in person.titles))
        assert world.nets == {0}
        assert {row["order_status"] for row in await world.rows()} == {"TRADED"}
        await world.server.start()
        rows = await world.until_rows(done)
        assert {row["order_status"] for row in rows} == {"CLOSED"}
        assert {row["security_id"]: row["exit_price"] for row in rows} == world.brought()
        assert {row["version"] for row in rows} == {3}  # entered, closed, its figures: nothing twice
        await person.until(lambda: world.server.realtime.live)
        again = next(iter(csv.DictReader(io.StringIO(world.stage.trades_csv()))))
        await world.put(**again | {"strategy_id": 778})
        await person.until(lambda: bool(person.legs(778)))
        await person.until(lambda: view_of(person.wiring).realtime.startswith("live, last event "))


async def test_a_restart_in_the_midst_of_an_exit_ends_flat_while_the_database_is_down(database, tmp_path):
    """Database and monitor die at the first order; its successor on this host finishes without the database.

    When that is back the rows are as the broker says, and the dead one's lease is let go of.
    """
    async with supabase_world(database, tmp_path / "house", shorts_sold_at=0.5) as world:
        gone = asyncio.Event()

        def dies(_order):
            if not gone.is_set():
                gone.set()
                first.process.kill()
                world.dying = asyncio.ensure_future(world.server.stop())

        world.on_enter = dies
        async with world.monitor() as first:
            await gone.wait()
            await world.dying
            await first.process.wait()
        async with world.monitor() as second:
            await second.ended()
            assert world.nets == {0}
            await world.server.start()
            rows = await world.until_rows(done)
            assert await second.end() == 0
        assert {row["order_status"] for row in rows} == {"CLOSED"}
        assert {row["security_id"]: row["exit_price"] for row in rows} == world.brought()
        (lease,) = await database.rows("select expires_at <= now() as free from engine_leases")
        assert lease["free"]
