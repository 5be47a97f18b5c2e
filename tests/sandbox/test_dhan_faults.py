"""Every way a REST call can go wrong: taken or not, late, reset, half, rejected."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientError, ClientOSError, ClientPayloadError

from engine.broker_nouns import OrderStatus
from sandbox.faults import Reply
from tests.sandbox.conftest import buy


def _orders(server):
    return list(server.exchange.account().orders.values())


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fault", ["stall", "reset", "half_body", "error"])
async def test_a_call_that_fails_was_taken_or_not(call, server, option, fault, accepted) -> None:
    """The client sees a failure either way; only the book knows."""
    more = {"seconds": 0.01} if fault == "stall" else {}
    getattr(server.faults, fault)(accepted=accepted, **more)
    if fault == "error":
        async with call.session.post(
            f"{server.api_url}/orders", json=buy(option), headers=call.headers
        ) as response:
            assert (response.status, response.content_type) == (502, "text/html")
    else:
        with pytest.raises(ClientError):
            await call("POST", "/orders", buy(option))
    assert len(_orders(server)) == int(accepted)
    assert len(server.exchange.log) == 1
    assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_half_a_body_is_half_a_body(call, server, option) -> None:
    """The head promises more than comes."""
    server.faults.half_body()
    with pytest.raises(ClientPayloadError):
        await call("POST", "/orders", buy(option))


async def test_a_stalled_call_is_accepted_before_the_silence(call, server, option) -> None:
    """The order is there while the client still waits; giving up changes nothing."""
    server.faults.stall(seconds=30)
    waiting = asyncio.create_task(call("POST", "/orders", buy(option)))
    await asyncio.wait_for(server.until(lambda: bool(_orders(server))), 10)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert len(_orders(server)) == 1


async def test_a_late_order_appears_after_its_answer_failed(call, server, clock, option) -> None:
    """Reset, then nothing in the book, then there it is, and it trades."""
    server.faults.late(5.0, reply=Reply.RESET)
    with pytest.raises(ClientOSError):
        await call("POST", "/orders", buy(option, correlationId="exit-1"))
    assert (await call("GET", "/orders"))[1] == []
    assert (await call("GET", "/orders/external/exit-1"))[0] == 400
    clock.on(5.1)
    (row,) = (await call("GET", "/orders"))[1]
    assert (row["orderStatus"], row["filledQty"]) == ("TRADED", 65)


async def test_a_rejection_of_ones_choice_comes_through_the_book(call, server, clock, option) -> None:
    """Accepted with an id, rejected with the given words."""
    server.faults.reject("RMS:Blocked for illiquid strike")
    status, placed = await call("POST", "/orders", buy(option))
    assert (status, placed["orderStatus"]) == (200, "TRANSIT")
    clock.on(1)
    (row,) = (await call("GET", f"/orders/{placed['orderId']}"))[1]
    assert (row["orderStatus"], row["omsErrorDescription"]) == ("REJECTED", "RMS:Blocked for illiquid strike")


async def test_an_error_may_have_a_body_of_ones_own(call, server) -> None:
    """For the shapes nobody thought of yet."""
    server.faults.error(verb="GET", path="/positions", status=500, body={"errorCode": "DH-908"})
    assert await call("GET", "/positions") == (500, {"errorCode": "DH-908"})


async def test_positions_can_lag_behind_the_trades(call, server, clock, option) -> None:
    """Orders say traded, positions do not know it yet."""
    await call("POST", "/orders", buy(option))
    clock.on(1)
    await server.step()
    server.faults.delay_positions(10)
    assert (await call("GET", "/positions"))[1] == []
    assert [row["netQty"] for row in (await call("GET", "/positions"))[1]] == [65]


async def test_a_fault_hits_only_what_it_is_armed_for(call, server, option) -> None:
    """Other verbs and paths pass, and it is spent after its times."""
    server.faults.reset(verb="DELETE", path="/orders", times=2)
    _, placed = await call("POST", "/orders", buy(option, price=300.0))
    assert (await call("GET", "/orders"))[0] == 200
    with pytest.raises(ClientOSError):
        await call("DELETE", f"/orders/{placed['orderId']}")
    # aiohttp repeats a DELETE once by itself, so both armed times are spent on it.
    assert [mutation.verb for mutation in server.exchange.log] == ["POST", "DELETE", "DELETE"]
    assert (await call("DELETE", f"/orders/{placed['orderId']}"))[0] == 200


async def test_the_log_has_every_request_that_would_change_something_and_no_other(
    call, server, option
) -> None:
    """Refused or not; reads, quotes and margin questions are not in it."""
    await call("GET", "/orders")
    await call("POST", "/marketfeed/ltp", {"IDX_I": [13]})
    await call("POST", "/margincalculator", buy(option))
    assert server.exchange.log == []
    await call("POST", "/orders", buy(option, quantity=1))
    await call("DELETE", "/positions")
    assert [(m.verb, m.path) for m in server.exchange.log] == [("POST", "/orders"), ("DELETE", "/positions")]
    assert server.exchange.log[0].body["quantity"] == 1


async def test_a_reply_can_be_slower_than_the_exchange(call, server, option) -> None:
    """Fills may be told on the socket before the order's own reply is there."""
    server.habits.reply_s = 30.0
    waiting = asyncio.create_task(call("POST", "/orders", buy(option)))
    await asyncio.wait_for(server.until(lambda: bool(_orders(server))), 10)
    server.exchange.advance(server.exchange.next_due_s() or 0)
    assert _orders(server)[0].status is OrderStatus.TRADED
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
