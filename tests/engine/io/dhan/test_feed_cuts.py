"""The feed client over real sockets on virtual time: cuts, silence, and when it comes back."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from engine.messages import FeedChanged
from engine.model import Instrument
from sandbox.dhan_server import DhanServer
from tests.engine.io.dhan.feed_house import DOWN, LIVE, PRICE, STALE, STOPPED, House, contract
from tests.engine.io.dhan.peers import Ear, listening, running
from tests.engine.wire import packets as build
from tests.support.clock import VirtualClock

pytestmark = pytest.mark.usefixtures("client")


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


async def test_underlyings_that_rest_give_silence_more_time(server: DhanServer, option: Instrument):
    """In the closing auction quiet options may say nothing for two minutes; then it is the feed."""
    house = House(server.feed_url, stale_s=30.0, resting=lambda _now_s: True, resting_stale_s=120.0)
    house.feed.subscribe([option])
    async with running(house.feed.run):
        await house.ear.until_state(LIVE)
        await house.clock.advance(118.0)
        assert house.ear.state is LIVE
        await house.clock.advance(3.0)
        await house.ear.until_state(STALE)
        assert house.ear.states[-1].detail.startswith("no prices for 120 s")


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


@pytest.mark.parametrize("code", [806, 808, 809, 810])
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


async def test_too_many_connections_are_told_and_tried_once_more():
    """Dhan cuts the oldest of six: ours comes back after five minutes, and cut again it stays away."""
    async with listening() as peer:
        house = House(peer.url)
        peer.greet = [build.disconnect(805)]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(DOWN)
            assert house.ear.states[-1].alarm
            assert await house.pass_until(lambda: len(peer.paths) == 2, limit_s=400) >= 300
            await house.ear.until_state(STOPPED)
            assert house.ear.states[-1].alarm
            await house.clock.advance(3_600.0)
            assert len(peer.paths) == 2


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


async def test_a_new_token_does_not_cut_a_ban_short():
    """HTTP 429 is about the account: another token waits the minute out like the old one."""
    async with listening() as peer:
        house = House(peer.url)
        peer.refusals, peer.greet = [429], [PRICE]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(DOWN)
            house.token = "canary-token-two"
            assert await house.pass_until(lambda: len(peer.paths) == 2, limit_s=100) >= 60
            await house.ear.until_state(LIVE)
    assert "canary-token-two" in peer.paths[1]


async def test_a_second_bad_token_is_told_as_the_first_was():
    """When the token put in place of an expired one is expired too, the person hears of it again."""
    async with listening() as peer:
        house = House(peer.url)
        peer.greet = [build.disconnect(807)]
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            for token in ("canary-token-two", "canary-token-three"):
                await house.ear.until(lambda: any(change.alarm for change in house.ear.states))
                house.ear.states.clear()
                house.token = token
                await house.clock.advance(2.0)
            await house.ear.until(lambda: any(change.alarm for change in house.ear.states))


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
