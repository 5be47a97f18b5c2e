"""The order-update socket: orders as they change, a gap told after every login, garbage passed over."""

from __future__ import annotations

import json
import logging
from functools import partial

import pytest

from engine.broker_nouns import OrderStatus
from engine.io.dhan.order_updates import OrderUpdates
from engine.io.dhan.rest import DhanRest
from engine.model import Instrument
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import TOKEN
from tests.engine.io.dhan.peers import Ear, listening, running
from tests.support.clock import VirtualClock


def alert(order_no: str) -> str:
    """An order alert as the wire spells it."""
    data = {"exchange": "NSE", "segment": "D", "securityId": "49081", "orderNo": order_no, "txnType": "B"}
    data |= {"quantity": "65", "tradedQty": "65", "status": "Traded", "price": "100.05"}
    return json.dumps({"Data": data, "Type": "order_alert"})


class Listener:
    """An order-update client with its clock, its ear and its token."""

    def __init__(self, url: str) -> None:
        self.clock = VirtualClock()
        self.ear = Ear()
        self.token = TOKEN
        self.updates = OrderUpdates(
            url=url,
            client_id="1000000001",
            access_token=lambda: self.token,
            on_order=self.ear.on_order,
            on_gap=self.ear.on_gap,
            on_stopped=self.ear.on_stopped,
            clock=self.clock,
            jitter=lambda: 0.5,
        )


@pytest.mark.parametrize("pascal", [False, True])
async def test_an_order_as_it_changes(
    server: DhanServer, rest: DhanRest, option: Instrument, *, pascal: bool
):
    """Every change of an order arrives, in either spelling, with its correlation id."""
    server.habits.pascal_updates = pascal
    listener = Listener(server.order_update_url)
    async with running(listener.updates.run):
        await listener.ear.until(lambda: listener.ear.gaps == ["connected"])
        await until_logged_in(server, listener)
        await rest.place(limit_order(option.key, 10_050))
        await listener.ear.until(
            lambda: listener.ear.orders and listener.ear.orders[-1].status is OrderStatus.TRADED
        )
    last = listener.ear.orders[-1]
    assert (last.key, last.filled, last.average_paise) == (option.key, 65, 10_050)
    assert {order.correlation_id for order in listener.ear.orders} == {"t-10050"}


async def until_logged_in(server: DhanServer, listener: Listener) -> None:
    """The sandbox does not acknowledge a login either: go on once it has it."""
    for _ in range(1_000):
        if server.update_listeners:
            return
        await listener.clock.advance(0.0)
    raise AssertionError("never logged in")


async def test_the_login_is_the_first_message():
    """The client introduces itself with the documented login."""
    async with listening() as peer:
        listener = Listener(peer.url)
        async with running(listener.updates.run):
            await peer.until(lambda: peer.heard)
    assert peer.heard == [
        {"LoginReq": {"MsgCode": 42, "ClientId": "1000000001", "Token": TOKEN}, "UserType": "SELF"}
    ]


async def test_garbage_is_passed_over():
    """Text, binary, half an order and two orders in a frame: all good orders arrive."""
    async with listening() as peer:
        listener = Listener(peer.url)
        peer.greet = [
            "429 too many requests",
            b"\xff\xfe",
            alert("1")[:50],
            alert("1") + alert("2") + "{",
            alert("3"),
        ]
        async with running(listener.updates.run):
            await listener.ear.until(lambda: len(listener.ear.orders) == 3)
    assert [order.order_id for order in listener.ear.orders] == ["1", "2", "3"]
    assert listener.updates.bad_frames == 4


async def test_every_reconnect_tells_of_a_gap():
    """After a reset the client stays away its pause, logs in again, and says that it missed things."""
    async with listening() as peer:
        listener = Listener(peer.url)
        peer.greet = [alert("1")]
        async with running(listener.updates.run):
            await listener.ear.until(lambda: listener.ear.orders)
            peer.cut()
            await peer.until(lambda: not peer.open)
            while len(listener.ear.gaps) < 2:
                await listener.clock.advance(0.1)
    assert listener.ear.gaps == ["connected", "reconnected after: the connection was reset"]


async def test_a_dead_token_backs_off_and_a_new_one_is_used():
    """Turned away again and again, the pauses grow; another token is tried without waiting them out."""
    async with listening() as peer:
        listener = Listener(peer.url)
        peer.farewell = "reset"
        async with running(listener.updates.run):
            for attempt in range(1, 7):
                await listener.ear.until(partial(listener.ear.has_gaps, attempt))
                await peer.until(lambda: not peer.open)
                waited_s = 0.0
                while attempt < 6 and len(peer.paths) == attempt:
                    await listener.clock.advance(0.5)
                    waited_s += 0.5
                assert attempt == 6 or waited_s >= 1.5 * 2 ** (attempt - 1)
            peer.farewell, listener.token = None, "canary-token-two"
            await listener.clock.advance(5.5)
            await peer.until(lambda: peer.heard and peer.heard[-1]["LoginReq"]["Token"] == listener.token)


async def test_a_connection_that_is_given_up_is_opened_anew():
    """Its owner has found it silent: another one follows after the usual pause, and the books are read."""
    async with listening() as peer:
        listener = Listener(peer.url)
        listener.updates.reopen()  # there is none yet: nothing happens
        async with running(listener.updates.run):
            await listener.ear.until(partial(listener.ear.has_gaps, 1))
            await listener.clock.advance(10.0)
            listener.updates.reopen()
            await peer.until(lambda: not peer.open)
            while len(peer.paths) == 1:
                await listener.clock.advance(0.5)
            await listener.ear.until(partial(listener.ear.has_gaps, 2))
    assert not listener.ear.stops


async def test_being_turned_away_again_and_again_is_told_until_a_connection_lasts():
    """A dead token looks like this, and nobody says so: five times are news; so is a minute without it."""
    async with listening() as peer:
        listener = Listener(peer.url)
        peer.farewell = "reset"
        async with running(listener.updates.run):
            for attempt in range(1, 6):
                assert attempt == 5 or not listener.ear.stops
                await listener.ear.until(partial(listener.ear.has_gaps, attempt))
                await peer.until(lambda: not peer.open)
                if attempt == 5:
                    peer.farewell = None
                    await listener.ear.until(lambda: listener.ear.stops)
                while len(peer.paths) == attempt:
                    await listener.clock.advance(0.5)
            await listener.ear.until(partial(listener.ear.has_gaps, 6))
            await listener.clock.advance(59.0)
            assert listener.ear.stops == ["the connection was reset right after it was opened"]
            await listener.clock.advance(1.0)
            assert listener.ear.stops[1:] == [""]


async def test_a_steady_hour_is_forgiven():
    """After a connection that lasted, the next pause is the shortest again."""
    async with listening() as peer:
        listener = Listener(peer.url)
        async with running(listener.updates.run):
            for attempt, lived_s in enumerate((10.0, 10.0, 3_600.0, 10.0), start=1):
                await peer.until(lambda: len(peer.open) == 1 and peer.heard)
                await listener.clock.advance(lived_s)
                peer.heard.clear()
                peer.cut()
                await peer.until(lambda: not peer.open)
                waited_s = 0.0
                while len(peer.paths) == attempt:
                    await listener.clock.advance(0.5)
                    waited_s += 0.5
                assert (waited_s < 3.0) is (attempt in {1, 3})


async def test_a_refused_handshake_is_told():
    """HTTP 403 keeps the client away until the token changes, and its owner hears of it."""
    async with listening() as peer:
        listener = Listener(peer.url)
        peer.refusals = [403]
        async with running(listener.updates.run):
            await listener.ear.until(lambda: listener.ear.stops)
            await listener.clock.advance(7_200.0)
            assert len(peer.paths) == 1
            listener.token = "canary-token-two"
            await listener.clock.advance(5.0)
            await listener.ear.until(lambda: listener.ear.gaps)
    assert listener.ear.stops == ["Dhan answered the connection with HTTP 403"]


async def test_no_token_in_log_or_output(
    server: DhanServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    """The login message is in no log at DEBUG and on no output."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="websockets")
    listener = Listener(server.order_update_url)
    async with running(listener.updates.run):
        await listener.ear.until(lambda: listener.ear.gaps)
    output = capsys.readouterr()
    assert "canary" not in caplog.text + output.out + output.err + repr(listener.ear.gaps)
