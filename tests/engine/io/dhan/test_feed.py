"""The feed client over real sockets: what it subscribes, and what it delivers."""

from __future__ import annotations

import pytest

from engine.io.dhan import feed
from engine.io.dhan.connection import REST_CHECK_S, RESTING
from engine.messages import FeedState
from engine.model import Instrument
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.feed_house import LIVE, NIFTY, PRICE, House, contract
from tests.engine.io.dhan.http_peers import TOKEN
from tests.engine.io.dhan.peers import FakeQuotes, listening, running
from tests.engine.wire import packets as build
from tests.support.clock import settle

pytestmark = pytest.mark.usefixtures("client")


async def test_prices_from_the_sandbox(server: DhanServer, option: Instrument):
    """Options come in full with their book, the index as quote, both at the server's prices."""
    house = House(server.feed_url)
    index = server.market.instruments[NIFTY.key]
    house.feed.subscribe([index, option])
    async with running(house.feed.run):
        await house.ear.until(lambda: len({tick.key for tick in house.ear.ticks}) == 2)
    ticks = {tick.key: tick for tick in house.ear.ticks}
    assert (ticks[option.key].bid_paise, ticks[option.key].ask_paise) == (10_000, 10_050)
    assert ticks[option.key].depth is not None
    spot = server.market.quote(index.key)
    assert spot is not None
    assert (ticks[index.key].ltp_paise, ticks[index.key].bid_paise) == (spot.ltp_paise, None)
    assert [change.state for change in house.ear.states] == [FeedState.CONNECTING, FeedState.CONNECTING, LIVE]


async def test_damaged_frames_are_passed_over():
    """Garbage, text, a truncated frame and a frame half good are counted; all good prices arrive."""
    async with listening() as peer:
        house = House(peer.url)
        house.feed.subscribe([contract(1)])
        other = build.ticker(2, 2, 5.0, 1_770_090_600)
        peer.greet = [b"\x02garbage", "text", PRICE[:10], PRICE + other[:12], other]
        async with running(house.feed.run):
            await house.ear.until(lambda: len(house.ear.ticks) == 2)
    assert [tick.key & 0xFF for tick in house.ear.ticks] == [1, 2]
    assert house.feed.bad_frames == 4


async def test_messages_of_a_hundred_and_differences():
    """250 instruments need three messages; a change of the set sends only the difference."""
    async with listening() as peer:
        house = House(peer.url)
        house.feed.subscribe([NIFTY, *(contract(number) for number in range(1, 251))])
        async with running(house.feed.run):
            await peer.until(lambda: len(peer.heard) == 4)
            assert [(code, len(ids)) for code, ids in peer.subscribed()] == [
                (17, 1), (21, 100), (21, 100), (21, 50),
            ]  # fmt: skip
            peer.heard.clear()
            house.feed.subscribe([contract(number) for number in range(2, 253)])
            await peer.until(lambda: len(peer.heard) == 3)
            assert peer.subscribed() == [(18, [13]), (22, [1]), (21, [251, 252])]
    assert peer.paths == [f"/?version=2&token={TOKEN}&clientId=1000000001&authType=2"]


async def test_while_the_market_rests_no_socket_is_held():
    """It is closed once nothing can come any more, and opened again before something may, without alarm."""
    awake = [True]
    async with listening() as peer:
        house = House(peer.url, awake=lambda _now_s: awake[0])
        peer.greet = [PRICE]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until(lambda: house.ear.ticks)
            awake[0] = False
            await house.clock.advance(1.0)
            await house.ear.until(lambda: house.ear.states[-1].detail == RESTING)
            await house.clock.advance(3_600.0)
            assert (len(peer.paths), house.ear.states[-1].state) == (1, FeedState.CONNECTING)
            awake[0] = True
            await house.clock.advance(REST_CHECK_S)
            await house.ear.until(lambda: len(house.ear.ticks) == 2)
    assert len(peer.paths) == 2
    assert not any(change.alarm for change in house.ear.states)


async def test_a_start_while_the_market_rests_asks_for_each_price_once():
    """The chat shows the last prices in the evening too."""
    quotes = FakeQuotes()
    house = House("ws://127.0.0.1:9", quotes=quotes, awake=lambda _: False, in_session=lambda _: False)
    house.feed.subscribe([contract(1)])
    async with running(house.feed.run):
        await house.clock.advance(600.0)
    assert [tick.key & 0xFF for tick in house.ear.ticks] == [1]
    assert house.feed._glanced == {contract(1).key}


async def test_more_than_one_socket_holds():
    """The 5,001st instrument opens a second socket; one dropped makes room where it was."""
    async with listening() as peer:
        house = House(peer.url)
        everything = [contract(number) for number in range(1, 5_002)]
        house.feed.subscribe(everything)
        async with running(house.feed.run):
            await peer.until(lambda: len(peer.heard) == 51)
            assert len(peer.open) == 2
            peer.heard.clear()
            house.feed.subscribe([*everything[1:], contract(6_000)])
            await peer.until(lambda: len(peer.heard) == 2)
            assert sorted(peer.subscribed()) == [(21, [6_000]), (22, [1])]
            assert len(peer.open) == 2


async def test_beyond_all_sockets_is_an_alarm():
    """What finds no room on five sockets is told; without REST quotes it has no prices."""
    house = House("ws://127.0.0.1:9")
    house.feed.subscribe([contract(number) for number in range(1, 25_003)])
    (change,) = house.ear.states
    assert change.alarm
    assert change.surplus == "2 instruments more than the sockets have room for have no prices"
    assert change.detail.startswith(f"{change.surplus} (5 sockets, 25,000 instruments)")


async def test_the_least_urgent_beyond_all_sockets_get_quotes_by_rest(monkeypatch: pytest.MonkeyPatch):
    """With room for ten the last three are asked for, which is said; urgency moves one onto a socket."""
    monkeypatch.setattr(feed, "CONNECTION_LIMIT", 2)
    async with listening() as peer:
        quotes = FakeQuotes()
        house = House(peer.url, quotes=quotes)
        everything = [contract(number) for number in range(1, 14)]
        house.feed.subscribe(everything)
        assert [change.alarm for change in house.ear.states] == [True]
        async with running(house.feed.run):
            await peer.until(lambda: len(peer.open) == 5 and len(peer.heard) == 5)
            for socket in list(peer.open):
                await socket.send(PRICE)
            await house.ear.until_state(LIVE)
            assert house.ear.states[-1].surplus.startswith("3 instruments more")
            await house.clock.advance(12.0)
            assert {tuple(key & 0xFF for key in call) for call in quotes.calls[-2:]} == {(11, 12, 13)}
            assert len(quotes.calls) <= 6
            assert house.ear.state is LIVE
            assert {tick.key & 0xFF for tick in house.ear.ticks} >= {11, 12, 13}
            peer.heard.clear()
            house.feed.subscribe([everything[12], *everything[:12]])
            await peer.until(lambda: len(peer.heard) == 2)
            assert sorted(peer.subscribed()) == [(21, [13]), (22, [10])]
            house.feed.subscribe(everything[:9])
            await peer.until(lambda: (22, [13]) in peer.subscribed())
            assert not house.ear.states[-1].surplus
            asked = len(quotes.calls)
            await house.clock.advance(12.0)
            assert len(quotes.calls) == asked


async def test_pings_are_answered():
    """The server's ping gets its pong while prices flow."""
    async with listening() as peer:
        house = House(peer.url)
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await peer.until(lambda: peer.open)
            await (await peer.open[0].ping())


async def test_nothing_wanted_opens_nothing():
    """Without instruments no socket is opened, and one that is emptied stays as it is."""
    async with listening() as peer:
        house = House(peer.url, stale_s=5.0)
        async with running(house.feed.run):
            await house.clock.advance(10.0)
            assert peer.paths == []
            peer.greet = [PRICE]
            house.feed.subscribe([contract(1)])
            await peer.until(lambda: peer.heard)
            await house.ear.until_state(LIVE)
            house.feed.subscribe([])
            await peer.until(lambda: (22, [1]) in peer.subscribed())
            await house.clock.advance(60.0)
            await settle()
            assert len(peer.open) == 1


async def test_the_tick_table_follows_the_instruments():
    """Prices are rounded to each instrument's own grid."""
    async with listening() as peer:
        house = House(peer.url)
        peer.greet = [build.ticker(2, 1, 85_000.01, 1_770_090_600)]
        house.feed.subscribe([contract(1, tick_paise=1)])
        async with running(house.feed.run):
            await house.ear.until(lambda: house.ear.ticks)
    assert house.ear.ticks[0].ltp_paise == 8_500_001
