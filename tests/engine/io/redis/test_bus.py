"""The price bus against a real Redis: one process has a feed, another one its prices."""

from __future__ import annotations

import time

import pytest

from engine.errors import RateLimited, Unreachable
from engine.io.redis import bus as buses
from engine.io.redis import mirror as mirrors
from engine.io.redis import standing
from engine.io.redis.names import instrument_of, wish_of
from engine.io.redis.packing import Packed
from engine.messages import CacheState, FeedChanged, FeedState, Tick
from engine.model import Segment
from engine.words import Secret
from tests.engine.io.redis.house import NAMES, Ear, Rest, bus, mirror, running
from tests.engine.makers import SPOT, option, quote, traded
from tests.support.redis_server import redis_server
from tests.support.turns import until

CALL, PUT = option(25000, "CE"), option(25000, "PE", tick_paise=1)


@pytest.fixture
async def server():
    """A Redis of this test's own."""
    async with redis_server() as one:
        yield one


@pytest.fixture
def at_once(monkeypatch):
    """A Redis that works again is believed at once."""
    monkeypatch.setattr(standing, "STEADY_S", 0.0)


@pytest.mark.parametrize("deflate", [False, True])
async def test_a_listener_gets_whole_ticks_of_what_it_wants(server, deflate):
    """Depth, suspect quotes and sides that are not there arrive as they were; the rest is left out."""
    ear, there = Ear(), Ear()
    feeder, _, carrier = mirror(server, there, deflate=deflate)
    listener = bus(server, ear)
    listener.subscribe([CALL, PUT])
    full = Tick(CALL.key, 1005, 1_770_000_000, 1000, 65, 1010, 130, 77, 5, bytes(range(100)))
    crossed = Tick(PUT.key, 0, 0, 1010, 1, 1000, 1)
    async with running(feeder.run, listener.run):
        await until(lambda: carrier.carried)
        assert carrier.carried.keys() == {CALL.key, PUT.key}
        assert carrier.carried[PUT.key].tick_paise == 1
        feeder.on_ticks([full, crossed, traded(SPOT, 25000)])
        await until(lambda: len(ear.ticks) == 2)
    for sent, came in zip([full, crossed], ear.ticks, strict=True):
        assert [getattr(came, n) for n in Tick.FIELDS] == [getattr(sent, n) for n in Tick.FIELDS]
    assert ear.states == [FeedState.CONNECTING, FeedState.LIVE]
    assert 0 < listener.lag_s < 1


async def test_our_own_instruments_and_those_of_others_are_carried_together(server):
    """What a listener wants is added while it wants it; our own is never dropped."""
    feeder, feed, carrier = mirror(server, Ear())
    feed.subscribe([CALL])
    listener = bus(server, Ear())
    listener.subscribe([PUT])
    async with running(feeder.run):
        async with running(listener.run):
            await until(lambda: carrier.carried.keys() == {CALL.key, PUT.key})
        await server.ear.zadd(NAMES.wanted, {wish_of(PUT): 1, "nonsense": 10**15})  # it asked long ago
        await until(lambda: carrier.carried.keys() == {CALL.key})


@pytest.mark.parametrize(
    "wish", ["", "x", "NSE_FNO:0:5", "NSE_FNO:7:0", "NSE:7:5", "NSE_FNO:7:5:1", "NSE_FNO:7:-5"]
)
def test_a_wish_that_cannot_be_understood_is_none(wish):
    """Whoever writes nonsense there does not get it subscribed."""
    assert instrument_of(wish) is None


def test_a_wish_says_what_a_feed_has_to_know():
    """Segment, security id and tick survive the way there."""
    found = instrument_of(wish_of(PUT))
    assert (found.key, found.segment, found.tick_paise) == (PUT.key, Segment.NSE_FNO, 1)


async def test_no_last_value_is_lost_when_the_connection_is(server, at_once):
    """Prices that came while nobody listened are there after the reconnect, with their age."""
    ear = Ear()
    feeder, _, _ = mirror(server, Ear())
    listener = bus(server, ear)
    listener.subscribe([CALL, PUT])
    async with running(feeder.run):
        async with running(listener.run):
            feeder.on_ticks([quote(CALL.key, 10, 10), quote(PUT.key, 5, 5)])
            await until(lambda: (ear.last(CALL.key), ear.last(PUT.key)) == (1000, 500))
            await server.ear.client_kill_filter(_type="pubsub")
            feeder.on_ticks([quote(CALL.key, 12, 12)])
            await until(lambda: ear.last(CALL.key) == 1200)
            assert FeedState.DOWN in ear.states
            await until(lambda: ear.states[-1] is FeedState.LIVE)
        written = feeder._written
        feeder.on_ticks([quote(PUT.key, 7, 7)])
        await until(lambda: feeder._written > written)
        later = Ear()
        again = bus(server, later)
        again.subscribe([CALL, PUT])
        async with running(again.run):
            await until(lambda: later.last(PUT.key) == 700 and later.last(CALL.key) == 1200)


async def test_an_old_value_goes_in_with_its_age(server):
    """What is no news any more is an instant of the past; nobody may take it for a fresh price."""
    feeder, _, _ = mirror(server, Ear())
    await feeder._look()
    feeder.on_ticks([quote(CALL.key, 10, 10)])
    feeder.drain()
    (key,) = feeder.waiting
    feeder.waiting[key] = feeder.waiting[key]._replace(since_s=time.time() - 30)
    await feeder._write()
    ear = Ear()
    listener = bus(server, ear)
    listener.subscribe([CALL])
    async with running(feeder.run, listener.run):
        await until(lambda: ear.late)
    ((tick, age_s),) = ear.late
    assert (tick.ltp_paise, ear.ticks) == (1000, [])
    assert 30 <= age_s <= 36


async def test_without_a_feed_process_the_feed_is_down_until_there_is_one(server, at_once):
    """Redis answers but nobody writes: that is told as such, and it ends by itself."""
    ear = Ear()
    listener = bus(server, ear)
    listener.subscribe([CALL])
    async with running(listener.run):
        await until(lambda: FeedState.DOWN in ear.states)
        assert ear.of(FeedChanged)[-1].detail == "no feed process writes to Redis"
        feeder, _, _ = mirror(server, Ear())
        async with running(feeder.run):
            feeder.on_ticks([quote(CALL.key, 10, 10)])
            await until(lambda: ear.states[-1] is FeedState.LIVE and ear.last(CALL.key))
            await until(lambda: not ear.of(CacheState)[-1].failed)
        began_s = time.monotonic()
        await until(lambda: ear.states[-1] is FeedState.DOWN)
        assert time.monotonic() - began_s < 1.6


async def test_a_feed_without_a_socket_is_no_live_feed_here_either(server):
    """The feed process's own trouble is told with its words; of two the one that stands better counts."""
    ear = Ear()
    feeder, _, _ = mirror(server, Ear())
    feeder.on_state(FeedChanged(FeedState.STALE, "no prices for 30 s"))
    listener = bus(server, ear)
    listener.subscribe([CALL])
    async with running(feeder.run, listener.run):
        await until(lambda: FeedState.STALE in ear.states)
        told = ear.of(FeedChanged)[-1]
        assert told.detail == "by Redis; its feed process: no prices for 30 s"
        assert told.mended  # whoever had to see to Redis has done it
        other, _, _ = mirror(server, Ear(), name="another")
        async with running(other.run):
            await until(lambda: ear.states[-1] is FeedState.LIVE)


async def test_a_hanging_redis_is_a_dead_socket_within_two_seconds(server, at_once):
    """Frozen, the feed is down; thawed, it is live and has the newest price."""
    ear = Ear()
    feeder, _, _ = mirror(server, Ear())
    listener = bus(server, ear)
    listener.subscribe([CALL])
    async with running(feeder.run, listener.run):
        await until(lambda: FeedState.LIVE in ear.states)
        server.freeze()
        began_s = time.monotonic()
        await until(lambda: ear.states[-1] is FeedState.DOWN)
        assert time.monotonic() - began_s < 2.0
        assert ear.of(FeedChanged)[-1].detail == "Redis does not answer"
        feeder.on_ticks([quote(CALL.key, 10, 10)])
        server.thaw()
        await until(lambda: ear.states[-1] is FeedState.LIVE and ear.last(CALL.key) == 1000)


async def test_nonsense_on_the_channel_hurts_nobody(server):
    """Somebody else's messages are passed over, and are no sign of a feed process."""
    ear = Ear()
    listener = bus(server, ear)
    listener.subscribe([CALL])
    async with running(listener.run):
        await until(lambda: listener._said_s > 0)
        for message in (
            b"",
            b"\n",
            b"[]\n",
            b'{"by": 1}\n',
            b"\xff",
            b'{"by":"x","state":"live","detail":""}\nxx',
        ):
            await server.ear.publish(NAMES.ticks, message)
        await until(lambda: ear.states[-1] is FeedState.DOWN)
    assert (FeedState.LIVE in ear.states, ear.ticks) == (False, [])


async def test_while_the_bus_is_down_in_the_session_quotes_come_by_rest(server, monkeypatch):
    """As for a dead socket: told once, failures too; when the bus is back, nobody asks any more."""
    monkeypatch.setattr(buses, "GAP_S", 0.05)
    monkeypatch.setattr(buses, "REST_AFTER_S", 0.3)
    ear, rest = Ear(), Rest()
    rest.prices, rest.error = {CALL.key: 10}, Unreachable("no route")
    listener = bus(server, ear, rest=rest)
    listener.subscribe([CALL])
    async with running(listener.run):
        await until(lambda: FeedState.DOWN in ear.states)
        rest.open = True
        await until(lambda: rest.asked)
        await until(lambda: ear.of(FeedChanged)[-1].detail == f"{buses.NOBODY}; REST quotes: no route")
        rest.error = RateLimited("slowly", 0.1)
        asked = len(rest.asked)
        await until(lambda: len(rest.asked) > asked)
        rest.error = None
        await until(lambda: ear.last(CALL.key) == 1000)
        assert ear.of(FeedChanged)[-1] == FeedChanged(
            FeedState.REST, f"{buses.NOBODY}; quotes come by REST once a second"
        )
        server.kill()
        await until(lambda: listener._standing.again_s > time.time())
        assert ear.states[-1] is FeedState.REST
        await server.start()
        feeder, _, _ = mirror(server, Ear())
        async with running(feeder.run):
            await until(lambda: ear.states[-1] is FeedState.LIVE)
            asked = len(rest.asked)
            feeder.on_ticks([quote(CALL.key, 11, 11)])
            await until(lambda: ear.last(CALL.key) == 1100)
            assert len(rest.asked) == asked
    assert all(keys == [CALL.key] for keys in rest.asked)


@pytest.mark.parametrize(("back_ms", "taken"), [(0, True), (-40, True), (40, False), (buses.BACK_MS, True)])
def test_an_older_price_is_left_out_unless_a_clock_has_stepped(back_ms, taken):
    """Of two ways the newer value stays; a Redis whose clock was set back is believed again."""
    ear, now_ms = Ear(), int(1000 * time.time())
    listener = bus(_Nowhere(), ear)
    listener.subscribe([CALL])
    listener._deliver([Packed(quote(CALL.key, 10, 10), now_ms)])
    listener._deliver([Packed(quote(CALL.key, 11, 11), now_ms - back_ms)])
    came = [tick.ltp_paise for tick in (*ear.ticks, *(tick for tick, _ in ear.late))]
    assert came == ([1000, 1100] if taken else [1000])


def test_a_price_from_the_future_is_no_news():
    """Redis' clock was set back: how old its prices are is not known, and none is taken for fresh."""
    ear = Ear()
    listener = bus(_Nowhere(), ear)
    listener.subscribe([CALL])
    listener._deliver([Packed(quote(CALL.key, 10, 10), int(1000 * (time.time() + 3600)))])
    assert (ear.ticks, ear.late) == ([], [])


async def test_a_full_redis_lets_no_wish_lapse(server, monkeypatch):
    """What is wanted can be said there all the same, and goes on being carried; so can what one is."""
    monkeypatch.setattr(mirrors, "WISH_TTL_S", 1)
    monkeypatch.setattr(buses, "SAY_S", 0.3)
    monkeypatch.setattr(mirrors, "LOOK_S", 0.1)
    feeder, _, carrier = mirror(server, Ear())
    listener = bus(server, Ear())
    listener.subscribe([CALL])
    async with running(feeder.run, listener.run):
        await until(lambda: carrier.carried)
        server.fill()
        seconds = time.time()
        await until(lambda: feeder._looked_s > seconds + 1.3)
        assert carrier.carried
        assert len(await server.ear.keys(NAMES.process("*"))) == 2


class _Nowhere:
    """No server at all; nothing is asked of it."""

    url = Secret("redis://127.0.0.1:9/0")


def test_a_quote_by_rest_is_not_overtaken_by_an_older_price():
    """The bus is back, and has a price from before the last REST quote."""
    ear = Ear()
    listener = bus(_Nowhere(), ear)
    listener.subscribe([CALL])
    listener._down("gone")
    listener._filled([quote(CALL.key, 12, 12)])
    listener._deliver([Packed(quote(CALL.key, 10, 10), int(1000 * (time.time() - 2)))])
    listener._deliver([Packed(quote(CALL.key, 11, 11), int(1000 * time.time()) + 1)])
    assert [tick.ltp_paise for tick in ear.ticks] == [1200, 1100]
    assert ear.late == []
