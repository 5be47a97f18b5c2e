"""The order-update socket: login, spelling, faults."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.exchange import DEFAULT_CLIENT
from tests.sandbox.conftest import buy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.dhan_server import DhanServer


@asynccontextmanager
async def listen(server: DhanServer, token: str = "sandbox-token") -> AsyncIterator[ClientConnection]:
    async with connect(server.order_update_url, compression=None) as socket:
        login = {"LoginReq": {"MsgCode": 42, "ClientId": DEFAULT_CLIENT, "Token": token}, "UserType": "SELF"}
        await socket.send(json.dumps(login))
        if token == "sandbox-token":
            await asyncio.wait_for(server.until(lambda: server.update_listeners > 0), 10)
        yield socket


async def _text(socket: ClientConnection) -> str:
    frame = await asyncio.wait_for(socket.recv(), 10)
    assert isinstance(frame, str)
    return frame


async def _stories(socket: ClientConnection, count: int) -> list[tuple[Any, ...]]:
    data = [json.loads(await _text(socket))["Data"] for _ in range(count)]
    return [(at["status"], at["tradedQty"]) for at in data]


async def _trade(server, clock, option, **more: Any) -> None:
    server.exchange.place(buy(option, **more), clock())
    clock.on(1)
    await server.step()


async def test_an_order_is_told_from_transit_to_traded(server, clock, option) -> None:
    """One frame a change, camelCase, title case, envelope order_alert."""
    async with listen(server) as socket:
        await _trade(server, clock, option, correlationId="exit-1")
        frame = json.loads(await _text(socket))
        assert frame["Type"] == "order_alert"
        assert (frame["Data"]["status"], frame["Data"]["correlationId"]) == ("Transit", "exit-1")
        assert frame["Data"]["displayName"] == f"NIFTY {option.expiry:%d %b} 25300 CALL".upper()
        assert frame["Data"]["expiryDate"] == f"{option.expiry} 00:00:00"
        assert await _stories(socket, 2) == [("Pending", 0), ("Traded", 65)]


async def test_the_documented_spelling_is_a_habit(server, clock, option) -> None:
    """Pascal case and capitals."""
    server.habits.pascal_updates = True
    async with listen(server) as socket:
        await _trade(server, clock, option)
        data = json.loads(await _text(socket))["Data"]
    assert (data["Status"], data["OrderNo"][:2], data["TxnType"]) == ("TRANSIT", "32", "B")
    assert "status" not in data


@pytest.mark.parametrize("switch", [False, True])
async def test_a_wrong_token_is_let_in_then_reset(server, switch) -> None:
    """No answer to the login, no close frame."""
    server.faults.refuse_tokens = switch
    async with connect(server.order_update_url) as socket:
        token = "sandbox-token" if switch else "canary-wrong"
        login = {"LoginReq": {"MsgCode": 42, "ClientId": DEFAULT_CLIENT, "Token": token}}
        await socket.send(json.dumps(login))
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 10)
    assert closed.value.rcvd is None


async def test_a_socket_whose_token_died_is_reset_instead_of_told(call, server, clock, option) -> None:
    """A new token kills the old one here too; at the next order it shows."""
    async with listen(server) as socket:
        call.headers["access-token"] = (await call("GET", "/RenewToken"))[1]["accessToken"]
        await _trade(server, clock, option)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 10)
    assert closed.value.rcvd is None


async def test_nobody_is_told_before_the_login_or_after_the_fact(server, clock, option) -> None:
    """Nothing is replayed: who was not there reads the order book."""
    await _trade(server, clock, option)
    async with listen(server) as socket:
        await _trade(server, clock, option, quantity=130)
        assert await _stories(socket, 3) == [("Transit", 0), ("Pending", 0), ("Traded", 130)]


async def test_each_client_hears_of_its_own_orders_only(server, clock, option) -> None:
    """Another account's order at the same exchange is not our news."""
    server.exchange.open_account("1000000002", "sandbox-token-2", clock())
    async with listen(server) as socket:
        server.exchange.place(buy(option, quantity=195), clock(), client_id="1000000002")
        await _trade(server, clock, option)
        assert await _stories(socket, 3) == [("Transit", 0), ("Pending", 0), ("Traded", 65)]


async def test_frames_come_twice_in_the_wrong_order_late_and_broken(server, clock, option) -> None:
    """Duplicate the first, swap the next two."""
    async with listen(server) as socket:
        server.faults.updates.reorder = 1
        await _trade(server, clock, option)
        assert await _stories(socket, 3) == [("Pending", 0), ("Transit", 0), ("Traded", 65)]
        server.faults.updates.duplicate = 1
        await _trade(server, clock, option)
        assert await _stories(socket, 4) == [("Transit", 0), ("Transit", 0), ("Pending", 0), ("Traded", 65)]
        server.faults.updates.truncate = server.faults.updates.garbage = 1
        await _trade(server, clock, option)
        broken = await _text(socket)
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(broken)
        assert await _text(socket) == "429 too many requests"
        assert await _stories(socket, 2) == [("Pending", 0), ("Traded", 65)]


async def test_objects_may_follow_each_other_in_one_frame(server, clock, option) -> None:
    """Others have seen that: what happened at one moment is one text, to be read object by object."""
    server.habits.stack_updates = 10
    async with listen(server) as socket:
        await _trade(server, clock, option)
        text = await _text(socket)
    told, end = [], 0
    while end < len(text):
        told_now, end = json.JSONDecoder().raw_decode(text, end)
        told.append(told_now["Data"]["status"])
    assert told == ["Transit", "Pending", "Traded"]


async def test_silence_and_cuts(server, clock, option) -> None:
    """What was said in silence is lost; a cut has no close frame; a handshake can be refused."""
    async with listen(server) as socket:
        server.faults.updates.silent = True
        await _trade(server, clock, option)
        await asyncio.wait_for(await socket.ping(), 10)
        server.faults.updates.silent = False
        await _trade(server, clock, option)
        assert (await _stories(socket, 1)) == [("Transit", 0)]
        server.faults.cut("orders")
        with pytest.raises(ConnectionClosed) as closed:
            await _stories(socket, 9)
        assert closed.value.rcvd is None
    server.faults.updates.upgrade_429 = 1
    with pytest.raises(InvalidStatus):
        async with listen(server):
            pass


async def test_the_frame_may_come_before_or_after_the_reply(call, server, option) -> None:
    """With slow replies the socket is first; with slow frames the reply is."""
    server.habits.reply_s = 0.2
    async with listen(server) as socket:
        reply = asyncio.create_task(call("POST", "/orders", buy(option)))
        assert (await _stories(socket, 1)) == [("Transit", 0)]
        assert not reply.done()
        await reply
    await asyncio.wait_for(server.until(lambda: server.update_listeners == 0), 10)
    server.habits.reply_s, server.habits.update_s = 0.0, 0.2
    async with listen(server) as socket:
        frame = asyncio.create_task(_stories(socket, 1))
        await call("POST", "/orders", buy(option))
        assert not frame.done()
        assert await frame == [("Transit", 0)]
