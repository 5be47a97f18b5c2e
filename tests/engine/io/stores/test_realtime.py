"""Realtime under its watch: the unmodified client, every way in which it dies, a watch that comes back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from engine.io.stores.realtime import RealtimeWatch
from engine.io.stores.realtime_session import Session
from engine.io.stores.realtime_vigil import RECYCLED, Timings
from engine.io.stores.supabase_gate import Gate
from engine.words import Secret
from tests.support.clock import VirtualClock
from tests.support.turns import until

# A wart of the client's, which reads the code of a close through the old names.
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed.code is deprecated:DeprecationWarning",
    "ignore:ConnectionClosed.reason is deprecated:DeprecationWarning",
)
WAIT_S = 20.0
#: Everything that is for minutes is for moments here; what a test is not about never happens.
QUIET = Timings(
    live_s=5.0,
    ping_s=1e6,
    answer_s=1e6,
    canary_s=1e6,
    echo_s=1e6,
    age_s=1e6,
    pause_s=0.02,
    longest_pause_s=0.1,
)


class RealClock(VirtualClock):
    """Pauses are real, and short."""

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


class Tower:
    """A watch, and what it has said: True for *read everything*, False for *look*."""

    def __init__(self, house, timings=QUIET, key=""):
        self.house, self.looks, self.heard = house, [], []
        self.gate = Gate(house.server.url, Secret(key or house.server.keys.secret))
        self.watch = RealtimeWatch(
            self.gate, "default/test", self.looks.append, self.heard.append, RealClock(), lambda: 1.0, timings
        )

    @property
    def faults(self):
        return self.house.server.faults

    async def until(self, true):
        """Wait until it is so."""
        await until(true, WAIT_S)

    async def live(self, times=1):
        """Wait until it has gone live so often."""
        await self.until(lambda: self.looks.count(True) >= times and self.watch.live)
        return self

    @staticmethod
    def tasks():
        """What the client has running now, by the names of its coroutines."""
        names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
        return [name for name in names if name.startswith(("AsyncRealtime", "AsyncPush", "AsyncTimer"))]

    async def sees(self):
        """A row that is put in now is told."""
        before = len(self.looks)
        row_id = await self.house.put()
        await self.until(lambda: False in self.looks[before:])
        return row_id


@asynccontextmanager
async def tower(house, timings=QUIET, key=""):
    """A running watch for a block; all it leaves behind is ended."""
    before = asyncio.all_tasks()
    made = Tower(house, timings, key)
    running = asyncio.ensure_future(made.watch.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})
        await made.gate.close()
        theirs = [t for t in asyncio.all_tasks() - before if "sandbox" not in repr(t)]
        for task in theirs:
            if task is not asyncio.current_task():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task


async def test_it_says_when_to_look(house):
    """Everything is read when it goes live; insert, edit and delete by hand are each told."""
    async with tower(house) as made:
        await made.live()
        assert made.looks == [True]
        row_id = await made.sees()
        for sql in ("update trades set quantity = 65 where id = $1", "delete from trades where id = $1"):
            before = len(made.looks)
            await house.database.rows(sql, row_id)
            await made.until(lambda: len(made.looks) > before)  # noqa: B023
        assert made.looks == [True, False, False, False]
        assert len(made.heard) >= 4  # the word that changes flow, three changes; the canary may come between
        assert set(made.heard) == {""}


async def test_it_is_live_by_the_word_of_the_database_alone(house):
    """A join that was answered is not live: without the word it is given up, and tried again."""
    house.server.faults.realtime.never_live = True
    async with tower(house, QUIET._replace(live_s=0.2)) as made:
        await made.until(lambda: made.watch.sessions >= 3)
        assert (made.looks, made.watch.ends[-1]) == ([], "no word that changes flow")
        assert set(made.heard) == {"no word that changes flow"}
        house.server.faults.clear()
        await made.live()
        await made.sees()


#: What the server does once, by the row of the table of failures.
AT_ONCE = {
    "reset": lambda faults: faults.cut(),
    "closed, 1000": lambda faults: faults.close(1000),
    "closed, 1012": lambda faults: faults.close(1012),
    "channel crashed": lambda faults: faults.crash_channels(),
    "token expired": lambda faults: faults.end_channels("Token has expired 1 seconds ago"),
    "too many messages": lambda faults: faults.end_channels("Too many messages per second"),
    "database error": lambda faults: faults.say_database_error("canceling statement due to timeout"),
}


@pytest.mark.parametrize("name", AT_ONCE)
async def test_whatever_ends_a_socket_another_one_comes_and_everything_is_read(house, name):
    """Each of them leaves the client deaf or half dead; the watch is live again on a new one and hears."""
    async with tower(house) as made:
        await made.live()
        AT_ONCE[name](made.faults)
        await made.live(2)
        await made.sees()
        await house.server.realtime.until(lambda: house.server.realtime.sockets == 1)
        assert len(house.server.realtime.channels) == 1


async def test_an_outage_longer_than_the_client_has_patience_for(house):
    """The server is away and refuses handshakes for longer than the client would try: it is back at once."""
    async with tower(house) as made:
        await made.live()
        made.faults.realtime.refuse_upgrade = 12
        made.faults.cut()
        await made.live(2)
        assert made.watch.sessions == 14
        await made.sees()


async def test_a_server_that_is_gone_altogether(house):
    """No port, then the same port again: the first connection too may fail, for as long as it likes."""
    async with tower(house) as made:
        await made.live()
        await house.server.stop()
        await made.until(lambda: made.watch.sessions >= 4)
        assert made.watch.ends[-1].startswith("the connection failed")
        await house.server.start()
        await made.live(2)
        await made.sees()


@pytest.mark.parametrize("fault", ["frozen", "no_heartbeats"])
async def test_a_peer_that_stays_connected_and_answers_nothing(house, fault):
    """Half-open, or stuck behind a living socket: found by a push without an answer."""
    async with tower(house, QUIET._replace(ping_s=0.1, answer_s=0.3)) as made:
        await made.live()
        setattr(made.faults.realtime, fault, True)
        await made.until(lambda: "a push was not answered" in made.watch.ends)
        made.faults.clear()
        await made.live(2)
        await made.sees()


async def test_a_channel_that_answers_and_tells_nothing(house):
    """Joined, heartbeats and pushes answered, and no event: found by the canary that does not come back."""
    async with tower(house, QUIET._replace(canary_s=0.2, echo_s=0.4)) as made:
        await made.live()
        await made.sees()
        made.faults.realtime.silent = True
        await made.until(lambda: "a row that was written did not come back" in made.watch.ends)
        made.faults.clear()
        await made.live(2)
        await made.sees()


async def test_a_canary_that_comes_back_and_one_that_cannot_be_written_say_that_all_is_well(house):
    """Beats are no changes; and a REST API that is down is no fault of the socket's."""
    timings = QUIET._replace(ping_s=0.05, answer_s=2.0, canary_s=0.05, echo_s=2.0)
    async with tower(house, timings) as made:
        await made.live()
        made.faults.fail(503, times=3, path="engine_heartbeats")
        beats = "select version from engine_heartbeats where version > 5"
        async with asyncio.timeout(WAIT_S):
            while not await house.database.rows(beats):
                pass
        assert made.faults.armed == 0
        assert (made.watch.sessions, made.looks) == (1, [True])


async def test_a_refused_join_is_tried_again(house):
    """Whatever the reason, with a pause between."""
    house.server.faults.realtime.refuse_join = 3
    async with tower(house) as made:
        await made.live()
        assert made.watch.sessions == 4
        assert "CHANNEL_ERROR" in made.watch.ends[-1]


async def test_a_subscription_that_the_database_refuses(house):
    """A table that is not in the publication: an error in place of the word; it is tried until it is."""
    await house.database.run("alter publication supabase_realtime drop table engine_heartbeats")
    async with tower(house) as made:
        await made.until(lambda: made.watch.sessions >= 3)
        assert (made.looks, "Unable to subscribe" in made.watch.ends[-1]) == ([], True)
        await house.database.run("alter publication supabase_realtime add table engine_heartbeats")
        await made.live()
        await made.sees()


async def test_a_server_that_is_not_there_at_the_start(house):
    """The first handshakes are refused: the client would raise, the watch tries until it is let in."""
    house.server.faults.realtime.refuse_upgrade = 7
    async with tower(house) as made:
        await made.live()
        assert set(made.watch.ends) == {"the handshake is refused with HTTP 503"}
        await made.sees()


async def test_a_join_that_is_slower_than_anybody_waits(house):
    """Its socket is given up with it, so that the close of the older join never meets a newer one."""
    house.server.faults.realtime.join_delay_s = 0.5
    async with tower(house, QUIET._replace(live_s=0.2)) as made:
        await made.until(lambda: made.watch.sessions >= 3)
        assert made.looks == []
        house.server.faults.clear()
        await made.live()
        await made.sees()


async def test_a_callback_of_ours_that_fails(house, monkeypatch):
    """The client's reader dies of it, silently and for good: found by a push without an answer."""
    fails, beat = iter((1,)), Session._beat

    def fails_once(session, payload):
        if next(fails, 0):
            raise ArithmeticError("by the test")
        beat(session, payload)

    monkeypatch.setattr(Session, "_beat", fails_once)
    async with tower(house, QUIET._replace(ping_s=0.1, answer_s=0.3)) as made:
        await made.until(lambda: "a push was not answered" in made.watch.ends)
        await made.live(2)
        await made.sees()


async def test_nothing_of_a_socket_outlives_it(house):
    """However it ended: no reader, no second heartbeat, no push or rejoin that waits, no open connection."""
    async with tower(house, QUIET._replace(live_s=60.0, ping_s=0.1, answer_s=0.3)) as made:
        await made.live()
        one_socket = made.tasks()
        assert one_socket
        for n, name in enumerate(AT_ONCE, 2):
            AT_ONCE[name](made.faults)
            await made.live(n)
        made.faults.realtime.frozen = True
        await made.until(lambda: "a push was not answered" in made.watch.ends)
        made.faults.clear()
        await made.live(len(AT_ONCE) + 2)
        await made.until(lambda: sorted(made.tasks()) == sorted(one_socket))
        await house.server.realtime.until(lambda: house.server.realtime.sockets == 1)


async def test_a_slow_join_is_waited_for(house):
    """The older join's close, which kills the client's own second try, never comes: it tries once."""
    house.server.faults.realtime.join_delay_s = 0.5
    async with tower(house, QUIET._replace(live_s=3.0)) as made:
        await made.live()
        assert made.watch.sessions == 1


async def test_a_frame_over_a_mebibyte(house):
    """The socket is lost with it, and its event: everything is read."""
    async with tower(house) as made:
        await made.live()
        one = await house.put(strategy="x" * 600_000)
        await made.until(lambda: len(made.looks) == 2)
        await house.database.rows("update trades set quantity = 65 where id = $1", one)
        await made.live(2)
        await made.sees()


async def test_a_socket_has_its_age(house):
    """It is changed for another before keys and tokens end, without a word of warning."""
    async with tower(house, QUIET._replace(age_s=0.3)) as made:
        await made.live(3)
        assert set(made.watch.ends) == {RECYCLED}


async def test_a_key_that_is_refused_is_told_by_its_status_and_never_by_itself(house, caplog):
    """The key is in the address of the handshake: no log line has it."""
    caplog.set_level("DEBUG", logger="engine")
    async with tower(house, key="sb_secret_canary_of_nobody") as made:
        await made.until(lambda: made.watch.sessions >= 3)
        assert made.watch.ends[-1] == "the handshake is refused with HTTP 401"
    assert "canary" not in caplog.text


async def test_every_change_in_a_storm_of_failures_is_seen_in_the_end(house, shop):
    """Rows come and go while sockets die: after each go-live everything is read, and nothing is missed."""
    async with tower(house) as made:
        await made.live()
        for n, name in enumerate(AT_ONCE, 2):
            await house.put()
            AT_ONCE[name](made.faults)
            await house.put()
            await made.live(n)
        shop.store.want_all()
        rows = await house.database.rows("select id from trades order by id")
        assert await shop.ids() == [row["id"] for row in rows]
        assert len(rows) == 2 * len(AT_ONCE)
