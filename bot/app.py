"""The chat: the engine's ear and mouth on a phone, as one object that owns its tasks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bot.access import Gate
from bot.accounts import Accounts
from bot.alarms import Alarms
from bot.application import App, add_handlers, build, quiet_libraries, show_menu, take_over
from bot.commands import Commands
from bot.faults import WIRE_FAULTS, Fault, FaultBook, kind_of
from bot.gauges import Gauges
from bot.layout import cut, plain
from bot.living import LOOK_EVERY_S, Living
from bot.lookers import Lookers
from bot.menu import COMMANDS, START
from bot.outbox import LAST_WORDS_S, Outbox
from bot.picture_commands import PictureCommands
from bot.poller import Poller, PollPace
from bot.presses import Presses
from bot.relay import Relay
from bot.reports import Reports
from bot.roles import Roles
from bot.seen import SeenPresses
from bot.sender import Delivered, Sender, why_not
from bot.store import ChatStore
from bot.switchboard import Switchboard
from bot.toasts import Toasts
from bot.voice import AccountPort, Voice
from engine.chat_tuning import ChatTuning
from engine.io.other_channels import OtherChannels
from engine.io.supervise import Pauses, Restart, Supervisor
from engine.measures import ChatMeasures
from engine.picture import outline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from pathlib import Path

    from telegram.ext import ExtBot

    from bot.accounts import Asked
    from bot.layout import Page
    from bot.menu import Entry
    from engine.effects import Alert
    from engine.io.app import Wiring
    from engine.io.ports import Clock
    from engine.io.process import Process

log = logging.getLogger(__name__)

#: What keeps messages from arriving too, when a poll meets it.
_AWAY = frozenset({Fault.UNREACHABLE, Fault.REFUSED, Fault.UNREADABLE})
#: The most that closing the connections may take.
_CLOSE_S = 3.0
#: After a mistake in the look at what is due: an alert that is held back for it must not wait for long.
LOOK_AGAIN = Pauses(1.0, 5.0)


@dataclass(frozen=True, slots=True)
class ChatHealth:
    """How the chat is.

    Attributes:
        poll_age_s: since Telegram last answered a poll; None = not yet in this life. With a quiet
            chat and a healthy connection it stays below the length of one poll (25 s).
        faults: what is wrong now, in words; empty when all is well.
        durable: False when the chat's store cannot be written.
        unseen: HIGH alerts that nobody has seen.
    """

    poll_age_s: float | None
    waiting: int
    waiting_high: int
    faults: tuple[str, ...]
    durable: bool
    unseen: int = 0


class TelegramChat:
    """`engine.io.app.RunningChat` on Telegram: one chat for any number of accounts.

    `run` connects, and keeps at it for as long as it takes; nothing that Telegram or the network does is
    raised from it.
    """

    def __init__(  # noqa: PLR0913 - each is a port or a setting, given once by the composition root
        self,
        *,
        token: str,
        api_url: str,
        chat_id: int,
        accounts: Sequence[Wiring],
        clock: Clock,
        wall_s: Callable[[], float],
        store_path: Path,
        process: Process,
        group_commands: bool = False,
        tuning: ChatTuning | None = None,
        drop_after_s: float = 30.0,
        pace: PollPace | None = None,
    ) -> None:
        """Prepare the chat; nothing is sent before `run`.

        Args:
            token: the bot's, from @BotFather; it appears in no log, message or error that leaves here.
            api_url: what stands before ``/bot<token>``, e.g. ``https://api.telegram.org``.
            chat_id: the one chat it speaks in; a group's is negative.
            accounts: the houses it is plugged into, each with the people who may do something there.
            clock: the monitor's time, which may be shifted; limits and waits go by it.
            wall_s: the host's epoch seconds, the time Telegram's own dates compare with.
            store_path: the chat's own small SQLite file.
            process: what it knows of itself.
            group_commands: a group may command too; else it may only look.
            tuning: its way to Telegram and how it speaks; None = directly, as usual.
            drop_after_s: commands older than this are not run.
            pace: how patient the poll is.
        """
        quiet_libraries()
        self._token = token
        self._api_url = api_url
        self._chat_id = chat_id
        self._clock = clock
        self._wall_s = wall_s
        self._pace = pace or PollPace()
        self._tuning = tuning or ChatTuning()
        self._accounts = Accounts(accounts)
        self._roles = Roles(read_only=chat_id < 0 and not group_commands)
        self._store = ChatStore(store_path)
        self._poll_faults = FaultBook("poll", self._alert)
        self._send_faults = FaultBook("send", self._alert)
        self._outbox = Outbox(store=self._store, faults=self._send_faults, clock=clock, wall_s=wall_s)
        self._relays = (
            Relay("the second person", clock) if self._tuning.second_user else None,
            Relay("the other channel", clock) if self._tuning.channels else None,
        )
        self._alarms = Alarms(
            self._tuning.ladder, store=self._store, add=self._outbox.add, wall_s=wall_s,
            relays=self._relays,
        )  # fmt: skip
        self._voice = Voice(
            store=self._store, add=self._outbox.add, clock=clock, wall_s=wall_s, hushed=self._hushed,
            alarms=self._alarms, unreached=self._unreached, room=self._outbox.room,
        )  # fmt: skip
        self._toasts = Toasts(clock, self._voice.reply)
        self._poller: Poller | None = None
        self._reports = Reports(self._accounts, tell=self._voice.tell)
        self._ports = {
            each.account: AccountPort(
                each.account,
                self._accounts.title(each.account),
                self._voice,
                self._toasts,
                chat_id,
                partial(self._reports.hear, each),
            )
            for each in accounts
        }
        self._living = Living(
            self._accounts,
            self._accounts.seen_in(chat_id, self._roles) if self._tuning.summary else (),
            store=self._store,
            add=self._outbox.add,
            clock=clock,
            wall_s=wall_s,
        )
        self._switchboard, self._presses = self._hands(process)
        self._gate = Gate(
            chat_id=chat_id,
            user_ids=self._accounts.user_ids,
            drop_after_s=drop_after_s,
            wall_s=wall_s,
            alarm=self._alert,
            reply=self._voice.reply,
            heard=self._outbox.nudge,
            second_user=self._tuning.second_user,
            turned_away=self._accounts.turned_away,
        )

    def of(self, account: str) -> AccountPort:
        """The port of one account's house."""
        return self._ports[account]

    def _hands(self, process: Process) -> tuple[Switchboard, Presses]:
        """What commands and presses come to, with the rooms behind them."""
        show, say = self._voice.show, self._voice.reply
        lookers = Lookers(self._accounts, show=show, say=say, card=self._living.show, waiting=self._waiting)
        commands = Commands(self._roles, show=show, say=say, title=self._accounts.title)
        gauges = Gauges(self._accounts, process, self.health, self._wall_s, show=show, say=say)
        pictures = PictureCommands(self._accounts, self._reports, show=show, say=say)
        runs = handlers((lookers, gauges, pictures), commands)
        switchboard = Switchboard(self._accounts, self._roles, runs, show=show, say=say, alarms=self._alarms)
        presses = Presses(
            self._accounts,
            self._roles,
            switchboard,
            looks={
                "r": lookers.show_rules,
                "w": lookers.show_why,
                "i": lookers.show_position,
                "z": commands.show_snooze,
                "t": lookers.show_tighter,
                "g": pictures.show_payoff,
                "l": pictures.show_course,
            },
            store=self._store,
            toasts=self._toasts,
            seen=SeenPresses(
                self._accounts, self._roles, alarms=self._alarms, voice=self._voice, toasts=self._toasts,
                second_user=self._tuning.second_user,
            ),
        )  # fmt: skip
        return switchboard, presses

    # ------------------------------------------------------------------------------------- its life

    async def run(self) -> None:
        """Be the chat until cancelled; may be run again afterwards."""
        app = await asyncio.to_thread(build, self._token, self._api_url, self._tuning)
        try:
            add_handlers(app, self._gate, self._switchboard, self._presses, self._voice.reply)
            async with asyncio.TaskGroup() as tasks:  # these need no Telegram
                tasks.create_task(self._looks().run(), name="chat looks")
                tasks.create_task(self._reports.run(), name="chat reports")
                if self._relays[1] is not None:
                    tasks.create_task(self._tell_others(self._relays[1]), name="chat other channels")
                await self._come_up(app)
                await app.start()
                await self._serve(app)
        finally:
            await _close(app)

    def health(self) -> ChatHealth:
        """Tell how the chat is."""
        heard_s = self._poller.last_success_s if self._poller is not None else None
        return ChatHealth(
            poll_age_s=None if heard_s is None else self._clock.now_s() - heard_s,
            waiting=self._outbox.waiting,
            waiting_high=self._outbox.waiting_high,
            unseen=len(self._alarms.open),
            faults=(
                *(words for book in self._books for words in book.words),
                *self._alarms.faults(),
            ),
            durable=self._store.durable,
        )

    def measures(self) -> ChatMeasures:
        """What is counted of it."""
        outbox = self._outbox
        return ChatMeasures(outbox.alert_latency, outbox.waiting, outbox.waiting_high)

    @property
    def _books(self) -> tuple[FaultBook, FaultBook]:
        return self._poll_faults, self._send_faults

    async def _come_up(self, app: App) -> None:
        """Ask Telegram who we are until it answers; the engine runs on meanwhile."""
        rest_s = self._pace.first_rest_s
        while True:
            try:
                await app.initialize()
            except WIRE_FAULTS as error:
                self._poll_faults.seen(kind_of(error), self._clock.now_s())
                await self._clock.sleep(rest_s)
                rest_s = min(rest_s * 2, self._pace.longest_rest_s)
            else:
                return

    async def _serve(self, app: App) -> None:
        self._poller = Poller(
            app.bot,
            store=self._store,
            faults=self._poll_faults,
            clock=self._clock,
            pace=self._pace,
            hand_on=app.update_queue.put,
        )
        sender = Sender(app.bot, self._chat_id)
        try:
            await self._work(app, self._poller, sender)
        finally:
            await self._part(sender)

    async def _work(self, app: App, poller: Poller, sender: Sender) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(app.bot, poller), name="chat poll")
            tasks.create_task(self._outbox.run(sender), name="chat outbox")
            tasks.create_task(self._toasts.run(app.bot), name="chat toasts")
            tasks.create_task(self._ornaments().run(), name="chat ornaments")
            if self._relays[0] is not None:
                tasks.create_task(self._relays[0].run(self._to_second(app.bot)), name="chat second person")
            ranks = self._accounts.ranks(self._roles)
            tasks.create_task(show_menu(app.bot, self._chat_id, ranks), name="chat menu")

    @staticmethod
    async def _listen(bot: ExtBot[None], poller: Poller) -> None:
        await take_over(bot)
        await poller.run()

    async def _watch_alerts(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            self._voice.look()

    def _looks(self) -> Supervisor:
        """What is due of the alerts: a mistake in one look ends neither the next ones nor the chat."""
        supervisor = Supervisor(self._clock)
        supervisor.supervise(
            "chat alert watch", self._watch_alerts, restart=Restart.ALWAYS, pauses=LOOK_AGAIN
        )
        return supervisor

    def _ornaments(self) -> Supervisor:
        """What no alert may suffer from: it is started again by itself when there is a mistake in it."""
        supervisor = Supervisor(self._clock)
        supervisor.supervise("chat living messages", self._watch_living, restart=Restart.ALWAYS)
        return supervisor

    async def _watch_living(self) -> None:
        while True:
            await self._living.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def _part(self, sender: Sender) -> None:
        """Say in the living messages that it is the end, within a second: nobody will change them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._outbox.part(self._living.last_words(), sender)

    def _hushed(self) -> bool:
        """Whether it is a quiet hour: never while a market is open that an account trades in."""
        quiet = self._tuning.quiet
        if quiet is None or not quiet.at(self._clock.now_s()):
            return False
        seen = [each.see(outline) for each in self._accounts.all]
        return not any(each is not None and each.session_open for each in seen)

    def _unreached(self) -> bool:
        """Whether nothing gets through to Telegram, as far as the last tries tell.

        That one alert is not taken says nothing of the repeats, which name it. With nothing left to send the
        last try is old news: the next repeat finds out.
        """
        failing = self._outbox.waiting and {*self._send_faults.open} - {Fault.UNSENT}
        return bool(failing) or not _AWAY.isdisjoint(self._poll_faults.open)

    def _waiting(self, marks: Collection[str]) -> list[str]:
        """What of these accounts waits to be seen, and who could not be told of it: lines of /status."""
        waiting = self._alarms.words(marks)
        return [
            *([f"🔔 {waiting}"] if waiting else []),
            *(f"⚠️ {cut(each, 200)}" for each in self._alarms.faults()),
        ]

    def _to_second(self, bot: ExtBot[None]) -> Callable[[Page], Awaitable[str]]:
        sender = Sender(bot, self._tuning.second_user)

        async def send(page: Page) -> str:
            outcome = await sender.send(page, silent=False)
            return "" if isinstance(outcome, Delivered) else why_not(outcome)

        return send

    async def _tell_others(self, others: Relay) -> None:
        channels = OtherChannels(self._tuning.addresses())

        async def send(page: Page) -> str:
            title, _, text = plain(page.html).partition("\n")
            return await channels.send(title, text)

        others.heard(await channels.load())
        await others.run(send)

    def _alert(self, alert: Alert) -> None:
        """Tell what is about the chat itself, or about no account."""
        self._voice.alert(alert)


def handlers(
    looks: Sequence[object], commands: Commands
) -> dict[str, tuple[Entry, Callable[[Asked], Awaitable[None]]]]:
    """Each command of the table with the method of its name, wherever it is."""
    found = {}
    for entry in (START, *COMMANDS):
        room = next(room for room in (*looks, commands) if hasattr(room, entry.word))
        found[entry.word] = (entry, getattr(room, entry.word))
    return found


async def _close(app: App) -> None:
    """Stop handlers and connections; a Telegram that hangs may not hold up the end."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            if app.running:
                await app.stop()
            await app.shutdown()
            await app.bot.shutdown()
    except TimeoutError:
        log.warning("chat: the connections did not close within %.0f s", _CLOSE_S)
