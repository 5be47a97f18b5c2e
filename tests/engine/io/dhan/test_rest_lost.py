"""Orders whose answer is lost, and the few of which one knows that they were never sent."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import Unreachable
from engine.io.dhan import http
from engine.io.dhan import threads as threads_module
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Refused, Unknown
from engine.model import Instrument
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.conftest import both_ways, limit_order
from tests.engine.io.dhan.http_peers import answering, client, hanging, row_server
from tests.support.clock import settle


@both_ways
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fault", ["stall", "reset", "half_body", "error"])
async def test_lost_answers_are_unknown(
    rest: DhanRest, server: DhanServer, option: Instrument, fault: str, *, accepted: bool
):
    """A stall, a reset, half a body and a gateway page look alike, whether the order was taken or not."""
    getattr(server.faults, fault)(accepted=accepted)
    assert isinstance(await rest.place(limit_order(option.key, 9_000)), Unknown)
    assert len(await rest.orders()) == int(accepted)
    assert len(server.exchange.log) == 1


@both_ways
async def test_never_connected_is_refused(executor: ThreadPoolExecutor, option: Instrument, *, direct: bool):
    """Nobody listening means nobody took the order: that alone is a refusal without an answer."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        rest = client(f"http://127.0.0.1:{closed.getsockname()[1]}/v2", executor, direct=direct)
        outcome = await rest.place(limit_order(option.key, 9_000))
        assert isinstance(outcome, Refused)
        assert outcome.code == "NOT-SENT"
        with pytest.raises(Unreachable):
            await rest.orders()
    rest.close()


@both_ways
async def test_a_full_door_is_never_connected(
    executor: ThreadPoolExecutor, option: Instrument, *, direct: bool
):
    """When connecting itself times out nothing was sent, so the order is refused and may be sent again."""
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # one caller fits; the handshakes of all others are left unanswered
        for caller in (first, second):
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        rest = client(f"http://127.0.0.1:{deaf.getsockname()[1]}/v2", executor, direct=direct)
        outcome = await rest.place(limit_order(option.key, 9_000))
        assert outcome == Refused("NOT-SENT", "not sent: ConnectTimeout")
        rest.close()


@both_ways
async def test_an_idle_connection_closed_by_dhan_loses_no_order(
    executor: ThreadPoolExecutor, option: Instrument, *, direct: bool
):
    """A kept connection that the server closed meanwhile is replaced before the order is sent."""
    async with answering(row_server(b'{"orderId":"7","orderStatus":"TRANSIT"}')) as url:
        rest = client(url, executor, direct=direct)
        for _ in range(3):
            assert await rest.place(limit_order(option.key, 9_000)) == Accepted("7")
            await settle()
        rest.close()


@both_ways
async def test_a_redirect_is_not_followed(executor: ThreadPoolExecutor, option: Instrument, *, direct: bool):
    """A gateway that sends an order elsewhere leaves it unknown; nobody is asked a second time."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) == 1:
            writer.write(b"HTTP/1.1 303 See Other\r\nLocation: /v2/x\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(row_server(b'{"orderId":"7","orderStatus":"TRANSIT"}'))
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        rest = client(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v2", executor, direct=direct)
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Unknown)
        rest.close()
    assert len(asked) == 1


@both_ways
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + b'{"orderId":"75',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ord',
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v2/orders2\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["hang up", "short body", "cut chunk", "empty 200", "redirect", "not http"],
)
async def test_broken_servers_leave_orders_unknown(
    executor: ThreadPoolExecutor, option: Instrument, raw: bytes, *, direct: bool
):
    """Whatever breaks after the request left, the order is unknown and a read has no answer."""
    async with answering(raw) as url:
        rest = client(url, executor, direct=direct)
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Unknown)
        with pytest.raises(Unreachable):
            await rest.positions()
        rest.close()


@both_ways
async def test_a_body_that_drips_is_given_up(
    executor: ThreadPoolExecutor, option: Instrument, monkeypatch: pytest.MonkeyPatch, *, direct: bool
):
    """Pieces that keep a slow answer alive do so until its deadline only."""
    monkeypatch.setattr(http, "ANSWER_DEADLINE_S", 0.0)
    async with hanging(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{") as url:
        rest = client(url, executor, direct=direct)
        assert await rest.place(limit_order(option.key, 9_000)) == Unknown("TimeoutError")
        rest.close()


async def test_reads_without_an_end_leave_a_thread_for_orders(
    executor: ThreadPoolExecutor, option: Instrument, server: DhanServer, monkeypatch: pytest.MonkeyPatch
):
    """Unanswered reads hold three threads, however often one asks: an order still goes out."""
    monkeypatch.setattr(threads_module, "DEADLINE_S", 0.3)
    async with hanging(b"HTTP/1.1 200") as url:
        rest = client(url, executor)
        rest._http.timeout = (0.3, 30.0)
        for _ in range(2):
            reads = [rest.orders(), rest.traded(), rest.positions(), rest.quotes([option.key])]
            lost = await asyncio.gather(*reads, return_exceptions=True)
            assert all(isinstance(failure, Unreachable) for failure in lost)
        rest._http.base_url = server.api_url
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Accepted)
    monkeypatch.undo()  # the threads come free as their peer goes: wait for one
    assert len(await rest.orders()) == 1
    rest.close()


async def test_an_order_no_thread_took_was_not_sent(option: Instrument, monkeypatch: pytest.MonkeyPatch):
    """Behind a thread that does not come free an order is refused as not sent, and never sent later."""
    monkeypatch.setattr(threads_module, "DEADLINE_S", 0.3)
    async with hanging(b"HTTP/1.1 200") as url:
        with ThreadPoolExecutor(1) as narrow:
            rest = client(url, narrow)
            rest._http.timeout = (0.3, 3.0)
            first, second = await asyncio.gather(
                *(rest.place(limit_order(option.key, paise)) for paise in (9_000, 9_005))
            )
            assert isinstance(first, Unknown)
            assert second == Refused("NOT-SENT", "not sent: no thread was free")
            rest.close()
