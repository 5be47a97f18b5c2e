"""The sandbox's own endpoints: what another process can see, arm, choose and move."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError

from sandbox.dhan_feed import TICKER
from sandbox.dhan_rest import Habits
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.faults import SWITCHES, SocketFaults
from tests.sandbox.conftest import buy
from tests.sandbox.test_dhan_feed import listen

URL = f"/app/generateAccessToken?dhanClientId={DEFAULT_CLIENT}&pin=000000&totp=123456"


async def _pull(call: Any, lever: str, **asked: Any) -> Any:
    """Pull a lever that must work."""
    status, answer = await call("POST", f"{call.server.auth_url}/sandbox/{lever}", asked)
    assert status == 200, answer
    return answer


async def test_the_switchboard_and_the_state_are_there_for_other_processes(
    call, server, clock, option
) -> None:
    """A test that killed its monitor can ask what happened, and arm what happens next."""
    control = f"{server.auth_url}/sandbox"
    status, armed = await call("POST", f"{control}/faults", {"arm": "stall", "seconds": 0.01, "times": 2})
    assert (status, armed["armed"][0]["reply"]) == (200, "stall")
    with pytest.raises(ClientError):
        await call("POST", "/orders", buy(option))
    clock.on(1)
    _, state = await call("POST", f"{control}/step")
    mine = state["accounts"][DEFAULT_CLIENT]
    assert [row["netQty"] for row in mine["positions"]] == [65]
    assert [row["orderStatus"] for row in mine["orders"]] == ["TRADED"]
    assert len(mine["trades"]) == 1
    assert [entry["path"] for entry in state["log"]] == ["/orders"]
    await call("POST", f"{control}/faults", {"set": {"refuse_tokens": True}, "feed": {"lag_s": 2.0}})
    assert server.faults.refuse_tokens
    assert server.faults.feed.lag_s == 2.0
    await call("POST", f"{control}/faults", {"arm": "clear"})
    assert (await call("GET", f"{control}/state"))[0] == 200
    assert server.faults.rest == []
    status, wrong = await call("POST", f"{control}/faults", {"arm": "explode"})
    assert (status, "expected one of" in wrong["error"]) == (400, True)
    assert (await call("POST", f"{control}/faults", {"feed": {"colour": 1}}))[0] == 400
    assert (await call("POST", f"{control}/faults", {"set": {"rest": []}}))[0] == 400


async def test_the_market_moves_on_request(call, server, market) -> None:
    """Another process can make a rule's moment come."""
    url = f"{server.auth_url}/sandbox/market"
    assert (await call("POST", url, {"spot": {"NIFTY": 25_500}}))[0] == 200
    assert market.spot_paise("NIFTY") == 2_550_000
    assert (await call("POST", url, {"spot": {"MOON": 1}}))[0] == 400


@pytest.mark.parametrize(
    ("lever", "asked"),
    [
        ("faults", {"feed": {"lag_s": "soon"}}),
        ("faults", {"feed": {"silent": 1}}),
        ("faults", {"feed": {"truncate": -1}}),
        ("faults", {"arm": "stall", "colour": 1}),
        ("faults", {"arm": "stall", "seconds": "long"}),
        ("faults", {"arm": "late", "late_s": 1, "reply": "song"}),
        ("faults", {"nonsense": 1}),
        ("faults", [1]),
        ("habits", {"stack": "many"}),
        ("habits", {"mood": 1}),
        ("exchange", {"funds": None}),
        ("exchange", {"carry": {"security_id": 1, "quantity": 65, "price": 1}}),
        ("exchange", {"carry": {"security_id": 40_001, "quantity": 10, "price": 1}}),
        ("market", {"quote": {"security_id": 40_001}}),
        ("market", {"spot": 25_000}),
        ("market", {"weather": "fine"}),
        ("market", {"spot": {"NIFTY": 0}}),
        ("market", {"glide": {"NIFTY": {"to": -1, "over_s": 1}}}),
        ("market", {"quote": {"security_id": 40_001, "bid": -1, "ask": 1}}),
        ("market", {"quote": {"security_id": 40_001, "bid": 1, "ask": 2, "quantity": 0}}),
    ],
)
async def test_a_lever_that_is_not_there_changes_nothing_and_says_why(call, server, lever, asked) -> None:
    """HTTP 400 with words, never a half-set switch that fails later in a socket."""
    before = deepcopy((server.habits, server.faults.feed, server.faults.rest))
    spot = server.market.spot_paise("NIFTY")
    status, answer = await call("POST", f"{server.auth_url}/sandbox/{lever}", asked)
    assert (status, bool(answer["error"])) == (400, True)
    assert (server.habits, server.faults.feed, server.faults.rest) == before
    assert server.market.spot_paise("NIFTY") == spot


async def test_every_lever_of_the_handbook_works_when_pasted(call, server) -> None:
    """The lines of docs/sandbox.md, one after the other, as a shell would send them."""
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    pulled = re.findall(r"^pull (\w+) '(.*?)'", text, re.MULTILINE)
    assert {lever for lever, _ in pulled} == {"faults", "habits", "exchange", "market"}
    for lever, asked in pulled:
        await _pull(call, lever, **json.loads(asked))
    for name in (*SWITCHES, *Habits.__slots__, *SocketFaults.__slots__):
        assert f"`{name}`" in text, name


async def test_habits_can_be_chosen(call, server, clock, option) -> None:
    """The two choices that the sources leave open, and all the others."""
    habits = await _pull(call, "habits", unknown_external=404, mint_refusal=200, order_as_object=True)
    assert habits["order_as_object"] is True
    assert (await call("GET", "/orders/external/never"))[0] == 404
    _, made = await call("POST", server.auth_url + URL)
    call.headers["access-token"] = made["accessToken"]
    status, answer = await call("POST", server.auth_url + URL)
    assert (status, answer["status"]) == (200, "error")


async def test_the_exchange_takes_orders_as_it_is_told(call, server, market, clock, option) -> None:
    """Funds, positions, latency, market orders without protection, an end of the token."""
    carried = {"security_id": option.security_id, "quantity": 130, "price": 300.0}
    await _pull(call, "exchange", funds=1_000_000, carry=carried, latency_s=2.0, protect_market=False)
    assert (await call("GET", "/fundlimit"))[1]["sodLimit"] == 1_000_000
    market.set_quote(option.key, 20_000, 40_000)
    _, placed = await call(
        "POST", "/orders", buy(option, transactionType="SELL", orderType="MARKET", price=0)
    )
    clock.on(1.5)
    (row,) = (await call("GET", f"/orders/{placed['orderId']}"))[1]
    assert row["orderStatus"] == "TRANSIT"
    clock.on(0.6)
    (row,) = (await call("GET", f"/orders/{placed['orderId']}"))[1]
    assert (row["orderType"], row["averageTradedPrice"], row["price"]) == ("MARKET", 200.0, 0.0)
    assert server.exchange.net(option.key) == 65
    await _pull(call, "exchange", token_life_s=0)
    assert (await call("GET", "/positions"))[0] == 401


async def test_rate_limits_and_hours_can_be_lifted(call, clock, option) -> None:
    """For a client that wants to try everything at once, on a Sunday."""
    await _pull(call, "exchange", rate_limits=False, always_open=True)
    clock.on(5 * 86_400 - 3_600)
    await _pull(call, "exchange", token_life_s=3_600)
    for _ in range(15):
        assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_a_contract_can_be_pinned_and_released(call, market, option) -> None:
    """A test in another process makes the price that it needs."""
    quote = {"security_id": option.security_id, "bid": 100.0, "ask": 101.0, "quantity": 650}
    await _pull(call, "market", quote=quote)
    assert market.quote(option.key).bids[0].price_paise == 10_000
    await _pull(call, "market", release={"security_id": option.security_id}, spot={"NIFTY": 25_310})
    assert market.quote(option.key).bids[0].price_paise > 20_000
    await _pull(call, "market", glide={"NIFTY": {"to": 25_400, "over_s": 0}}, freeze=False)


async def test_orders_from_a_strange_address_are_refused_and_reads_are_not(call, server, option) -> None:
    """DH-905 Invalid IP, and the address page says so before an order is tried."""
    await _pull(call, "faults", set={"wrong_ip": True})
    status, body = await call("POST", "/orders", buy(option))
    assert (status, body["errorCode"], body["errorMessage"]) == (400, "DH-905", "Invalid IP")
    assert (await call("GET", "/orders"))[1] == []
    assert (await call("GET", "/ip/getIP"))[1]["ordersAllowed"] is False


async def test_without_a_data_plan_there_is_trading_but_no_data(call, server, option) -> None:
    """806 came with HTTP 200 and a body of its own; the feed may say it as a packet."""
    await _pull(call, "faults", set={"no_data_plan": True, "feed_says_why": True})
    wanted = {"errorCode": 806, "errorMessage": "Data APIs not subscribed"}
    assert await call("POST", "/marketfeed/ltp", {"IDX_I": [13]}) == (200, wanted)
    assert (await call("GET", "/profile"))[1]["dataPlan"] == "Deactive"
    who = f"token=sandbox-token&clientId={DEFAULT_CLIENT}"
    async with call.session.ws_connect(f"{server.feed_url}?{who}") as socket:
        assert (await socket.receive_bytes()).hex() == "320a0000000000002603"
    assert (await call("POST", "/orders", buy(option)))[0] == 200


async def test_an_unknown_header_may_come_before_a_packet(call, server, option) -> None:
    """Code 0, eight bytes: to be skipped by its length."""
    await _pull(call, "faults", feed={"heartbeat": 1})
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        assert await ear.codes(2) == [0, 2]


@pytest.mark.parametrize("kind", ["super", "forever", "alerts"])
async def test_orders_that_the_sandbox_does_not_have_are_refused_in_words(call, server, kind) -> None:
    """Lists are empty, a wish is DH-906 and is in the log of what would have changed something."""
    assert await call("GET", f"/{kind}/orders") == (200, [])
    status, body = await call("POST", f"/{kind}/orders", {"quantity": 65})
    assert (status, body["errorCode"], kind in body["errorMessage"]) == (400, "DH-906", True)
    assert [entry.path for entry in server.exchange.log] == [f"/{kind}/orders"]
