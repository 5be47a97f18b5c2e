"""How far decisions are behind prices, looked at now and then, and told to the machine while it is too far.

What the loop itself is late by counts too: a socket that nobody reads has no arrival yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from engine.io.inbox import Inbox
from engine.measures import Histogram, Measures
from engine.messages import Behind, Message
from engine.overload import CALM_LOOKS

__all__ = ["Pressure"]

#: How often the loop's lateness is measured, and over what span it is judged.
TURN_S, SPAN_S = 0.25, 30.0
#: More than one of a hundred decisions later than this is too many; a bound of `engine.measures.BOUNDS_S`.
LIMIT_S = 0.2
_SHARE = 0.01


class Pressure:
    """Watches one house's pace.

    Args:
        measures: counted by the runner.
        inbox: counts what newer prices have overtaken.
        post: takes the news.
    """

    def __init__(
        self,
        measures: Measures,
        inbox: Inbox,
        post: Callable[[Message], None],
        monotonic_s: Callable[[], float] = monotonic,
    ) -> None:
        self._measures, self._inbox, self._post, self._now_s = measures, inbox, post, monotonic_s
        self._loop = Histogram()
        self._begin()
        self._good_left = 0

    async def run(self) -> None:
        """Look until cancelled. A start is not looked at: everything comes at once then."""
        await asyncio.sleep(SPAN_S)
        self._begin()
        while True:
            due_s = self._now_s() + TURN_S
            await asyncio.sleep(TURN_S)
            self._loop.take(max(self._now_s() - due_s, 0.0))
            if self._now_s() - self._began_s >= SPAN_S:
                self.look()

    def look(self) -> None:
        """Judge what was counted since the last look; good news only after bad, as often as it is heard."""
        decided = self._measures.tick_to_decision.since(self._decided)
        slow = _slow(decided) or _slow(self._loop)
        overtaken = self._inbox.conflated - self._conflated
        late = slow or overtaken > 0
        if late or self._good_left:
            self._post(Behind(late, slow, overtaken, LIMIT_S, SPAN_S))
        self._good_left = CALM_LOOKS if late else max(self._good_left - 1, 0)
        self._begin()

    def _begin(self) -> None:
        self._began_s = self._now_s()
        self._loop = Histogram()
        self._decided = tuple(self._measures.tick_to_decision.counts)
        self._conflated = self._inbox.conflated


def _slow(durations: Histogram) -> bool:
    """Whether more than one of a hundred, and more than one, was beyond the limit."""
    share = durations.share_within(LIMIT_S)
    if share is None:
        return False
    late = round(durations.count * (1 - share))
    return late > 1 and late > _SHARE * durations.count
