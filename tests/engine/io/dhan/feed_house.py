"""A feed client on virtual time, for the tests of the feed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.messages import FeedState
from engine.model import Instrument, InstrumentKind, Segment
from tests.engine.io.dhan.http_peers import TOKEN
from tests.engine.io.dhan.peers import Ear, FakeQuotes
from tests.engine.wire import packets as build
from tests.support.clock import VirtualClock

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
            policy=FeedPolicy(**{"in_session": lambda _now_s: True} | policy),
        )

    async def pass_until(self, told: Callable[[], object], *, limit_s: float) -> float:
        """Let virtual seconds pass until something is true; returns how many it took."""
        for second in range(math.ceil(limit_s)):
            if told():
                return second
            await self.clock.advance(1.0)
        assert told(), f"not within {limit_s} virtual seconds"
        return limit_s
