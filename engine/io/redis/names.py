"""What is called how in Redis, and what an instrument's hash holds.

- ``PREFIX:price:NSE_FNO:52175``: hash of ``tick`` (`engine.io.redis.packing`), ``at_ms`` and ``ltp_paise``.
- ``PREFIX:ticks``: channel; one line of JSON about the feed process, then packed ticks.
- ``PREFIX:wanted``: sorted set of ``NSE_FNO:52175:5`` (the last is the tick in paise), by when it was
  last asked for.
- ``PREFIX:lease:ACCOUNT``: hash of who owns an account (`engine.io.redis.lease`).
- ``PREFIX:process:NAME``: hash of what a process says about itself.

Moments in Redis are milliseconds of *its* clock, so that hosts need not agree about the time.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from urllib.parse import urlsplit

from engine.expected import DEFAULT_URLS
from engine.model import Instrument, InstrumentKey, InstrumentKind, Segment, instrument_key, key_parts

#: How long a price is kept that nobody renews.
PRICE_TTL_S = 300
#: How long a wish for an instrument holds, and a process is listed, without being renewed.
WISH_TTL_S, PROCESS_TTL_S = 15, 10


class Names(NamedTuple):
    """The names of one world: prices of a sandbox must never be taken for real ones."""

    prefix: str

    @classmethod
    def of(cls, feed_url: str) -> Names:
        """The world that this price feed shows."""
        if feed_url == DEFAULT_URLS["DHAN_FEED_URL"]:
            return cls("prahari")
        return cls(f"prahari-{hashlib.sha256(feed_url.encode()).hexdigest()[:8]}")

    def price(self, key: InstrumentKey) -> str:
        """The hash of an instrument."""
        segment, security_id = key_parts(key)
        return f"{self.prefix}:price:{segment}:{security_id}"

    @property
    def ticks(self) -> str:
        """The channel."""
        return f"{self.prefix}:ticks"

    @property
    def wanted(self) -> str:
        """What consumers want."""
        return f"{self.prefix}:wanted"

    def process(self, name: str) -> str:
        """What a process says about itself; ``*`` for all of them."""
        return f"{self.prefix}:process:{name}"

    def lease(self, account: str) -> str:
        """Who owns an account."""
        return f"{self.prefix}:lease:{account}"

    @property
    def all_prices(self) -> str:
        """A pattern."""
        return f"{self.prefix}:price:*"


def wish_of(instrument: Instrument) -> str:
    """How an instrument is asked for."""
    return f"{instrument.segment}:{instrument.security_id}:{instrument.tick_paise}"


def instrument_of(wish: str) -> Instrument | None:
    """What was asked for, as far as a feed has to know it; None = it cannot be understood."""
    try:
        segment, security_id, tick_paise = wish.split(":")
        found = Instrument(
            Segment(segment), int(security_id), InstrumentKind.OPTION, "", wish, tick_paise=int(tick_paise)
        )
    except ValueError:
        return None
    return found if 0 < found.security_id < 2**32 and found.tick_paise > 0 else None


def price_key(name: str) -> InstrumentKey | None:
    """The instrument whose hash has this name; None = it is not one of ours."""
    try:
        _, _, segment, security_id = name.split(":")
        return instrument_key(Segment(segment), int(security_id))
    except ValueError:
        return None


def told_address(url: str) -> str:
    """An address of Redis without login and without what is asked of it, to be told."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
