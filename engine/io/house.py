"""One account: all parts of its house, built at once, started in order, closed in reverse.

Nothing here decides anything. Nothing of another account is reached from here: threads, limiter, inbox,
machine, journal and storage are the house's own.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

from engine.access import TOKEN_PLACE
from engine.budget import moments_s
from engine.effects import WriteBook
from engine.errors import JournalError
from engine.exit_rows import recent
from engine.health import Health, health_of
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.parts import DhanParts
from engine.io.drawing import Easel
from engine.io.errands import Errands
from engine.io.executions import Executions, executions_file, line_order
from engine.io.held import watch_held
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.lease import LeaseKeeper
from engine.io.paper import PaperBroker
from engine.io.perform import Performer, Ports
from engine.io.plot import Plot
from engine.io.ports import Broker, Chat, Feed
from engine.io.pressure import Pressure
from engine.io.read_only import ReadOnlyBroker
from engine.io.recorder import Heard, Recorder
from engine.io.rules_file import RulesFile
from engine.io.runner import Runner
from engine.io.schedule import Schedule
from engine.io.storage import Storage
from engine.io.supervise import Restart, Supervisor
from engine.io.token_file import TokenFile
from engine.io.wiring import Drawn, Lent, Pace, Traffic
from engine.measures import Measures
from engine.messages import Beat, BeatKind, Command, Message, Wish
from engine.model import Mode, PositionId
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.picture import RulesNow, rules_now
from engine.recording.scribe import KEPT, Opening, Scribe
from engine.sessions import at, ist_date
from engine.settings import Settings
from engine.view import MonitorView
from engine.watch import Watchlist
from engine.words import TradesSource

__all__ = ["House"]

_log = logging.getLogger(__name__)


def _nothing() -> int:
    return 0


def _token_place(settings: Settings) -> str:
    """The account's token file, in the owner's words."""
    if settings.token_file is not None:
        return str(settings.token_file)
    where = TOKEN_PLACE
    if settings.data_dir != settings.trades_dir:
        where += f"/{settings.data_dir.relative_to(settings.trades_dir)}"
    return where


class House:
    """All parts of one life, named; `live` lets them run."""

    _due: Callable[[], int]
    _runner: Runner | None = None
    _stop: Command | None = None  # the last one that was handled

    def __init__(
        self,
        plot: Plot,
        journal: Journal,
        executor: ThreadPoolExecutor,
        token: TokenFile,
        clock: SystemClock,
        lease: LeaseKeeper | None,
        storage: Storage,
    ) -> None:
        self.plot, self.journal = plot, journal
        settings = self.settings = plot.settings
        self.clock, self.lease, self.storage = clock, lease, storage
        self.inbox, self.measures, self._due = Inbox(), Measures(), _nothing
        self.calendar = tables.calendar(settings.sessions_file)
        self.token_file = token
        self.dhan = DhanParts(plot, executor, token, clock, lease, self.inbox, self.calendar)
        self.rules_file = RulesFile(settings.rules_file) if settings.rules_file else None
        rulebook = self.rules_file.load() if self.rules_file else tables.rulebook()
        watch = Watchlist(self.calendar, rulebook, charges=tables.charges())
        config = MonitorConfig(
            plot.mode, settings.account, settings.sandbox, secrets.token_bytes(32), tuning=settings.tuning,
            lease=lease.terms if lease else None, nets=settings.nets, store=storage.identity(),
            token_place=_token_place(settings), asking=settings.asking,
        )  # fmt: skip
        self.monitor = Monitor(config, self.calendar, watch)
        kept = journal.load()
        try:
            self.dhan.rest.remember(moments_s(kept.get("order", {}).values()))
            self.monitor.restore(kept, self.clock.now_s())
        except (KeyError, ValueError, TypeError) as error:
            raise JournalError(
                f"{settings.data_dir}: a record of the journal cannot be understood ({error!r}); "
                "restore it or move it away"
            ) from error
        self.books = sorted((value["line"] for value in kept.get("book", {}).values()), key=line_order)
        self.exits, self._scribe = tuple(recent(kept, clock.now_s())), self._scribe_of(kept)
        self.executions = Executions(
            executions_file(settings.data_dir, plot.mode), self.inbox.post, self.clock
        )
        self.errands, self._easel = Errands(), Easel(self.monitor, self.clock)
        self.mirror: Callable[[], Awaitable[None]] | None = None
        self.feed: Feed = self._feed()
        self.broker, self.listeners = self._broker()

    def post(self, message: Message) -> None:
        """Put a message into the inbox."""
        self.inbox.post(message)

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """The machine, with the positions of one strategy id or all, drawn between ticks."""
        return await self._easel.draw(strategy_id)

    async def glance(self, wanted: Collection[PositionId] = (), /) -> MonitorView:
        """The machine with the figures of its loudest positions, and of these, drawn between ticks."""
        return await self._easel.glance(wanted)

    def rules(self, strategy_id: int) -> tuple[RulesNow, ...]:
        """The rules of a strategy id at this moment."""
        return rules_now(self.monitor, strategy_id, self.clock.now_s())

    @property
    def rounds(self) -> int:
        """How often the exit loop of this life has gone round."""
        return self.measures.rounds

    @property
    def saved(self) -> bool:
        """Whether the journal has everything that was decided; before anything runs, that is what it read."""
        return self._runner is None or self._runner.saved

    def took(self, command: Command) -> bool:
        """Whether it has handled a /stop, and its journal has what came of that."""
        return self._stop is command and self.saved

    def _hear(self, message: Message) -> None:
        if isinstance(message, Command) and message.wish is Wish.STOP:
            self._stop = message

    def lend_quote(self) -> Lent:
        """May a tool ask Dhan for quotes now? An exit's own go first; the one that is lent is counted."""
        if any(True for _ in self.monitor.desk.live()):
            return Lent.EXITS
        return Lent.YES if self.dhan.rest.lend_quote() else Lent.LATER

    def health(self) -> Health:
        """What the machine knows of itself at this moment."""
        return health_of(self.monitor, self.clock.now_s())

    def pace(self) -> Pace:
        """What is counted of it."""
        control, ticks = self.inbox.waiting()
        waiting = {"messages": control, "ticks": ticks, "trade store": self._due()}
        return Pace(self.measures, waiting, self.inbox.conflated)

    def see(self, draw: Callable[[Monitor, float], Drawn], /) -> Drawn:
        """A picture of the machine at this moment."""
        return draw(self.monitor, self.clock.now_s())

    def traffic(self) -> Traffic:
        """What the feed has brought."""
        return Traffic(self.inbox.received, self.inbox.conflated, len(self.inbox))

    async def live(self, chat: Chat) -> None:
        """Start everything, first what others need; end in the reverse order.

        It ends when it is cancelled, and when something critical fails.

        Raises:
            Exception: whatever failed.
        """
        store = self.storage.store(self.settings.account, self.lease, chat.alert, self.clock)
        performer = Performer(
            inbox=self.inbox,
            ports=Ports(
                broker=self.broker, access=self.dhan.access, store=store, feed=self.feed, chat=chat,
                margins=self.dhan.margins, quotes=self.dhan.rest, updates=self.dhan.updates,
                control=self.dhan.control, lease=self.lease, taker=self.storage.taker,
                exits=self.storage.exits if self.plot.sends else None,
            ),
            clock=self.clock, load_master=self.dhan.load_master, spawn=self.errands.spawn,
            books=self.executions.put,
        )  # fmt: skip
        for line in self.books:  # file and store take each once; a crash may have been faster
            performer.perform(WriteBook(line))
        for record in self.exits:  # the store may not know the last of them
            performer.recorded(record)
        self._due = lambda: performer.writer.due
        supervisor = Supervisor(self.clock)
        runner = self._runner = Runner(
            self.monitor, self.journal, performer, self.inbox, self.clock,
            (*self.listeners, performer.logbook.listen, self._hear), self.measures,
            self._recorded(supervisor, chat),
        )  # fmt: skip
        self.inbox.post(Beat(BeatKind.SYNC))
        supervise = supervisor.supervise
        supervise("store writer", performer.writer.run, restart=Restart.ALWAYS)
        supervise("executions", self.executions.run, restart=Restart.ALWAYS)
        supervise("errands", self.errands.run, critical=True, stop_deadline_s=6.0)
        supervise("runner", runner.run, critical=True)
        supervise("feed", self.feed.run, restart=Restart.ALWAYS)
        if self.plot.mode is not Mode.SIMULATE:
            supervise("order updates", self.dhan.updates.run, restart=Restart.ALWAYS)
        if self.rules_file is not None:
            watch = partial(self.rules_file.watch, self.inbox.post, self.clock)
            supervise("rules file", watch, restart=Restart.ALWAYS)
        watch_token = partial(
            self.token_file.watch, partial(self.inbox.post, Beat(BeatKind.ACCOUNT)), self.clock
        )
        supervise("token", watch_token, restart=Restart.ALWAYS)
        schedule = Schedule(self.inbox.post, self.calendar, self.clock)
        supervise("schedule", schedule.run, restart=Restart.ALWAYS)
        self._supervise_more(supervisor)
        try:
            await supervisor.run()
        finally:
            for intent in self.monitor.desk.live():
                _log.warning(
                    "the exit of %s is not finished: its orders stay at the broker, the next start goes on",
                    intent.title,
                )

    def _supervise_more(self, supervisor: Supervisor) -> None:
        """What looks on, and what not every house has: a setting wants it."""
        supervise = supervisor.supervise
        pressure = Pressure(self.measures, self.inbox, self.inbox.post)
        supervise("pressure", pressure.run, restart=Restart.ALWAYS)
        if self.dhan.rest.direct:
            warm = partial(self.dhan.rest.keep_warm, self.calendar.is_open)
            supervise("order connections", warm, restart=Restart.ALWAYS)
        if self.mirror is not None:
            supervise("price mirror", self.mirror, restart=Restart.ALWAYS)
        if self.settings.trades_source is TradesSource.BROKER:
            held = partial(watch_held, self.dhan.rest.held, self.inbox.post, self.clock)
            supervise("held at the broker", held, restart=Restart.ALWAYS)
        for name, run in self.storage.tasks(self.settings.account, self.inbox.post, self.clock):
            supervise(name, run, restart=Restart.ALWAYS)

    # ----------------------------------------------------------------------------------- parts

    def _scribe_of(self, kept: Mapping[str, Mapping[str, Any]]) -> Scribe:
        """Who writes the day down; it has to know with what the house has begun."""
        settings = self.settings
        return Scribe(
            Opening(
                settings.account, self.plot.mode.value, asdict(settings.tuning),
                {kind: kept.get(kind, {}) for kind in KEPT},
                lambda: self.rules_file.text if self.rules_file else "",
            )
        )  # fmt: skip

    def _recorded(self, supervisor: Supervisor, chat: Chat) -> Callable[[Heard], None] | None:
        """What takes every handled message, if the day is recorded; it ends after the runner."""
        if not self.settings.record_days:
            return None
        recorder = Recorder(
            self._scribe, self.settings.data_dir, self.plot.mode, self.calendar, self.clock, chat.alert
        )
        supervisor.supervise("recorder", recorder.run, restart=Restart.ALWAYS)
        return recorder.heard

    def _feed(self) -> Feed:
        if self.settings.redis_url is None:
            return self.dhan.feed(self.inbox.post_ticks, self.inbox.post)
        from engine.io.redis.parts import shared_feed  # noqa: PLC0415 - not without its setting

        feed, self.mirror = shared_feed(
            self.settings, self.inbox, self.clock, self.monitor.watch.book, self.dhan.rest,
            self.calendar.is_open, self.dhan.feed,
        )  # fmt: skip
        return feed

    def _broker(self) -> tuple[Broker, tuple[Callable[[Message], None], ...]]:
        """Dhan; read-only when only alerting; in simulate mode the paper exchange."""
        if self.plot.mode is Mode.ALERT_ONLY:
            return ReadOnlyBroker(self.dhan.rest), ()
        if self.plot.mode is not Mode.SIMULATE:
            return self.dhan.rest, ()
        exchange = PaperExchange()
        today_s = at(ist_date(self.clock.now_s()), "00:00")
        exchange.restore(self.monitor.desk.blotter.all(), today_s)
        paper = PaperBroker(
            exchange, self.clock, self.monitor.holdings.reading.recorded_nets, self.inbox.post
        )
        return paper, (paper.listen,)
