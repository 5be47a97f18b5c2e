"""REST quotes while a socket of the feed is down."""

from __future__ import annotations

import pytest

from engine.errors import AuthFailed, RateLimited, Unreachable
from engine.messages import FeedState
from engine.model import Instrument
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.feed_house import DOWN, LIVE, PRICE, STOPPED, House, contract
from tests.engine.io.dhan.peers import FakeQuotes, listening, running
from tests.engine.wire import packets as build

pytestmark = pytest.mark.usefixtures("client")


async def test_rest_fills_the_gap_once_a_second(server: DhanServer, option: Instrument):
    """While the socket is down, quotes come by REST, and stop when it is back."""
    quotes = FakeQuotes()
    house = House(server.feed_url, quotes=quotes)
    server.faults.feed.upgrade_429 = 1
    house.feed.subscribe([option])
    async with running(house.feed.run):
        await house.ear.until_state(DOWN)
        await house.clock.advance(13.0)
        assert house.ear.state is FeedState.REST
        assert 9 <= len(quotes.calls) <= 11
        assert {tick.ltp_paise for tick in house.ear.ticks} == {4_242}
        await house.pass_until(lambda: house.ear.state is not FeedState.REST, limit_s=70)
        await house.ear.until_state(LIVE)
        asked = len(quotes.calls)
        await house.clock.advance(5.0)
        assert len(quotes.calls) == asked


async def test_rest_trouble_is_told():
    """REST quotes that fail leave the feed down; refused ones raise an alarm; 429 makes them wait."""
    quotes = FakeQuotes()
    house = House("ws://127.0.0.1:9", quotes=quotes)
    house.feed.subscribe([contract(1)])
    async with running(house.feed.run):
        await house.ear.until_state(DOWN)
        quotes.trouble = Unreachable("no route")
        await house.clock.advance(5.0)
        assert FeedState.REST not in [change.state for change in house.ear.states]
        quotes.trouble = RateLimited("slow down", 30.0)
        await house.clock.advance(1.0)
        asked = len(quotes.calls)
        await house.clock.advance(29.0)
        assert len(quotes.calls) == asked
        quotes.trouble = AuthFailed("token refused")
        await house.clock.advance(3.0)
        await house.clock.advance(60.0)
        assert [c.alarm for c in house.ear.states if "token refused" in c.detail] == [True]
        quotes.trouble = None
        await house.clock.advance(2.0)
        assert house.ear.state is FeedState.REST


async def test_rest_asks_in_thousands():
    """More instruments than one call may name are asked for in turn."""
    quotes = FakeQuotes()
    house = House("ws://127.0.0.1:9", quotes=quotes)
    house.feed.subscribe([contract(number) for number in range(1, 1_501)])
    async with running(house.feed.run):
        await house.ear.until_state(DOWN)
        await house.clock.advance(6.0)
        assert [len(call) for call in quotes.calls[:3]] == [1_000, 500, 1_000]


async def test_outside_the_session_each_price_is_asked_for_once():
    """At night one quote shows the last price of each instrument; nobody asks on, no state changes."""
    quotes, session = FakeQuotes(), [False]
    house = House("ws://127.0.0.1:9", quotes=quotes, in_session=lambda _: session[0])
    quotes.trouble = Unreachable("no route")
    house.feed.subscribe([contract(number) for number in range(1, 1_501)])
    async with running(house.feed.run):
        await house.ear.until_state(DOWN)
        await house.clock.advance(5.0)
        quotes.trouble = None
        await house.clock.advance(60.0)
        assert {tick.key & 0xFFFF for tick in house.ear.ticks} == set(range(1, 1_501))
        assert [len(call) for call in quotes.calls[-2:]] == [1_000, 500]
        asked = len(quotes.calls)
        house.feed.subscribe([contract(7), contract(2_000)])
        await house.clock.advance(60.0)
        assert [len(call) for call in quotes.calls[asked:]] == [1]
        assert FeedState.REST not in [change.state for change in house.ear.states]
        session[0] = True
        await house.clock.advance(6.0)
        assert house.ear.state is FeedState.REST


async def test_a_stopped_feed_still_gets_rest_quotes():
    """The alarm of a stopped socket is told before REST quotes soften it."""
    async with listening() as peer:
        house = House(peer.url, quotes=FakeQuotes())
        peer.greet = [build.disconnect(806)]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(STOPPED)
            await house.clock.advance(5.0)
            assert house.ear.state is FeedState.REST
            assert house.ear.ticks


async def test_an_answer_the_socket_has_overtaken_is_dropped():
    """A quote asked for before the socket came back is older than the socket's: it is not delivered."""
    async with listening() as peer:
        quotes = FakeQuotes()
        quotes.gate.clear()
        house = House(peer.url, quotes=quotes)
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await peer.until(lambda: peer.open)
            await house.clock.advance(4.0)
            assert quotes.calls
            await peer.send(PRICE)
            await house.ear.until_state(LIVE)
            quotes.gate.set()
            await house.clock.advance(3.0)
    assert [tick.ltp_paise for tick in house.ear.ticks] == [10_005]


async def test_prices_from_the_socket_end_the_gap_at_once():
    """The feed is live with the first price from the socket, not with the next look of the clock."""
    async with listening() as peer:
        house = House(peer.url, quotes=FakeQuotes())
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await peer.until(lambda: peer.open)
            await house.clock.advance(4.0)
            assert house.ear.state is FeedState.REST
            await peer.send(PRICE)
            await house.ear.until_state(LIVE)
