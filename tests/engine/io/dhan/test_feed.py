"""The feed client over real sockets on virtual time: subscribing, cuts, silence, and gaps."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from engine.errors import AuthFailed, RateLimited, Unreachable
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.messages import FeedChanged, FeedState
from engine.model import Instrument, InstrumentKind, Segment
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.conftest import TOKEN
from tests.engine.io.dhan.peers import Ear, FakeQuotes, listening, running
from tests.engine.wire import packets as build
from tests.support.clock import VirtualClock, settle

LIVE, DOWN, STALE, STOPPED = FeedState.LIVE, FeedState.DOWN, FeedState.STALE, FeedState.STOPPED


def contract(number: int, *, tick_paise: int = 5) -> Instrument:
    """An option whose security id is its number."""
    kind = InstrumentKind.OPTION
    return Instrument(Segment.NSE_FNO, number, kind, "NIFTY", f"option {number}", tick_paise=tick_paise)


NIFTY = Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "Nifty 50")
PRICE = build.ticker(2, 1, 100.05, 1_770_090_600)


class House:
    """A feed client with its clock, its ear and its token."""

    def __init__(self, url: str, *, quotes: FakeQuotes | None = None, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.ear = Ear()
        self.token = TOKEN
        self.feed = DhanFeed(
            url=url,
            client_id="1000000001",
            access_token=lambda: self.token,
            on_ticks=self.ear.on_ticks,
            on_state=self.ear.on_state,
            quotes=quotes,
            clock=self.clock,
            jitter=lambda: 0.5,
            policy=FeedPolicy(**policy),
        )

    async def pass_until(self, told: Callable[[], object], *, limit_s: float) -> float:
        """Let virtual seconds pass until something is true; returns how many it took."""
        for second in range(math.ceil(limit_s)):
            if told():
                return second
            await self.clock.advance(1.0)
        assert told(), f"not within {limit_s} virtual seconds"
        return limit_s


async def test_prices_from_the_sandbox(server: DhanServer, option: Instrument):
    """Options come in full with their book, the index as ticker, both at the server's prices."""
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
                (15, 1), (21, 100), (21, 100), (21, 50),
            ]  # fmt: skip
            peer.heard.clear()
            house.feed.subscribe([contract(number) for number in range(2, 253)])
            await peer.until(lambda: len(peer.heard) == 3)
            assert peer.subscribed() == [(16, [13]), (22, [1]), (21, [251, 252])]
    assert peer.paths == [f"/?version=2&token={TOKEN}&clientId=1000000001&authType=2"]


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
    """What finds no room on five sockets is left out and told."""
    house = House("ws://127.0.0.1:9")
    house.feed.subscribe([contract(number) for number in range(1, 25_003)])
    (change,) = house.ear.states
    assert change.alarm
    assert "2 instruments too many" in change.detail


async def test_a_cut_connection_comes_back_with_everything(server: DhanServer, option: Instrument):
    """After a reset the feed is down, returns after its pause, and subscribes everything again."""
    house = House(server.feed_url)
    house.feed.subscribe([option])
    async with running(house.feed.run):
        await house.ear.until_state(LIVE)
        server.faults.cut()
        await house.ear.until_state(DOWN)
        house.ear.ticks.clear()
        await house.clock.advance(1.4)
        assert house.ear.state is DOWN
        await house.clock.advance(0.2)
        await house.ear.until_state(LIVE)
        assert house.ear.ticks
    assert not any(change.alarm for change in house.ear.states)


async def test_pings_are_answered():
    """The server's ping gets its pong while prices flow."""
    async with listening() as peer:
        house = House(peer.url)
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await peer.until(lambda: peer.open)
            await (await peer.open[0].ping())


async def test_silence_is_noticed_although_the_socket_lives(server: DhanServer, option: Instrument):
    """Thirty silent seconds in session make the feed stale and start it anew."""
    house = House(server.feed_url, stale_s=30.0)
    house.feed.subscribe([option])
    async with running(house.feed.run):
        await house.ear.until_state(LIVE)
        await house.clock.advance(29.0)
        assert house.ear.state is LIVE
        await house.clock.advance(2.5)
        await house.ear.until_state(STALE)
        await house.clock.advance(2.0)
        await house.ear.until_state(LIVE)


async def test_silence_outside_the_session_is_normal(server: DhanServer, option: Instrument):
    """Overnight nothing is stale, and the clock of silence starts when the session opens."""
    opens_s = VirtualClock().now_s() + 3_600.0
    house = House(server.feed_url, in_session=lambda now_s: now_s >= opens_s)
    house.feed.subscribe([option])
    async with running(house.feed.run):
        await house.ear.until_state(LIVE)
        await house.clock.advance(3_600.0)
        assert house.ear.state is LIVE
        await house.clock.advance(28.0)
        assert house.ear.state is LIVE
        await house.clock.advance(2.0)
        await house.ear.until_state(STALE)


async def test_steady_data_forgive_old_failures():
    """After a minute of data the pause after the next cut is the shortest again."""
    async with listening() as peer:
        house = House(peer.url)
        house.feed.subscribe([contract(1)])
        peer.greet = [PRICE]
        async with running(house.feed.run):
            for _ in range(3):
                await house.ear.until_state(LIVE)
                peer.cut()
                await house.ear.until_state(DOWN)
                await house.pass_until(lambda: house.ear.state is not DOWN, limit_s=20)
            await house.ear.until_state(LIVE)
            for _ in range(70):
                await peer.send(PRICE)
                await house.ear.until(lambda: house.ear.ticks)
                house.ear.ticks.clear()
                await house.clock.advance(1.0)
            peer.cut()
            await house.ear.until_state(DOWN)
            await house.clock.advance(1.6)
            await house.ear.until_state(LIVE)


@pytest.mark.parametrize("code", [805, 806, 808, 809, 810])
async def test_hopeless_reasons_stop_until_the_token_changes(code: int):
    """Dhan's reason stops the feed with an alarm; nobody knocks again before there is a new token."""
    async with listening() as peer:
        house = House(peer.url)
        peer.greet = [build.disconnect(code)]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(STOPPED)
            assert house.ear.states[-1].alarm
            assert str(code) in house.ear.states[-1].detail
            await house.clock.advance(3_600.0)
            assert len(peer.paths) == 1
            peer.greet, house.token = [PRICE], "canary-token-two"
            await house.clock.advance(5.0)
            await house.ear.until_state(LIVE)
    assert "canary-token-two" in peer.paths[1]


async def test_an_expired_token_is_read_anew():
    """Reason 807 asks a person for a token, and the next connection uses the new one at once."""
    async with listening() as peer:
        house = House(peer.url)
        peer.greet = [build.disconnect(807)]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until(lambda: any(change.alarm for change in house.ear.states))
            peer.greet, house.token = [PRICE], "canary-token-two"
            await house.clock.advance(2.0)
            await house.ear.until_state(LIVE)
    assert "canary-token-two" in peer.paths[-1]


async def test_a_refused_handshake_stops_and_429_waits_a_minute():
    """HTTP 429 at the upgrade keeps the feed away for over a minute; HTTP 401 for good."""
    async with listening() as peer:
        house = House(peer.url)
        peer.refusals = [429, 401]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(DOWN)
            await house.clock.advance(60.0)
            assert len(peer.paths) == 1
            await house.clock.advance(12.0)
            await house.ear.until_state(STOPPED)
            assert house.ear.states[-1] == FeedChanged(
                STOPPED, "Dhan answered the connection with HTTP 401", alarm=True
            )


async def test_a_silent_refusal_is_suspected_in_the_end():
    """A token Dhan does not like is reset without a word: the fifth time a person hears of it."""
    async with listening() as peer:
        house = House(peer.url)
        peer.farewell = "reset"
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            for attempt in range(1, 6):
                await house.ear.until_state(DOWN)
                assert house.ear.states[-1].alarm is (attempt == 5)
                assert "right after it was opened" in house.ear.states[-1].detail
                if attempt == 5:
                    peer.farewell, peer.greet = None, [PRICE]
                await house.pass_until(lambda: house.ear.state is not DOWN, limit_s=60)
            await house.ear.until_state(LIVE)


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
        assert any(change.alarm and "token refused" in change.detail for change in house.ear.states)
        quotes.trouble = None
        await house.clock.advance(2.0)
        assert house.ear.state is FeedState.REST


async def test_rest_asks_in_thousands_and_sleeps_outside_the_session():
    """More instruments than one call may name are asked for in turn; nobody asks at night."""
    quotes, session = FakeQuotes(), [False]
    house = House("ws://127.0.0.1:9", quotes=quotes, in_session=lambda _: session[0])
    house.feed.subscribe([contract(number) for number in range(1, 1_501)])
    async with running(house.feed.run):
        await house.ear.until_state(DOWN)
        await house.clock.advance(60.0)
        assert quotes.calls == []
        session[0] = True
        await house.clock.advance(6.0)
        assert [len(call) for call in quotes.calls[:3]] == [1_000, 500, 1_000]


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


def connected_or_not(ear: Ear) -> bool:
    """Whether an attempt has come to some end."""
    return ear.state in {LIVE, DOWN, STOPPED}


async def test_no_token_in_any_log(caplog: pytest.LogCaptureFixture, server: DhanServer, option: Instrument):
    """With everything at DEBUG neither a good connection nor a failed one writes the token."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="websockets")
    for url in (server.feed_url, "ws://127.0.0.1:9", "not a url"):
        house = House(url)
        house.feed.subscribe([option])
        async with running(house.feed.run):
            await house.ear.until(partial(connected_or_not, house.ear))
        assert "canary" not in repr(house.ear.states)
    assert "canary" not in caplog.text


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
