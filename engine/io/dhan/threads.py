"""Blocking calls to Dhan on the threads given in, and what the answers to reads say.

Three of the threads at most are ever busy with reads, given up or not: an order command never waits for one.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

from engine.errors import SourceError, Unreachable, WireError
from engine.io.dhan.http import Reply
from engine.io.dhan.limits import QUOTE_WINDOWS, READ_WINDOWS, Lane, Rank, Slots
from engine.io.dhan.outcomes import rows_of
from engine.wire import ForeignRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from engine.io.ports import Clock

__all__ = ["Threads", "parsed", "understood"]

T = TypeVar("T")
_log = logging.getLogger(__name__)

#: Longer than connecting and reading may take; reached only by a server that trickles its answer.
DEADLINE_S = 8.0
#: One of these is never held by what only somebody would like to know.
_READS_AT_ONCE = 2


class Threads:
    """Who may call when: reads and quotes, each in its lane, a few at once.

    Args:
        executor: at least four threads; stays the caller's to shut down.
        clock: paces the calls.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor = executor
        self._read_lane, self._quote_lane = Lane(clock, READ_WINDOWS), Lane(clock, QUOTE_WINDOWS)
        self._reading, self._quoting = Slots(_READS_AT_ONCE, kept=1), Slots(1)

    async def read(self, call: Callable[[], Reply], rank: Rank = Rank.BOOKS) -> Reply:
        """Send a read when it is its turn."""
        return await self._in_turn(call, rank, self._reading, self._read_lane)

    async def _quote(self, call: Callable[[], Reply]) -> Reply:
        """Send the one question for quotes that there is a second."""
        return await self._in_turn(call, Rank.BOOKS, self._quoting, self._quote_lane)

    def lend_quote(self) -> bool:
        """Count a question for quotes that somebody else asks, if one may be asked now."""
        return self._quote_lane.at_once(Rank.OTHER)

    async def rows(
        self, call: Callable[[], Reply], parse: Callable[[object], T], rank: Rank = Rank.BOOKS
    ) -> list[T]:
        """Read a list, and what it says: a thousand rows would hold the loop for 35 ms.

        Raises:
            SourceError: as `parsed`.
        """
        return await self.page(call, lambda reply: parsed(reply, parse), rank)

    async def page(self, call: Callable[[], Reply], understand: Callable[[Reply], T], rank: Rank) -> T:
        """Read a page, and what it says, on one thread.

        Raises:
            SourceError, ValueError: whatever ``understand`` does.
        """
        return await _told(call, understand, partial(self.read, rank=rank))

    async def quotes(self, call: Callable[[], Reply], understand: Callable[[Reply], T]) -> T:
        """The same with the one question for quotes that there is a second: a thousand are 25 ms to read."""
        return await _told(call, understand, self._quote)

    async def _in_turn(self, call: Callable[[], Reply], rank: Rank, slots: Slots, lane: Lane) -> Reply:
        """Send one, a few at once; its slot is free again when its thread is, not when we give up."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                await slots.take(rank)
        except TimeoutError:
            return Reply(None, failure="earlier reads are still unanswered", sent=False)
        try:
            await lane.turn(rank)
        except asyncio.CancelledError:
            slots.free()
            raise
        return await self.send(call, slots.free)

    async def send(self, call: Callable[[], Reply], at_end: Callable[[], None] = lambda: None) -> Reply:
        """Run a blocking call on a thread; no answer in time is an answer lost, not one refused.

        A call that no thread has taken up until then is never made. ``at_end`` is called when the
        thread is done with it.
        """
        work = self._executor.submit(call)
        answer = asyncio.wrap_future(work)
        answer.add_done_callback(lambda _: at_end())
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            if work.cancel():
                return Reply(None, failure="no thread was free", sent=False)
            return Reply(None, failure=f"no whole answer within {DEADLINE_S:.0f} s")
        except asyncio.CancelledError:
            work.cancel()
            raise


async def _told(
    call: Callable[[], Reply],
    understand: Callable[[Reply], T],
    send: Callable[[Callable[[], Reply]], Awaitable[Reply]],
) -> T:
    """What an answer says, understood on the thread that ``send`` has the call made on."""
    found: list[T] = []

    def read() -> Reply:
        reply = call()
        with suppress(SourceError, ValueError):  # raised below, for whoever waits
            found.append(understand(reply))
        return reply

    reply = await send(read)
    return found[0] if found and not reply.failure else understand(reply)


def parsed(reply: Reply, parse: Callable[[object], T]) -> list[T]:
    """Read all rows, those we never trade left out; one broken row spoils the answer.

    A book with a row missing would look like an order or a position that is not there.
    """
    rows = []
    for row in rows_of(reply):
        try:
            rows.append(understood(parse, row))
        except ForeignRow as problem:
            if problem.__cause__ is not None:
                _warn_once(str(problem))
    return rows


@lru_cache(maxsize=64)
def _warn_once(text: str) -> None:
    """Log it; the books are read again every few seconds."""
    _log.warning("passed over in Dhan's books: %s", text)


def understood(parse: Callable[[object], T], body: object) -> T:
    """Read an answer; one that makes no sense is no answer."""
    try:
        return parse(body)
    except ForeignRow:
        raise
    except WireError as problem:
        msg = f"Dhan's answer makes no sense: {problem}"
        raise Unreachable(msg) from problem
