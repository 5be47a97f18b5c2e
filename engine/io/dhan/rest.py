"""Dhan's REST API as the ports `Broker` and `Quotes`, spoken by dhanhq.

dhanhq builds the requests; `http.py` under it keeps the raw answers; `outcomes.py` reads them. The
calls block, so they run on the threads given in (`threads.py`). What is about orders leaves by `direct.py`,
where that is wanted and the way there allows it, in dhanhq's words still.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dhanhq import DhanContext, dhanhq

from engine.errors import RateLimited
from engine.io.dhan.direct import Direct
from engine.io.dhan.http import Reply, ReplyHTTP
from engine.io.dhan.letters import letters
from engine.io.dhan.limits import ORDER_WINDOWS, Lane, Rank
from engine.io.dhan.outcomes import answer_of, finds_nothing, outcome_of
from engine.io.dhan.threads import Threads, parsed, understood
from engine.messages import HeldAtBroker, Refused, Verb
from engine.model import key_parts
from engine.wire import (
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
        self._clock = clock
        self._order_lane = Lane(clock, ORDER_WINDOWS)
        self._threads = Threads(executor, clock)
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
        return await self._threads.rows(self._api.get_order_list, parse_order_row)

    async def orders_named(self, correlation_id: str) -> Sequence[BrokerOrder]:
        """Today's orders of this name; none when Dhan says that it knows none.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        reply = await self._threads.read(partial(self._api.get_order_by_correlationID, correlation_id))
        return [] if finds_nothing(reply) else parsed(reply, parse_order_row)

    async def fills(self) -> Sequence[BrokerFill]:
        """Today's trade book.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        return await self._threads.rows(self._api.get_trade_book, parse_trade_row)

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions, closed ones of today included.

        Raises:
            SourceError: there was no answer, or a row in it that cannot be understood.
        """
        return await self._threads.rows(self._api.get_positions, parse_position_row)

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
        trades = await self._threads.rows(self._api.get_trade_book, parse_trade_row, Rank.OTHER)
        rows = await self._threads.rows(self._api.get_positions, parse_entry_row, Rank.OTHER)
        return HeldAtBroker(tuple(rows), tuple(trades))

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Timed:
        """Get one page of the API, or its answer to this body, once; what it means is the caller's."""
        ended_s = 0.0

        def call() -> Reply:
            nonlocal ended_s
            reply: Reply = self._http.get(path) if body is None else self._http.post(path, body)
            ended_s = self._clock.now_s()  # here, as the loop may come to it much later
            return reply

        reply = await self._threads.read(call, Rank.OTHER)
        return Timed(reply, ended_s)

    async def page(self, path: str, parse: Callable[[object], T]) -> T:
        """Get one page of the API, once, and what it says, understood on the thread that has read it.

        Raises:
            SourceError: there was no answer, or none that is JSON.
            ValueError: whatever ``parse`` does.
        """
        call = partial(self._http.get, path)
        return await self._threads.page(call, lambda reply: parse(answer_of(reply)), Rank.OTHER)

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

        def read(reply: Reply) -> list[Tick]:
            # Without a table: JSON prices are exact to the paisa where feed prices need their grid.
            return understood(lambda body: parse_quotes(body, {}), answer_of(reply))

        try:
            return await self._threads.quotes(partial(self._api.quote_data, ids), read)
        except RateLimited as error:
            self._no_quotes_until_s = self._clock.now_s() + error.retry_after_s
            raise

    def lend_quote(self) -> bool:
        """Count a question for quotes that a tool of the owner is about to ask; False = not now."""
        barred = self._clock.now_s() < self._no_quotes_until_s
        return not barred and self._threads.lend_quote()

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

        return await self._threads.send(unless_held_back)

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


def _free() -> Callable[[], str]:
    """A pass for whoever needs no lease."""
    return lambda: ""


def _rupees(paise: int) -> float:
    """The float whose shortest decimal form is this price; JSON writes exactly that."""
    return paise / 100


def _validity(order: OrderRequest) -> str:
    """Dhan's word for how long the order may rest."""
    return "IOC" if order.ioc else "DAY"
