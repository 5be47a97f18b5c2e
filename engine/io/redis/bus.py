"""The price bus: prices of another process's feed, by Redis.

What is published while nobody listens is lost, so after each subscription the last values are read. Every
tick tells when it arrived; one that is no news any more goes in with its age, and one that is older than
what we had is left out. While the bus is down in the session, quotes come by REST, as for a dead socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import ceil
from typing import NamedTuple

from redis.asyncio.client import PubSub

from engine.errors import AuthFailed, RateLimited, SourceError, WireError
from engine.io.dhan.limits import QUOTES_LIMIT
from engine.io.ports import Clock, Quotes
from engine.io.redis.link import Link
from engine.io.redis.mirror import BATCH, read, say
from engine.io.redis.names import Names, wish_of
from engine.io.redis.packing import Packed, unpack
from engine.io.redis.standing import Standing
from engine.messages import CacheState, FeedChanged, FeedState, Tick, Ticks
from engine.model import Instrument, InstrumentKey

#: Feed processes are heard four times a second; one that is not for so long is not there.
SILENT_S = 1.0
#: How long one wait for a message lasts, and how often we say what we want.
WAIT_S, SAY_S = 0.25, 3.0
#: How long the bus may be down before quotes come by REST, and how often they are asked for then.
REST_AFTER_S, GAP_S = 2.0, 1.0
#: A tick is news for so long; an older one goes in with its age.
NEWS_S = 1.0
#: An older tick than the one before it is left out, unless it is so old that a clock must have stepped.
BACK_MS = 10_000
NOBODY = "no feed process writes to Redis"
#: Of several feed processes the best tells the state of the feed.
_BEST_FIRST = (
    FeedState.LIVE, FeedState.REST, FeedState.CONNECTING, FeedState.STALE, FeedState.DOWN, FeedState.STOPPED,
)  # fmt: skip


class _Process(NamedTuple):
    """What a feed process said last, and when we heard it."""

    heard_s: float
    state: FeedState
    detail: str


class BusFeed:
    """Implements `engine.io.ports.Feed` on what another process mirrors to Redis.

    Args:
        name: of this process, different from that of any other.
        post, post_ticks: take what the machine should know.
        quotes: fill the gaps of the session.
    """

    def __init__(
        self,
        link: Link,
        names: Names,
        name: str,
        *,
        quotes: Quotes,
        in_session: Callable[[float], bool],
        post: Callable[[FeedChanged | CacheState | Ticks], None],
        post_ticks: Callable[[Sequence[Tick]], None],
        clock: Clock,
    ) -> None:
        self.lag_s: float | None = None
        self._link, self._names, self._name = link, names, name
        self._quotes, self._in_session = quotes, in_session
        self._post, self._post_ticks = post, post_ticks
        self._clock = clock
        self._standing = Standing("price bus", post, clock)
        self._wishes: dict[InstrumentKey, str] = {}
        self._unread: dict[InstrumentKey, None] = {}
        self._at_ms: dict[InstrumentKey, int] = {}
        self._processes: dict[str, _Process] = {}
        self._said_s = float("-inf")
        self._ahead_s = 0.0
        self._told: FeedChanged | None = None
        self._down_s: float | None = None

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Carry exactly these from now on; a feed process hears of them within a second."""
        before = self._wishes
        self._wishes = {instrument.key: wish_of(instrument) for instrument in instruments}
        self._unread |= dict.fromkeys(key for key in self._wishes if key not in before)
        self._at_ms = {key: at_ms for key, at_ms in self._at_ms.items() if key in self._wishes}
        self._said_s = float("-inf")

    async def run(self) -> None:
        """Listen until cancelled, again after every failure."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._fill_gaps(), name="bus gaps")
                while True:
                    await self._try()
                    await self._clock.sleep(max(self._standing.again_s - self._clock.now_s(), 0.0))
        finally:
            await self._link.close()

    async def _try(self) -> None:
        if self._told is None:
            self._tell(FeedState.CONNECTING, "connecting to Redis")
        try:
            await self._listen()
        except SourceError as error:
            self._processes.clear()
            self._standing.failure(str(error))
            self._down(str(error), alarm=isinstance(error, AuthFailed))

    async def _fill_gaps(self) -> None:
        """While the bus is down in the session, ask for quotes by REST, a thousand at a time and in turn."""
        asked = 0
        while True:
            await self._clock.sleep(GAP_S)
            now_s, keys = self._clock.now_s(), sorted(self._wishes)
            if self._down_s is None or now_s - self._down_s < REST_AFTER_S or not keys:
                continue
            if not self._in_session(now_s):
                continue
            first = asked % len(keys)
            asked = first + QUOTES_LIMIT if first + QUOTES_LIMIT < len(keys) else 0
            try:
                self._filled(await self._quotes.quotes(keys[first : first + QUOTES_LIMIT]))
            except RateLimited as error:
                await self._clock.sleep(error.retry_after_s)
            except SourceError as error:
                self._tell(FeedState.DOWN, f"{self._standing.failed}; REST quotes: {error}")

    def _filled(self, ticks: Sequence[Tick]) -> None:
        """Give REST quotes on, unless the bus is back meanwhile: it has newer ones."""
        if self._down_s is not None and ticks:
            self._tell(FeedState.REST, f"{self._standing.failed}; quotes come by REST once a second")
            self._at_ms |= dict.fromkeys((tick.key for tick in ticks), round(self._now_ms()))
            self._post_ticks(ticks)

    async def _listen(self) -> None:
        """One subscription. Raises SourceError."""
        self._said_s = float("-inf")
        async with self._link.listening(self._names.ticks) as ear:
            self._unread = dict.fromkeys(self._wishes)
            heard_s = self._clock.now_s()
            while True:
                await self._upkeep()
                if await self._hear(ear):
                    heard_s = self._clock.now_s()
                elif self._clock.now_s() - heard_s >= SILENT_S:
                    await self._link.ask("PING")  # or is it Redis that says nothing?
                    self._standing.failure(NOBODY, rest=False)
                    self._down(NOBODY)

    async def _upkeep(self) -> None:
        """Say what we want, and read what we have not heard of yet. Raises SourceError."""
        now_s = self._clock.now_s()
        if now_s - self._said_s >= SAY_S:
            self._said_s = now_s
            fields = {
                "role": "bus",
                "state": self._told.state if self._told else FeedState.CONNECTING,
                "lag_ms": "" if self.lag_s is None else round(1_000 * self.lag_s),
                "wanted": len(self._wishes),
            }
            redis_ms, _ = await say(self._link, self._names, self._name, fields, self._wishes.values())
            self._ahead_s = redis_ms / 1_000 - self._clock.now_s()
        while self._alive() and (keys := list(islice(self._unread, BATCH))):
            for key in keys:
                del self._unread[key]
            _, found = await read(self._link, self._names, keys)
            self._deliver(found)

    async def _hear(self, ear: PubSub) -> bool:
        """Wait for a message and take it. Raises SourceError."""
        message = await self._link.hear(ear, WAIT_S)
        if message is None:
            return False
        head, _, rest = message.partition(b"\n")
        try:
            said = json.loads(head)
            process = _Process(self._clock.now_s(), FeedState(said["state"]), str(said["detail"]))
            self._processes[str(said["by"])] = process
            self._deliver(list(unpack(rest)))
        except (ValueError, KeyError, TypeError, WireError):
            return False  # another version's, or somebody's joke: no sign of life
        self._tell_state()
        self._standing.success(self.lag_s)
        return True

    def _deliver(self, found: Iterable[Packed]) -> None:
        """Give on what is wanted and newer than what we had: news as it is, the rest with its age."""
        now_ms = self._now_ms()
        news: list[Tick] = []
        old: dict[float, list[Tick]] = {}
        oldest_s = 0.0
        for tick, at_ms in found:
            back_ms, age_s = self._at_ms.get(tick.key, at_ms) - at_ms, (now_ms - at_ms) / 1_000
            if tick.key not in self._wishes or 0 < back_ms < BACK_MS or age_s < -NEWS_S:
                continue
            self._at_ms[tick.key] = at_ms
            if age_s <= NEWS_S:
                news.append(tick)
                oldest_s = max(oldest_s, age_s)
            else:
                old.setdefault(ceil(10 * age_s) / 10, []).append(tick)
        for age_s, ticks in old.items():
            self._post(Ticks(ticks, instant=True, age_s=age_s))
        if news:
            self.lag_s = oldest_s
            self._post_ticks(news)

    def _now_ms(self) -> float:
        """Redis' clock."""
        return 1_000 * (self._clock.now_s() + self._ahead_s)

    def _alive(self) -> dict[str, _Process]:
        """The feed processes that are there."""
        since_s = self._clock.now_s() - SILENT_S
        self._processes = {name: one for name, one in self._processes.items() if one.heard_s >= since_s}
        return self._processes

    def _tell_state(self) -> None:
        self._down_s = None
        best = min(self._alive().values(), key=lambda one: _BEST_FIRST.index(one.state))
        self._tell(best.state, f"by Redis; its feed process: {best.detail or best.state}", mended=True)

    def _down(self, why: str, *, alarm: bool = False) -> None:
        """The bus is down; while quotes come by REST that is no news."""
        self._down_s = self._clock.now_s() if self._down_s is None else self._down_s
        if self._told is None or self._told.state is not FeedState.REST:
            self._tell(FeedState.DOWN, why, alarm=alarm)

    def _tell(self, state: FeedState, detail: str, *, alarm: bool = False, mended: bool = False) -> None:
        """Tell a state once."""
        change = FeedChanged(state, detail, alarm, mended=mended)
        if change != self._told:
            self._told = change
            self._post(change)
