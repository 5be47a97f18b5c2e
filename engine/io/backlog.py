"""What waits for the recorder's thread, weighed: batches have one tick or hundreds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from engine.effects import Effect
from engine.messages import Message, Ticks

__all__ = ["Backlog", "Heard"]

#: A message, when it was handled, and what came of it.
Heard = tuple[Message, float, Sequence[Effect]]

#: A message weighs as many ticks as it has, and never less than this: it is an object too.
LEAST = 4


class Backlog:
    """Messages in their order. One thread appends; any may take."""

    def __init__(self) -> None:
        self._queue: deque[Heard] = deque()
        self._came = self._gone = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def weight(self) -> int:
        """In ticks, of all that waits; for a moment too much while another thread takes."""
        return self._came - self._gone

    def append(self, heard: Heard) -> None:
        """Take one; this is on the path of the ticks, and never waits."""
        self._came += _weight(heard[0])
        self._queue.append(heard)

    def oldest(self) -> Heard:
        """Take the oldest off.

        Raises:
            IndexError: there is none.
        """
        heard = self._queue.popleft()
        with self._lock:
            self._gone += _weight(heard[0])
        return heard

    def batch(self, most: int, weight: int) -> list[Heard]:
        """Take the oldest off, not more than ``most`` and, but for the last of them, not above ``weight``."""
        taken: list[Heard] = []
        until = weight
        with suppress(IndexError):  # another thread may be faster
            while len(taken) < most and until > 0:
                taken.append(self.oldest())
                until -= _weight(taken[-1][0])
        return taken


def _weight(message: Message) -> int:
    return max(len(message.ticks), LEAST) if type(message) is Ticks else LEAST
