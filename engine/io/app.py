"""The composition root: builds the house once, starts it in order, closes it in reverse.

Nothing here decides anything. The chat is given, so that the engine need not know Telegram.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

from engine.budget import moments_s
from engine.effects import WriteBook
from engine.errors import JournalError
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.access import DhanAccess
from engine.io.dhan.control import DhanControl
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.margin import DhanMargin
from engine.io.dhan.order_updates import OrderUpdates
from engine.io.dhan.polling import PollingFeed
from engine.io.dhan.rest import DhanRest
from engine.io.env import make_data_dir
from engine.io.errands import Errands
from engine.io.executions import Executions, executions_file, line_order
from engine.io.heap import settled
from engine.io.held import watch_held
from engine.io.inbox import Inbox
from engine.io.journal import Journal, journal_name
from engine.io.lease import VERSION, LeaseKeeper, owner_name
from engine.io.locks import HostLock, account_lock, on_this_host
from engine.io.paper import PaperBroker
from engine.io.perform import Performer, Ports
from engine.io.ports import Broker, Chat, Clock, Control, Feed
from engine.io.read_only import ReadOnlyBroker, ReadOnlyControl
from engine.io.rules_file import RulesFile
from engine.io.runner import Runner
from engine.io.schedule import Schedule
from engine.io.storage import Storage
from engine.io.stores.sqlite import SqliteStore
from engine.io.supervise import Restart, Supervisor
from engine.io.token_file import TokenFile
from engine.io.whys import Found, read_journal
from engine.messages import Beat, BeatKind, FeedChanged, Message, OrderUpdate, Tick, UpdatesStopped
from engine.model import Instrument, InstrumentKey, Mode
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.picture import RulesNow, picture, rules_now
from engine.sessions import at, ist_date
from engine.settings import Settings
from engine.tenure import LeaseTerms
from engine.view import MonitorView
from engine.watch import Watchlist
from engine.words import LeasePlace, TradesSource

__all__ = ["Options", "RunningChat", "Wiring", "run_house"]

_log = logging.getLogger(__name__)

ACCOUNT = "default"
REST_THREADS = 4
#: How long `Options.once` waits for prices, and how often it looks.
ONCE_LIMIT_S = 15.0
ONCE_LOOK_S = 0.25


class RunningChat(Chat, Protocol):
    """A chat that has a life of its own."""

    async def run(self) -> None:
        """Run until cancelled."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a chat is plugged into.

    Attributes:
        rules: the rules of the positions of a strategy id, as they stand.
        why: what the journal has seen of a strategy id; raises BadInput when it cannot be read.
    """

    post: Callable[[Message], None]
    view: Callable[[], MonitorView]
    rules: Callable[[int], tuple[RulesNow, ...]]
    why: Callable[[int], Awaitable[tuple[Found, ...]]]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line chose for this run.

    Attributes:
        websocket: False = REST quotes only, every ``interval_s``.
        table_every_s: how often ``show`` gets a view; None = never.
        duration_s: end by itself after this long; None = run until stopped.
        once: show one view, as soon as every position is priced, and end.
    """

    mode: Mode
    websocket: bool = True
    interval_s: float = 1.0
    table_every_s: float | None = None
    duration_s: float | None = None
    once: bool = False


async def run_house(
    settings: Settings,
    options: Options,
    make_chat: Callable[[Wiring], RunningChat],
    show: Callable[[MonitorView], None],
    learn: Callable[[str], None],
) -> None:
    """Run one monitor until a signal, its duration, or the failure of something critical.

    ``learn`` is told of every secret that comes later than the settings: the log must not show it.

    Raises:
        ConfigError: the rules file has faults, or another monitor holds the data directory.
        JournalError: the journal cannot be opened, or another monitor sends orders for this account.
    """
    async with AsyncExitStack() as held:
        held.enter_context(settled())
        make_data_dir(settings.data_dir)
        held.enter_context(HostLock(settings.data_dir))
        sends = options.mode in (Mode.SEMI_AUTO, Mode.EXECUTE)  # the others may look on beside it
        if sends and not on_this_host(settings.dhan_api_url):
            held.enter_context(account_lock(settings.dhan_client_id, settings.dhan_api_url))
        clock = SystemClock(settings.clock_start)
        storage = Storage(settings)
        held.push_async_callback(storage.close)
        lease = _lease(settings, storage, clock) if sends else None
        if lease is not None:  # let go of when nothing can leave any more: after the threads have ended
            held.push_async_callback(lease.release)
        executor = held.enter_context(ThreadPoolExecutor(REST_THREADS, thread_name_prefix="dhan"))
        journal = Journal(settings.data_dir / journal_name(options.mode))
        held.callback(journal.close)
        token = TokenFile(settings.data_dir, settings.dhan_access_token.reveal(), learn)
        house = _House(settings, options, journal, executor, token, clock, lease, storage)
        held.callback(house.rest.close)
        await house.live(make_chat, show)


def _lease(settings: Settings, storage: Storage, clock: Clock) -> LeaseKeeper:
    """The lease of whoever may send orders; it lies where the rows are that its owner writes, or in Redis."""
    terms = LeaseTerms(owner_name(secrets.token_hex(4)), settings.lease_ttl_s)
    if settings.lease_in is LeasePlace.STORE:
        return LeaseKeeper(storage.lease(VERSION), ACCOUNT, terms, clock)
    from engine.io.redis.parts import redis_lease  # noqa: PLC0415 - not without its setting

    # others keep their leases there too: the account's own name, not ours for it
    return LeaseKeeper(redis_lease(settings, VERSION), settings.dhan_client_id, terms, clock)


class _House:
    """All parts of one run, named; `live` lets them run."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        journal: Journal,
        executor: ThreadPoolExecutor,
        token: TokenFile,
        clock: SystemClock,
        lease: LeaseKeeper | None,
        storage: Storage,
    ) -> None:
        self.settings, self.options, self.journal = settings, options, journal
        self.clock, self.lease, self.storage = clock, lease, storage
        self.inbox = Inbox()
        self.calendar = tables.calendar(settings.sessions_file)
        self.token_file, self.token = token, token.reveal
        self.rest = DhanRest(
            client_id=settings.dhan_client_id,
            access_token=self.token,
            base_url=settings.dhan_api_url,
            executor=executor,
            clock=self.clock,
            passes=lease.passes if lease else None,
        )
        self.access = DhanAccess(self.rest, token, self.clock)
        self.margins = DhanMargin(self.rest)
        self.rules_file = RulesFile(settings.rules_file) if settings.rules_file else None
        rulebook = self.rules_file.load() if self.rules_file else tables.rulebook()
        watch = Watchlist(self.calendar, rulebook, charges=tables.charges())
        config = MonitorConfig(
            options.mode, ACCOUNT, settings.sandbox, secrets.token_bytes(32), tuning=settings.tuning,
            lease=lease.terms if lease else None, nets=settings.nets, store=storage.identity(),
        )  # fmt: skip
        self.monitor = Monitor(config, self.calendar, watch)
        kept = journal.load()
        try:
            self.rest.remember(moments_s(kept.get("order", {}).values()))
            self.monitor.restore(kept, self.clock.now_s())
        except (KeyError, ValueError, TypeError) as error:
            raise JournalError(
                f"{settings.data_dir}: a record of the journal cannot be understood ({error!r}); "
                "restore it or move it away"
            ) from error
        self.books = sorted((value["line"] for value in kept.get("book", {}).values()), key=line_order)
        self.executions = Executions(
            executions_file(settings.data_dir, options.mode), self.inbox.post, self.clock
        )
        self.errands = Errands()
        self.mirror: Callable[[], Awaitable[None]] | None = None
        self.feed: Feed = self._feed()
        self.updates = self._order_updates()
        self.broker, self.listeners = self._broker()
        control, sends = DhanControl(self.rest), options.mode in (Mode.SEMI_AUTO, Mode.EXECUTE)
        self.control: Control = control if sends else ReadOnlyControl(control)

    def view(self) -> MonitorView:
        """The machine at this moment."""
        return picture(self.monitor, self.clock.now_s())

    def rules(self, strategy_id: int) -> tuple[RulesNow, ...]:
        """The rules of a strategy id at this moment."""
        return rules_now(self.monitor, strategy_id, self.clock.now_s())

    async def why(self, strategy_id: int) -> tuple[Found, ...]:
        """What was seen of a strategy id; read in a thread, by a connection of its own: the loop goes on."""
        file = self.settings.data_dir / journal_name(self.options.mode)
        return await asyncio.to_thread(read_journal, file, strategy_id)

    async def live(
        self, make_chat: Callable[[Wiring], RunningChat], show: Callable[[MonitorView], None]
    ) -> None:
        """Start everything, first what others need; end in the reverse order."""
        chat = make_chat(Wiring(self.inbox.post, self.view, self.rules, self.why, self.clock))
        store = self.storage.store(ACCOUNT, self.lease, chat.alert, self.clock)
        performer = Performer(
            inbox=self.inbox,
            ports=Ports(
                broker=self.broker, access=self.access, store=store, feed=self.feed, chat=chat,
                margins=self.margins, quotes=self.rest, updates=self.updates, control=self.control,
                lease=self.lease, taker=store if isinstance(store, SqliteStore) else None,
            ),
            clock=self.clock, load_master=self._load_master, spawn=self.errands.spawn,
            books=self.executions.put,
        )  # fmt: skip
        for line in self.books:  # file and store take each once; a crash may have been faster
            performer.perform(WriteBook(line))
        runner = Runner(self.monitor, self.journal, performer, self.inbox, self.clock, self.listeners)
        supervisor = Supervisor(self.clock)
        self.inbox.post(Beat(BeatKind.SYNC))
        supervise = supervisor.supervise
        supervise("chat", chat.run, restart=Restart.ALWAYS)
        supervise("store writer", performer.write_store, restart=Restart.ALWAYS)
        supervise("executions", self.executions.run, restart=Restart.ALWAYS)
        supervise("errands", self.errands.run, critical=True, stop_deadline_s=6.0)
        supervise("runner", runner.run, critical=True)
        supervise("feed", self.feed.run, restart=Restart.ALWAYS)
        if self.options.mode is not Mode.SIMULATE:
            supervise("order updates", self.updates.run, restart=Restart.ALWAYS)
        if self.rules_file is not None:
            watch = partial(self.rules_file.watch, self.inbox.post, self.clock)
            supervise("rules file", watch, restart=Restart.ALWAYS)
        ask = partial(self.inbox.post, Beat(BeatKind.ACCOUNT))
        supervise("token", partial(self.token_file.watch, ask, self.clock), restart=Restart.ALWAYS)
        schedule = Schedule(self.inbox.post, self.calendar, self.clock)
        supervise("schedule", schedule.run, restart=Restart.ALWAYS)
        self._supervise_options(supervisor, show)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):  # not the main thread: a test's loop
                loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run()
        for intent in self.monitor.desk.live():
            _log.warning(
                "the exit of %s is not finished: its orders stay at the broker, and the next start goes on",
                intent.title,
            )

    def _supervise_options(self, supervisor: Supervisor, show: Callable[[MonitorView], None]) -> None:
        """What not every run wants: a setting or the command line does."""
        supervise = supervisor.supervise
        if self.mirror is not None:
            supervise("price mirror", self.mirror, restart=Restart.ALWAYS)
        if self.settings.trades_source is TradesSource.BROKER:
            held = partial(watch_held, self.rest.held, self.inbox.post, self.clock)
            supervise("held at the broker", held, restart=Restart.ALWAYS)
        for name, run in self.storage.tasks(ACCOUNT, self.inbox.post, self.clock):
            supervise(name, run, restart=Restart.ALWAYS)
        if self.options.table_every_s is not None:
            supervise("table", partial(self._tell, show, self.options.table_every_s))
        if self.options.once:
            supervise("once", partial(self._once, show, supervisor))
        if self.options.duration_s is not None:
            supervise("duration", partial(self._stop_after, self.options.duration_s, supervisor))

    # ----------------------------------------------------------------------------------- parts

    def _feed(self) -> Feed:
        if self.settings.redis_url is None:
            return self._dhan_feed(self.inbox.post_ticks, self.inbox.post)
        from engine.io.redis.parts import shared_feed  # noqa: PLC0415 - not without its setting

        feed, self.mirror = shared_feed(
            self.settings, self.inbox, self.clock, self.monitor.watch.book, self.rest,
            self.calendar.is_open, self._dhan_feed,
        )  # fmt: skip
        return feed

    def _dhan_feed(
        self, on_ticks: Callable[[Sequence[Tick]], None], on_state: Callable[[FeedChanged], None]
    ) -> Feed:
        if not self.options.websocket:
            return PollingFeed(self.rest, on_ticks, on_state, self.clock, self.options.interval_s)
        return DhanFeed(
            url=self.settings.dhan_feed_url,
            client_id=self.settings.dhan_client_id,
            access_token=self.token,
            on_ticks=on_ticks,
            on_state=on_state,
            quotes=self.rest,
            clock=self.clock,
            jitter=Random().random,  # noqa: S311 - spreads reconnects, protects nothing
            policy=FeedPolicy(in_session=self.calendar.is_open, resting=self.calendar.spot_rests),
        )

    def _broker(self) -> tuple[Broker, tuple[Callable[[Message], None], ...]]:
        """Dhan; read-only when only alerting; in simulate mode the paper exchange."""
        if self.options.mode is Mode.ALERT_ONLY:
            return ReadOnlyBroker(self.rest), ()
        if self.options.mode is not Mode.SIMULATE:
            return self.rest, ()
        exchange = PaperExchange()
        today_s = at(ist_date(self.clock.now_s()), "00:00")
        exchange.restore(self.monitor.desk.blotter.all(), today_s)
        paper = PaperBroker(exchange, self.clock, self.monitor.holdings.recorded_nets, self.inbox.post)
        return paper, (paper.listen,)

    def _order_updates(self) -> OrderUpdates:
        return OrderUpdates(
            url=self.settings.dhan_order_update_url,
            client_id=self.settings.dhan_client_id,
            access_token=self.token,
            on_order=lambda order: self.inbox.post(OrderUpdate(order)),
            on_gap=self._read_the_books,
            on_stopped=lambda detail: self.inbox.post(UpdatesStopped(detail)),
            clock=self.clock,
            jitter=Random().random,  # noqa: S311 - spreads reconnects, protects nothing
        )

    def _read_the_books(self, why: str) -> None:
        """The update socket may have missed something: what it brings is a hint, the books are the truth."""
        _log.info("order updates %s: reading the books", why)
        self.inbox.post(Beat(BeatKind.SYNC))

    async def _load_master(self, symbols: frozenset[str]) -> Mapping[InstrumentKey, Instrument]:
        cache = self.settings.data_dir / "instruments.csv"
        found = await load_instruments(self.settings.dhan_instruments_url, cache, symbols)
        return tables.with_freeze(found, ist_date(self.clock.now_s()))

    async def _tell(self, show: Callable[[MonitorView], None], every_s: float) -> None:
        while True:
            await self.clock.sleep(every_s)
            show(self.view())

    async def _once(self, show: Callable[[MonitorView], None], supervisor: Supervisor) -> None:
        end_s = self.clock.now_s() + ONCE_LIMIT_S
        while self.clock.now_s() < end_s:
            await self.clock.sleep(ONCE_LOOK_S)
            positions = self.view().positions
            if positions and all(p.pnl_paise is not None for p in positions):
                break
        show(self.view())
        supervisor.stop()

    async def _stop_after(self, seconds: float, supervisor: Supervisor) -> None:
        await self.clock.sleep(seconds)
        supervisor.stop()
