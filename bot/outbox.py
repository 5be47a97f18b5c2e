"""Everything that leaves for the chat: two lanes over one queue and one budget.

HIGH alerts have a lane of their own, so that none of them waits behind a message whose answer is
slow; the budget keeps the others from spending what a HIGH alert needs. What must survive a restart is
kept in the chat's store until Telegram has taken it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.faults import Fault, FaultBook, Unsure
from bot.kept import from_body, keyboard_from_text, to_body
from bot.layout import Page, plain, span
from bot.queue import Budget, Outgoing, Rank, Waiting
from bot.sender import Delivered, Failed, Flooded, Gone, Outcome, Refused, Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.store import ChatStore
    from engine.io.ports import Clock

log = logging.getLogger(__name__)

_HIGH_LANE = frozenset({Rank.HIGH})
_OTHER_LANE = frozenset(Rank) - _HIGH_LANE
#: While Telegram cannot be reached the next message is tried this often, so that news come at once
#: when it is back.
UNREACHED_S = 3.0
#: A message that may have been delivered, or whose chat or token was refused, is tried again ever more
#: slowly: after 2, 4, 8 ... seconds, at most this.
SLOWEST_S = 60.0
#: How long the end of the chat waits for a message that is just being sent, real seconds.
LAST_WORDS_S = 1.0


class Outbox:
    """The owner of all that waits to be sent; adding never blocks, sending happens in `run`."""

    def __init__(
        self, *, store: ChatStore, faults: FaultBook, clock: Clock, wall_s: Callable[[], float]
    ) -> None:
        """Take up what an earlier life left undelivered."""
        self._store = store
        self._faults = faults
        self._clock = clock
        self._wall_s = wall_s
        self._waiting = Waiting()
        self._in_flight: set[str] = set()
        self._budget = Budget(at_s=clock.now_s())
        self._changed = {lane: asyncio.Event() for lane in (_HIGH_LANE, _OTHER_LANE)}
        self._nudged = {lane: asyncio.Event() for lane in (_HIGH_LANE, _OTHER_LANE)}
        for row, body in store.kept():
            item = from_body(row, body)
            if item is None:
                store.forget(row)
            else:
                self._doubt(item)
                self._drop(self._waiting.add(item))

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    @property
    def waiting_high(self) -> int:
        """How many HIGH ones wait."""
        return self._waiting.count(Rank.HIGH)

    def room(self) -> float:
        """How many more HIGH messages would leave at once; one that nothing waits before always counts."""
        now = self._budget.room(self._clock.now_s())
        return now if self.waiting_high else max(now, 2.0)

    def add(self, item: Outgoing) -> None:
        """Queue a message, in the store too if it is to outlive a restart."""
        if item.durable:
            item = replace(item, row=self._store.keep(to_body(item)))
        gone = self._waiting.add(item)
        self._drop([older for older in gone if older.thread and older.thread == item.thread])
        self._lose([other for other in gone if not other.thread or other.thread != item.thread], "too many")
        self._wake()

    def nudge(self) -> None:
        """Something got through from the other side: try at once what rests after a failure."""
        for nudged in self._nudged.values():
            nudged.set()

    async def run(self, sender: Sender) -> None:
        """Send until cancelled; never raises for what Telegram or the network does."""
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._lane(_HIGH_LANE, sender), name="chat outbox, high")
            lanes.create_task(self._lane(_OTHER_LANE, sender), name="chat outbox")

    async def _lane(self, ranks: frozenset[Rank], sender: Sender) -> None:
        while True:
            item = await self._next(ranks)
            delivery = asyncio.ensure_future(self._deliver(item, sender))
            try:
                outcome = await asyncio.shield(delivery)
            except asyncio.CancelledError:
                await self._last_words(item, delivery)
                raise
            pause_s = self._settle(item, outcome)
            if pause_s:
                self._nudged[ranks].clear()
                await _event_or_time(self._nudged[ranks], self._clock, pause_s)

    async def _next(self, ranks: frozenset[Rank]) -> Outgoing:
        changed = self._changed[ranks]
        while True:
            changed.clear()
            self._lose(self._waiting.expired(self._wall_s()), "too late")
            now_s = self._clock.now_s()
            item = self._waiting.head(ranks, now_s, self._in_flight)
            if item is not None and self._budget.take(item.rank, now_s):
                self._waiting.remove(item)
                if item.thread:
                    self._in_flight.add(item.thread)
                return item
            await _event_or_time(changed, self._clock, self._wait_s(item, ranks, now_s))

    def _wait_s(self, item: Outgoing | None, ranks: Collection[Rank], now_s: float) -> float | None:
        if item is not None:
            return self._budget.wait_s(item.rank, now_s)
        due_s = self._waiting.next_due_s(ranks, now_s)
        return None if due_s is None else due_s - now_s

    async def _deliver(self, item: Outgoing, sender: Sender) -> Outcome:
        place = self._store.card(item.thread) if item.thread else None
        keyboard = item.page.keyboard
        if item.keeps_buttons and place is not None and not place.answered:
            keyboard = keyboard_from_text(place.keyboard)
        if place is not None and place.message_id is not None and not item.fresh:
            return await sender.edit(place.message_id, item.page.html, keyboard)
        if item.edit_only:
            return Delivered(0)
        html = item.page.html + _lateness(item, self._wall_s())
        return await sender.send(Page(html, keyboard, item.page.panel), silent=item.silent)

    async def _last_words(self, item: Outgoing, delivery: asyncio.Future[Outcome]) -> None:
        """Let a sending that is under way end, so that a restart does not say it a second time."""
        await asyncio.wait({delivery}, timeout=LAST_WORDS_S)
        if delivery.done():
            self._settle(item, delivery.result())
            return
        delivery.cancel()
        self._in_flight.discard(item.thread)
        self._doubt(item)
        self._give_back(item)

    def _settle(self, item: Outgoing, outcome: Outcome) -> float:
        """Do what an outcome asks for; the answer is how long the lane shall rest, seconds."""
        now_s = self._clock.now_s()
        self._in_flight.discard(item.thread)
        self._wake()
        match outcome:
            case Delivered(message_id):
                if message_id:  # else nothing was sent, and nothing learnt
                    self._faults.gone(now_s)
                self._placed(item, message_id)
                self._drop([item])
            case Flooded(retry_after_s):
                log.warning("chat: Telegram asks for %s of silence", span(retry_after_s))
                self._budget.block(retry_after_s, now_s)
                self._give_back(item)
            case Gone():
                self._give_back(replace(item, fresh=True))
            case Refused(reason):
                log.error("chat: Telegram refused a message: %s: %.80s", reason, plain(item.page.html))
                self._drop([item])
            case Failed(fault, sent):
                return self._failed(item, fault, sent, now_s)
        return 0.0

    def _placed(self, item: Outgoing, message_id: int) -> None:
        if not item.thread or not message_id:
            return
        place = self._store.card(item.thread)
        if item.fresh or place is None or place.message_id is None:
            # Otherwise a press came meanwhile from an earlier copy, and that one is the card.
            self._store.place_card(item.thread, message_id)

    def _doubt(self, item: Outgoing) -> None:
        """Note that a thread's first message may have arrived; an edit leaves no second message."""
        place = self._store.card(item.thread) if item.thread else None
        if place is not None and (item.fresh or place.message_id is None):
            self._store.doubt_card(item.thread)

    def _failed(self, item: Outgoing, fault: Fault, sent: Unsure, now_s: float) -> float:
        self._faults.seen(fault, now_s)
        attempts = item.attempts + 1
        rest_s = min(2.0 ** min(attempts, 10), SLOWEST_S)
        if fault in {Fault.BLOCKED, Fault.REFUSED}:
            self._give_back(replace(item, attempts=attempts))
            return rest_s
        if sent is Unsure.PERHAPS_SENT:
            self._doubt(item)
            self._give_back(replace(item, attempts=attempts, not_before_s=now_s + rest_s))
            return 0.0
        self._give_back(item)
        return UNREACHED_S

    def _give_back(self, item: Outgoing) -> None:
        replaced = self._waiting.give_back(item)
        if replaced is not None:
            self._drop([replaced])

    def _drop(self, items: list[Outgoing]) -> None:
        for item in items:
            if item.row:
                self._store.forget(item.row)

    def _lose(self, items: list[Outgoing], why: str) -> None:
        for item in items:
            log.warning("chat: a message was not sent, %s: %.80s", why, plain(item.page.html))
        self._drop(items)

    def _wake(self) -> None:
        for changed in self._changed.values():
            changed.set()


def _lateness(item: Outgoing, wall_s: float) -> str:
    late_s = wall_s - item.created_s
    if item.delayed_after_s is None or late_s < item.delayed_after_s:
        return ""
    return f"\n<i>delayed {span(late_s)}</i>"


async def _event_or_time(event: asyncio.Event, clock: Clock, seconds: float | None) -> None:
    """Wait for the event, or so long by the clock; None = for the event alone."""
    if seconds is None:
        await event.wait()
        return
    waits = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
