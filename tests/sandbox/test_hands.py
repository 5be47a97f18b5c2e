"""Levers for what other hands do: the owner in the app, the risk desk, other tools, the exchange itself."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.sandbox.conftest import buy
from tests.sandbox.test_control import _pull


async def _resting(call: Any, option: Any) -> str:
    """An order of ours below the market, at the exchange."""
    _, placed = await call("POST", "/orders", buy(option, price=100.0))
    return placed["orderId"]


async def _order(call: Any, order_id: str) -> Any:
    (row,) = (await call("GET", f"/orders/{order_id}"))[1]
    return row


async def test_a_hand_trades_in_the_app(call, server, clock, option) -> None:
    """A market order without a name, in the book, in the trades and in the positions; whole lots only."""
    where = {"security_id": option.security_id}
    await _pull(call, "exchange", hand=where | {"quantity": -130})
    clock.on(1)
    await call("GET", "/orders")
    assert server.exchange.net(option.key) == -130
    assert {row["correlationId"] for row in (await call("GET", "/orders"))[1]} == {"NA"}
    for quantity in (10, 0):
        status, answer = await call(
            "POST", f"{server.auth_url}/sandbox/exchange", {"hand": where | {"quantity": quantity}}
        )
        assert (status, "expected whole lots of 65" in answer["error"]) == (400, True)


async def test_the_owner_cancels_and_changes_an_order_of_ours(call, clock, option) -> None:
    """Every live order in the contract; where there is none the lever says so."""
    order_id = await _resting(call, option)
    clock.on(1)
    await _pull(call, "exchange", change={"security_id": option.security_id, "price": 101.5})
    clock.on(1)
    assert (await _order(call, order_id))["price"] == 101.5
    await _pull(call, "exchange", cancel={"security_id": option.security_id})
    clock.on(1)
    assert (await _order(call, order_id))["orderStatus"] == "CANCELLED"
    status, answer = await call(
        "POST", f"{call.server.auth_url}/sandbox/exchange", {"cancel": {"security_id": option.security_id}}
    )
    assert (status, "a live order in" in answer["error"]) == (400, True)


async def test_the_risk_desk_squares_off_a_contract_or_everything(call, server, clock, option) -> None:
    """Its orders go first, then the position; other contracts stay, unless it is everything."""
    other = option.security_id + 1
    for security_id in (option.security_id, other):
        await _pull(call, "exchange", carry={"security_id": security_id, "quantity": -65, "price": 100})
    order_id = await _resting(call, option)
    clock.on(1)
    await _pull(call, "exchange", square_off={"security_id": option.security_id})
    clock.on(1)
    assert (await _order(call, order_id))["orderStatus"] == "CANCELLED"
    assert list(server.exchange.account().net().values()) == [-65]
    await _pull(call, "exchange", square_off=True)
    clock.on(1)
    await call("GET", "/orders")
    assert server.exchange.account().net() == {}


async def test_a_kill_switch_set_by_hand_refuses_orders_whatever_is_open(call, option) -> None:
    """Ours and the hand's alike, until it is taken back."""
    await _pull(call, "exchange", carry={"security_id": option.security_id, "quantity": 65, "price": 100})
    await _pull(call, "exchange", kill_switch=True)
    status, body = await call("POST", "/orders", buy(option))
    assert (status, "Kill Switch" in body["errorMessage"]) == (400, True)
    hand = {"hand": {"security_id": option.security_id, "quantity": 65}}
    status, answer = await call("POST", f"{call.server.auth_url}/sandbox/exchange", hand)
    assert (status, "Kill Switch" in answer["error"]) == (400, True)
    await _pull(call, "exchange", kill_switch=False)
    assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_another_tool_uses_up_the_minute(call, clock, option) -> None:
    """429 for a minute, then orders pass again."""
    await _pull(call, "exchange", order_calls=250)
    clock.on(30)
    assert (await call("POST", "/orders", buy(option)))[0] == 429
    clock.on(31)
    assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_order_book_and_trade_book_lag_behind(call, clock, option) -> None:
    """What was done in the last seconds is in neither, for so many reads; positions know it."""
    await call("POST", "/orders", buy(option))
    clock.on(2)
    await call("GET", "/orders")
    await call("POST", f"{call.server.auth_url}/sandbox/faults", {"arm": "delay_books", "seconds": 10})
    assert [(await call("GET", path))[1] for path in ("/orders", "/trades")] == [[], []]
    assert (await call("GET", "/orders"))[1][0]["orderStatus"] == "TRADED"
    await call("POST", f"{call.server.auth_url}/sandbox/faults", {"arm": "delay_books", "seconds": 1.98})
    assert (await call("GET", "/orders"))[1][0]["orderStatus"] == "TRANSIT"
    assert len((await call("GET", "/positions"))[1]) == 1


async def test_the_day_s_range_of_one_contract_moves(call, market, clock, option) -> None:
    """An order beyond it is turned down, as in a circuit; nonsense is refused."""
    where = {"security_id": option.security_id}
    await _pull(call, "market", range=where | {"lower": 50, "upper": 90})
    assert market.quote(option.key).upper_circuit_paise == 9_000
    order_id = await _resting(call, option)
    clock.on(1)
    assert "execution range" in (await _order(call, order_id))["omsErrorDescription"]
    wrong = {"range": where | {"lower": 90, "upper": 50}}
    assert (await call("POST", f"{call.server.auth_url}/sandbox/market", wrong))[0] == 400


async def _master(call: Any, option: Any) -> dict[str, str] | None:
    async with call.session.get(f"{call.server.instruments_url}/api-scrip-master.csv") as answer:
        rows = csv.DictReader(io.StringIO(await answer.text()))
    listed = [row for row in rows if row["SEM_SMST_SECURITY_ID"] == str(option.security_id)]
    return listed[0] if listed else None


async def test_the_master_lists_a_contract_otherwise(call, option) -> None:
    """Another lot, strike, tick or expiry, or gone, in the files alone; nonsense changes nothing."""
    where = {"security_id": option.security_id}
    changed = where | {"lot": 75, "strike": 25_000.5, "tick": 0.1, "expiry": "2026-03-31"}
    await _pull(call, "exchange", master=changed)
    row = await _master(call, option)
    assert row is not None
    assert (row["SEM_LOT_UNITS"], row["SEM_TICK_SIZE"]) == ("75.0", "10")
    assert row["SEM_STRIKE_PRICE"].startswith("25000.5")
    assert row["SEM_EXPIRY_DATE"].startswith("2026-03-31")
    assert (await call("POST", "/orders", buy(option)))[0] == 200
    for wrong in ({"lot": 0}, {"colour": 1}, {"expiry": "soon"}):
        asked = {"master": where | wrong}
        assert (await call("POST", f"{call.server.auth_url}/sandbox/exchange", asked))[0] == 400
    await _pull(call, "exchange", master=where | {"gone": True})
    assert await _master(call, option) is None
