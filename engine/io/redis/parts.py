"""Which part of Redis this process plays: writer of the mirror, or listener on the bus."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence

from engine.io.inbox import Inbox
from engine.io.ports import Clock, Feed, Quotes
from engine.io.redis.bus import BusFeed
from engine.io.redis.lease import RedisLease
from engine.io.redis.link import Link
from engine.io.redis.mirror import Mirror
from engine.io.redis.names import Names
from engine.messages import FeedChanged, Tick
from engine.prices import PriceBook
from engine.settings import Settings
from engine.words import FeedSource, Secret

__all__ = ["redis_lease", "shared_feed"]

MakeFeed = Callable[[Callable[[Sequence[Tick]], None], Callable[[FeedChanged], None]], Feed]


def shared_feed(
    settings: Settings,
    inbox: Inbox,
    clock: Clock,
    book: PriceBook,
    quotes: Quotes,
    in_session: Callable[[float], bool],
    make_feed: MakeFeed,
) -> tuple[Feed, Callable[[], Awaitable[None]] | None]:
    """The feed of a process that has a Redis, and the mirror's task if it is the one that writes.

    ``make_feed`` makes our own feed, given who takes its ticks and its changes; ``quotes`` fill the gaps of
    the other kind in the session.
    """
    link = Link(settings.redis_url or Secret(""))
    names = Names.of(settings.dhan_feed_url)
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    if settings.feed_source is FeedSource.REDIS:
        bus = BusFeed(
            link, names, name, quotes=quotes, in_session=in_session, post=inbox.post,
            post_ticks=inbox.post_ticks, clock=clock,
        )  # fmt: skip
        return bus, None
    mirror = Mirror(
        link, names, name, deflate=settings.redis_compress, post=inbox.post,
        post_ticks=inbox.post_ticks, hit_ratio=lambda: book.hit_ratio, clock=clock,
    )  # fmt: skip
    return mirror.around(make_feed(mirror.on_ticks, mirror.on_state)), mirror.run


def redis_lease(settings: Settings) -> RedisLease:
    """Where the owner of an account is written down, if that is Redis."""
    return RedisLease(settings.redis_url or Secret(""), Names.of(settings.dhan_feed_url))
