"""The REST client against the sandbox's Dhan and against servers that misbehave, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

import pytest

from engine.errors import AuthFailed, RateLimited, Unreachable
from engine.io.clock import SystemClock
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Refused, Unknown
from engine.model import (
    BrokerPosition,
    Instrument,
    OrderStatus,
    Product,
    Segment,
    Side,
    instrument_key,
)
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.conftest import MORNING_S, TOKEN, limit_order
from tests.support.clock import settle


def client(base_url: str, executor: ThreadPoolExecutor, token: Callable[[], str] = lambda: TOKEN) -> DhanRest:
    """A client with short patience on any address."""
    made = DhanRest(
        client_id="1000000001",
        access_token=token,
        base_url=base_url,
        executor=executor,
        clock=SystemClock(),
    )
    made._http.timeout = (0.3, 0.3)
    return made


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[str]:
    """A server that gives these bytes to every request and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v2"


async def test_an_order_from_resting_to_cancelled(rest: DhanRest, server: DhanServer, option: Instrument):
    """An order is placed, found, modified and cancelled, and every field survives the wire."""
    placed = await rest.place(limit_order(option.key, 9_005, quantity=130))
    assert isinstance(placed, Accepted)
    assert await rest.modify(placed.order_id, limit_order(option.key, 9_010, quantity=65)) == placed
    (order,) = await rest.orders()
    assert (order.key, order.side, order.quantity) == (option.key, Side.BUY, 65)
    assert (order.limit_paise, order.correlation_id, order.filled) == (9_010, "t-9005", 0)
    assert order.status is OrderStatus.PENDING
    assert await rest.order(placed.order_id) == order
    assert await rest.cancel(placed.order_id) == placed
    assert (await rest.order(placed.order_id)).status is OrderStatus.CANCELLED
    body = server.exchange.log[0].body
    assert (body["price"], body["securityId"], body["orderType"]) == (90.05, str(option.security_id), "LIMIT")
    assert (body["productType"], body["validity"]) == ("MARGIN", "DAY")


async def test_a_fill_is_seen_everywhere(rest: DhanRest, server: DhanServer, option: Instrument):
    """A traded order shows in the order book, the trade book and the positions."""
    server.exchange.carry(option.key, -65, 12_000)
    placed = await rest.place(limit_order(option.key, 10_050, ioc=True))
    assert isinstance(placed, Accepted)
    (order,), (fill,) = await rest.orders(), await rest.fills()
    assert (order.status, order.filled, order.average_paise) == (OrderStatus.TRADED, 65, 10_050)
    assert (fill.order_id, fill.quantity, fill.price_paise) == (placed.order_id, 65, 10_050)
    assert await rest.positions() == [BrokerPosition(option.key, Product.MARGIN, 0)]
    assert server.exchange.log[0].body["validity"] == "IOC"


async def test_empty_books_are_empty_lists(rest: DhanRest):
    """Nothing traded today is an answer: three empty lists."""
    assert (await rest.orders(), await rest.fills(), await rest.positions()) == ([], [], [])


async def test_both_habits_of_answering(rest: DhanRest, server: DhanServer, option: Instrument):
    """Bare 202s and objects in place of lists of one mean the same as the other habit."""
    server.habits.bare_202 = server.habits.order_as_object = True
    placed = await rest.place(limit_order(option.key, 9_000))
    assert isinstance(placed, Accepted)
    assert await rest.modify(placed.order_id, limit_order(option.key, 9_005)) == placed
    assert await rest.cancel(placed.order_id) == placed
    assert (await rest.order(placed.order_id)).limit_paise == 9_005


async def test_a_refusal_is_final(rest: DhanRest, option: Instrument):
    """A quantity that is no whole lot is refused with Dhan's code, and nothing is in the book."""
    outcome = await rest.place(limit_order(option.key, 9_000, quantity=64))
    assert isinstance(outcome, Refused)
    assert outcome.code.startswith("DH-90")
    assert await rest.orders() == []
    assert isinstance(await rest.cancel("123456789012"), Refused)


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


async def test_never_connected_is_refused(executor: ThreadPoolExecutor, option: Instrument):
    """Nobody listening means nobody took the order: that alone is a refusal without an answer."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        rest = client(f"http://127.0.0.1:{closed.getsockname()[1]}/v2", executor)
        outcome = await rest.place(limit_order(option.key, 9_000))
        assert isinstance(outcome, Refused)
        assert outcome.code == "NOT-SENT"
        with pytest.raises(Unreachable):
            await rest.orders()
    rest.close()


async def test_a_full_door_is_never_connected(executor: ThreadPoolExecutor, option: Instrument):
    """When connecting itself times out nothing was sent, so the order is refused and may be sent again."""
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # one caller fits; the handshakes of all others are left unanswered
        for caller in (first, second):
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        rest = client(f"http://127.0.0.1:{deaf.getsockname()[1]}/v2", executor)
        outcome = await rest.place(limit_order(option.key, 9_000))
        assert outcome == Refused("NOT-SENT", "ConnectTimeout")
        rest.close()


async def test_an_idle_connection_closed_by_dhan_loses_no_order(
    executor: ThreadPoolExecutor, option: Instrument
):
    """A kept connection that the server closed meanwhile is replaced before the order is sent."""
    async with answering(row_server(b'{"orderId":"7","orderStatus":"TRANSIT"}')) as url:
        rest = client(url, executor)
        for _ in range(3):
            assert await rest.place(limit_order(option.key, 9_000)) == Accepted("7")
            await settle()
        rest.close()


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
    executor: ThreadPoolExecutor, option: Instrument, raw: bytes
):
    """Whatever breaks after the request left, the order is unknown and a read has no answer."""
    async with answering(raw) as url:
        rest = client(url, executor)
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Unknown)
        with pytest.raises(Unreachable):
            await rest.positions()
        rest.close()


async def test_a_redirect_is_not_followed(executor: ThreadPoolExecutor, option: Instrument):
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
        rest = client(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v2", executor)
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Unknown)
        rest.close()
    assert len(asked) == 1


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
    rest._http.timeout = (0.3, 2.0)
    for verb, path in (("GET", "/orders"), ("POST", "/marketfeed")):
        server.faults.stall(verb=verb, path=path, times=6, seconds=0.4)
    reads = [asyncio.ensure_future(read) for read in [rest.orders() for _ in range(6)]]
    quotes = asyncio.ensure_future(rest.quotes([option.key]))
    await settle()
    async with asyncio.timeout(0.8):
        assert isinstance(await rest.place(limit_order(option.key, 9_000)), Accepted)
    assert not reads[0].done()
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


async def test_profile(rest: DhanRest, server: DhanServer):
    """The profile tells until when the token is good, to the minute."""
    profile = await rest.profile()
    assert profile.client_id == "1000000001"
    assert profile.token_valid_until_s == MORNING_S + 86_400
    server.faults.refuse_tokens = True
    with pytest.raises(AuthFailed):
        await rest.profile()


def row_server(rows: bytes) -> bytes:
    """An HTTP answer with this JSON."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(rows), rows)


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
    async with answering(row_server(b"[]")) as url:
        with pytest.raises(Unreachable, match="77"):
            await client(url, executor).order("77")


async def test_prices_leave_with_two_decimals(server: DhanServer, rest: DhanRest, option: Instrument):
    """Every price on the grid reaches the server as the decimal a person would write."""
    for limit_paise in (5, 9_010, 12_395):
        await rest.place(limit_order(option.key, limit_paise))
    assert [call.body["price"] for call in server.exchange.log] == [0.05, 90.1, 123.95]
