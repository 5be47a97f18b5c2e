"""What goes wrong on the orders' own connections: never an exception, never twice, never a storm of calls."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from engine.io.clock import SystemClock
from engine.io.dhan import dials as dials_module
from engine.io.dhan import direct as direct_module
from engine.io.dhan.answers import LONGEST_BYTES, Exchange
from engine.io.dhan.rest import DhanRest
from engine.io.dhan.warm import WarmConnection
from engine.messages import Accepted, Refused, Unknown
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import Ages, client
from tests.engine.io.dhan.test_rest_turns import KEY
from tests.support.order_desk import answer

FIRST, SECOND = limit_order(KEY, 9_000), limit_order(KEY, 9_005)
_TAKEN = json.dumps({"orderId": "7", "orderStatus": "TRANSIT"}).encode()
_LOST = json.dumps({"errorCode": "DH-908", "errorMessage": "internal"}).encode()
_NO = json.dumps({"errorCode": "DH-906", "errorMessage": "no such thing"}).encode()


@pytest.fixture
async def keep(monkeypatch):
    """Have connections of a client kept ready, looked after at every breath, until the test ends."""
    monkeypatch.setattr(direct_module, "_LOOK_S", 0.01)
    keeping = []

    def one(rest: DhanRest, wanted=lambda _now_s: True) -> None:
        keeping.append(asyncio.create_task(rest.keep_warm(wanted)))

    yield one
    for task in keeping:
        task.cancel()
        await asyncio.wait({task})


# ------------------------------------------------------------------------------ calling again


async def test_one_connection_that_stands_is_no_reason_to_besiege_who_hangs_up_on_the_others(
    make, keep, monkeypatch
):
    """The first caller is served and stays, every other is hung up on: the pauses grow to the longest."""
    monkeypatch.setattr(dials_module, "_ROUND_S", 0.0)
    opened, over = [], asyncio.Event()

    async def serve(reader, writer) -> None:
        opened.append(writer)
        if len(opened) == 1:
            await reader.readuntil(b"}")
            writer.write(answer(_TAKEN))
            await over.wait()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        rest = make(listener.sockets[0].getsockname()[1])
        ages, slept, enough = Ages(rest), [], asyncio.Event()
        assert isinstance(await rest.place(FIRST), Accepted)
        ages.now_s += 20.0

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if seconds == 15.0 or len(slept) > 50:
                enough.set()
                await asyncio.Event().wait()

        monkeypatch.setattr(rest._direct._clock, "sleep", sleep)
        keep(rest)
        await asyncio.wait_for(enough.wait(), 10.0)
        assert sorted(set(slept)) == [1.0, 2.0, 4.0, 8.0, 15.0]
        assert len(opened) < 50
        over.set()


def _standing(opened_s: float, lived_s: float) -> Any:
    """A connection of that age, opened at that moment."""
    return SimpleNamespace(opened_s=opened_s, lived_s=lambda: lived_s)


def test_whatever_comes_of_them_no_more_than_four_attempts_are_made_in_a_second():
    """Four at once are a burst's; the fifth waits for the first one's second to be over."""
    pace = dials_module.Pace()
    waits = []
    for _ in range(5):
        waits.append(pace.wait_s(10.25, []))
        pace.tries(10.25)
    assert waits == [0.0, 0.0, 0.0, 0.0, 1.0]


def test_a_pause_ends_by_a_connection_that_was_opened_after_the_refusal_and_stands():
    """Neither one from before nor one that has only just come says that the door is open again."""
    pace = dials_module.Pace()
    pace.refused(100.0)
    assert pace.wait_s(130.0, [_standing(50.0, 80.0), _standing(129.0, 1.0)]) == 1.0
    assert pace.wait_s(130.0, [_standing(110.0, 20.0)]) == 0.0


async def test_names_that_are_not_found_hold_one_thread_and_no_order(desk, make, keep, monkeypatch, executor):
    """The look-up hangs beyond all patience and reads hold all their threads: an order opens its own way."""
    monkeypatch.setattr(dials_module, "DIAL_DEADLINE_S", 0.05)
    monkeypatch.setattr(dials_module, "_PAUSE_S", 0.01)
    hung, free, found = [], threading.Event(), socket.getaddrinfo

    def look_up(*args, **more):
        if threading.current_thread().name.startswith("dhan-ready"):
            hung.append(args)
            free.wait(10.0)
        return found(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for _ in range(4):
        executor.submit(free.wait, 10.0)
    rest, looks, often = make(desk.port), [], asyncio.Event()

    def wanted(_now_s: float) -> bool:
        looks.append(rest._direct._dials.hanging)
        if looks.count(True) == 5:
            often.set()
        return True

    try:
        keep(rest, wanted)
        await asyncio.wait_for(often.wait(), 10.0)
        monkeypatch.setattr(dials_module, "DIAL_DEADLINE_S", 4.0)
        assert isinstance(await rest.place(FIRST), Accepted)
        assert len(hung) == 1
    finally:
        free.set()
    await desk.until(lambda: desk.opened > direct_module.KEPT - 1)  # the late one counts


async def test_an_order_of_the_first_second_finds_connections_that_stand_ready(desk, make, keep):
    """They are opened a minute ahead."""
    rest, asked, came = make(desk.port), [], []
    opens_s = rest._direct._clock.now_s() + 59.0

    def wanted(now_s: float) -> bool:
        asked.append(now_s)
        came.append(now_s >= opens_s)
        return came[-1]

    keep(rest, wanted)
    await desk.until(lambda: desk.opened == direct_module.KEPT)
    assert not came[0]


# --------------------------------------------------------------------- an outcome, no exception


async def test_a_proxy_that_answers_with_rubbish_is_a_way_that_is_closed(executor):
    """Something else listens at the proxy's port: the order was not sent."""

    async def serve(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-x\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        rest = DhanRest(
            client_id="1", access_token=lambda: "t", base_url="https://127.0.0.1:9/v2", executor=executor,
            clock=SystemClock(), direct=True, proxy=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}",
        )  # fmt: skip
        assert await rest.place(FIRST) == Refused("NOT-SENT", "not sent: BadStatusLine")
        rest.close()


@pytest.mark.parametrize("direct", [False, True], ids=["thread", "direct"])
async def test_a_date_of_no_calendar_does_not_spoil_an_accepted_order(desk, executor, direct):
    """Its zone is beyond what numbers of days can hold."""
    rest = client(f"http://127.0.0.1:{desk.port}/v2", executor, direct=direct)
    desk.replies = [answer(_TAKEN, more="Date: Mon, 01 Jan 2020 00:00:00 +99999999999999\r\n")]
    assert await rest.place(FIRST) == Accepted("7")
    rest.close()


@pytest.mark.parametrize("fault", [ValueError, RuntimeError], ids=["foreseen", "not foreseen"])
async def test_whatever_breaks_while_an_answer_is_read_the_order_is_unknown(desk, make, monkeypatch, fault):
    """It has left: nobody can say more, nobody gets the answer that may still come, and nothing is raised."""
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: heard.append(what["exception"]))

    def take(_self, _piece) -> None:
        raise fault

    rest = make(desk.port)
    monkeypatch.setattr(Exchange, "take", take)
    assert isinstance(await rest.place(FIRST), Unknown)
    assert (rest._direct.ready, len(rest._direct._busy)) == (0, 0)
    assert [type(one) for one in heard] == [fault] * (fault is RuntimeError)


async def test_a_connection_whose_order_was_left_alone_serves_no_other(desk, make, monkeypatch):
    """Whoever was to wait for the answer is gone at once: the next order takes a new connection."""

    def gone(_self, _under_way) -> None:
        raise MemoryError

    rest = make(desk.port)
    with monkeypatch.context() as broken:
        broken.setattr(WarmConnection, "_answer", gone)
        with pytest.raises(MemoryError):
            await rest.place(FIRST)
    assert rest._direct.ready == 0
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 2


@pytest.mark.parametrize("number", ["7?x=1", "7 HTTP/1.1\r\nX-Evil: 1", "../kill", "7#", "ü", "7\n"])
async def test_an_order_number_that_would_change_the_request_sends_nothing(desk, make, number):
    """What a path must not hold is found before anything is opened."""
    assert await make(desk.port).cancel(number) == Refused("NOT-SENT", "not sent: InvalidURL")
    assert desk.opened == 0


# ------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("body", "packing", "status", "means"),
    [
        (gzip.compress(_TAKEN), "gzip", "200 OK", Accepted("7")),
        (zlib.compress(_TAKEN), "deflate", "200 OK", Accepted("7")),
        (zlib.compress(_TAKEN)[2:-4], "Deflate", "200 OK", Accepted("7")),
        (_TAKEN, "identity", "200 OK", Accepted("7")),
        (gzip.compress(_LOST), "gzip", "400 Bad Request", Unknown("HTTP 400, DH-908: internal")),
        (gzip.compress(_NO), "x-gzip", "400 Bad Request", Refused("DH-906", "no such thing")),
    ],
    ids=["gzip", "deflate", "bare deflate", "identity", "gzip lost inside", "gzip refused"],
)
async def test_an_answer_packed_on_the_way_is_read(desk, make, body, packing, status, means):
    """Nobody asked for it, and what it says counts all the same."""
    desk.replies = [answer(body, status, f"Content-Encoding: {packing}\r\n")]
    assert await make(desk.port).place(FIRST) == means


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (gzip.compress(_NO), "br"),
        (gzip.compress(_NO)[:-9], "gzip"),
        (_NO, "gzip"),
        (gzip.compress(b" " * (LONGEST_BYTES + 1)), "gzip"),
    ],
    ids=["unknown", "cut", "not packed", "a bomb"],
)
async def test_a_refusal_that_nobody_can_unpack_leaves_the_order_unknown(desk, make, body, packing):
    """Its status alone does not say whether Dhan has the order."""
    desk.replies = [answer(body, "400 Bad Request", f"Content-Encoding: {packing}\r\n")]
    assert await make(desk.port).place(FIRST) == Unknown("an answer packed in a way that cannot be undone")
