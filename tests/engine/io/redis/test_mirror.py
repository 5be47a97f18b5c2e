"""The price mirror against a real Redis: what is there, and what happens when it is not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from engine.errors import SourceError
from engine.expected import DEFAULT_URLS
from engine.io.clock import SystemClock
from engine.io.redis import mirror as mirrors
from engine.io.redis import standing
from engine.io.redis.link import Link
from engine.io.redis.names import Names, told_address
from engine.io.redis.packing import unpack
from engine.io.redis.scripts import KEEP
from engine.messages import CacheState, Tick
from tests.engine.io.redis.house import NAMES, Ear, mirror, running
from tests.engine.makers import SPOT, option, quote, traded
from tests.support.redis_server import redis_server
from tests.support.turns import until

CALL, PUT = option(25000, "CE"), option(25000, "PE")


@pytest.fixture
async def server():
    """A Redis of this test's own."""
    async with redis_server() as one:
        yield one


@pytest.fixture
def at_once(monkeypatch):
    """A Redis that works again is believed at once."""
    monkeypatch.setattr(standing, "STEADY_S", 0.0)


async def held(server, key):
    """An instrument's hash."""
    return await server.ear.hgetall(NAMES.price(key))


@pytest.mark.parametrize("deflate", [False, True])
async def test_each_instrument_has_a_hash_that_lives_for_five_minutes(server, deflate):
    """The last tick of each is there whole, readable beside it its price and moment; the machine had all."""
    ear = Ear()
    one, _, _ = mirror(server, ear, deflate=deflate)
    full = Tick(CALL.key, 1005, 1_770_000_000, 1000, 65, 1010, 130, 77, 5, bytes(range(100)))
    for ticks in ([quote(CALL.key, 9, 9.05)], [full, traded(SPOT, 25000)]):
        one.on_ticks(ticks)
    assert [tick.ltp_paise for tick in ear.ticks] == [900, 1005, 2_500_000]
    async with running(one.run):
        await until(lambda: not one.waiting and one._written)
    assert one._written == 2
    found = await held(server, CALL.key)
    ((tick, at_ms),) = unpack(found[b"tick"])
    assert [getattr(tick, name) for name in Tick.FIELDS] == [getattr(full, n) for n in Tick.FIELDS]
    assert (int(found[b"at_ms"]), int(found[b"ltp_paise"])) == (at_ms, 1005)
    assert 0 <= time.time() * 1000 - at_ms < 5_000
    assert 295 <= await server.ear.ttl(NAMES.price(CALL.key)) <= 300
    assert await held(server, SPOT)


async def test_many_instruments_go_in_batches(server, monkeypatch):
    """More than a batch is several commands, after each of which others have their turn."""
    runs = []
    keep = Link.run

    async def counted(link, script, keys, args):
        runs.append(len(keys) if script is KEEP else 0)
        return await keep(link, script, keys, args)

    monkeypatch.setattr(Link, "run", counted)
    one, _, _ = mirror(server, Ear())
    one.on_ticks([traded(SPOT + number, 100) for number in range(250)])
    async with running(one.run):
        await until(lambda: one._written == 250)
    assert [count for count in runs if count] == [50] * 5


async def test_a_start_remembers_what_the_life_before_knew(server):
    """Instruments that are carried anew are looked up once; each price comes with its own age."""
    first, _, _ = mirror(server, Ear())
    first.on_ticks([quote(CALL.key, 10, 10.05)])
    async with running(first.run):
        await until(lambda: first._written)
    ear = Ear()
    second, feed, _ = mirror(server, ear)
    feed.subscribe([CALL, PUT])
    async with running(second.run):
        await until(lambda: ear.remembered)
        feed.subscribe([CALL])
        await until(lambda: not second._unread)
    tick, arrived_s = ear.remembered[CALL.key]
    assert (tick.bid_paise, tick.ask_paise) == (1000, 1005)
    assert 0 < time.time() - arrived_s < 5
    assert (len(ear.remembered), ear.ticks) == (1, [])


async def test_a_clock_that_was_shifted_still_tells_ages(server):
    """A rehearsal's monitor that lives in another year has the age of a price right."""
    first, _, _ = mirror(server, Ear())
    first.on_ticks([quote(CALL.key, 10, 10.05)])
    async with running(first.run):
        await until(lambda: first._written)
    ear, clock = Ear(), SystemClock(monotonic_s=time.monotonic, wall_s=lambda: time.time() - 1e7)
    second, feed, _ = mirror(server, ear, clock=clock)
    feed.subscribe([CALL])
    async with running(second.run):
        await until(lambda: ear.remembered)
    assert 0 < clock.now_s() - ear.remembered[CALL.key][1] < 5


async def test_a_hanging_redis_is_noticed_within_a_second_and_told_once(server, at_once):
    """Frozen, it is told of once; ticks go on, conflated, and are all there when it thaws."""
    ear = Ear()
    one, _, _ = mirror(server, ear)
    async with running(one.run):
        await until(lambda: ear.of(CacheState))
        server.freeze()
        began_s = time.monotonic()
        one.on_ticks([quote(CALL.key, 10, 10.05)])
        await until(lambda: ear.faults)
        assert time.monotonic() - began_s < 1.0
        for number in range(1, 400):
            one.on_ticks([quote(CALL.key, 10 + number, 10.05 + number), traded(SPOT, 25000 + number)])
        await until(lambda: not one._heard)
        assert (len(one.waiting), len(ear.ticks)) == (2, 799)
        await until(lambda: one._standing._pause_s > 1)  # several attempts
        assert ear.faults == ["Redis does not answer"]
        server.thaw()
        await until(lambda: not one.waiting)
        await until(lambda: not ear.of(CacheState)[-1].failed)
    assert int((await held(server, CALL.key))[b"ltp_paise"]) == 40_900


async def test_what_a_standstill_held_up_is_not_taken_for_new(server):
    """A batch that Redis comes to see too late is refused: its prices would look younger than they are."""
    one, _, _ = mirror(server, Ear())
    await one._look()
    one._ahead_s -= 1.5  # sent so long ago, by Redis' clock
    one.on_ticks([quote(CALL.key, 10, 10.05)])
    one.drain()
    with pytest.raises(SourceError, match="late"):
        await one._write()
    assert not await held(server, CALL.key)
    await one._turn()
    await one._turn()
    assert await held(server, CALL.key)
    await one._link.close()


async def test_a_full_redis_is_told_and_listeners_go_on(server, at_once):
    """Without room nothing is kept; the channel still brings every price, and no pause is made."""
    ear = Ear()
    one, _, _ = mirror(server, ear)
    async with running(one.run), server.ear.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(NAMES.ticks)
        server.fill()
        one.on_ticks([quote(CALL.key, 10, 10.05)])
        await until(lambda: ear.faults)
        heard = b""
        while b"\n" not in heard or heard.endswith(b"\n"):
            message = await channel.get_message(timeout=5)
            heard = message["data"] if message else b""
        ((tick, _),) = unpack(heard.partition(b"\n")[2])
        assert (tick.key, ear.faults) == (CALL.key, ["Redis is full (maxmemory)"])
        assert one._standing.again_s == 0.0
        server.empty()
        one.on_ticks([quote(CALL.key, 11, 11.05)])
        await until(lambda: not ear.of(CacheState)[-1].failed)
    assert await held(server, CALL.key)


async def test_a_redis_that_was_restarted_is_filled_again(server, at_once):
    """It comes back empty and knows no script; the next prices are there all the same."""
    ear = Ear()
    one, _, _ = mirror(server, ear)
    async with running(one.run):
        one.on_ticks([quote(CALL.key, 10, 10.05)])
        await until(lambda: one._written == 1)
        server.kill()
        await until(lambda: ear.faults)
        assert ear.faults == ["Redis cannot be reached"]
        await server.start()
        one.on_ticks([quote(PUT.key, 7, 7.05)])
        await until(lambda: not one.waiting)
        await until(lambda: not ear.of(CacheState)[-1].failed)
    assert await held(server, PUT.key)


async def test_a_redis_that_comes_and_goes_is_told_of_once(server):
    """It works again only when it has for a while; until then further failures are no news."""
    ear = Ear()
    one, _, _ = mirror(server, ear)
    async with running(one.run):
        for _ in range(2):
            server.kill()
            await until(lambda: one._standing._works_since_s is None and ear.faults)
            await server.start()
            await until(lambda: one._standing._works_since_s is not None)
    assert [state.failed for state in ear.of(CacheState)][-1] == ear.faults[0]
    assert len(ear.faults) == 1


async def test_a_refused_login_is_told_without_the_login(caplog):
    """The password is in no log and no message, whether it is wrong or right."""
    caplog.set_level("DEBUG")
    async with redis_server("canary-redis-pw") as server:
        ear = Ear()
        right, _, _ = mirror(server, ear)
        right.on_ticks([quote(CALL.key, 10, 10.05)])
        async with running(right.run):
            await until(lambda: right._written)
        server.url = type(server.url)(server.url.reveal().replace("canary-redis-pw", "canary-wrong"))
        wrong, _, _ = mirror(server, ear)
        async with running(wrong.run):
            await until(lambda: ear.faults)
        assert ear.faults == ["Redis refuses the login in REDIS_URL"]
        assert "canary" not in caplog.text + repr(ear.told)
        assert "canary" not in repr(
            [await server.ear.hgetall(k) for k in await server.ear.keys("*:process:*")]
        )


async def test_the_client_speaks_resp3_with_the_quick_parser(server):
    """Maps come back as maps, read by hiredis."""
    link = Link(server.url)
    assert await link.ask("PING")
    (connection,) = link._client.connection_pool._available_connections
    assert type(connection._parser).__name__ == "_AsyncHiredisParser"
    assert int(connection.protocol) == 3
    await link.close()


def test_an_address_is_told_without_its_login():
    """Neither the password before the @ nor one behind the ? is shown."""
    assert told_address("redis://u:canary@[::1]:6379/0?password=canary") == "redis://[::1]:6379/0"
    assert told_address("unix://:canary@/run/redis.sock?db=1") == "unix:///run/redis.sock"


def test_worlds_do_not_share_a_name():
    """Prices of a sandbox are never where those of the real market are."""
    real, other = Names.of(DEFAULT_URLS["DHAN_FEED_URL"]), Names.of("ws://127.0.0.1:1")
    assert real.ticks == "prahari:ticks"
    assert other.ticks.startswith("prahari-")
    assert Names.of("ws://127.0.0.1:2") != other


def test_nothing_of_redis_is_imported_without_its_setting():
    """The whole house can be loaded, and knows no Redis."""
    code = "import sys, engine.io.app, engine.__main__; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


def test_the_tick_path_only_appends():
    """Between two flushes a frame costs one append: ten thousand frames make no write and no dict entry."""
    ear = Ear()
    one = mirrors.Mirror(
        None, NAMES, "x", deflate=False, post=ear.told.append, post_ticks=ear.post_ticks,
        hit_ratio=lambda: None, clock=SystemClock(),
    )  # fmt: skip
    for _ in range(10_000):
        one.on_ticks([traded(SPOT, 25000)])
    assert (len(one._heard), len(one.waiting)) == (10_000, 0)
    one.drain()
    assert (len(one._heard), len(one.waiting)) == (0, 1)


async def test_a_cancellation_is_never_lost(server, monkeypatch):
    """At whichever turn of the loop the house closes, the mirror ends: the client swallows none."""
    monkeypatch.setattr(mirrors, "FLUSH_S", 0.0)
    for turns in range(120):
        one, _, _ = mirror(server, Ear())
        one.on_ticks([quote(CALL.key, 10, 10.05)])
        task = asyncio.create_task(one.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.cancelled(), f"at turn {turns}"
