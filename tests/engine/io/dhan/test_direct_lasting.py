"""How long a connection for orders is good: answers without end, ways that died, the end of the house."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.io.dhan import direct as direct_module
from engine.io.dhan import warm
from engine.io.dhan.answers import LONGEST_BYTES
from engine.io.dhan.dialling import Dialler
from engine.messages import Accepted, Refused, Unknown
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import Ages
from tests.engine.io.dhan.test_rest_turns import KEY
from tests.support.order_desk import answer, order_desk
from tests.support.tls import certificate, serving

FIRST, SECOND = limit_order(KEY, 9_000), limit_order(KEY, 9_005)


# ------------------------------------------------------------------------------- long answers


async def test_an_answer_without_end_is_given_up(make):
    """No more is taken in than an answer may have; the order is unknown and the connection closed."""
    over = asyncio.Event()

    async def serve(reader, writer) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not over.is_set():
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        rest = make(listener.sockets[0].getsockname()[1])
        assert await rest.place(FIRST) == Unknown("an answer without end")
        assert rest._direct.ready == 0
        over.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_long_answer_is_taken_in_by_turns_and_whole(make, tmp_path, monkeypatch, scheme):
    """More than one turn's share: nothing of it is left lying in TLS, and the connection serves the next."""
    monkeypatch.setattr(warm, "_PIECE_BYTES", 1_000)
    written, kept = certificate(tmp_path)
    async with order_desk(serving(written, kept) if scheme == "https" else None) as desk:
        rest = make(desk.port, scheme)
        rest._http.session.verify = str(written)
        desk.replies = [answer(b'{"orderId":"7"' + b" " * (LONGEST_BYTES - 1_000) + b"}")]
        assert await rest.place(FIRST) == Accepted("7")
        assert isinstance(await rest.place(SECOND), Accepted)
        assert desk.opened == 1


@pytest.mark.parametrize("status", ["408 Request Timeout", "500 Oh", "503 Service Unavailable"])
async def test_who_is_tired_or_in_trouble_is_called_anew(desk, make, status):
    """The answer says that this way is not well: the next order takes another."""
    rest = make(desk.port)
    desk.replies = [answer(b"{}", status)]
    assert isinstance(await rest.place(FIRST), Unknown)
    assert rest._direct.ready == 0
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 2


# -------------------------------------------------------------------------------- ways that died


async def test_after_the_machine_was_asleep_no_order_takes_an_old_connection(desk, make):
    """Its age is counted by a clock that goes on: the other side has long forgotten it."""
    rest = make(desk.port)
    ages = Ages(rest)
    assert isinstance(await rest.place(FIRST), Accepted)
    ages.now_s += direct_module.LIFE_S + 1.0
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 2


async def test_one_way_that_has_gone_silent_costs_one_order_not_one_for_each_connection(desk, make):
    """Four stand ready and swallow everything; after the first order that is lost the others go anew."""
    rest = make(desk.port)
    said = await asyncio.gather(*(rest.place(FIRST) for _ in range(direct_module.KEPT)))
    assert all(isinstance(one, Accepted) for one in said)
    assert rest._direct.ready == direct_module.KEPT
    for writer in desk.writers:
        writer.write = lambda _answer: None
    assert await rest.place(FIRST) == Unknown("ReadTimeout")
    assert rest._direct.ready == 0
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == direct_module.KEPT + 1


async def test_one_slow_answer_that_has_begun_takes_no_other_connection_along(desk, make):
    """The way is there, as some of it came: only this connection is given up."""
    rest = make(desk.port)
    await asyncio.gather(*(rest.place(FIRST) for _ in range(direct_module.KEPT)))
    desk.replies = [b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"]
    assert await rest.place(SECOND) == Unknown("ReadTimeout")
    assert rest._direct.ready == direct_module.KEPT - 1


# ------------------------------------------------------------------------------------- the end


class _Held:
    """Opening a connection, held on its thread until let go."""

    def __init__(self, monkeypatch) -> None:
        self.begun, self.go = asyncio.Event(), threading.Event()
        loop, dial = asyncio.get_running_loop(), Dialler.dial

        def held(dialler, timeout_s):
            loop.call_soon_threadsafe(self.begun.set)
            self.go.wait(10.0)
            return dial(dialler, timeout_s)

        monkeypatch.setattr(Dialler, "dial", held)


async def test_an_order_whose_connection_opens_after_the_end_does_not_leave(desk, make, monkeypatch):
    """The house has closed meanwhile: the order is surely not sent, and what was opened is closed."""
    held, rest = _Held(monkeypatch), make(desk.port)
    order = asyncio.create_task(rest.place(FIRST))
    await held.begun.wait()
    rest.close()
    held.go.set()
    assert await order == Refused("NOT-SENT", "not sent: closed")
    await desk.until(lambda: desk.opened == 1 and not desk.writers)
    assert await rest.place(SECOND) == Refused("NOT-SENT", "not sent: closed")
    assert (desk.opened, desk.asked) == (1, [])


async def test_orders_that_wait_for_a_thread_at_the_end_are_not_sent(desk, make, monkeypatch):
    """More orders than threads are opening: whoever has none yet is told so, without an exception."""
    held, rest = _Held(monkeypatch), make(desk.port)
    orders = [asyncio.create_task(rest.place(FIRST)) for _ in range(6)]
    await held.begun.wait()
    rest.close()
    held.go.set()
    assert set(await asyncio.gather(*orders)) == {Refused("NOT-SENT", "not sent: closed")}
    assert desk.asked == []


async def test_a_connection_opened_in_advance_that_comes_after_the_end_is_closed(desk, make, monkeypatch):
    """It does not stand there for nobody."""
    held, rest = _Held(monkeypatch), make(desk.port)
    keeping = asyncio.create_task(rest.keep_warm(lambda _now_s: True))
    await held.begun.wait()
    rest.close()
    held.go.set()
    await desk.until(lambda: desk.opened == 1 and not desk.writers)
    assert rest._direct.ready == 0
    keeping.cancel()
    await asyncio.wait({keeping})
