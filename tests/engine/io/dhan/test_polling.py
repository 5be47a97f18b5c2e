"""The feed without sockets: quotes by REST at an interval, failures told once."""

from __future__ import annotations

import asyncio

from engine.errors import AuthFailed, RateLimited, Unreachable
from engine.io.dhan.polling import PollingFeed
from engine.messages import FeedState, Tick
from tests.engine.io.dhan.feed_house import contract
from tests.engine.makers import option
from tests.support.clock import VirtualClock, settle

CALL = option(25300, "CE")


class Quotes:
    """Answers with one tick a key, or with what it is told to raise."""

    def __init__(self):
        self.error, self.asked = None, []

    async def quotes(self, keys):
        keys = list(keys)
        self.asked.append(keys)
        if self.error:
            raise self.error
        return [Tick(key, 1000) for key in keys]


async def run(script, awake=lambda _now_s: True):
    quotes, clock, ticks, states = Quotes(), VirtualClock(), [], []
    feed = PollingFeed(quotes, ticks.extend, states.append, clock, 2.0, awake)
    task = asyncio.ensure_future(feed.run())
    await settle()
    await script(feed, quotes, clock)
    task.cancel()
    await asyncio.wait({task})
    return quotes, ticks, states


async def test_subscribed_instruments_are_read_every_interval():
    """Nothing before there is a wish; then one read every two seconds."""

    async def script(feed, _quotes, clock):
        await clock.advance(2.0)
        feed.subscribe([CALL])
        await clock.advance(6.0)

    quotes, ticks, states = await run(script)
    assert quotes.asked == [[CALL.key]] * 3
    assert [t.key for t in ticks] == [CALL.key] * 3
    assert [s.state for s in states] == [FeedState.REST]


async def test_while_the_market_rests_what_was_read_once_stands():
    """A failure is tried again, another wish is read at once, and the morning reads all of it."""
    awake = []

    async def script(feed, quotes, clock):
        quotes.error = Unreachable("no route")
        feed.subscribe([CALL])
        await clock.advance(4.0)
        quotes.error = None
        await clock.advance(600.0)
        assert len(quotes.asked) == 3
        feed.subscribe([CALL, option(25400, "CE")])
        await clock.advance(600.0)
        assert [len(keys) for keys in quotes.asked] == [1, 1, 1, 2]
        awake.append(True)
        await clock.advance(4.0)

    quotes, _, _ = await run(script, lambda _now_s: bool(awake))
    assert len(quotes.asked) == 6


async def test_a_failure_is_told_once_and_so_is_the_recovery():
    """Three failed reads are one message; refused credentials need a person."""

    async def script(feed, quotes, clock):
        feed.subscribe([CALL])
        quotes.error = Unreachable("no route")
        await clock.advance(6.0)
        quotes.error = AuthFailed("token")
        await clock.advance(2.0)
        quotes.error = None
        await clock.advance(2.0)

    _, _, states = await run(script)
    assert [(s.state, s.alarm, s.mended) for s in states] == [
        (FeedState.DOWN, False, False), (FeedState.DOWN, True, False), (FeedState.REST, False, True),
    ]  # fmt: skip


async def test_a_thousand_at_a_time():
    """More instruments than one call may name are read in several, and all of them are delivered."""

    async def script(feed, _quotes, clock):
        feed.subscribe([contract(number) for number in range(1, 2_502)])
        await clock.advance(2.0)

    quotes, ticks, _ = await run(script)
    assert [len(keys) for keys in quotes.asked] == [1_000, 1_000, 501]
    assert len({tick.key for tick in ticks}) == 2_501


async def test_asked_to_slow_down_it_slows_down():
    """A rate limit of ten seconds means no read for ten seconds."""

    async def script(feed, quotes, clock):
        feed.subscribe([CALL])
        quotes.error = RateLimited("429", 10.0)
        await clock.advance(2.0)
        await clock.advance(9.0)

    quotes, _, _ = await run(script)
    assert len(quotes.asked) == 1


async def test_a_long_pause_is_no_feed_and_a_short_one_is_no_news():
    """Dhan wants a minute of peace: the feed is down until the next quotes; for a second it is not."""

    async def script(feed, quotes, clock):
        feed.subscribe([CALL])
        await clock.advance(2.5)
        quotes.error = RateLimited("429", 1.0)
        await clock.advance(2.0)
        quotes.error = RateLimited("805", 60.0)
        await clock.advance(2.0)
        quotes.error = None
        await clock.advance(61.0)

    _, _, states = await run(script)
    assert [change.state for change in states] == [FeedState.REST, FeedState.DOWN, FeedState.REST]
