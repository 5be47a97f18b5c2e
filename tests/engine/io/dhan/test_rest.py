"""The REST client against the sandbox's Dhan and against servers that misbehave, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from engine.broker_nouns import BrokerPosition, OrderStatus, Product
from engine.errors import AuthFailed, RateLimited, Unreachable
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Refused
from engine.model import Instrument, Segment, Side, instrument_key
from engine.wire import parse_position_row, parse_quotes
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.conftest import both_ways, limit_order
from tests.engine.io.dhan.http_peers import TOKEN, answering, client, row_server
from tests.support.clock import settle


@both_ways
async def test_an_order_from_resting_to_cancelled(rest: DhanRest, server: DhanServer, option: Instrument):
    """An order is placed, found, modified and cancelled, and every field survives the wire."""
    placed = await rest.place(limit_order(option.key, 9_005, quantity=130))
    assert isinstance(placed, Accepted)
    assert await rest.modify(placed.order_id, limit_order(option.key, 9_010, quantity=65)) == placed
    (order,) = await rest.orders()
    assert (order.key, order.side, order.quantity) == (option.key, Side.BUY, 65)
    assert (order.limit_paise, order.correlation_id, order.filled) == (9_010, "t-9005", 0)
    assert order.status is OrderStatus.PENDING
    assert await rest.cancel(placed.order_id) == placed
    assert [row.status for row in await rest.orders()] == [OrderStatus.CANCELLED]
    body = server.exchange.log[0].body
    assert (body["price"], body["securityId"], body["orderType"]) == (90.05, str(option.security_id), "LIMIT")
    assert (body["productType"], body["validity"]) == ("MARGIN", "DAY")


@both_ways
async def test_a_fill_is_seen_everywhere(rest: DhanRest, server: DhanServer, option: Instrument):
    """A traded order shows in the order book, the trade book and the positions."""
    server.exchange.carry(option.key, -65, 12_000)
    placed = await rest.place(limit_order(option.key, 10_050, ioc=True))
    assert isinstance(placed, Accepted)
    (order,), (fill,) = await rest.orders(), await rest.fills()
    assert (order.status, order.filled, order.average_paise) == (OrderStatus.TRADED, 65, 10_050)
    assert (fill.order_id, fill.quantity, fill.price_paise) == (placed.order_id, 65, 10_050)
    assert await rest.positions() == [BrokerPosition(option.key, Product.MARGIN, 0)]
    assert await rest.traded() == ([fill], await rest.positions())
    assert server.exchange.log[0].body["validity"] == "IOC"


async def test_empty_books_are_empty_lists(rest: DhanRest):
    """Nothing traded today is an answer: three empty lists."""
    assert (await rest.orders(), await rest.fills(), await rest.positions()) == ([], [], [])


@both_ways
async def test_both_habits_of_answering(rest: DhanRest, server: DhanServer, option: Instrument):
    """Bare 202s mean the same as answers with an order in them."""
    server.habits.bare_202 = True
    placed = await rest.place(limit_order(option.key, 9_000))
    assert isinstance(placed, Accepted)
    assert await rest.modify(placed.order_id, limit_order(option.key, 9_005)) == placed
    assert await rest.cancel(placed.order_id) == placed
    assert [row.limit_paise for row in await rest.orders()] == [9_005]


@both_ways
async def test_a_refusal_is_final(rest: DhanRest, option: Instrument):
    """A quantity that is no whole lot is refused with Dhan's code, and nothing is in the book."""
    outcome = await rest.place(limit_order(option.key, 9_000, quantity=64))
    assert isinstance(outcome, Refused)
    assert outcome.code.startswith("DH-90")
    assert await rest.orders() == []
    assert isinstance(await rest.cancel("123456789012"), Refused)


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("status", [400, 404])
async def test_an_order_is_found_by_our_name(
    rest: DhanRest, server: DhanServer, option: Instrument, *, as_array: bool, status: int
):
    """Dhan's answer may be an object or an array, and 400 or 404 where it knows none."""
    server.habits.external_as_array, server.habits.unknown_external = as_array, status
    await rest.place(limit_order(option.key, 9_005))
    (found,) = await rest.orders_named("t-9005")
    assert (found.correlation_id, found.limit_paise) == ("t-9005", 9_005)
    assert await rest.orders_named("t-9010") == []


async def test_a_look_up_that_fails_is_not_nothing_found(
    rest: DhanRest, executor: ThreadPoolExecutor, server: DhanServer
):
    """A refused token and a gateway's page raise."""
    async with answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>") as url:
        with pytest.raises(Unreachable):
            await client(url, executor).orders_named("t-1")
    for server.faults.token_as_order_error in (False, True):
        server.faults.refuse_tokens = True
        with pytest.raises(AuthFailed):
            await rest.orders_named("t-1")


async def test_the_token_is_read_for_every_call(server: DhanServer, executor: ThreadPoolExecutor):
    """A refused token raises AuthFailed, in either of Dhan's spellings; a new one works at once."""
    tokens = ["canary-old"]
    rest = client(server.api_url, executor, lambda: tokens[0])
    for server.faults.token_as_order_error in (False, True):
        with pytest.raises(AuthFailed):
            await rest.orders()
    tokens[0] = TOKEN
    assert await rest.orders() == []
    rest.close()


async def test_no_secret_leaves(server: DhanServer, executor: ThreadPoolExecutor, caplog, capsys, option):
    """Neither logs at DEBUG, nor output, nor outcomes and errors hold the token, even a malformed one."""
    caplog.set_level(logging.DEBUG)
    said = []
    for token in (TOKEN, "canary-broken\n"):
        rest = client(server.api_url, executor, partial(str, token))
        server.faults.reset()
        said.append(repr(await rest.place(limit_order(option.key, 9_000))))
        server.faults.reset(verb="GET", path="/")
        with pytest.raises(Unreachable) as caught:
            await rest.orders()
        said.append(repr(caught.value) + repr(caught.value.__cause__) + repr(vars(rest)))
        rest.close()
        server.faults.clear()
    output = capsys.readouterr()
    assert "canary" not in caplog.text + output.out + output.err + "".join(said)


async def test_rate_limits_are_told(rest: DhanRest, server: DhanServer, option: Instrument):
    """A 429 refuses an order and makes a read wait."""
    body = {"errorType": "Rate_Limit", "errorCode": "DH-904", "errorMessage": "Too many requests"}
    server.faults.error(status=429, body=body, accepted=False)
    assert await rest.place(limit_order(option.key, 9_000)) == Refused("DH-904", "Too many requests")
    server.faults.error(verb="GET", path="/orders", status=429, body=body)
    with pytest.raises(RateLimited):
        await rest.orders()


async def test_orders_never_wait_for_reads(rest: DhanRest, server: DhanServer, option: Instrument):
    """With every read stuck, an order still goes out at once."""
    rest._http.timeout = (0.3, 9.0)
    for verb, path in (("GET", "/orders"), ("POST", "/marketfeed")):
        server.faults.stall(verb=verb, path=path, times=6, seconds=1.5)
    reads = [asyncio.ensure_future(read) for read in [rest.orders() for _ in range(6)]]
    quotes = asyncio.ensure_future(rest.quotes([option.key]))
    await settle()
    assert isinstance(await rest.place(limit_order(option.key, 9_000)), Accepted)
    assert not any(read.done() for read in reads)
    failures = await asyncio.gather(*reads, quotes, return_exceptions=True)
    assert all(isinstance(failure, Unreachable) for failure in failures)


async def test_quotes(rest: DhanRest, server: DhanServer, option: Instrument):
    """Quotes come for options and indices in one call; unknown ids are missing."""
    nifty, unknown = instrument_key(Segment.IDX_I, 13), instrument_key(Segment.NSE_FNO, 9)
    ticks = {tick.key: tick for tick in await rest.quotes([option.key, nifty, unknown])}
    assert ticks.keys() == {option.key, nifty}
    assert (ticks[option.key].bid_paise, ticks[option.key].ask_paise) == (10_000, 10_050)
    assert ticks[nifty].ltp_paise == server.market.quote(nifty).ltp_paise
    assert await rest.quotes([]) == []


async def test_quotes_are_understood_on_the_thread_that_has_read_them(rest, option, monkeypatch):
    """A thousand, asked for each second while a socket is down, would hold the loop for 25 ms."""
    threads = []

    def noted(body, grid):
        threads.append(threading.get_ident())
        return parse_quotes(body, grid)

    monkeypatch.setattr("engine.io.dhan.rest.parse_quotes", noted)
    assert len(await rest.quotes([option.key])) == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_foreign_rows_are_left_out_and_broken_ones_spoil_the_answer(executor: ThreadPoolExecutor):
    """A position we never trade is not ours to see; one without a quantity must not vanish."""
    sound = b'{"exchangeSegment":"NSE_FNO","securityId":"1","productType":"MARGIN","netQty":65}'
    foreign = sound.replace(b"MARGIN", b"CO")
    async with answering(row_server(b"[%s,%s]" % (foreign, sound))) as url:
        key = instrument_key(Segment.NSE_FNO, 1)
        assert await client(url, executor).positions() == [BrokerPosition(key, Product.MARGIN, 65)]
    async with answering(row_server(b"[%s,%s]" % (sound, sound.replace(b"65", b"null")))) as url:
        with pytest.raises(Unreachable, match="netQty"):
            await client(url, executor).positions()


async def test_a_broken_row_of_the_owner_s_shares_is_passed_over_with_one_warning(
    executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
):
    """It is read twice, and the option beside it is there both times."""
    sound = b'{"exchangeSegment":"NSE_FNO","securityId":"1","productType":"MARGIN","netQty":65}'
    broken = b'{"exchangeSegment":"NSE_EQ","securityId":"4711","productType":"CNC","netQty":"some"}'
    async with answering(row_server(b"[%s,%s]" % (broken, sound))) as url:
        rest = client(url, executor)
        assert [len(await rest.positions()) for _ in range(2)] == [1, 1]
    assert [record.levelname for record in caplog.records if "NSE_EQ" in record.getMessage()] == ["WARNING"]


async def test_prices_leave_with_two_decimals(server: DhanServer, rest: DhanRest, option: Instrument):
    """Every price on the grid reaches the server as the decimal a person would write."""
    for limit_paise in (5, 9_010, 12_395):
        await rest.place(limit_order(option.key, limit_paise))
    assert [call.body["price"] for call in server.exchange.log] == [0.05, 90.1, 123.95]


async def test_rows_are_understood_on_the_thread_that_has_read_them(
    rest: DhanRest, server, option, monkeypatch
):
    """A thousand positions are tens of milliseconds of work, and none of the loop's."""
    threads = []

    def noted(row):
        threads.append(threading.current_thread())
        return parse_position_row(row)

    monkeypatch.setattr("engine.io.dhan.rest.parse_position_row", noted)
    server.exchange.carry(option.key, -65, 12_000)
    assert await rest.positions() == [BrokerPosition(option.key, Product.MARGIN, -65)]
    assert threads
    assert threading.current_thread() not in threads
