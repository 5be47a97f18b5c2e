"""The REST side: error shapes, tokens, limits, choices, and every way a call can go wrong."""

from __future__ import annotations

import base64
import json
from datetime import date

import pytest

from engine.model import Right
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.ist import moment_s
from tests.sandbox.conftest import buy

DH_901 = {
    "errorType": "Invalid_Authentication",
    "errorCode": "DH-901",
    "errorMessage": "Client ID or user generated access token is invalid or expired.",
}


def _orders(server):
    return list(server.exchange.account().orders.values())


# ------------------------------------------------------------------------------ shapes


async def test_an_unknown_path_has_its_own_shape(call) -> None:
    """A gateway's 404, not the API's error."""
    status, body = await call("GET", "/invalid_endpoint")
    assert status == 404
    assert set(body) == {"timestamp", "status", "error", "path"}
    assert body["path"] == "/v2/invalid_endpoint"


async def test_an_empty_or_broken_body_is_an_input_error(call) -> None:
    """DH-905 with HTTP 400, in the recorded words."""
    for data in ("", "{nonsense", "[]"):
        status, body = await call("POST", "/orders", data=data)
        assert (status, body["errorCode"], body["errorType"]) == (400, "DH-905", "Input_Exception")


async def test_the_data_api_fails_in_its_own_shape(call, server) -> None:
    """A wrong id, a wrong expiry, too many ids: code and text under data."""
    server.limits.enforced = False
    status, body = await call("POST", "/marketfeed/ltp", {"NSE_FNO": ["x"]})
    assert (status, body["status"], list(body["data"])) == (400, "failed", ["813"])
    status, body = await call("POST", "/marketfeed/ltp", {"NSE_FNO": list(range(1_001))})
    assert list(body["data"]) == ["804"]
    asked = {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I", "Expiry": "2031-01-01"}
    assert list((await call("POST", "/optionchain", asked))[1]["data"]) == ["811"]


async def test_unknown_ids_and_the_clients_id_are_left_out_of_quotes(call) -> None:
    """What is not known is missing, and the id that the SDK adds to every body is no segment."""
    status, body = await call("POST", "/marketfeed/ltp", {"NSE_FNO": [1], "dhanClientId": DEFAULT_CLIENT})
    assert (status, body) == (200, {"data": {"NSE_FNO": {}}, "status": "success"})


async def test_charts_have_a_third_shape(call) -> None:
    """RS-9005 when there is nothing or the id is no number, columns of floats when there is a day."""
    status, body = await call("POST", "/charts/intraday", {"securityId": "NIFTY", "exchangeSegment": "IDX_I"})
    assert (status, body["httpStatus"]) == (500, "INTERNAL_SERVER_ERROR")
    status, body = await call("POST", "/charts/intraday", {"securityId": "1", "exchangeSegment": "NSE_EQ"})
    assert (status, body["internalErrorCode"]) == (400, "RS-9005")
    asked = {"securityId": "13", "exchangeSegment": "IDX_I", "fromDate": "2026-02-03", "toDate": "2026-02-04"}
    status, body = await call("POST", "/charts/historical", asked)
    assert (status, body["timestamp"]) == (200, [moment_s(date(2026, 2, 3), 0)])
    assert {len(column) for column in body.values()} == {1}
    assert (await call("POST", "/charts/historical", asked | {"toDate": "2026-02-03"}))[0] == 400


async def test_only_the_underlyings_price_has_a_tail_in_the_chain(call, server, market, option) -> None:
    """It is a widened float32; an option's whole rupees are integers."""
    market.set_spot("NIFTY", 25_310.15)
    market.set_quote(option.key, 34_000, 34_110)
    asked = {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I", "Expiry": str(option.expiry)}
    url = f"{server.api_url}/optionchain"
    async with call.session.post(url, json=asked, headers=call.headers) as response:
        text = await response.text()
    assert '"last_price": 25310.150390625' in text
    assert '"top_ask_price": 341.1,' in text
    assert '"top_bid_price": 340,' in text


async def test_a_segment_without_contracts_is_no_file(call) -> None:
    """The master by segment is text; an unknown segment is refused in the data API's shape."""
    url = f"{call.server.api_url}/instrument/NSE_FNO"
    async with call.session.get(url, headers=call.headers) as response:
        head, first, *_ = (await response.text()).splitlines()
    assert head.endswith("MTF_LEVERAGE,SM_UPPER_LIMIT,SM_LOWER_LIMIT,SM_FREEZE_QTY")
    assert len(head.split(",")) == len(first.split(",")) == 32
    assert list((await call("GET", "/instrument/MOON"))[1]["data"]) == ["814"]


async def test_choices_where_sources_disagree(call, server, option) -> None:
    """202 without body, an object for one order, an array for a correlation id."""
    server.habits.bare_202 = True
    server.habits.order_as_object = server.habits.external_as_array = True
    _, placed = await call("POST", "/orders", buy(option, price=300.0, correlationId="exit-1"))
    path = f"/orders/{placed['orderId']}"
    assert (await call("GET", path))[1]["orderId"] == placed["orderId"]
    assert [row["orderId"] for row in (await call("GET", "/orders/external/exit-1"))[1]] == [
        placed["orderId"]
    ]
    assert await call("DELETE", path) == (202, None)


async def test_two_orders_may_share_a_correlation_id(call, server, option) -> None:
    """Nobody promises idempotency: sent twice is two orders, and the look-up shows one of them."""
    for _ in range(2):
        assert (await call("POST", "/orders", buy(option, correlationId="exit-1")))[0] == 200
    assert len(_orders(server)) == 2
    _, row = await call("GET", "/orders/external/exit-1")
    assert row["orderId"] == _orders(server)[-1].order_id
    assert (await call("GET", "/orders/external/never"))[0] == 400


async def test_paths_work_with_a_slash_at_the_end(call) -> None:
    """The SDK asks for /trades/."""
    assert await call("GET", "/trades/") == (200, [])
    assert await call("GET", "/trades") == (200, [])


# ------------------------------------------------------------------------------ tokens


async def test_a_token_lives_a_day_and_then_everything_is_refused(call, server, clock) -> None:
    """Trading says DH-901, data says 807."""
    assert (await call("GET", "/positions"))[0] == 200
    clock.on(86_400)
    assert await call("GET", "/positions") == (401, DH_901)
    status, body = await call("POST", "/marketfeed/ltp", {"IDX_I": [13]})
    assert (status, list(body["data"])) == (401, ["807"])


async def test_a_wrong_token_is_refused_in_either_way_seen(call, server) -> None:
    """401 DH-901, or by habit 400 DH-906 Invalid Token."""
    wrong = {"access-token": "canary-wrong"}
    assert await call("GET", "/orders", headers=wrong) == (401, DH_901)
    server.faults.token_as_order_error = True
    status, body = await call("GET", "/orders", headers=wrong)
    assert (status, body["errorCode"], body["errorMessage"]) == (400, "DH-906", "Invalid Token")


async def test_refused_tokens_are_a_switch(call, server) -> None:
    """A token may die before its time."""
    server.faults.refuse_tokens = True
    assert (await call("GET", "/profile"))[0] == 401
    server.faults.clear()
    assert (await call("GET", "/profile"))[0] == 200


async def test_a_new_token_kills_the_old_one_and_comes_once_in_two_minutes(call, server, clock) -> None:
    """One active token a client; minted by PIN and code it cannot be renewed."""
    url = f"{server.auth_url}/app/generateAccessToken?dhanClientId={DEFAULT_CLIENT}&pin=000000&totp=123456"
    status, made = await call("POST", url)
    assert (status, made["dhanClientId"]) == (200, DEFAULT_CLIENT)
    assert (await call("GET", "/profile"))[0] == 401
    call.headers["access-token"] = made["accessToken"]
    assert (await call("GET", "/profile"))[0] == 200
    assert (await call("GET", "/RenewToken"))[1]["errorMessage"].startswith("Renewal of token not allowed")
    again = {"status": "error", "message": "Token can be generated once every 2 minutes."}
    assert await call("POST", url) == (400, again)
    clock.on(120)
    assert (await call("POST", url))[0] == 200
    assert (await call("POST", url.replace("123456", "12")))[1]["message"] == "Invalid TOTP"


async def test_tokens_look_like_dhans_and_no_two_are_alike(call) -> None:
    """Three parts, claims in the middle; renewed twice in a moment they still differ."""
    seen = set()
    for _ in range(2):
        token = (await call("GET", "/RenewToken"))[1]["accessToken"]
        call.headers["access-token"] = token
        head, claims, _signature = token.split(".")
        assert head.startswith("eyJ")
        read = json.loads(base64.urlsafe_b64decode(claims + "=="))
        assert (read["dhanClientId"], read["tokenConsumerType"]) == (DEFAULT_CLIENT, "SELF")
        seen.add(token)
    assert len(seen) == 2


async def test_an_address_is_locked_for_seven_days(call, server, clock) -> None:
    """Each of the two by itself; after a week it may change."""
    first = {"ip": "10.0.0.1", "ipFlag": "PRIMARY"}
    assert (await call("POST", "/ip/setIP", first))[1]["status"] == "SUCCESS"
    assert (await call("POST", "/ip/setIP", first | {"ipFlag": "SECONDARY"}))[0] == 200
    server.exchange.account().token_expires_s += 8 * 86_400
    clock.on(6 * 86_400)
    assert (await call("PUT", "/ip/modifyIP", first | {"ip": "10.0.0.2"}))[1]["errorCode"] == "DH-905"
    clock.on(86_400)
    assert (await call("PUT", "/ip/modifyIP", first | {"ip": "10.0.0.2"}))[0] == 200
    assert (await call("GET", "/ip/getIP"))[1]["primaryIP"] == "10.0.0.2"


async def test_market_data_wants_the_client_id_header(call) -> None:
    """Without it the data API does not know who asks."""
    status, body = await call("POST", "/marketfeed/ltp", {"IDX_I": [13]}, headers={"client-id": ""})
    assert (status, list(body["data"])) == (401, ["810"])


async def test_accounts_do_not_see_each_other(call, server, clock, option) -> None:
    """Two clients at one exchange: each token opens its own book."""
    server.exchange.open_account("1000000002", "sandbox-token-2", clock())
    other = {"access-token": "sandbox-token-2", "client-id": "1000000002"}
    _, placed = await call("POST", "/orders", buy(option), headers=other)
    clock.on(1)
    await server.step()
    assert (await call("GET", "/orders"))[1] == (await call("GET", "/positions"))[1] == []
    assert (await call("GET", f"/orders/{placed['orderId']}"))[0] == 400
    assert [row["netQty"] for row in (await call("GET", "/positions", headers=other))[1]] == [65]


# ------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("verb", "path", "body", "most"),
    [
        ("POST", "/orders", None, 10),
        ("POST", "/marketfeed/ltp", {"IDX_I": [13]}, 1),
        ("POST", "/optionchain/expirylist", {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I"}, 5),
        ("GET", "/positions", None, 20),
    ],
)
async def test_too_many_calls_in_a_second_are_refused(call, clock, verb, path, body, most) -> None:
    """Each class has its own limit; the one too many gets 429, and a second later all is well."""
    for _ in range(most):
        assert (await call(verb, path, body))[0] != 429
    assert (await call(verb, path, body))[0] == 429
    clock.on(0.75)
    assert (await call(verb, path, body))[0] == 429
    clock.on(0.25)
    assert (await call(verb, path, body))[0] != 429


async def test_the_quote_endpoints_share_one_limit(call) -> None:
    """One request a second over all three, and the refusal has the data API's shape."""
    await call("POST", "/marketfeed/ltp", {"IDX_I": [13]})
    status, body = await call("POST", "/marketfeed/quote", {"IDX_I": [13]})
    assert (status, list(body["data"])) == (429, ["805"])


async def test_orders_have_a_limit_a_minute_too(call, server, clock) -> None:
    """Two hundred and fifty."""
    for _ in range(250):
        clock.on(0.11)
        assert (await call("DELETE", "/orders/1"))[0] == 400
    clock.on(0.11)
    status, body = await call("DELETE", "/orders/1")
    assert (status, body["errorCode"]) == (429, "DH-904")


async def test_margin_is_told_beside_what_is_held_in_both_spellings(call, server, market, clock) -> None:
    """A short's hedge makes it cheaper; buying it back costs nothing; a working sale counts if asked for."""
    server.limits.enforced = False
    short, wing = (market.option("NIFTY", strike, Right.CALL) for strike in (25_300, 25_500))
    market.set_quote(short.key, 30_000, 30_100)
    server.exchange.carry(short.key, -65, 30_000)
    back = {"exchangeSegment": "NSE_FNO", "transactionType": "BUY", "quantity": 65, "price": 300.0,
            "productType": "MARGIN", "securityId": str(short.security_id), "triggerPrice": 0}  # fmt: skip
    hedge = back | {"securityId": str(wing.security_id), "price": 1.0}
    sale = back | {"transactionType": "SELL"}

    async def total(orders: str, scripts: str, *legs) -> float:
        body = {"includePosition": True, orders: True, scripts: list(legs)}
        return float((await call("POST", "/margincalculator/multi", body))[1]["total_margin"])

    assert await total("includeOrder", "scripList", back) == 0
    assert await total("includeOrders", "scripts", hedge) == 200 * 65 + 65
    order = sale | {"orderType": "LIMIT", "validity": "DAY", "price": 400.0}
    alone = await total("includeOrder", "scripList", back, sale)
    assert (await call("POST", "/orders", order))[0] == 200
    clock.on(1)
    assert await total("includeOrder", "scripList", back, sale) == pytest.approx(2 * alone)
    assert await total("includeOrders", "scripts", back, sale) == pytest.approx(2 * alone)
    assert await total("include", "scripList", back, sale) == alone
