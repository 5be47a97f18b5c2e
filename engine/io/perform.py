"""Effects into deeds: each port in its own task or queue, each answer back by the inbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from engine.effects import (
    AddTrades,
    Alert,
    Answer,
    Ask,
    CancelOrder,
    Card,
    ClaimLease,
    CloseTrades,
    ControlAccount,
    Digest,
    Effect,
    GoOn,
    LoadInstruments,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryAccount,
    QueryBroker,
    QueryControls,
    QueryMargin,
    QueryOrder,
    QueryQuotes,
    RecallOrder,
    Record,
    ReduceTrades,
    RenewToken,
    ReopenUpdates,
    Say,
    Subscribe,
    WriteBook,
)
from engine.errors import BadInput, SourceError
from engine.io.broker_books import BrokerBooks
from engine.io.inbox import Inbox
from engine.io.logbook import Logbook
from engine.io.ports import (
    Access,
    Broker,
    Chat,
    Claims,
    Clock,
    Control,
    Feed,
    Margins,
    Quotes,
    RowTaker,
    TradeStore,
    Updates,
)
from engine.io.store_writer import ExitTaker, StoreWriter
from engine.messages import (
    CommandOutcome,
    Further,
    InstrumentsLoaded,
    OrderUpdate,
    QuotesRead,
    TradesLoaded,
    Verb,
)
from engine.model import Instrument, InstrumentKey, Mode

_log = logging.getLogger(__name__)

LoadMaster = Callable[[frozenset[str]], Awaitable[Mapping[InstrumentKey, Instrument]]]


class Ports(NamedTuple):
    """Everything outside that effects are done to; what is None nobody may ask for."""

    broker: Broker
    access: Access
    store: TradeStore
    feed: Feed
    chat: Chat
    margins: Margins
    quotes: Quotes
    updates: Updates
    control: Control
    lease: Claims | None = None
    taker: RowTaker | None = None
    exits: ExitTaker | None = None


class Performer:
    """Performs every effect that is not the journal's.

    Args:
        spawn: starts a named task that the supervisor owns.
        load_master: reads the instrument master for these underlyings.
        books: takes a line for the file of executions; never waits.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        ports: Ports,
        clock: Clock,
        load_master: LoadMaster,
        spawn: Callable[[str, Awaitable[None]], None],
        books: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._inbox = inbox
        self._broker, self._access, self._store = ports.broker, ports.access, ports.store
        self._margins, self._quotes = ports.margins, ports.quotes
        self._control, self._lease = ports.control, ports.lease
        feed, chat, updates = ports.feed, ports.chat, ports.updates
        self._clock = clock
        self._load_master = load_master
        self._spawn = spawn
        self._books = books
        self._reader = BrokerBooks(ports.broker, clock)
        self.writer = StoreWriter(ports.store, clock, inbox.post, self._load_trades, ports.taker, ports.exits)
        self.logbook = Logbook()
        self._loading = self._load_again = False
        self._masters: list[LoadInstruments] = []  # the load that runs, and the newest that waits
        self._does: dict[type, Callable[[Any], None]] = {
            PlaceOrder: lambda e: self._send(f"place {e.order.correlation_id}", self._place(e)),
            ModifyOrder: lambda e: self._send(f"modify {e.order.correlation_id}", self._modify(e)),
            CancelOrder: lambda e: self._send(f"cancel {e.correlation_id}", self._cancel(e)),
            RecallOrder: lambda e: self._broker.recall(e.correlation_id),
            QueryBroker: lambda e: spawn(f"report {e.request}", self._report(e)),
            QueryOrder: lambda e: spawn(f"look up {e.correlation_id}", self._look_up(e)),
            QueryQuotes: lambda e: spawn("quotes", self._quote(e)),
            QueryAccount: lambda _: spawn("account", self._account()),
            QueryMargin: lambda e: spawn(f"margin {e.nonce}", self._margin(e)),
            QueryControls: lambda e: spawn(f"controls {e.request}", self._controls(e)),
            ControlAccount: lambda e: spawn(str(e.verb), self._control_account(e)),
            RenewToken: lambda _: spawn("renew token", self._renew()),
            ReopenUpdates: lambda _: updates.reopen(),
            ClaimLease: lambda e: spawn("lease", self._claim(e)),
            LoadTrades: lambda _: self._load_trades(),
            LoadInstruments: self._load_instruments,
            GoOn: self._go_on,
            CloseTrades: self.writer.put,
            ReduceTrades: self.writer.put,
            AddTrades: self.writer.put,
            Subscribe: lambda e: feed.subscribe(e.instruments),
            WriteBook: self._book,
            Alert: chat.alert,
            Ask: chat.ask,
            Answer: chat.answer,
            Card: chat.card,
            Say: chat.say,
            Digest: chat.digest,
        }

    def perform(self, effect: Effect) -> None:
        """Start doing it; never waits."""
        self._does[type(effect)](effect)

    def soon(self, act: Callable[[], None]) -> None:
        """Call it when the loop has gone round twice: tasks begun before, and theirs, have had their turn."""
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, act)

    def recorded(self, record: Record) -> None:
        """The journal has this now; a store that keeps exits as rows wants to know of them."""
        self.writer.keep(record)
        self.logbook.note(record)

    # ---------------------------------------------------------------------------------- orders

    def _send(self, name: str, command: Awaitable[None]) -> None:
        """Begin it before anything else is handled: an order waits for no tick."""
        self._spawn(name, command)
        self._inbox.let_others()
        self._reader.stirred()

    async def _place(self, effect: PlaceOrder) -> None:
        outcome = await self._broker.place(effect.order)
        self._inbox.post(CommandOutcome(Verb.PLACE, effect.order.correlation_id, outcome))

    async def _modify(self, effect: ModifyOrder) -> None:
        outcome = await self._broker.modify(effect.order_id, effect.order)
        self._inbox.post(CommandOutcome(Verb.MODIFY, effect.order.correlation_id, outcome))

    async def _cancel(self, effect: CancelOrder) -> None:
        outcome = await self._broker.cancel(effect.order_id)
        self._inbox.post(CommandOutcome(Verb.CANCEL, effect.correlation_id, outcome))

    async def _report(self, effect: QueryBroker) -> None:
        self._inbox.post(await self._reader.read(effect.request))

    async def _look_up(self, effect: QueryOrder) -> None:
        try:
            found = await self._broker.orders_named(effect.correlation_id)
        except SourceError as error:
            _log.info("looking up order %s: %s", effect.correlation_id, error)
            return
        for order in found:
            self._inbox.post(OrderUpdate(order, looked_up=True))

    async def _quote(self, effect: QueryQuotes) -> None:
        began_s = self._clock.now_s()
        try:
            ticks = await self._quotes.quotes(effect.keys)
        except SourceError as error:
            _log.info("asking for quotes of an exit's contracts: %s", error)
            return
        self._inbox.post(QuotesRead(tuple(ticks), began_s))

    async def _account(self) -> None:
        self._inbox.post(await self._access.state())

    async def _margin(self, effect: QueryMargin) -> None:
        self._inbox.post(await self._margins.known(effect))

    async def _controls(self, effect: QueryControls) -> None:
        self._inbox.post(await self._control.state(effect.request))

    async def _control_account(self, effect: ControlAccount) -> None:
        self._reader.stirred()
        outcome = await self._control.command(effect.verb, effect.terms)
        self._inbox.post(CommandOutcome(effect.verb, effect.name, outcome))

    async def _renew(self) -> None:
        self._inbox.post(await self._access.renew())

    async def _claim(self, effect: ClaimLease) -> None:
        assert self._lease is not None  # noqa: S101 - the machine's configuration comes from the same hand
        self._inbox.post(await self._lease.claim(effect))

    # ----------------------------------------------------------------------------------- store

    def _load_trades(self) -> None:
        if self._loading:  # a slow store gets one question at a time
            self._load_again = True
            return
        self._loading = True
        self._spawn("load trades", self._trades())

    async def _trades(self) -> None:
        began_s = self._clock.now_s()
        try:
            rows, levels = await self._store.open_rows(), await self._store.exit_levels()
        except (SourceError, BadInput) as error:
            self._inbox.post(TradesLoaded(None, str(error)))
        else:
            self._inbox.post(TradesLoaded(tuple(rows), levels=tuple(levels), began_s=began_s))
        finally:
            self._loading = False
        if self._load_again:  # whoever asked meanwhile wants to know what is there now
            self._load_again = False
            self._load_trades()

    def _book(self, effect: WriteBook) -> None:
        """To the file; and to the store's rows, but for what was only on paper."""
        self._books(effect.line)
        if effect.line["mode"] != Mode.SIMULATE:
            self.writer.note(effect.line)

    def _go_on(self, _effect: GoOn) -> None:
        """Ticks that wait come first, and those that the sockets hold: a turn of the loop reads them."""
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._inbox.post, Further())

    def _load_instruments(self, effect: LoadInstruments) -> None:
        """One load at a time: two would write one file, and the one that knows less could come last."""
        busy, self._masters = bool(self._masters), [*self._masters[:1], effect]
        if not busy:
            self._spawn("instruments", self._instruments(effect))

    async def _instruments(self, effect: LoadInstruments) -> None:
        try:
            found = await self._load_master(effect.symbols)
        except (SourceError, BadInput) as error:
            self._inbox.post(InstrumentsLoaded({}, str(error)))
        else:
            self._inbox.post(InstrumentsLoaded(found))
        finally:
            waiting, self._masters = self._masters[1:], []
            for newest in waiting:
                self._load_instruments(newest)
