"""The chat: the engine's ear and mouth on a phone, as one object that owns its tasks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.application import App, add_handlers, build, quiet_libraries, show_menu, take_over
from bot.faults import WIRE_FAULTS, kind_of
from bot.layout import plain
from bot.living import LOOK_EVERY_S
from bot.outbox import LAST_WORDS_S
from bot.poller import Poller
from bot.relay import Relay
from bot.rooms import ChatHealth, ChatPlot, Rooms
from bot.sender import Delivered, Sender, why_not
from bot.voice import AccountPort
from engine.io.other_channels import OtherChannels
from engine.io.supervise import Pauses, Restart, Supervisor
from engine.measures import ChatMeasures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram.ext import ExtBot

    from bot.layout import Page

log = logging.getLogger(__name__)

#: The most that closing the connections may take.
_CLOSE_S = 3.0
#: After a mistake in the look at what is due: an alert that is held back for it must not wait for long.
LOOK_AGAIN = Pauses(1.0, 5.0)


class TelegramChat:
    """`engine.io.app.RunningChat` on Telegram: one chat for any number of accounts.

    `run` connects, and keeps at it for as long as it takes; nothing that Telegram or the network does is
    raised from it.
    """

    def __init__(self, plot: ChatPlot) -> None:
        """Prepare the chat; nothing is sent before `run`."""
        quiet_libraries()
        self._plot = plot
        self.rooms = Rooms(plot)

    def of(self, account: str) -> AccountPort:
        """The port of one account's house."""
        return self.rooms.ports[account]

    def health(self) -> ChatHealth:
        """Tell how the chat is."""
        return self.rooms.health()

    def measures(self) -> ChatMeasures:
        """What is counted of it."""
        return self.rooms.measures()

    # ------------------------------------------------------------------------------------- its life

    async def run(self) -> None:
        """Be the chat until cancelled; may be run again afterwards."""
        app = await asyncio.to_thread(build, self._plot.token, self._plot.api_url, self._plot.tuning)
        try:
            rooms = self.rooms
            add_handlers(app, rooms.gate, rooms.switchboard, rooms.presses, rooms.voice.reply)
            async with asyncio.TaskGroup() as tasks:  # these need no Telegram
                tasks.create_task(self._looks().run(), name="chat looks")
                tasks.create_task(rooms.reports.run(), name="chat reports")
                if rooms.relays[1] is not None:
                    tasks.create_task(self._tell_others(rooms.relays[1]), name="chat other channels")
                await self._come_up(app)
                await app.start()
                await self._serve(app)
        finally:
            await _close(app)

    async def _come_up(self, app: App) -> None:
        """Ask Telegram who we are until it answers; the engine runs on meanwhile."""
        rest_s = self._plot.pace.first_rest_s
        while True:
            try:
                await app.initialize()
            except WIRE_FAULTS as error:
                self.rooms.poll_faults.seen(kind_of(error), self._plot.clock.now_s())
                await self._plot.clock.sleep(rest_s)
                rest_s = min(rest_s * 2, self._plot.pace.longest_rest_s)
            else:
                return

    async def _serve(self, app: App) -> None:
        self.rooms.poller = Poller(
            app.bot,
            store=self.rooms.store,
            faults=self.rooms.poll_faults,
            clock=self._plot.clock,
            pace=self._plot.pace,
            hand_on=app.update_queue.put,
        )
        sender = Sender(app.bot, self._plot.chat_id)
        try:
            await self._work(app, self.rooms.poller, sender)
        finally:
            await self._part(sender)

    async def _work(self, app: App, poller: Poller, sender: Sender) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(app.bot, poller), name="chat poll")
            tasks.create_task(self.rooms.outbox.run(sender), name="chat outbox")
            tasks.create_task(self.rooms.toasts.run(app.bot), name="chat toasts")
            tasks.create_task(self._ornaments().run(), name="chat ornaments")
            if self.rooms.relays[0] is not None:
                tasks.create_task(
                    self.rooms.relays[0].run(self._to_second(app.bot)), name="chat second person"
                )
            ranks = self.rooms.accounts.ranks(self.rooms.roles)
            tasks.create_task(show_menu(app.bot, self._plot.chat_id, ranks), name="chat menu")

    @staticmethod
    async def _listen(bot: ExtBot[None], poller: Poller) -> None:
        await take_over(bot)
        await poller.run()

    async def _watch_alerts(self) -> None:
        while True:
            await self._plot.clock.sleep(1.0)
            self.rooms.voice.look()

    def _looks(self) -> Supervisor:
        """What is due of the alerts: a mistake in one look ends neither the next ones nor the chat."""
        supervisor = Supervisor(self._plot.clock)
        supervisor.supervise(
            "chat alert watch", self._watch_alerts, restart=Restart.ALWAYS, pauses=LOOK_AGAIN
        )
        return supervisor

    def _ornaments(self) -> Supervisor:
        """What no alert may suffer from: it is started again by itself when there is a mistake in it."""
        supervisor = Supervisor(self._plot.clock)
        supervisor.supervise("chat living messages", self._watch_living, restart=Restart.ALWAYS)
        return supervisor

    async def _watch_living(self) -> None:
        while True:
            await self.rooms.living.look()
            await self._plot.clock.sleep(LOOK_EVERY_S)

    async def _part(self, sender: Sender) -> None:
        """Say in the living messages that it is the end, within a second: nobody will change them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self.rooms.outbox.part(self.rooms.living.last_words(), sender)

    def _to_second(self, bot: ExtBot[None]) -> Callable[[Page], Awaitable[str]]:
        sender = Sender(bot, self._plot.tuning.second_user)

        async def send(page: Page) -> str:
            outcome = await sender.send(page, silent=False)
            return "" if isinstance(outcome, Delivered) else why_not(outcome)

        return send

    async def _tell_others(self, others: Relay) -> None:
        channels = OtherChannels(self._plot.tuning.addresses())

        async def send(page: Page) -> str:
            title, _, text = plain(page.html).partition("\n")
            return await channels.send(title, text)

        others.heard(await channels.load())
        await others.run(send)


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
