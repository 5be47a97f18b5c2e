"""Everything that leaves for the chat: three lanes over one queue and one budget.

HIGH alerts have a lane of their own, so that none of them waits behind a message whose answer is
slow, and living messages have one, so that nobody waits behind them; the budget keeps the others from
spending what a HIGH alert needs. What must survive a restart is
kept in the chat's store until Telegram has taken it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.delivery import Delivery
from bot.faults import HELPLESS, Fault, FaultBook, Unsure
from bot.kept import from_body, to_body
from bot.layout import Page, brief, plain, span
from bot.queue import LIVING_RANKS, Budget, Outgoing, Rank, Waiting
from bot.sender import Delivered, Failed, Flooded, Gone, Outcome, Refused, Sender
from bot.store import LIVING
from engine.measures import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from bot.store import ChatStore
    from engine.io.ports import Clock

log = logging.getLogger(__name__)

_HIGH_LANE = frozenset({Rank.HIGH})
_LANES = {
    "chat outbox, high": _HIGH_LANE,
    "chat outbox": frozenset(Rank) - _HIGH_LANE - LIVING_RANKS,
    "chat outbox, live": LIVING_RANKS,
}
#: While Telegram cannot be reached the next message is tried this often, so that news come at once
#: when it is back.
UNREACHED_S = 3.0
#: A message that may have been delivered, or whose chat or token was refused, is tried again ever more
#: slowly: after 2, 4, 8 ... seconds, at most this.
SLOWEST_S = 60.0
#: How long the end of the chat waits for a message that is just being sent, real seconds.
LAST_WORDS_S = 1.0


class Outbox:
    """The owner of all that waits to be sent; adding never blocks, sending happens in `run`.

    Attributes:
        alert_latency: of HIGH alerts, from when they were said until Telegram had them.
    """

    def __init__(
        self, *, store: ChatStore, faults: FaultBook, clock: Clock, wall_s: Callable[[], float]
    ) -> None:
        """Take up what an earlier life left undelivered."""
        self._store = store
        self._faults = faults
        self._clock = clock
        self._wall_s = wall_s
        self._delivery = Delivery(store, wall_s)
        self._waiting = Waiting()
        self.alert_latency = Histogram()
        self._in_flight: set[str] = set()
        self._budget = Budget(at_s=clock.now_s())
        self._changed = {lane: asyncio.Event() for lane in _LANES.values()}
        self._nudged = {lane: asyncio.Event() for lane in _LANES.values()}
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
            for name, ranks in _LANES.items():
                lanes.create_task(self._lane(ranks, sender), name=name)

    async def part(self, letters: Iterable[Outgoing], sender: Sender) -> None:
        """Say last words in messages that stand already, each once, as far as the budget goes."""
        for item in letters:
            place = self._store.card(item.thread)
            if place is None or place.message_id is None or item.thread in self._in_flight:
                continue
            if not self._budget.take(Rank.REPLY, self._clock.now_s()):
                return
            await sender.edit(place.message_id, item.page.html, item.page.keyboard)

    async def _lane(self, ranks: frozenset[Rank], sender: Sender) -> None:
        while True:
            item = await self._next(ranks)
            delivery = asyncio.ensure_future(self._delivery.say(item, sender))
            try:
                await asyncio.wait({delivery})
            except asyncio.CancelledError:
                await self._last_words(item, delivery)
                raise
            pause_s = self._end(item, delivery)
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

    async def _last_words(self, item: Outgoing, delivery: asyncio.Future[Outcome]) -> None:
        """Let a sending that is under way end, so that a restart does not say it a second time."""
        await asyncio.wait({delivery}, timeout=LAST_WORDS_S)
        if delivery.done():
            self._end(item, delivery)
            return
        delivery.cancel()
        self._in_flight.discard(item.thread)
        self._doubt(item)
        self._give_back(item)

    def _end(self, item: Outgoing, delivery: asyncio.Future[Outcome]) -> float:
        """Do what follows from a delivery, be it a mistake of ours; how long the lane shall rest, seconds.

        A mistake in one message may not end the lanes: the others have to arrive.
        """
        error = delivery.exception()
        if error is None:
            return self._settle(item, delivery.result())
        if not isinstance(error, Exception):  # KeyboardInterrupt, SystemExit: the loop itself ends
            raise error
        self._in_flight.discard(item.thread)
        self._wake()
        log.error("chat: a message could not be made: %.80s", plain(item.page.html), exc_info=error)
        if item.write is not None:  # then as it was when it was queued
            self._give_back(replace(item, write=None))
        else:
            self._unsent(item, self._clock.now_s())
        return 0.0

    def _settle(self, item: Outgoing, outcome: Outcome) -> float:
        """Do what an outcome asks for; the answer is how long the lane shall rest, seconds."""
        now_s = self._clock.now_s()
        self._in_flight.discard(item.thread)
        self._wake()
        match outcome:
            case Delivered(message_id):
                if message_id:  # else nothing was sent, and nothing learnt
                    self._faults.gone(now_s)
                if message_id and item.rank is Rank.HIGH:
                    self.alert_latency.take(max(self._wall_s() - item.created_s, 0.0))
                self._placed(item, message_id)
                if item.last:
                    self._ended(item)
                else:
                    self._drop([item])
            case Flooded():
                self._flooded(item, outcome, now_s)
            case Gone():
                self._gone(item)
            case Refused(reason):
                log.error("chat: Telegram refused a message: %s: %.80s", reason, plain(item.page.html))
                self._unsent(item, now_s)
            case Failed():
                return self._failed(item, outcome, now_s)
        return 0.0

    def _unsent(self, item: Outgoing, now_s: float) -> None:
        """A message that fails by itself is let go; a HIGH one is tried as title and first words.

        Slowly, and without holding up the others: it is not their fault.
        """
        if item.rank is not Rank.HIGH:
            self._drop([item])
            return
        self._faults.seen(Fault.UNSENT, now_s)
        attempts = item.attempts + 1
        self._give_back(
            replace(
                item,
                page=Page(brief(item.page.html)),
                write=None,
                fresh=item.fresh or not item.edit_only,
                keeps_buttons=False,
                attempts=attempts,
                not_before_s=now_s + _rest_s(attempts),
            )
        )

    def _flooded(self, item: Outgoing, flooded: Flooded, now_s: float) -> None:
        log.warning("chat: Telegram asks for %s of silence", span(flooded.retry_after_s))
        if flooded.edit:
            self._budget.block_edits(flooded.retry_after_s, now_s)
            item = replace(item, not_before_s=now_s + flooded.retry_after_s)
        else:
            self._budget.block(flooded.retry_after_s, now_s)
        self._give_back(item)

    def _gone(self, item: Outgoing) -> None:
        """The message to be edited is not there: say it in a new one, unless it was only to be edited."""
        if item.edit_only:
            self._ended(item)
        elif item.thread.startswith(LIVING):  # whatever is said next in this thread makes the new message
            self._store.forget_card(item.thread)
            self._give_back(item)
        else:
            self._give_back(replace(item, fresh=True))

    def _ended(self, item: Outgoing) -> None:
        """Let go of a message in which nothing more can or will be said."""
        if item.thread.startswith(LIVING):
            self._store.forget_card(item.thread)
        self._drop([item])

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

    def _failed(self, item: Outgoing, failed: Failed, now_s: float) -> float:
        sent = failed.sent
        self._faults.seen(failed.fault, now_s, failed.detail)
        attempts = item.attempts + 1
        rest_s = _rest_s(attempts)
        if failed.fault in HELPLESS:
            self._give_back(replace(item, attempts=attempts))
            return rest_s
        if sent is Unsure.PERHAPS_SENT and item.page.draw is not None and item.durable:
            item = replace(
                item, page=replace(item.page, draw=None)
            )  # nobody would ask again: its words at least
        elif sent is Unsure.PERHAPS_SENT and item.page.draw is not None:
            log.warning("chat: a picture may not have arrived; whoever misses it asks again")
            self._drop([item])
            return 0.0
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


def _rest_s(attempts: int) -> float:
    """How long to wait before the next try after so many in vain."""
    return min(2.0 ** min(attempts, 10), SLOWEST_S)


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
