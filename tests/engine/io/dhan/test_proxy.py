"""An account with a proxy: everything to Dhan goes through it, and nothing round it."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode

from engine.io.clock import SystemClock
from engine.io.dhan.order_updates import OrderUpdates
from engine.io.dhan.rest import DhanRest
from engine.io.dhan.sockets import open_socket
from engine.messages import Refused
from engine.model import InstrumentKey
from sandbox.exchange import DEFAULT_CLIENT
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import TOKEN
from tests.support.proxy import proxy


def by(address, server, executor):
    return DhanRest(
        client_id=DEFAULT_CLIENT, access_token=lambda: TOKEN, base_url=server.api_url, executor=executor,
        clock=SystemClock(), proxy=f"http://huf:canary%40word@{address}",
    )  # fmt: skip


async def test_a_rest_call_goes_by_the_proxy_with_its_password(server, executor):
    """Also to a host of one's own, and whatever the environment says of proxies."""
    async with proxy() as way:
        rest = by(way.address, server, executor)
        assert await rest.positions() == []
        rest.close()
        assert [(method, target.split("/v2")[1]) for method, target in way.asked] == [("GET", "/positions")]
        assert way.keys == [b64encode(b"huf:canary@word").decode()]


async def test_an_order_that_the_dead_proxy_did_not_take_was_not_sent(server, executor):
    """It is tried again at once and never looked for as an unknown one; the broker has not seen it."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        rest = by(f"127.0.0.1:{closed.getsockname()[1]}", server, executor)
        outcome = await rest.place(limit_order(InstrumentKey(2 << 32 | 49_081), 9_000))
        rest.close()
    assert isinstance(outcome, Refused)
    assert "not sent" in outcome.reason
    assert "canary" not in outcome.reason
    assert not server.exchange.account().orders


async def test_a_socket_goes_by_the_proxy(server):
    """The order updates log in through it, and so does any other socket of the account."""
    seen = asyncio.Event()
    async with proxy() as way:
        updates = OrderUpdates(
            url=server.order_update_url, client_id=DEFAULT_CLIENT, access_token=lambda: TOKEN,
            on_order=lambda _order: None, on_gap=lambda _why: seen.set(), on_stopped=lambda _why: None,
            clock=SystemClock(), jitter=lambda: 0.0, proxy=f"http://{way.address}",
        )  # fmt: skip
        life = asyncio.create_task(updates.run())
        async with asyncio.timeout(10):
            await seen.wait()
            await server.until(lambda: server.update_listeners == 1)
        assert [method for method, _ in way.asked] == ["CONNECT"]
        life.cancel()
        await asyncio.wait({life})


def test_without_a_proxy_a_socket_of_this_host_goes_directly():
    """The environment's proxy has no business between a monitor and its sandbox."""
    assert open_socket("ws://127.0.0.1:1").proxy is None
    assert open_socket("ws://127.0.0.1:1", "http://127.0.0.1:2").proxy == "http://127.0.0.1:2"
