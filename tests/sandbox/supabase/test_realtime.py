"""The sandbox's Realtime through the unmodified supabase client: what is told of changes, and to whom."""

from __future__ import annotations

import json
import random

import pytest
import websockets

from tests.sandbox.supabase.ear import Ear, wire
from tests.support.supabase import client_of

_LONG = random.Random(1).randbytes(6_000).hex()  # too long and too random to be kept within its row
_INSERT = (
    "insert into trades (strategy_id, symbol, action, type, quantity, order_status) "
    "values (1, 'NIFTY', 'BUY', 'CE', 1, 'OPEN')"
)


def kinds(events):
    return [event["type"] for event in events]


async def test_a_rows_life_is_told(house):
    """Insert, update and delete by hand arrive in order, numbers as JSON has them, moments with offset."""
    ear = await (await Ear().join(house.client)).live()
    one = await house.put(margin="12345678901.23")
    (born,) = await ear.heard(1)
    assert born["record"].items() >= {
        "id": one, "strategy_id": 3359, "price": 20.05, "margin": 12345678901.23, "expiry_date": "2026-02-24",
        "timestamp": "2026-02-03T03:50:00+00:00", "exit_price": None, "version": 1, "order_status": "TRADED",
    }.items()  # fmt: skip
    assert "old_record" not in born
    await house.database.rows("update trades set quantity = 65 where id = $1", one)
    _, changed = await ear.heard(2)
    assert (changed["record"]["quantity"], changed["record"]["version"]) == (65, 2)
    assert (changed["old_record"]["quantity"], changed["old_record"]["version"]) == (130, 1)
    await house.database.rows("delete from trades where id = $1", one)
    *_, gone = await ear.heard(3)
    assert (gone["old_record"], "record" in gone) == ({"id": one}, False)
    assert kinds(ear.events[n]["data"] for n in range(3)) == ["INSERT", "UPDATE", "DELETE"]
    assert {(each["schema"], each["table"], each["errors"]) for each in (born, changed, gone)} == {
        ("public", "trades", None)
    }
    assert born["commit_timestamp"].endswith("Z")
    assert {"name": "price", "type": "numeric"} in born["columns"]


async def test_a_transaction_is_told_in_order_with_one_moment(house):
    """Changes of one commit come in their order and share its timestamp."""
    ear = await (await Ear().join(house.client)).live()
    one, two = await house.put(), await house.put()
    await ear.heard(2)
    await house.database.run("update trades set quantity = 1 where id = 2; delete from trades where id = 1")
    *_, changed, gone = await ear.heard(4)
    assert (changed["record"]["id"], gone["old_record"]["id"]) == (two, one)
    assert changed["commit_timestamp"] == gone["commit_timestamp"]


async def test_what_was_undone_before_the_look_is_a_delete_alone(house):
    """A row that is gone when its insert is read is told as a DELETE only; a TRUNCATE is not told at all."""
    ear = await (await Ear().join(house.client)).live()
    await house.database.run(f"{_INSERT}; delete from trades")  # noqa: S608
    await house.put()
    assert kinds(await ear.heard(2)) == ["DELETE", "INSERT"]
    await house.database.run("truncate trades")
    await house.put()
    assert kinds(await ear.heard(3)) == ["DELETE", "INSERT", "INSERT"]


async def test_a_rollback_tells_nothing(house):
    """Only what is committed is told."""
    ear = await (await Ear().join(house.client)).live()
    async with house.database.session() as other:
        undone = other.transaction()
        await undone.start()
        await other.execute(_INSERT)
        await undone.rollback()
    one = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(1)] == [one]


async def test_a_long_value_that_did_not_change_is_missing_without_full_identity(house):
    """The canary's update lacks its long note; a trade's, with replica identity FULL, has everything."""
    beats = await (await Ear().join(house.client, "engine_heartbeats")).live()
    trades = await (await Ear().join(house.client, name="trades")).live()
    await house.database.run(
        f"insert into engine_heartbeats (id, note) values ('x', '{_LONG}');"  # noqa: S608
        "update engine_heartbeats set beat = 1"
    )
    one = await house.put(strategy=_LONG)
    await house.database.rows("update trades set quantity = 65 where id = $1", one)
    beat, trade = (await beats.heard(2))[1], (await trades.heard(2))[1]
    assert ("note" in beat["record"], beat["record"]["beat"], beat["old_record"]) == (False, 1, {"id": "x"})
    assert (trade["record"]["strategy"], trade["old_record"]["strategy"]) == (_LONG, _LONG)


async def test_a_filter_looks_at_the_new_row_only(house):
    """A subscription to open rows never tells that one was closed, nor that one was deleted."""
    ear = await (await Ear().join(house.client, filter="order_status=eq.TRADED")).live()
    one = await house.put()
    await ear.heard(1)
    await house.put(order_status="CLOSED")
    await house.database.rows("update trades set order_status = 'CLOSED' where id = $1", one)
    await house.database.rows("delete from trades where id = $1", one)
    two = await house.put()
    assert [(event["type"], event["record"]["id"]) for event in await ear.heard(2)] == [
        ("INSERT", one),
        ("INSERT", two),
    ]


async def test_without_rights_only_deletes_are_told(house):
    """Under row level security anon hears of no row, but of every key that is deleted."""
    async with client_of(house.server, house.server.keys.publishable) as client:
        ear = await (await Ear().join(client)).live()
        one = await house.put()
        await house.database.run("update trades set quantity = 65")
        await house.server.realtime.drained()
        await house.database.run("delete from trades")
        (gone,) = await ear.heard(1)
        assert (gone["type"], gone["old_record"]) == ("DELETE", {"id": one})


async def test_a_table_without_a_grant_tells_an_error_that_the_client_drops(house):
    """Error 401 comes in place of the row, without a moment; the client takes it for nonsense."""
    async with client_of(house.server, house.server.keys.publishable) as client:
        ear = await (await Ear().join(client, "engine_heartbeats")).live()
        async with wire(house.server, house.server.keys.publishable) as bare:
            await bare.join("engine_heartbeats")
            await house.database.run("insert into engine_heartbeats (id) values ('x')")
            event = (await bare.hear())["payload"]["data"]
        assert (event["errors"], event["commit_timestamp"]) == (["Error 401: Unauthorized"], None)
        assert event["record"] == {}
        await house.database.run("grant select on engine_heartbeats to anon; delete from engine_heartbeats")
        assert kinds(await ear.heard(1)) == ["DELETE"]


async def test_a_table_without_a_key_tells_an_error(house):
    """Error 400 comes in place of the row."""
    await house.database.run(
        "create table keyless (a int); alter publication supabase_realtime add table keyless"
    )
    async with wire(house.server) as bare:
        await bare.join("keyless")
        await house.database.run("insert into keyless values (1)")
        assert (await bare.hear())["payload"]["data"]["errors"] == ["Error 400: Bad Request, no primary key"]


async def test_an_unpublished_table_is_refused_after_the_join(house):
    """The join succeeds; then the system says that there is nothing to subscribe to."""
    async with wire(house.server) as bare:
        reply, word = await bare.join("audit")
        assert reply["payload"]["status"] == "ok"
        assert (word["event"], word["payload"]["status"]) == ("system", "error")
        assert "table: audit" in word["payload"]["message"]
    ear = await Ear().join(house.client, "audit")
    await ear.until(lambda: "CHANNEL_ERROR" in ear.states)
    assert ear.states[0] == "SUBSCRIBED"


@pytest.mark.parametrize("filter_", ["order_status", "order_status=near.TRADED", "nothing=eq.1", "id=eq.x"])
async def test_a_filter_without_sense_is_refused_after_the_join(house, filter_):
    """The system says so; other channels go on."""
    ear = await (await Ear().join(house.client)).live()
    async with wire(house.server) as bare:
        change = {"event": "*", "schema": "public", "table": "trades", "filter": filter_}
        await bare.say("phx_join", {"config": {"postgres_changes": [change]}})
        _, word = await bare.hear(), await bare.hear()
    assert word["payload"]["status"] == "error"
    assert "Please check the filter" in word["payload"]["message"]
    one = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(1)] == [one]


async def test_frames_are_phoenixs(house):
    """Heartbeats, replies and words have topic, event, payload and ref, null where nothing was asked."""
    async with wire(house.server) as bare:
        await bare.say("heartbeat", {}, topic="phoenix", ref=None)
        assert await bare.hear() == {
            "topic": "phoenix", "event": "phx_reply", "ref": None,
            "payload": {"status": "ok", "response": {}},
        }  # fmt: skip
        reply, word = await bare.join("trades")
        (change,) = reply["payload"]["response"]["postgres_changes"]
        assert change.items() >= {"event": "*", "schema": "public", "table": "trades"}.items()
        assert (reply["ref"], word["ref"], word["payload"]["channel"]) == ("1", None, "x")
        await house.put()
        event = await bare.hear()
        assert (event["event"], event["payload"]["ids"]) == ("postgres_changes", [change["id"]])
        await bare.say("phx_leave", {}, ref="2")
        assert [(each["event"], each["ref"]) for each in (await bare.hear(), await bare.hear())] == [
            ("phx_reply", "2"), ("phx_close", "1"),
        ]  # fmt: skip
        await bare.say("broadcast", {}, ref="3")
        assert (await bare.hear())["payload"] == {
            "status": "error",
            "response": {"reason": "unmatched topic"},
        }


async def test_the_newer_protocol_has_arrays(house):
    """With vsn 2.0.0, as supabase-js speaks it, frames are [join_ref, ref, topic, event, payload]."""
    async with wire(house.server, vsn="2.0.0") as bare:
        change = {"event": "*", "schema": "public", "table": "trades"}
        frame = ["1", "1", "realtime:x", "phx_join", {"config": {"postgres_changes": [change]}}]
        await bare.socket.send(json.dumps(frame))
        (_, ref, topic, event, payload), word = await bare.hear(), await bare.hear()
        assert (ref, topic, event, payload["status"]) == ("1", "realtime:x", "phx_reply", "ok")
        assert word[4]["message"] == "Subscribed to PostgreSQL"


@pytest.mark.parametrize("nonsense", ["", "[]", "{}", '{"topic": "phoenix"}', "429"])
async def test_nonsense_ends_the_socket(house, nonsense):
    """What is no frame is answered by hanging up."""
    async with wire(house.server) as bare:
        await bare.socket.send(nonsense)
        with pytest.raises(websockets.ConnectionClosed):
            await bare.hear()


async def test_a_second_join_ends_the_first(house):
    """A join of a topic that is joined is answered, and then the older join is closed by its ref."""
    async with wire(house.server) as bare:
        await bare.join("trades")
        await bare.say("phx_join", {"config": {}}, ref="2")
        assert [(each["event"], each["ref"]) for each in (await bare.hear(), await bare.hear())] == [
            ("phx_reply", "2"), ("phx_close", "1"),
        ]  # fmt: skip


async def test_what_is_committed_before_the_word_is_not_told(house):
    """SUBSCRIBED is not live: only what comes after 'Subscribed to PostgreSQL' is told."""
    ear = Ear()
    await house.put()
    await ear.join(house.client)
    assert ear.states == ["SUBSCRIBED"]
    await ear.live()
    two = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(1)] == [two]


async def test_keys_that_are_none_get_no_socket(house):
    """The handshake is refused with 401."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with wire(house.server, "sb_secret_of_somebody_else"):
            pass
    assert refused.value.response.status_code == 401


async def test_a_client_that_leaves_hears_no_more(house):
    """After unsubscribing the channel is gone at the server too, and the socket stays."""
    ear = await (await Ear().join(house.client)).live()
    await ear.channel.unsubscribe()
    await ear.until(lambda: ear.states[-1] == "CLOSED")
    assert (house.server.realtime.channels, house.server.realtime.sockets) == ([], 1)


async def test_the_reader_comes_back_with_its_database(house):
    """When the reader's connection dies it makes a new one; what was committed in between is not told."""
    ear = await (await Ear().join(house.client)).live()
    await house.database.rows(
        "select pg_terminate_backend(active_pid) from pg_replication_slots "
        "where database = current_database()"
    )
    gone = await house.put()
    while not await house.database.rows(
        "select 1 from pg_replication_slots where active and database = current_database()"
    ):
        pass
    await house.server.realtime.drained()
    one = await house.put()
    assert [event["record"]["id"] for event in await ear.heard(1)] == [one] != [gone]
