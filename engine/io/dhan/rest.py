"""Dhan's REST API as the ports `Broker` and `Quotes`, spoken by dhanhq.

dhanhq builds the requests; `http.py` under it keeps the raw answers; `outcomes.py` reads them. The
calls block, so they run on the threads given in. Three of those at most are ever busy with reads,
given up or not: an order command never waits for one. What is about orders leaves by `direct.py`, where
that is wanted and the way there allows it, in dhanhq's words still.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dhanhq import DhanContext, dhanhq

from engine.errors import RateLimited, SourceError, Unreachable, WireError
from engine.io.dhan.direct import Direct
from engine.io.dhan.http import Reply, ReplyHTTP
from engine.io.dhan.letters import letters
from engine.io.dhan.limits import ORDER_WINDOWS, QUOTE_WINDOWS, READ_WINDOWS, Lane, Rank, Slots
from engine.io.dhan.outcomes import answer_of, finds_nothing, outcome_of, rows_of
from engine.messages import HeldAtBroker, Refused, Verb
from engine.model import key_parts
from engine.wire import (
    ForeignRow,
    parse_entry_row,
    parse_order_row,
    parse_position_row,
    parse_quotes,
    parse_trade_row,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
    from engine.io.dhan.letters import Letter
    from engine.io.ports import Clock
    from engine.messages import Outcome, Tick
    from engine.model import InstrumentKey

T = TypeVar("T")
_log = logging.getLogger(__name__)

#: Longer than connecting and reading may take; reached only by a server that trickles its answer.
DEADLINE_S = 8.0
#: One of these is never held by what only somebody would like to know.
_READS_AT_ONCE = 2

#: How each command waits for its turn, and how long: what was decided on prices and positions that
#: are older by then is decided anew.
_TURN = {
    Verb.CANCEL: (Rank.CANCEL, 5.0),
    Verb.PLACE: (Rank.PLACE, 2.0),
    Verb.MODIFY: (Rank.MODIFY, 1.0),
    Verb.EXIT_ALL: (Rank.PLACE, 2.0),
    Verb.KILL: (Rank.MODIFY, 2.0),
    Verb.ARM: (Rank.MODIFY, 2.0),
    Verb.DISARM: (Rank.MODIFY, 2.0),
}


class Timed(NamedTuple):
    """An answer, and when it was complete by our clock (epoch seconds; 0 = there was none)."""

    reply: Reply
    ended_s: float


class DhanRest:
    """The account at Dhan: its orders, fills, positions and quotes."""

    def __init__(
        self,
        *,
        client_id: str,
        access_token: Callable[[], str],
        base_url: str,
        executor: Executor,
        clock: Clock,
        passes: Callable[[], Callable[[], str]] | None = None,
        proxy: str | None = None,
        direct: bool = False,
    ) -> None:
        """Prepare; no call is made.

        Args:
            client_id: Dhan's client id.
            access_token: asked for every call, on the thread that sends.
            base_url: with the version, e.g. ``https://api.dhan.co/v2``.
            executor: at least four threads; stays the caller's to shut down.
            clock: paces the calls.
            passes: called when a command comes in; what it returns is called on the sending thread, last at
                the socket, and says why it may not leave any more. None: it always may.
            proxy: the way to Dhan; None = as the environment says.
            direct: commands of orders go by connections of their own (`Direct`), not by dhanhq on a thread.
        """
        self._http = ReplyHTTP(client_id, access_token, base_url, proxy)
        context = DhanContext(client_id, "")
        context.dhan_http = self._http
        self._api = dhanhq(context)
        self._executor = executor
        self._clock = clock
        self._order_lane = Lane(clock, ORDER_WINDOWS)
        self._read_lane = Lane(clock, READ_WINDOWS)
        self._quote_lane = Lane(clock, QUOTE_WINDOWS)
        self._reading = Slots(_READS_AT_ONCE, kept=1)
        self._quoting = Slots(1)
        self._no_quotes_until_s = 0.0
        self._under_way: set[str] = set()
        self._recalled: set[str] = set()
        self._passes = passes or _free
        self._direct = Direct(self._http, clock) if direct else None
        self._letters = letters(client_id)

    def remember(self, sent_s: Sequence[float]) -> None:
        """Count the order commands of earlier processes (epoch seconds, the oldest first)."""
        self._order_lane.remember(sent_s)

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one limit order, once."""
        segment, security_id = key_parts(order.key)

        def write(api: Any) -> Any:
            return api.place_order(
                security_id=str(security_id),
                exchange_segment=segment.value,
                transaction_type=order.side.value,
                quantity=order.quantity,
                order_type="LIMIT",
                product_type=order.product.value,
                price=_rupees(order.limit_paise),
                validity=_validity(order),
                tag=order.correlation_id,
            )

        return await self._order(Verb.PLACE, write, order.correlation_id)

    async def modify(self, order_id: str, order: OrderRequest) -> Outcome:
        """Change limit and total quantity of a working order (v2 counts the total, not the rest)."""

        def write(api: Any) -> Any:
            return api.modify_order(
                order_id=order_id,
                order_type="LIMIT",
                leg_name="",
                quantity=order.quantity,
                price=_rupees(order.limit_paise),
                trigger_price=0.0,
                disclosed_quantity=0,
                validity=_validity(order),
            )

        return await self._order(Verb.MODIFY, write, order.correlation_id, order_id)

    async def cancel(self, order_id: str) -> Outcome:
        """Ask for a working order to be cancelled; accepted is not yet cancelled."""
        return await self._order(Verb.CANCEL, lambda api: api.cancel_order(order_id), "", order_id)

    @property
    def direct(self) -> bool:
        """Whether order commands go by connections of their own."""
        return self._direct is not None

    async def keep_warm(self, wanted: Callable[[float], bool]) -> None:
        """Hold connections ready for orders while they are wanted at the moment (epoch seconds)."""
        if self._direct is not None:
            await self._direct.keep_warm(wanted)

    def recall(self, correlation_id: str) -> None:
        """Let a place or modify that still waits here for its turn or a thread not leave any more."""
        if correlation_id in self._under_way:
            self._recalled.add(correlation_id)

    async def orders(self) -> Sequence[BrokerOrder]:
        """Today's order book.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        return await self._rows(self._api.get_order_list, parse_order_row)

    async def orders_named(self, correlation_id: str) -> Sequence[BrokerOrder]:
        """Today's orders of this name; none when Dhan says that it knows none.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        reply = await self._read(partial(self._api.get_order_by_correlationID, correlation_id))
        return [] if finds_nothing(reply) else _parsed(reply, parse_order_row)

    async def fills(self) -> Sequence[BrokerFill]:
        """Today's trade book.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        return await self._rows(self._api.get_trade_book, parse_trade_row)

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions, closed ones of today included.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        return await self._rows(self._api.get_positions, parse_position_row)

    async def traded(self) -> tuple[Sequence[BrokerFill], Sequence[BrokerPosition]]:
        """Today's trade book and net positions, read at the same time.

        Raises:
            SourceError: as either of them; the other is not waited for.
        """
        try:
            async with asyncio.TaskGroup() as both:
                fills, positions = both.create_task(self.fills()), both.create_task(self.positions())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return fills.result(), positions.result()

    async def held(self) -> HeldAtBroker:
        """Positions with what is told of their entries, and the day's trades; others' reads go first.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        trades = await self._rows(self._api.get_trade_book, parse_trade_row, Rank.OTHER)
        rows = await self._rows(self._api.get_positions, parse_entry_row, Rank.OTHER)
        return HeldAtBroker(tuple(rows), tuple(trades))

    async def _rows(
        self, call: Callable[[], Reply], parse: Callable[[object], T], rank: Rank = Rank.BOOKS
    ) -> list[T]:
        """Read a list, and what it says, on one thread: a thousand rows would hold the loop for 35 ms.

        Raises:
            SourceError: as `_parsed`.
        """
        found: list[list[T]] = []

        def read() -> Reply:
            reply = call()
            with suppress(SourceError):  # raised below, for whoever waits
                found.append(_parsed(reply, parse))
            return reply

        reply = await self._read(read, rank)
        return found[0] if found and not reply.failure else _parsed(reply, parse)

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Timed:
        """Get one page of the API, or its answer to this body, once; what it means is the caller's."""
        ended_s = 0.0

        def call() -> Reply:
            nonlocal ended_s
            reply: Reply = self._http.get(path) if body is None else self._http.post(path, body)
            ended_s = self._clock.now_s()  # here, as the loop may come to it much later
            return reply

        reply = await self._read(call, Rank.OTHER)
        return Timed(reply, ended_s)

    async def tell(self, verb: Verb, call: Callable[[ReplyHTTP], Reply]) -> Outcome:
        """Send one command that is about the whole account, once."""
        send = partial(self._by_thread, partial(call, self._http))
        return await self._command(verb, send, "")

    async def quotes(self, keys: Iterable[InstrumentKey]) -> Sequence[Tick]:
        """Latest quotes with depth, missing ids left out (at most 1,000 keys a call).

        Raises:
            RateLimited: asked too often, whoever did; until that is over nobody asks again.
            SourceError: there was no answer, or not one of quotes.
        """
        barred_s = self._no_quotes_until_s - self._clock.now_s()
        if barred_s > 0.0:
            msg = f"quotes were asked for too often; none are for {barred_s:.0f} s"
            raise RateLimited(msg, barred_s)
        ids: dict[str, list[int]] = {}
        for key in keys:
            segment, security_id = key_parts(key)
            ids.setdefault(segment.value, []).append(security_id)
        if not ids:
            return []
        call = partial(self._api.quote_data, ids)
        reply = await self._read(call, Rank.BOOKS, self._quoting, self._quote_lane)
        try:
            answer = answer_of(reply)
        except RateLimited as error:
            self._no_quotes_until_s = self._clock.now_s() + error.retry_after_s
            raise
        # Without a table: JSON prices are exact to the paisa where feed prices need their grid.
        return _understood(lambda body: parse_quotes(body, {}), answer)

    def lend_quote(self) -> bool:
        """Count a question for quotes that a tool of the owner is about to ask; False = not now."""
        barred = self._clock.now_s() < self._no_quotes_until_s
        return not barred and self._quote_lane.at_once(Rank.OTHER)

    def close(self) -> None:
        """Close the connections; calls under way end as they may."""
        if self._direct is not None:
            self._direct.close()
        self._http.session.close()

    async def _order(self, verb: Verb, write: Callable[[Any], Any], name: str, order_id: str = "") -> Outcome:
        """Send what this writes by a dhanhq: over a connection that stands ready, else on a thread."""
        direct = self._direct
        if direct is None or not direct.able:
            send = partial(self._by_thread, lambda: write(self._api))
            return await self._command(verb, send, name, order_id)
        letter: Letter = write(self._letters)
        return await self._command(verb, partial(direct.send, letter), name, order_id)

    async def _by_thread(self, call: Callable[[], Reply], why_not: Callable[[], str]) -> Reply:
        """Send by dhanhq. It is looked at when a thread takes it up too: nobody shall connect for nothing."""

        def unless_held_back() -> Reply:
            if why := why_not():
                return Reply(None, failure=why, sent=False)
            with self._http.look.by(why_not):
                return call()

        return await self._send(unless_held_back)

    async def _command(
        self,
        verb: Verb,
        send: Callable[[Callable[[], str]], Awaitable[Reply]],
        name: str,
        order_id: str = "",
    ) -> Outcome:
        """Send a command when it is its turn and decide what became of it.

        ``send`` is given what is to be looked at last, at the socket: a process that was stopped and wakes
        must not send what it had decided before. ``name``: by which `recall` knows it.
        """
        passes = self._passes()

        def why_not() -> str:
            return "it was recalled" if name in self._recalled else passes()

        rank, patience_s = _TURN[verb]
        if name:
            self._under_way.add(name)
        try:
            if not await self._order_lane.turn(rank, patience_s):
                return Refused("NOT-SENT", "not sent: the order lane is full")
            return outcome_of(verb, await send(why_not), order_id)
        finally:
            self._under_way.discard(name)
            self._recalled.discard(name)

    async def _read(
        self,
        call: Callable[[], Reply],
        rank: Rank = Rank.BOOKS,
        slots: Slots | None = None,
        lane: Lane | None = None,
    ) -> Reply:
        """Send a read, a few at once; its slot is free again when its thread is, not when we give up."""
        slots, lane = slots or self._reading, lane or self._read_lane
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
        return await self._send(call, slots.free)

    async def _send(self, call: Callable[[], Reply], at_end: Callable[[], None] = lambda: None) -> Reply:
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


def _free() -> Callable[[], str]:
    """A pass for whoever needs no lease."""
    return lambda: ""


def _rupees(paise: int) -> float:
    """The float whose shortest decimal form is this price; JSON writes exactly that."""
    return paise / 100


def _validity(order: OrderRequest) -> str:
    """Dhan's word for how long the order may rest."""
    return "IOC" if order.ioc else "DAY"


def _parsed(reply: Reply, parse: Callable[[object], T]) -> list[T]:
    """Read all rows, those we never trade left out; one broken row spoils the answer.

    A book with a row missing would look like an order or a position that is not there.
    """
    rows = []
    for row in rows_of(reply):
        try:
            rows.append(_understood(parse, row))
        except ForeignRow as problem:
            if problem.__cause__ is not None:
                _warn_once(str(problem))
    return rows


@lru_cache(maxsize=64)
def _warn_once(text: str) -> None:
    """Log it; the books are read again every few seconds."""
    _log.warning("passed over in Dhan's books: %s", text)


def _understood(parse: Callable[[object], T], body: object) -> T:
    """Read an answer; one that makes no sense is no answer."""
    try:
        return parse(body)
    except ForeignRow:
        raise
    except WireError as problem:
        msg = f"Dhan's answer makes no sense: {problem}"
        raise Unreachable(msg) from problem
