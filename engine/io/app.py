"""The composition root: one house for each account, one chat for all, started in order, closed in reverse.

Nothing here decides anything. The chat is given, so that the engine need not know Telegram.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from engine.accounts import People, lower_mode
from engine.audit_page import AuditNow
from engine.effects import Alert
from engine.errors import ConfigError, PrahariError
from engine.exit_sums import ExitLine
from engine.io import tables
from engine.io.alive import DeadMan, Life, notifier, watchdog_s
from engine.io.answers import answers
from engine.io.audits import read_audit
from engine.io.books import read_books
from engine.io.clock import SystemClock
from engine.io.env import make_data_dir
from engine.io.hatch import open_hatch
from engine.io.heap import settled
from engine.io.house import House
from engine.io.interpreter import shared_fairly
from engine.io.journal import journal_name
from engine.io.locks import HostLock
from engine.io.log import SPEAKER
from engine.io.maintenance import Daily
from engine.io.opening import open_house
from engine.io.plant import Plant
from engine.io.plot import Plot
from engine.io.ports import Chat
from engine.io.process import disk_check
from engine.io.rules_file import RulesFile
from engine.io.storage import roll_of
from engine.io.stores.own_rows import Roll
from engine.io.supervise import Pauses, Restart, Supervisor
from engine.io.whys import Found, read_journal
from engine.io.wiring import Line, MakeChat, RunningChat, Wiring
from engine.model import Mode, Urgency
from engine.preflight import Check, Light
from engine.settings import Settings
from engine.view import MonitorView

__all__ = ["Options", "RunningChat", "Show", "Wiring", "run_house"]

_log = logging.getLogger(__name__)

#: How long `Options.once` waits for prices, and how often it looks.
ONCE_LIMIT_S = 15.0
ONCE_LOOK_S = 0.25
#: A house beside others that has fallen is built again after such pauses.
REBUILD = Pauses(5.0, 300.0)
#: So long a house has to close; its parts have their own deadlines within.
CLOSE_S = 30.0

#: Gets the view of every account by its name, aside: the table of a thousand positions takes 0.2 s.
Show = Callable[[Mapping[str, MonitorView]], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line chose for this run.

    Attributes:
        mode: of every account whose own ceiling is not lower.
        websocket: False = REST quotes only, every ``interval_s``.
        table_every_s: how often ``show`` gets the views; None = never.
        duration_s: end by itself after this long; None = run until stopped.
        once: show the views once, as soon as every position is priced, and end.
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
    make_chat: MakeChat,
    show: Show,
    learn: Callable[[str], None],
) -> None:
    """Run the monitor of every account until a signal or its duration.

    The only account's failure ends the run. Of several each fails for itself, is told and built again.
    ``learn`` is told of every secret that comes later than the settings: the log must not show it.

    Raises:
        ConfigError: the rules file has faults, or another monitor holds the data directory.
        JournalError: of the only account: the journal cannot be opened, or another monitor sends its orders.
    """
    async with AsyncExitStack() as held:
        make_data_dir(settings.data_dir)
        held.enter_context(HostLock(settings.data_dir))
        held.enter_context(settled())
        held.enter_context(shared_fairly())
        clock = SystemClock(settings.clock_start)
        roll = roll_of(settings)
        streets = [_Street(plot, people, clock) for plot, people in _plots(settings, options, roll, learn)]
        supervisor = Supervisor(clock)
        if roll is None:
            house = await held.enter_async_context(open_house(streets[0].plot, clock))
            streets[0].line.lead_to(house)  # what the chat posts before the house lives, waits in its inbox
            lives: list[Callable[[], Awaitable[None]]] = [partial(streets[0].live_in, house)]
        else:
            _read_what_all_share(settings)
            lives = [street.live for street in streets]
        chat = make_chat([street.wiring() for street in streets])
        supervisor.supervise("chat", chat.run, restart=Restart.ALWAYS)
        for street, live in zip(streets, lives, strict=True):
            street.plug(chat.of(street.line.account))
            if roll is None:
                supervisor.supervise("house", live, critical=True, stop_deadline_s=CLOSE_S)
            else:
                supervisor.supervise(
                    f"account {street.line.account}", live, restart=Restart.ALWAYS, stop_deadline_s=CLOSE_S,
                    pauses=REBUILD, told=street.tell_failure,
                )  # fmt: skip
        _supervise_options(supervisor, options, [street.line for street in streets], show, clock)
        await held.enter_async_context(_watched(supervisor, settings, streets, chat, clock))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):  # not the main thread: a test's loop
                loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run()


def _read_what_all_share(settings: Settings) -> None:
    """The faults of everybody's files are for the owner at once, or every house would fall over them.

    Raises:
        ConfigError: with the faults of one of them.
    """
    tables.calendar(settings.sessions_file)
    if settings.rules_file is not None:
        RulesFile(settings.rules_file).load()


def _plots(
    settings: Settings, options: Options, roll: Roll | None, learn: Callable[[str], None]
) -> list[tuple[Plot, People]]:
    """What each account's house is built on, and who may do what with it."""

    def plot(of: Settings, mode: Mode) -> Plot:
        return Plot(of, mode, options.websocket, options.interval_s, roll, learn)

    if roll is None:
        return [(plot(settings, options.mode), People(owners=settings.telegram_user_ids))]
    return [
        (plot(settings.of_account(account), lower_mode(options.mode, account.ceiling)), account.people)
        for account in settings.accounts
        if account.enabled
    ]


class _Street:
    """One account: the ground its house stands on, the line to it, and how its lives are told."""

    def __init__(self, plot: Plot, people: People, clock: SystemClock) -> None:
        self.plot, self.people, self.clock = plot, people, clock
        self.line = Line(plot.settings.account, plot.mode, clock, sandbox=plot.settings.sandbox)
        self._chat: Chat | None = None
        self._fell = False

    def wiring(self) -> Wiring:
        """What the chat is plugged into."""
        line = self.line
        return Wiring(
            line.account, self.people, line.post, line.view, line.glance, line.rules, self.why,
            self.clock, line.see, line.traffic, self.audit, self.books, self.disk,
        )  # fmt: skip

    def plug(self, chat: Chat) -> None:
        """What the house speaks through."""
        self._chat = chat
        self.line.plug(chat)

    async def live(self) -> None:
        """One life from the ground up. Raises whatever it fails with."""
        SPEAKER.set(self.line.account)
        async with open_house(self.plot, self.clock) as house:
            await self.live_in(house)

    async def live_in(self, house: House) -> None:
        """One life of a house that is built. Raises whatever it fails with."""
        assert self._chat is not None  # noqa: S101 - it is plugged in before anything lives
        self.line.lead_to(house)
        if self._fell:
            self._chat.alert(
                Alert(
                    Urgency.MEDIUM, f"account {self.line.account} up",
                    f"Account {self.line.account} is up again",
                    "It reads the broker's books first, and goes on with the exits that it had.",
                )
            )  # fmt: skip
        try:
            await house.live(self._chat)
        finally:
            self.line.cut("it is being closed")

    def tell_failure(self, error: Exception | None, pause_s: float) -> None:
        """Say that this account has no house now, and how soon it is built again."""
        assert self._chat is not None  # noqa: S101 - as above
        # what others raise may quote an address with a token in it
        why = str(error) if isinstance(error, PrahariError) else f"{type(error).__name__}; the log says more"
        self._fell = True
        self.line.cut(why)
        self._chat.alert(
            Alert(
                Urgency.HIGH, f"account {self.line.account} down", f"Account {self.line.account} is down",
                f"{why}. Its rules do not act, and its orders stay at the broker as they are. It is tried "
                f"again in {pause_s:.0f} s. The other accounts go on.",
            )
        )  # fmt: skip

    def tell_upkeep(self, found: Sequence[Check]) -> None:
        """Say what the daily maintenance could not do."""
        assert self._chat is not None  # noqa: S101 - as above
        red = [f"{check.name}: {check.text}" for check in found if check.light is Light.RED]
        self._chat.alert(Alert(Urgency.HIGH, "maintenance", "Maintenance needs you", ". ".join(red)))

    def tell_frozen(self) -> None:
        """Say that the exit loop of this account stands still; only a restart mends that."""
        assert self._chat is not None  # noqa: S101 - as above
        self._chat.alert(
            Alert(
                Urgency.HIGH, f"account {self.line.account} frozen",
                f"Account {self.line.account} stands still",
                "Its rules do not act, and its orders stay at the broker as they are. systemd, where it "
                "watches, restarts the monitor within a minute; else restart it now.",
            )
        )  # fmt: skip

    async def why(self, strategy_id: int) -> tuple[Found, ...]:
        """What was seen of a strategy id; read in a thread, by a connection of its own: the loop goes on."""
        return await asyncio.to_thread(read_journal, self._journal, strategy_id)

    async def audit(self, last: int) -> AuditNow:
        """The last lines of the audit, read in a thread as well."""
        return await asyncio.to_thread(read_audit, self._journal, last)

    async def books(self, since: date) -> tuple[ExitLine, ...]:
        """What exits have left since a day, read in a thread as well."""
        return await asyncio.to_thread(read_books, self._journal, since)

    async def disk(self) -> Check:
        """How much room there is; asked in a thread, because a sick disk does not answer."""
        return await asyncio.to_thread(disk_check, self.plot.settings.data_dir)

    @property
    def _journal(self) -> Path:
        return self.plot.settings.data_dir / journal_name(self.plot.mode)


@asynccontextmanager
async def _watched(
    supervisor: Supervisor,
    settings: Settings,
    streets: Sequence[_Street],
    chat: RunningChat,
    clock: SystemClock,
) -> AsyncIterator[None]:
    """Who is told that all is well, for as long as it is; and who is told the figures."""
    by_name = {street.line.account: street for street in streets}
    lines = [street.line for street in streets]
    life = Life(lines, notifier(), watchdog_s(), clock, lambda account: by_name[account].tell_frozen())
    plant = Plant(lines, chat, lambda: life.well)
    supervisor.supervise("figures", plant.run, restart=Restart.ALWAYS)
    async with AsyncExitStack() as held:
        # what only looks on must not keep the watchman from starting: a port may be somebody else's by now
        try:
            await held.enter_async_context(
                open_hatch(settings.data_dir, answers(lines, plant, supervisor.stop))
            )
        except OSError as error:
            _log.critical("%s: the host's tools cannot ask this monitor (%s)", settings.data_dir, error)
        if settings.metrics_port is not None:
            from engine.io.metrics import told  # noqa: PLC0415 - not without its setting

            try:
                held.enter_context(told(plant, settings.metrics_port))
            except ConfigError as error:
                _log.critical("no figures for Prometheus: %s", error)
        if not settings.sandbox:
            upkeep = Daily(settings, clock, streets[0].tell_upkeep)
            supervisor.supervise("maintenance", upkeep.run, restart=Restart.ALWAYS)
        if settings.alive_url is not None:
            dead_man = DeadMan(settings.alive_url, lines, lambda: life.well, clock)
            supervisor.supervise("outside watch", dead_man.run, restart=Restart.ALWAYS)
        # of all tasks the last to be started and the first to be stopped: systemd hears of the end at once
        supervisor.supervise("signs of life", life.run, restart=Restart.ALWAYS)
        yield


# ---------------------------------------------------------------------------------- the command line


def _supervise_options(
    supervisor: Supervisor, options: Options, lines: Sequence[Line], show: Show, clock: SystemClock
) -> None:
    """What not every run wants: the command line does."""

    async def views() -> dict[str, MonitorView]:
        return {line.account: await line.view() for line in lines}

    if options.table_every_s is not None:
        supervisor.supervise("table", partial(_tell, views, show, options.table_every_s, clock))
    if options.once:
        supervisor.supervise("once", partial(_once, views, show, supervisor, clock))
    if options.duration_s is not None:
        supervisor.supervise("duration", partial(_stop_after, options.duration_s, supervisor, clock))


async def _tell(
    views: Callable[[], Awaitable[Mapping[str, MonitorView]]], show: Show, every_s: float, clock: SystemClock
) -> None:
    while True:
        await clock.sleep(every_s)
        await asyncio.to_thread(show, await views())


async def _once(
    views: Callable[[], Awaitable[Mapping[str, MonitorView]]],
    show: Show,
    supervisor: Supervisor,
    clock: SystemClock,
) -> None:
    end_s = clock.now_s() + ONCE_LIMIT_S
    while clock.now_s() < end_s:
        await clock.sleep(ONCE_LOOK_S)
        if all(_priced(view) for view in (await views()).values()):
            break
    await asyncio.to_thread(show, await views())
    supervisor.stop()


def _priced(view: MonitorView) -> bool:
    return bool(view.positions) and all(p.pnl_paise is not None for p in view.positions)


async def _stop_after(seconds: float, supervisor: Supervisor, clock: SystemClock) -> None:
    await clock.sleep(seconds)
    supervisor.stop()
