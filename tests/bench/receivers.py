"""Who reads the stamped packets: the house, and beside it the *floor*, which does nothing but read.

The house is the real one from socket to decision: feed client, inbox, runner, journal, schedule and a
monitor. No client can be quicker than the floor: it reads with a blocking call and looks at the clock.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

from engine.io import tables
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.inbox import Inbox
from engine.io.redis.link import Link
from engine.io.redis.mirror import Mirror
from engine.io.redis.names import Names
from engine.io.runner import Runner
from engine.io.schedule import Schedule
from engine.messages import Ticks
from engine.monitor import Monitor
from tests.bench.house import alerts, requote
from tests.bench.market import LUNGE_QUANTITY, PACKET_BYTES, age_ns, sent_of
from tests.bench.sender import FLOOR_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Effect, Record
    from engine.io.journal import Journal
    from engine.io.ports import Clock, Feed
    from engine.messages import Message, Tick
    from engine.words import Secret
    from tests.bench.market import Scene

#: Four bytes of WebSocket header are in front of each packet.
_HEADER_BYTES = 4
_FRAME_BYTES = _HEADER_BYTES + PACKET_BYTES
#: How long a round may take before it is given up.
_PATIENCE_S = 60.0
_HANDSHAKE = (
    f"GET {FLOOR_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Zmxvb3IgZmxvb3IgZmxvbw==\r\n\r\n"
).encode()


def floor(port: int, packets: int) -> list[int]:
    """Read all packets of a round; how old each was, in nanoseconds."""
    ages_ns: list[int] = []
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
        connection.sendall(_HANDSHAKE)
        waiting = b""
        while b"\r\n\r\n" not in waiting:
            waiting += connection.recv(1)
        waiting = b""
        while len(ages_ns) < packets:
            waiting += connection.recv(65_536)
            now_ns = time.monotonic_ns()
            while len(waiting) >= _FRAME_BYTES:
                ages_ns.append(age_ns(sent_of(waiting[_HEADER_BYTES:_FRAME_BYTES]), now_ns))
                waiting = waiting[_FRAME_BYTES:]
    return ages_ns


class Stopwatch(Monitor):
    """A monitor that notes how old each tick, and each lunge, was when it had been decided about.

    Attributes:
        ticks_ns, lunges_ns: ages at the moment when `handle` gave back its effects.
        done: the last packet of the round was handled.
    """

    def begin(self, last: int) -> None:
        """Start a round whose last packet has this number."""
        self.ticks_ns: list[int] = []
        self.lunges_ns: list[int] = []
        self.done = asyncio.Event()
        self._last = last

    def handle(self, message: Message, now_s: float) -> list[Effect]:
        """Handle it as every monitor does, then look at the clock."""
        effects = super().handle(message, now_s)
        if type(message) is Ticks and message.ticks[-1].oi:
            self._note(message.ticks, alerts(effects), time.monotonic_ns())
        return effects

    def _note(self, ticks: Sequence[Tick], told: int, now_ns: int) -> None:
        """Note the ages of a batch; its alerts belong to its lunges."""
        for tick in ticks:
            age = age_ns(tick.volume, now_ns)
            self.ticks_ns.append(age)
            if tick.bid_quantity == LUNGE_QUANTITY:
                self.lunges_ns.append(age)
                told -= 1
            if tick.oi == self._last:
                self.done.set()
        if told:
            raise AssertionError("alerts and lunges of a batch do not agree")


class _Ear:
    """Takes what the runner wants performed: alerts end here, after they were decided."""

    def recorded(self, record: Record) -> None:
        """No store is behind it."""

    def perform(self, effect: Effect) -> None:
        """Take it."""


async def house(
    port: int,
    market: Scene,
    monitor: Stopwatch,
    journal: Journal,
    clock: Clock,
    packets: int,
    redis: Secret | None = None,
) -> None:
    """Let the house read all packets of a round; the monitor notes how old they were.

    With an address of Redis it mirrors its prices there.

    Raises:
        TimeoutError: some of them did not come.
    """
    requote(monitor, market, clock.now_s())
    monitor.begin(packets)
    inbox, calendar = Inbox(), tables.calendar()
    mirror = None if redis is None else Mirror(
        Link(redis), Names("bench"), "bench", deflate=False, post=inbox.post, post_ticks=inbox.post_ticks,
        hit_ratio=lambda: None, clock=clock,
    )  # fmt: skip
    feed: Feed = DhanFeed(
        url=f"ws://127.0.0.1:{port}/",
        client_id="1000000001",
        access_token=lambda: "bench",
        on_ticks=mirror.on_ticks if mirror else inbox.post_ticks,
        on_state=inbox.post,
        quotes=None,
        clock=clock,
        jitter=lambda: 0.0,
        policy=FeedPolicy(in_session=calendar.is_open),
    )
    feed = mirror.around(feed) if mirror else feed
    feed.subscribe([contract.instrument for contract in market.contracts.values()])
    parts: list[Runner | Schedule | Feed | Mirror] = [
        Runner(monitor, journal, _Ear(), inbox, clock),
        Schedule(inbox.post, calendar, clock),
        feed,
        *([mirror] if mirror else []),
    ]
    async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        await monitor.done.wait()
        for task in tasks:
            task.cancel()
