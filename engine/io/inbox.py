"""The one way in: control messages first, then ticks; bounded by the number of instruments.

Ticks are kept in the order they came while the machine keeps up. When more wait than
`CONFLATE_ABOVE`, only the latest of each instrument is kept (and counted): an old price is worth
nothing, and the queue can never be longer than the list of instruments.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from engine.messages import Message, Tick, Ticks

CONFLATE_ABOVE = 5_000


class Inbox:
    """What waits for the machine. One reader, any number of writers of the same loop."""

    def __init__(self) -> None:
        self._control: deque[Message] = deque()
        self._ticks: list[Tick] = []
        self._arrived = asyncio.Event()
        self.conflated = 0

    def post(self, message: Message) -> None:
        """Put a control message in line; never blocks."""
        self._control.append(message)
        self._arrived.set()

    def post_ticks(self, ticks: Sequence[Tick]) -> None:
        """Put ticks in line behind all control messages; never blocks."""
        self._ticks.extend(ticks)
        if len(self._ticks) > CONFLATE_ABOVE:
            before = len(self._ticks)
            self._ticks = list({tick.key: tick for tick in self._ticks}.values())
            self.conflated += before - len(self._ticks)
        self._arrived.set()

    async def get(self) -> Message:
        """The next message; waits for one. All waiting ticks come as one batch."""
        while True:
            if self._control:
                return self._control.popleft()
            if self._ticks:
                batch, self._ticks = self._ticks, []
                return Ticks(batch)
            self._arrived.clear()
            await self._arrived.wait()
