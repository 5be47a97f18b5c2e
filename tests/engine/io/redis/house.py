"""A mirror and a bus around one Redis, their machine a list."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from engine.io.clock import SystemClock
from engine.io.redis.bus import BusFeed
from engine.io.redis.link import Link
from engine.io.redis.mirror import Mirror
from engine.io.redis.names import Names
from engine.messages import CacheState, FeedChanged, FeedState, Remembered, Ticks
from tests.engine.makers import traded

NAMES = Names("prahari-test")


class Ear:
    """Takes what is posted, in order."""

    def __init__(self):
        self.told, self.ticks = [], []

    def post_ticks(self, ticks):
        self.ticks += ticks

    def of(self, kind):
        return [message for message in self.told if isinstance(message, kind)]

    @property
    def states(self):
        return [message.state for message in self.of(FeedChanged)]

    @property
    def faults(self):
        """What was said of Redis, without the mere lags; empty = it works."""
        return [message.failed for message in self.of(CacheState) if message.failed]

    @property
    def remembered(self):
        return {tick.key: (tick, at_s) for message in self.of(Remembered) for tick, at_s in message.ticks}

    @property
    def late(self):
        return [(tick, message.age_s) for message in self.of(Ticks) for tick in message.ticks]

    def last(self, key):
        """The newest price of an instrument, by whichever way."""
        found = [t for t in self.ticks if t.key == key] or [t for t, _ in self.late if t.key == key]
        return found[-1].ltp_paise if found else None


class Carrier:
    """A feed that notes what it shall carry."""

    def __init__(self):
        self.carried = {}

    def subscribe(self, instruments):
        self.carried = {item.key: item for item in instruments}

    async def run(self):
        await asyncio.Event().wait()


@asynccontextmanager
async def running(*makes):
    """These tasks, as long as it lasts."""
    tasks = [asyncio.create_task(make()) for make in makes]
    try:
        yield
        assert not [task for task in tasks if task.done()], "a task has ended"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def mirror(server, ear, *, name="feeder", deflate=False, clock=None):
    """A mirror, not running yet, whose feed is live; and that feed."""
    made = Mirror(
        Link(server.url), NAMES, name, deflate=deflate, post=ear.told.append, post_ticks=ear.post_ticks,
        hit_ratio=lambda: 0.75, clock=clock or SystemClock(),
    )  # fmt: skip
    made.on_state(FeedChanged(FeedState.LIVE, "prices arrive"))
    carrier = Carrier()
    return made, made.around(carrier), carrier


class Rest:
    """Quotes of these prices (rupees) by REST, or an error; at night nobody asks."""

    def __init__(self):
        self.prices, self.error, self.asked, self.open = {}, None, [], False

    async def quotes(self, keys):
        self.asked.append(list(keys))
        if self.error is not None:
            raise self.error
        return [traded(key, self.prices[key]) for key in keys if key in self.prices]


def bus(server, ear, *, name="listener", rest=None):
    """A listener on the bus, not running yet; without REST quotes it is night."""
    rest = rest or Rest()
    return BusFeed(
        Link(server.url), NAMES, name, quotes=rest, in_session=lambda _now_s: rest.open,
        post=ear.told.append, post_ticks=ear.post_ticks, clock=SystemClock(),
    )  # fmt: skip
