"""The price mirror: what our feed brings goes to Redis, for the next start and for engines that listen.

Beside the path of the ticks there is one ``append`` for each frame of the feed. A task of its own takes what
has come ten times a second, keeps the last tick of each instrument, and writes those in batches, one
command each. What could not be written waits, conflated, for the next time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from engine.errors import SourceError, Unreachable, WireError
from engine.io.ports import Clock, Feed
from engine.io.redis.link import FULL, Link, is_full
from engine.io.redis.names import PRICE_TTL_S, PROCESS_TTL_S, WISH_TTL_S, Names, instrument_of
from engine.io.redis.packing import Packed, pack, unpack
from engine.io.redis.scripts import KEEP, READ, SAY
from engine.io.redis.standing import Standing
from engine.messages import CacheState, FeedChanged, FeedState, Remembered, Tick
from engine.model import Instrument, InstrumentKey

#: How often what has come is written, and Redis hears of us when nothing has.
FLUSH_S, BEAT_S = 0.1, 0.25
#: How often we look what others want, and say how we are.
LOOK_S = 1.0
#: Instruments of one command: a fifth of a millisecond of this loop, then others have their turn.
BATCH = 50


class Waiting(NamedTuple):
    """A tick that is not written yet; ``since_s``: it came after this moment."""

    tick: Tick
    since_s: float


class Mirror:
    """Writes prices to Redis and lends our feed to those who want more of them.

    Args:
        name: of this process, different from that of any other.
        deflate: write smaller values, at more cost.
        post: takes what the machine should know.
        hit_ratio: of the price book, for ``python -m engine cache``.
    """

    def __init__(
        self,
        link: Link,
        names: Names,
        name: str,
        *,
        deflate: bool,
        post: Callable[[FeedChanged | CacheState | Remembered], None],
        post_ticks: Callable[[Sequence[Tick]], None],
        hit_ratio: Callable[[], float | None],
        clock: Clock,
    ) -> None:
        self.waiting: dict[InstrumentKey, Waiting] = {}
        self._link, self._names, self._name = link, names, name
        self._deflate = deflate
        self._post, self._post_ticks = post, post_ticks
        self._hit_ratio = hit_ratio
        self._clock = clock
        self._standing = Standing("price mirror", post, clock)
        self._feed = FeedChanged(FeedState.CONNECTING, "")
        self._lent: LentFeed | None = None
        self._heard: list[Sequence[Tick]] = []
        self._drained_s = clock.now_s()
        self._ahead_s = 0.0  # Redis' clock less ours; asked for before anything is written
        self._said_s = self._looked_s = float("-inf")
        self._lag_s: float | None = None
        self._written = 0
        self._unread: dict[InstrumentKey, None] = {}

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """Take a frame of the feed: the machine first."""
        self._post_ticks(ticks)
        self._heard.append(ticks)

    def on_state(self, change: FeedChanged) -> None:
        """Take a change of the feed."""
        self._feed = change
        self._post(change)

    def around(self, feed: Feed) -> Feed:
        """The feed, lent to others too; what it is asked to carry is looked up in Redis once."""
        self._lent = LentFeed(feed, self._unread.update)
        return self._lent

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            while True:
                await self._clock.sleep(FLUSH_S)
                self.drain()
                if self._clock.now_s() >= self._standing.again_s:
                    await self._turn()
        finally:
            await self._link.close()

    def drain(self) -> None:
        """Take what has come since the last time; the last tick of each instrument counts."""
        heard, self._heard = self._heard, []
        since_s, self._drained_s = self._drained_s, self._clock.now_s()
        self.waiting.update({tick.key: Waiting(tick, since_s) for ticks in heard for tick in ticks})

    async def _turn(self) -> None:
        try:
            await self._look()
            await self._remember()
            fault = await self._write()
        except SourceError as error:
            self._looked_s = float("-inf")  # its clock is asked for first
            self._standing.failure(str(error))
            return
        if fault:  # it answers, and those who listen go on: no reason to leave it alone
            why = FULL if is_full(fault) else "Redis does not keep prices"
            self._standing.failure(why, rest=False)
        else:
            self._standing.success(self._lag_s)

    async def _write(self) -> str:
        """Everything that waits, oldest first; a sign of life when nothing does. Raises SourceError.

        Returns:
            Why prices could not be kept; empty = they were, or there were none.
        """
        fault = ""
        worst_s = None
        while batch := dict(islice(self.waiting.items(), BATCH)):
            fault = await self._keep(batch) or fault
            lag_s = self._clock.now_s() - min(since_s for _, since_s in batch.values())
            worst_s = lag_s if worst_s is None else max(worst_s, lag_s)
            self._written += len(batch)
            for key in batch:
                del self.waiting[key]
        if self._clock.now_s() - self._said_s >= BEAT_S:
            await self._keep({})
        self._lag_s = self._lag_s if worst_s is None else worst_s
        return fault

    async def _keep(self, batch: dict[InstrumentKey, Waiting]) -> str:
        """One command; why its prices could not be kept, or nothing. Raises SourceError."""
        now_s = self._clock.now_s()
        sent_ms = self._redis_ms(now_s)
        head = json.dumps(
            {"by": self._name, "state": self._feed.state, "detail": self._feed.detail, "sent_ms": sent_ms}
        )
        args: list[bytes | str | int] = [sent_ms, self._names.ticks, f"{head}\n", PRICE_TTL_S]
        for tick, since_s in batch.values():
            at_ms = self._redis_ms(since_s)
            args += (pack(tick, at_ms, deflate=self._deflate), at_ms, tick.ltp_paise)
        redis_ms, taken, fault = await self._link.run(KEEP, [self._names.price(key) for key in batch], args)
        if not taken:
            raise Unreachable("Redis was late, or its clock stepped")
        self._set_clock(redis_ms)
        self._said_s = now_s
        return bytes(fault).decode(errors="replace")

    async def _look(self) -> None:
        """Say how we are, and carry what others want. Raises SourceError."""
        now_s = self._clock.now_s()
        if now_s - self._looked_s < LOOK_S:
            return
        ratio = self._hit_ratio()
        fields = {
            "role": "mirror",
            "state": self._feed.state,
            "written": self._written,
            "lag_ms": "" if self._lag_s is None else round(1_000 * self._lag_s),
            "hit_ratio": "" if ratio is None else round(ratio, 4),
        }
        redis_ms, wishes = await say(self._link, self._names, self._name, fields, ())
        self._set_clock(redis_ms)
        self._looked_s = now_s
        if self._lent is not None:
            self._lent.lend(instrument for instrument in map(instrument_of, wishes) if instrument is not None)

    async def _remember(self) -> None:
        """Look up what Redis knows of instruments that are carried anew. Raises SourceError."""
        while keys := list(islice(self._unread, BATCH)):
            redis_ms, found = await read(self._link, self._names, keys)
            for key in keys:
                del self._unread[key]
            now_s = self._clock.now_s()
            known = [(tick, now_s - max(redis_ms - at_ms, 0) / 1_000) for tick, at_ms in found]
            if known:
                self._post(Remembered(tuple(known)))

    def _set_clock(self, redis_ms: int) -> None:
        self._ahead_s = redis_ms / 1_000 - self._clock.now_s()

    def _redis_ms(self, moment_s: float) -> int:
        """A moment of ours on Redis' clock."""
        return round(1_000 * (moment_s + self._ahead_s))


class LentFeed:
    """Implements `engine.io.ports.Feed`: a feed that carries for others too.

    Args:
        on_new: told of what we ourselves carry from now on and did not before.
    """

    def __init__(self, feed: Feed, on_new: Callable[[dict[InstrumentKey, None]], None]) -> None:
        self._feed = feed
        self._on_new = on_new
        self._own: dict[InstrumentKey, Instrument] = {}
        self._others: dict[InstrumentKey, Instrument] = {}

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Carry exactly these from now on, beside what is lent."""
        before, self._own = self._own, {instrument.key: instrument for instrument in instruments}
        self._on_new(dict.fromkeys(key for key in self._own if key not in before))
        self._carry()

    def lend(self, instruments: Iterable[Instrument]) -> None:
        """Carry exactly these for others."""
        others = {instrument.key: instrument for instrument in instruments}
        if others != self._others:
            self._others = others
            self._carry()

    async def run(self) -> None:
        """Run the feed."""
        await self._feed.run()

    def _carry(self) -> None:
        self._feed.subscribe(tuple((self._others | self._own).values()))


async def say(
    link: Link, names: Names, name: str, fields: Mapping[str, object], wishes: Iterable[str]
) -> tuple[int, list[str]]:
    """Say how this process is and what it wants. Raises SourceError.

    Returns:
        Redis' clock in milliseconds, and everybody's wishes.
    """
    said = [word for field in fields.items() for word in map(str, field)]
    args: list[bytes | str | int] = [PROCESS_TTL_S, WISH_TTL_S, len(fields), *said, *wishes]
    redis_ms, *wanted = await link.run(SAY, [names.process(name), names.wanted], args)
    return int(redis_ms), [bytes(wish).decode(errors="replace") for wish in wanted]


async def read(link: Link, names: Names, keys: Sequence[InstrumentKey]) -> tuple[int, list[Packed]]:
    """Redis' clock and what it knows of these; what cannot be understood is left out. Raises SourceError."""
    redis_ms, *values = await link.run(READ, [names.price(key) for key in keys], ())
    found: list[Packed] = []
    for key, value in zip(keys, values, strict=True):
        try:
            found += [packed for packed in unpack(bytes(value)) if packed.tick.key == key]
        except WireError:
            continue
    return int(redis_ms), found
