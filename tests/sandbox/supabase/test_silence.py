"""How Realtime fails, each way as the unmodified client sees it: most of them without a word."""

from __future__ import annotations

import asyncio

import pytest
import websockets
from websockets.exceptions import InvalidStatus

from sandbox.supabase_server import SupabaseServer
from tests.sandbox.supabase.ear import Ear, wire
from tests.support.supabase import client_of

#: The client asks websockets in a way that will go.
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed.code is deprecated:DeprecationWarning",
    "ignore:ConnectionClosed.reason is deprecated:DeprecationWarning",
)
_QUICK = {"initial_backoff": 0.02, "max_retries": 5}
_PATIENT = {"initial_backoff": 0.02, "max_retries": 12}


@pytest.fixture
async def ear(house):
    """An ear that is live."""
    return await (await Ear().join(house.client)).live()


def joined(house, ear):
    return house.client.realtime.is_connected and ear.channel.is_joined


async def test_joined_and_nothing_ever_comes(house, ear):
    """Silent: everything looks well, heartbeats and pushes are answered, and no change is told."""
    house.server.faults.realtime.silent = True
    await house.put()
    await house.server.realtime.drained()
    await ear.ask()
    await ear.until(lambda: bool(ear.replies))
    assert (ear.events, joined(house, ear)) == ([], True)


async def test_never_live(house):
    """The join is answered and the subscription never comes about: SUBSCRIBED, and no word after it."""
    house.server.faults.realtime.never_live = True
    ear = await Ear().join(house.client)
    for _ in range(2):
        await house.server.realtime.drained()
    await house.put()
    await ear.ask()
    await ear.until(lambda: bool(ear.replies))
    assert (ear.states, ear.words, ear.events) == (["SUBSCRIBED"], [], [])


async def test_some_events_are_lost(house, ear):
    """At most once: lost ones are never told again, and nothing says that they were."""
    house.server.faults.realtime.lose_events = 2
    rows = [await house.put() for _ in range(3)]
    assert [event["record"]["id"] for event in await ear.heard(1)] == rows[2:]


async def test_events_are_late(house, ear):
    """Replication lag: events come late, in order."""
    house.server.faults.realtime.lag_s = 0.2
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    rows = [await house.put() for _ in range(2)]
    assert [event["record"]["id"] for event in await ear.heard(2)] == rows
    assert loop.time() - begun_s >= 0.2


async def test_a_frozen_peer(house, ear):
    """Half-open: no event, no answer, no pong; the client still says that it is connected and joined."""
    house.server.faults.realtime.frozen = True
    await house.put()
    await house.server.realtime.drained()
    await ear.ask()
    pong = await house.client.realtime._ws_connection.ping()
    done, _ = await asyncio.wait([asyncio.ensure_future(pong)], timeout=0.3)
    assert (done, ear.events, ear.replies, joined(house, ear)) == (set(), [], [], True)
    house.server.faults.clear()
    await pong
    await ear.until(lambda: bool(ear.replies))  # what stood in the pipe is read after all


async def test_heartbeats_and_pushes_are_not_answered(house, ear):
    """Phoenix is stuck behind a living socket: pongs come, answers do not, and the client never looks."""
    house.server.faults.realtime.no_heartbeats = True
    await ear.ask()
    for _ in range(2):
        await (await house.client.realtime._ws_connection.ping())
    assert (ear.replies, joined(house, ear)) == ([], True)


async def test_a_cut_is_mended_and_what_came_between_is_lost(house):
    """A reset: CHANNEL_ERROR, a new socket, SUBSCRIBED and live again; changes in between are not told."""
    async with client_of(house.server, realtime=_PATIENT) as client:
        ear = await (await Ear().join(client)).live()
        house.server.faults.realtime.refuse_upgrade = 100
        house.server.faults.cut()
        await house.server.realtime.until(lambda: house.server.realtime.handshakes == 3)
        await house.put()
        house.server.faults.realtime.refuse_upgrade = 0
        await ear.live(2)
        two = await house.put()
        assert [event["record"]["id"] for event in await ear.heard(1)] == [two]
        assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]
        assert house.server.realtime.handshakes > 3


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
async def test_a_polite_close_is_mended_too(house, ear, code):
    """Whatever the code, the client comes back at once."""
    house.server.faults.close(code)
    await ear.live(2)
    assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]


async def test_a_frame_over_a_mebibyte_is_lost_with_its_socket(house, ear):
    """Row and row before it are more than the client reads: it hangs up, comes back, and never knows."""
    one = await house.put(strategy="x" * 600_000)
    await ear.heard(1)
    await house.database.rows("update trades set quantity = 65 where id = $1", one)
    await ear.live(2)
    assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]
    two = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(2)] == [one, two]


async def test_a_long_outage_is_the_end(house):
    """When its tries are used up the client stays disconnected, though the server is back; nobody is told."""
    async with client_of(house.server, realtime={"initial_backoff": 0.01, "max_retries": 2}) as client:
        ear = await (await Ear().join(client)).live()
        listening = client.realtime._listen_task
        assert listening is not None
        house.server.faults.realtime.refuse_upgrade = 2
        house.server.faults.cut()
        with pytest.raises(InvalidStatus):
            await listening
        assert (client.realtime.is_connected, ear.states) == (False, ["SUBSCRIBED", "CHANNEL_ERROR"])
        await client.realtime.connect()
        await ear.live(2)


async def test_a_first_handshake_that_is_refused_raises(house):
    """Before anything was joined a refusal is told by an exception, after all tries."""
    house.server.faults.realtime.refuse_upgrade = 5
    house.server.faults.realtime.upgrade_status = 429
    async with client_of(house.server, realtime=_QUICK) as client:
        with pytest.raises(InvalidStatus) as refused:
            await Ear().join(client)
    assert (refused.value.response.status_code, house.server.realtime.handshakes) == (429, 5)


async def test_a_crashed_channel_rejoins(house, ear):
    """phx_error: the client joins again after a second; changes in between are not told."""
    house.server.faults.crash_channels()
    await ear.until(lambda: ear.states[-1] == "CHANNEL_ERROR")
    await house.put()
    await ear.live(2)
    two = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(1)] == [two]


async def test_an_ended_channel_is_dead_for_good(house, ear):
    """System error and phx_close: CLOSED, never joined again, and the socket stays open."""
    house.server.faults.end_channels("Too many messages per second")
    await ear.until(lambda: ear.states[-1] == "CLOSED")
    assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "CLOSED"]
    assert (house.client.realtime.is_connected, house.client.realtime.channels) == (True, {})
    assert (house.server.realtime.sockets, house.server.realtime.channels) == (1, [])
    again = await (await Ear().join(house.client)).live()
    one = await house.put()
    assert [event["record"]["id"] for event in await again.heard(1)] == [one]


async def test_an_expired_token_ends_the_channel(database):
    """A token that runs out is told and ends the channel; the socket stays."""
    now_s = [1_800_000_000.0]
    server = SupabaseServer(database.terms, now_s=lambda: now_s[0])
    async with server, client_of(server, server.keys.token("service_role", 60)) as client:
        ear = await (await Ear().join(client)).live()
        now_s[0] += 59
        await server.realtime.drained()
        assert ear.states == ["SUBSCRIBED"]
        now_s[0] += 1
        await ear.until(lambda: ear.states[-1] == "CLOSED")
        assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "CLOSED"]
        assert client.realtime.is_connected


async def test_a_new_token_counts(house):
    """A channel takes a new token and lives on; a bad one ends it."""
    keys = house.server.keys
    async with wire(house.server) as bare:
        await bare.join("trades", token=keys.token("service_role", 60))
        await bare.say("access_token", {"access_token": keys.token("anon", 60)})
        one = await house.put()
        await house.database.run("delete from trades")
        told = (await bare.hear())["payload"]["data"]
        assert (told["type"], told["old_record"]) == ("DELETE", {"id": one})  # it is anon now
        await bare.say("access_token", {"access_token": keys.token("anon", -1)})
        word, end = await bare.hear(), await bare.hear()
        assert (word["payload"]["message"], end["event"]) == ("Token is invalid: JWT expired", "phx_close")


async def test_a_bad_token_is_refused_at_the_join(house):
    """Joined with an expired token: an error reply with the reason, and no channel."""
    async with wire(house.server) as bare:
        token = house.server.keys.token("service_role", -1)
        await bare.say("phx_join", {"config": {}, "access_token": token})
        answer = (await bare.hear())["payload"]
    assert answer == {"status": "error", "response": {"reason": "InvalidJWTToken: JWT expired"}}


async def test_a_refused_join_is_tried_again(house):
    """CHANNEL_ERROR by the callback alone: subscribe() itself returns as if all were well."""
    house.server.faults.realtime.refuse_join = 1
    ear = await Ear().join(house.client)
    assert ear.states == ["CHANNEL_ERROR"]
    await ear.live()
    assert ear.states == ["CHANNEL_ERROR", "SUBSCRIBED"]


async def test_a_database_error_kills_a_channel_that_lives(house, ear):
    """The server only informs and goes on; the client rejoins, meets its older join's close, and is dead."""
    house.server.faults.say_database_error("canceling statement due to statement timeout")
    await ear.until(lambda: ear.states[-1] == "CLOSED")
    assert ear.states == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED", "CLOSED"]
    await house.server.realtime.until(lambda: house.server.realtime.live == 1)
    await house.put()
    await house.server.realtime.drained()
    assert (ear.events, house.client.realtime.is_connected) == ([], True)


async def test_a_subscription_that_the_database_refuses(house):
    """The lever: joined, then a system error in place of 'Subscribed to PostgreSQL'."""
    house.server.faults.realtime.database_error = "Unable to connect to database"
    async with wire(house.server) as bare:
        reply, word = await bare.join("trades")
    assert (reply["payload"]["status"], word["payload"]["message"]) == ("ok", "Unable to connect to database")


async def test_a_slow_join_is_dead_for_good(house):
    """Slower than the client waits: TIMED_OUT, joined again, and the close of the older join ends it."""
    house.server.faults.realtime.join_delay_s = 0.3
    async with client_of(house.server, realtime={"timeout": 0.2}) as client:
        ear = await Ear().join(client)
        assert ear.states == ["TIMED_OUT"]
        house.server.faults.realtime.join_delay_s = 0.0
        client.realtime.timeout = ear.channel.timeout = 10
        await ear.until(lambda: ear.states[-1] == "CLOSED")
        assert ear.states == ["TIMED_OUT", "SUBSCRIBED", "CLOSED"]
        assert client.realtime.is_connected


async def test_a_socket_that_says_nothing_is_closed(house, monkeypatch):
    """Phoenix closes a socket on which nothing was said for a minute (here: at once)."""
    monkeypatch.setattr("sandbox.supabase.phoenix.IDLE_S", 0.05)
    async with wire(house.server) as bare:
        with pytest.raises(websockets.ConnectionClosed):
            await bare.hear()


async def test_what_is_left_after_all_channels_are_removed(house, ear):
    """Its pushes wait on for answers that nobody needs: who wants quiet must end them himself."""
    before = asyncio.all_tasks()
    await house.client.remove_all_channels()
    left = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks() - before}
    assert left == {"AsyncPush.start_timeout.<locals>.timeout"}
    assert (house.client.realtime.channels, house.client.realtime.is_connected) == ({}, False)
    await house.server.realtime.until(lambda: house.server.realtime.sockets == 0)
