"""Whatever a client sends, it gets one of Dhan's refusals, and the sandbox lives on."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from engine.model import Right
from sandbox.dhan_feed import TICKER
from sandbox.exchange import DEFAULT_CLIENT
from tests.sandbox.conftest import buy
from tests.sandbox.test_dhan_feed import listen

NOT_JSON = (
    b"{",
    b"\xff\xfe",
    b"[1, 2]",
    b'"x"',
    b"7",
    b"[" * 100_000,
    b'{"quantity": NaN}',
    b'{"price": 1e999}',
)
NO_VALUES = ([], {}, {"a": 1}, [[1]], [{}], -1, "\u00b2", True, "9" * 30, 10**40, "x" * 5_000, 0.5)
QUESTIONS: dict[str, dict[str, Any]] = {
    "/marketfeed/quote": {"NSE_FNO": [40_001]},
    "/optionchain": {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I", "Expiry": "2026-02-17"},
    "/charts/intraday": {
        "securityId": "13", "exchangeSegment": "IDX_I", "fromDate": "2026-02-03", "toDate": "2026-02-03",
    },
    "/positions/convert": {
        "fromProductType": "MARGIN", "exchangeSegment": "NSE_FNO", "positionType": "LONG",
        "securityId": "40001", "convertQty": 65, "toProductType": "INTRADAY",
    },
    "/pnlExit": {"profitValue": 1.0, "lossValue": 1.0, "productType": ["INTRADAY"]},
    "/ip/setIP": {"ip": "127.0.0.1", "ipFlag": "PRIMARY"},
    "/margincalculator/multi": {"includePosition": True, "scripList": [{}]},
}  # fmt: skip


@pytest.mark.parametrize("raw", NOT_JSON)
async def test_what_is_no_json_object_is_an_input_error(call, raw) -> None:
    """Half an object, no text at all, brackets without end, numbers that are none: DH-905."""
    status, body = await _post(call, "/orders", raw)
    assert (status, body["errorCode"]) == (400, "DH-905")


@pytest.mark.parametrize("path", ["/orders", "/orders/slicing", "/margincalculator", *QUESTIONS])
async def test_no_value_of_any_field_breaks_an_endpoint(call, server, option, path) -> None:
    """Every field of every request takes every shape in turn: answers and refusals, never a bare 500."""
    server.limits.enforced = False
    good = QUESTIONS.get(path) or buy(option, disclosedQuantity=0, triggerPrice=0, correlationId="a")
    for name in good:
        for value in NO_VALUES:
            _, body = await call("POST", path, good | {name: value})
            assert isinstance(body, dict | list), (path, name, value)


async def test_no_change_of_an_order_breaks_it(call, server, option, clock) -> None:
    """The same for changes: the order is still there, and still as it was asked for or changed."""
    server.limits.enforced = False
    _, placed = await call("POST", "/orders", buy(option, price=300.0))
    path = f"/orders/{placed['orderId']}"
    for name in (
        "quantity",
        "price",
        "orderType",
        "legName",
        "triggerPrice",
        "validity",
        "disclosedQuantity",
    ):
        for value in NO_VALUES:
            assert (await call("PUT", path, {"price": 300.0, name: value}))[0] < 500, (name, value)
    clock.on(1)
    (row,) = (await call("GET", path))[1]
    assert row["orderStatus"] == "PENDING"


async def test_an_id_of_too_many_bits_names_no_contract_of_another_segment(call, option) -> None:
    """Ids have 32 bits; one that is larger is wrong, not the contract its lower half names."""
    asked = {"IDX_I": [(2 << 32) + option.security_id]}
    status, body = await call("POST", "/marketfeed/ltp", asked)
    assert (status, list(body["data"])) == (400, ["813"])


async def test_a_huge_body_is_refused_and_the_next_call_served(call, option) -> None:
    """Two megabytes are too many."""
    async with call.session.post(
        f"{call.server.api_url}/orders", data=io.BytesIO(b"x" * 2_000_000), headers=call.headers
    ) as response:
        assert response.status == 413
    assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_sockets_outlive_nonsense(server, option) -> None:
    """Brackets without end, numbers that are none, ids of other shapes: the next subscription works."""
    strange = [{"ExchangeSegment": "NSE_FNO", "SecurityId": value} for value in NO_VALUES]
    messages = ["[" * 100_000, '{"RequestCode": 1e999}', '{"RequestCode": null}', '{"RequestCode": [15]}']
    messages.append(json.dumps({"RequestCode": 15, "InstrumentList": strange}))
    messages.append(json.dumps({"RequestCode": 15, "InstrumentList": {"ExchangeSegment": "NSE_FNO"}}))
    async with listen(server) as ear:
        for message in messages:
            await ear.socket.send(message)
        await ear.subscribe(TICKER, [option.key])
        assert await ear.codes(1) == [2]


async def test_the_update_socket_outlives_nonsense(call, server) -> None:
    """A login in any wrong shape is passed over; a right one after it counts."""
    wrong = ("[" * 100_000, "null", "7", '{"LoginReq": "x"}', '{"LoginReq": {"MsgCode": 42}}')
    login = {"MsgCode": 42, "ClientId": DEFAULT_CLIENT, "Token": "sandbox-token"}
    async with call.session.ws_connect(server.order_update_url) as socket:
        for message in wrong:
            await socket.send_str(message)
        await socket.send_str(json.dumps({"LoginReq": login, "UserType": "SELF"}))
        await asyncio.wait_for(server.until(lambda: server.update_listeners == 1), 10)


async def test_a_client_that_vanishes_leaves_the_others_alone(server, market, option) -> None:
    """Gone without a close frame while prices flow: its place is freed, the neighbour hears on."""
    other = market.option("NIFTY", 25_400, Right.CALL)
    async with listen(server) as ear, listen(server) as gone:
        await ear.subscribe(TICKER, [option.key])
        await gone.subscribe(TICKER, [option.key, other.key])
        await ear.codes(1)
        gone.socket.transport.abort()
        for bid in range(35_000, 35_500, 100):
            market.set_quote(option.key, bid, bid + 100)
            await server.step()
        await asyncio.wait_for(server.until(lambda: server.feed_connections == 1), 10)
        assert (await ear.frame())[0] == 2


async def test_parallel_orders_are_all_taken_once(call, server, clock, option) -> None:
    """Ten at once have ten ids, and the position is the sum of their fills; the eleventh is too many."""
    replies = await asyncio.gather(*(call("POST", "/orders", buy(option)) for _ in range(11)))
    assert sorted(status for status, _ in replies) == [200] * 10 + [429]
    clock.on(1)
    await server.step()
    ids = {body["orderId"] for status, body in replies if status == 200}
    trades = server.exchange.account().trades
    assert ids == {trade.order_id for trade in trades}
    assert server.exchange.net(option.key) == sum(trade.quantity for trade in trades) == 650


async def _post(call: Any, path: str, raw: bytes) -> tuple[int, Any]:
    url = call.server.api_url + path
    async with call.session.post(url, data=raw, headers=call.headers) as response:
        return response.status, await response.json()
