"""The one way in: control messages first, then ticks; bounded by the number of instruments.

Ticks are kept in the order they came while the machine keeps up. When more wait than
`CONFLATE_ABOVE`, only the latest of each instrument is kept (and counted): an old price is worth
nothing, and the queue can never be longer than twice the list of instruments.

The reader has the loop no longer than `TURN_S` at a time: a first price costs a hundred times what the next
ones cost, and a thousand of them come together after a start. The sockets are read in between, and what
comes from them goes first.

Where nothing waits, ticks need not either: the reader may have them handed over within `Inbox.post_ticks`
(`Inbox.hand_over`), if they are no more than its largest batch. A wake-up of its task and another round of
the loop would cost more than the decision.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from engine.messages import Beat, BeatKind, Message, Tick, Ticks

CONFLATE_ABOVE = 5_000
#: So long the reader goes on without letting others have the loop;
TURN_S = 0.002
#: and by how long a batch took the next is made larger or smaller, between these numbers of ticks. Should all
#: of the largest leave their bands at once, which no batch before has told, they still take some 5 ms.
SMALLEST, LARGEST = 1, 128
#: A pulse this long after the one before, half a second on other days, tells of a loop that stood.
LATE_S = 0.8
#: Ticks that come closer together than this come out of one reading of a socket: nobody else had the loop.
BREATH_S = 0.000_05
_PULSE = Beat(BeatKind.PULSE)


class Inbox:
    """What waits for the machine. One reader, any number of writers of the same loop.

    Attributes:
        received: prices that came so far.
        conflated: of those, what newer ones have overtaken while they waited.
        held: ticks that come now are not handed over at once: something is still to be carried out.
        arrived_s: when the oldest tick of the last batch came, or an older one; of `time.monotonic`.
    """

    def __init__(self) -> None:
        self._control: deque[Message] = deque()
        self._ticks: list[Tick] = []
        self._conflate_above = CONFLATE_ABOVE
        self._arrived = asyncio.Event()
        self._turn_began_s = self._batch_began_s = 0.0
        self._most = SMALLEST
        self._cut = False  # the last message was as many ticks as may be at once
        self.received = self.conflated = 0
        self.held = False
        self.arrived_s = self._oldest_s = monotonic()
        self._at_once: Callable[[Sequence[Tick]], None] | None = None
        self._burst_began_s = self._burst_ended_s = 0.0
        self._fallen: BaseException | None = None
        self._pulsed_s = inf
        self._late: Message | None = None  # a pulse that lets so many ticks go before it
        self._before_late = 0

    def waiting(self) -> tuple[int, int]:
        """How many control messages wait, and how many ticks."""
        return len(self._control) + (self._late is not None), len(self._ticks)

    def let_others(self) -> None:
        """What was begun just now gets the loop before the next message is given out."""
        self._turn_began_s = -inf

    def __len__(self) -> int:
        """How many control messages and ticks wait."""
        return sum(self.waiting())

    def post(self, message: Message) -> None:
        """Put a control message in line; never blocks.

        A pulse that is late lets the ticks go first that wait already, until the next pulse at most: what
        they tell has happened while the loop stood, and would not have lasted until now.
        """
        if message == _PULSE:
            now_s = monotonic()
            late, self._pulsed_s = now_s - self._pulsed_s > LATE_S, now_s
            if self._late is not None:
                self._control.append(self._late)
                self._late = None
            elif late and self._ticks:
                self._late, self._before_late = message, len(self._ticks)
                return
        self._control.append(message)
        self._arrived.set()

    def hand_over(self, at_once: Callable[[Sequence[Tick]], None] | None) -> None:
        """Who takes ticks that need not wait; None = all wait for `get`."""
        self._at_once = at_once

    def fall(self, why: BaseException) -> None:
        """Whoever takes ticks at once has failed: so does `get`, by the same error, and no tick before."""
        self._fallen, self._at_once = why, None
        self._arrived.set()

    def post_ticks(self, ticks: Sequence[Tick]) -> None:
        """Put ticks in line behind all control messages, or hand them over at once; never blocks.

        Raises:
            Exception: what the reader has raised at once; `get` raises it too.
        """
        count, at_once = len(ticks), self._at_once
        self.received += count
        # few: what they bring about is carried out after the last of them
        waits = self.held or self._control or self._ticks or self._late
        if at_once is not None and count <= LARGEST and not waits:
            now_s = self.arrived_s = monotonic()
            if now_s - self._burst_ended_s > BREATH_S:
                self._burst_began_s = now_s
            if now_s - self._burst_began_s < TURN_S:  # within the turn of whoever reads the socket
                self._at_once = None  # nobody else while it does; should it fail, nobody any more
                at_once(ticks)
                self._at_once, self._burst_ended_s = at_once, monotonic()
                return
        if not self._ticks:
            self._oldest_s = monotonic()
        self._ticks.extend(ticks)
        if len(self._ticks) > self._conflate_above:
            before = len(self._ticks)
            self._ticks = list({tick.key: tick for tick in self._ticks}.values())
            self.conflated += before - len(self._ticks)
            self._before_late = min(self._before_late, len(self._ticks))
            # as many again have to come: with ten thousand instruments each tick would go through all of them
            self._conflate_above = max(CONFLATE_ABOVE, 2 * len(self._ticks))
        self._arrived.set()

    async def get(self) -> Message:
        """The next message; waits for one. Waiting ticks come as a batch, many of them as several.

        Raises:
            BaseException: what was told to `fall`.
        """
        now_s = monotonic()  # the loop's own time may stand still while it is ours (`engine.io.event_loop`)
        self._learn(now_s - self._batch_began_s)
        if now_s - self._turn_began_s >= TURN_S:
            await asyncio.sleep(0)
            self._turn_began_s = monotonic()
        while True:
            if self._fallen is not None:
                raise self._fallen
            if self._control:
                return self._control.popleft()
            if self._late is not None and (self._before_late <= 0 or not self._ticks):
                late, self._late = self._late, None
                return late
            if self._ticks:
                self._batch_began_s = monotonic()
                return Ticks(self._batch())
            self._arrived.clear()
            await self._arrived.wait()
            self._turn_began_s = monotonic()

    def _batch(self) -> list[Tick]:
        self._cut = len(self._ticks) > self._most
        self.arrived_s = self._oldest_s
        batch, self._ticks = self._ticks[: self._most], self._ticks[self._most :]
        self._before_late -= len(batch)
        return batch

    def _learn(self, took_s: float) -> None:
        """Go by the last batch, as long as it was a whole one."""
        if self._cut:
            self._cut = False
            larger = took_s < TURN_S / 2
            self._most = min(self._most * 2, LARGEST) if larger else max(self._most // 2, SMALLEST)
