"""The unmodified dhanhq 2.3.0 works against the sandbox: REST, price feed, order updates.

Its classes own event loops and block, so each runs in a thread of its own, as its users run it.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
from dhanhq import DhanContext, DhanHTTP, DhanLogin, MarketFeed, OrderUpdate, Security, dhanhq

from engine.model import Right, Segment, instrument_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.dhan_server import DhanServer
    from sandbox.market import Market

pytestmark = [
    # dhanhq makes event loops that it does not close, and leaves sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sweep() -> Iterator[None]:
    """What dhanhq left open is swept up here, where its warnings are expected."""
    yield
    gc.collect()


CLIENT, TOKEN = "1000000001", "sandbox-token"


def _api(server: DhanServer) -> Any:
    context = DhanContext(CLIENT, TOKEN)
    context.get_dhan_http().base_url = server.api_url
    context.get_dhan_http().timeout = 5
    return dhanhq(context)


async def _call(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return await asyncio.wait_for(asyncio.to_thread(function, *args, **named), 10)


async def _ok(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    reply = await _call(function, *args, **named)
    assert reply["status"] == "success", reply
    return reply["data"]


async def test_an_order_goes_its_whole_way_through_dhanhq(server, market, clock) -> None:
    """Placed, seen in the book under both ids, changed, filled, seen in trades and positions."""
    server.limits.enforced = False
    api, option = _api(server), market.option("NIFTY", 25_300, Right.CALL)
    market.set_quote(option.key, 34_000, 34_100)
    place = (str(option.security_id), "NSE_FNO", "BUY", 130, "LIMIT", "MARGIN", 335.0)
    placed = await _ok(api.place_order, *place, tag="exit-3359-1")
    assert placed["orderStatus"] == "TRANSIT"
    clock.on(1)
    (row,) = await _ok(api.get_order_list)
    assert (row["orderStatus"], row["remainingQuantity"]) == ("PENDING", 130)
    (same,) = await _ok(api.get_order_by_id, placed["orderId"])
    assert same == row == await _ok(api.get_order_by_correlationID, "exit-3359-1")
    await _ok(api.modify_order, placed["orderId"], "LIMIT", "", 195, 341.0, 0, 0, "DAY")
    clock.on(1)
    (trade,) = await _ok(api.get_trade_book)
    assert (trade["tradedQuantity"], trade["tradedPrice"]) == (195, 341.0)
    assert await _ok(api.get_trade_book, placed["orderId"]) == [trade]
    (position,) = await _ok(api.get_positions)
    assert (position["netQty"], position["positionType"], position["productType"]) == (195, "LONG", "MARGIN")
    assert position["drvOptionType"] == "CALL"


async def test_a_working_order_is_cancelled(server, market, clock) -> None:
    """A cancelled order is out of the market and says so."""
    server.limits.enforced = False
    api, option = _api(server), market.option("NIFTY", 25_300, Right.CALL)
    place = (str(option.security_id), "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", 250.0)
    placed = await _ok(api.place_order, *place)
    clock.on(1)
    assert (await _ok(api.cancel_order, placed["orderId"]))["orderStatus"] == "CANCELLED"
    clock.on(1)
    (row,) = await _ok(api.get_order_list)
    assert (row["orderStatus"], row["correlationId"]) == ("CANCELLED", "NA")
    again = await _call(api.cancel_order, placed["orderId"])
    assert again["remarks"]["error_code"] == "DH-906"


async def test_a_large_order_is_sliced_at_the_freeze_quantity(server, market) -> None:
    """The slicing endpoint answers a list, one order each up to the freeze quantity."""
    server.limits.enforced = False
    server.exchange.account().funds_paise *= 100
    api, option = _api(server), market.option("NIFTY", 25_300, Right.CALL)
    place = (str(option.security_id), "NSE_FNO", "BUY", 3_900, "LIMIT", "MARGIN", 300.0)
    slices = await _ok(api.place_slice_order, *place)
    quantities = [row["quantity"] for row in await _ok(api.get_order_list)]
    assert len(slices) == len(quantities) == 3
    assert (sum(quantities), max(quantities)) == (3_900, 1_755)


async def test_market_data_comes_in_the_recorded_shapes(server, market, clock) -> None:
    """Last prices, quotes, expiries and a chain, double-wrapped as dhanhq gives them."""
    api, option = _api(server), market.option("NIFTY", 25_300, Right.CALL)
    market.set_quote(option.key, 34_000, 34_100, quantity=650)
    asked = {"NSE_FNO": [option.security_id, 1], "IDX_I": [13]}
    ltp = (await _ok(api.ticker_data, asked))["data"]
    assert ltp["NSE_FNO"] == {str(option.security_id): {"last_price": 340.5}}
    assert ltp["IDX_I"]["13"]["last_price"] == pytest.approx(25_310.0)
    clock.on(1)
    quote = (await _ok(api.quote_data, asked))["data"]["NSE_FNO"][str(option.security_id)]
    assert quote["depth"]["buy"][0] == {"quantity": 650, "orders": 3, "price": 340.0}
    assert len(quote["depth"]["sell"]) == 5
    clock.on(1)
    assert set(await _ok(api.ohlc_data, asked)) == {"data", "status"}
    expiries = (await _ok(api.expiry_list, 13, "IDX_I"))["data"]
    assert expiries == [str(day) for day in market.expiries]
    chain = (await _ok(api.option_chain, 13, "IDX_I", expiries[-1]))["data"]
    cell = chain["oc"]["25300.000000"]["ce"]
    assert cell["security_id"] == option.security_id
    assert 0.4 < cell["greeks"]["delta"] < 0.7
    too_soon = await _call(api.option_chain, 13, "IDX_I", expiries[-1])
    assert too_soon["status"] == "failure"


async def test_the_account_endpoints_answer(server, market, clock) -> None:
    """Funds, margins, holdings, kill switch, P&L exit, conversion: every SDK call is understood."""
    server.limits.enforced = False
    api, option = _api(server), market.option("NIFTY", 25_300, Right.CALL)
    ident = (str(option.security_id), "NSE_FNO")
    assert (await _ok(api.get_fund_limits))["availabelBalance"] == 2_000_000.0
    one = await _ok(api.margin_calculator, *ident, "SELL", 65, "MARGIN", 340.0)
    assert one["totalMargin"] == pytest.approx(0.12 * 25_310 * 65, rel=0.01)
    wing = market.option("NIFTY", 25_500, Right.CALL)
    legs = [
        {"exchangeSegment": "NSE_FNO", "transactionType": side, "quantity": 65, "productType": "MARGIN",
         "securityId": str(at.security_id), "price": 1.0, "triggerPrice": 0}
        for side, at in (("SELL", option), ("BUY", wing))
    ]  # fmt: skip
    many = await _ok(api.margin_calculator_multi, legs)
    assert float(many["span_margin"]) == 200 * 65
    assert float(many["hedge_benefit"]) > 100_000
    empty = await _call(api.get_holdings)
    assert empty["remarks"]["error_code"] == "DH-1111"
    server.exchange.carry(option.key, 65, 30_000)
    refused = await _call(api.kill_switch, "activate")
    assert refused["remarks"]["error_code"] == "DH-906"
    await _ok(api.set_pnl_exit, 1e6, 1e6, ["DELIVERY"])
    assert (await _ok(api.get_pnl_exit))["pnlExitStatus"] == "ACTIVE"
    assert (await _ok(api.stop_pnl_exit))["pnlExitStatus"] == "DISABLED"
    await _ok(api.convert_position, "MARGIN", "NSE_FNO", "LONG", ident[0], 65, "INTRADAY")
    held = {row["productType"]: row["netQty"] for row in await _ok(api.get_positions)}
    assert held == {"MARGIN": 0, "INTRADAY": 65}
    assert (await _ok(api.exit_all_positions))["status"] == "SUCCESS"
    clock.on(1)
    await server.step()
    assert server.exchange.net(option.key) == 0
    assert "activated" in (await _ok(api.kill_switch, "activate"))["killSwitchStatus"]
    assert (await _ok(api.status_kill_switch))["killSwitchStatus"] == "ACTIVATE"


async def test_login_address_and_instruments_work_as_dhanhq_does_them(server, monkeypatch, tmp_path) -> None:
    """A token by PIN and code kills the old one; profile, addresses and master answer."""
    monkeypatch.setattr(DhanLogin, "AUTH_BASE_URL", server.auth_url)
    monkeypatch.setattr(DhanLogin, "API_BASE_URL", server.api_url)
    monkeypatch.setattr(DhanHTTP, "API_BASE_URL", server.api_url)
    monkeypatch.setattr(Security, "COMPACT_CSV_URL", f"{server.instruments_url}/api-scrip-master.csv")
    login = DhanLogin(CLIENT)
    renewed = (await _call(login.renew_token, TOKEN))["accessToken"]
    profile = await _call(login.user_profile, renewed)
    assert profile["dhanClientId"] == CLIENT
    assert (await _call(_api(server).get_positions))["remarks"]["error_code"] == "DH-901"
    context = DhanContext(CLIENT, renewed)
    assert (await _call(login.set_ip, renewed, "127.0.0.1", "PRIMARY"))["status"] == "success"
    assert (await _call(login.get_ip, renewed))["data"]["ordersAllowed"] is True
    frame = await _call(Security(context).fetch_security_list, filename=str(tmp_path / "list.csv"))
    assert len(frame) == len(server.market.instruments)


async def test_the_market_feed_streams_to_dhanhq(server, market, monkeypatch) -> None:
    """Ticker, quote and full packets arrive, an index brings its previous close, and new prices follow."""
    monkeypatch.setattr(MarketFeed, "market_feed_wss", server.feed_url)
    loop, heard = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any]]()
    calls = [market.option("NIFTY", strike, Right.CALL) for strike in (25_300, 25_400, 25_500)]
    modes = (MarketFeed.Full, MarketFeed.Quote, MarketFeed.Ticker)
    wanted = [(MarketFeed.NSE_FNO, str(at.security_id), mode) for at, mode in zip(calls, modes, strict=True)]
    wanted.append((MarketFeed.IDX, "13", MarketFeed.Ticker))
    market.set_quote(calls[0].key, 34_000, 34_100, quantity=650)

    def hear(_feed: MarketFeed, packet: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, packet)

    def begin() -> tuple[MarketFeed, threading.Thread]:
        feed = MarketFeed(DhanContext(CLIENT, TOKEN), wanted, on_message=hear)
        return feed, feed.start()

    feed, thread = await _call(begin)
    first = await _packets(heard, 6)
    kinds = ["Full Data", "OI Data", "Previous Close", "Quote Data", "Ticker Data", "Ticker Data"]
    assert sorted(packet["type"] for packet in first) == kinds
    (full,) = [packet for packet in first if packet["type"] == "Full Data"]
    assert (full["LTP"], full["LTT"], full["security_id"]) == ("340.50", "09:20:00", calls[0].security_id)
    top = full["depth"][0]
    assert (top["bid_price"], top["ask_price"], top["bid_quantity"]) == ("340.00", "341.00", 650)
    market.set_quote(calls[0].key, 35_000, 35_100)
    await server.step()
    (after,) = await _packets(heard, 1)
    assert after["LTP"] == "350.50"
    await _call(feed.close_connection)
    await _call(thread.join)
    feed.loop.close()


async def test_order_updates_reach_dhanhq(server, market, clock) -> None:
    """Its callback gets every change of an order placed elsewhere, in the wire's spelling."""
    loop, heard = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any]]()
    socket = OrderUpdate(DhanContext(CLIENT, TOKEN))
    socket.order_feed_wss = server.order_update_url
    socket.on_update = lambda update: loop.call_soon_threadsafe(heard.put_nowait, update)
    listening = loop.run_in_executor(None, socket.connect_to_dhan_websocket_sync)
    await asyncio.wait_for(server.until(lambda: server.update_listeners == 1), 10)
    option = market.option("NIFTY", 25_300, Right.CALL)
    market.set_quote(option.key, 34_000, 34_100)
    body = {
        "transactionType": "BUY", "exchangeSegment": "NSE_FNO", "productType": "MARGIN", "orderType": "LIMIT",
        "validity": "DAY", "securityId": option.security_id, "quantity": 65, "price": 341.0,
    }  # fmt: skip
    order = server.exchange.place(body, clock())
    clock.on(1)
    await server.step()
    stories = [update["Data"] for update in await _packets(heard, 3)]
    assert [at["status"] for at in stories] == ["Transit", "Pending", "Traded"]
    assert {at["orderNo"] for at in stories} == {order.order_id}
    assert (stories[-1]["tradedQty"], stories[-1]["avgTradedPrice"]) == (65, 341.0)
    server.faults.cut("orders")
    await asyncio.wait_for(listening, 10)


async def _packets(queue: asyncio.Queue[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [await asyncio.wait_for(queue.get(), 10) for _ in range(count)]


def test_ids_are_unique_per_segment_only(market: Market) -> None:
    """13 is NIFTY among indices; the same number elsewhere would be something else."""
    assert market.instruments[instrument_key(Segment.IDX_I, 13)].symbol == "NIFTY"
    assert market.quote(instrument_key(Segment.NSE_EQ, 13)) is None
