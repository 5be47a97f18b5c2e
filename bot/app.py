"""The chat: the engine's ear and mouth on a phone, as one object that owns its tasks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.access import Gate
from bot.alerts import AlertGate
from bot.application import App, add_handlers, build, quiet_libraries, show_menu, take_over
from bot.bubbles import reply_page
from bot.buttons import Buttons
from bot.commands import Commands
from bot.faults import WIRE_FAULTS, FaultBook, kind_of
from bot.kept import keyboard_to_text
from bot.letters import alert_letter, card_letters, question_letter, reply_letter
from bot.outbox import Outbox
from bot.poller import Poller, PollPace
from bot.sender import Sender
from bot.store import ChatStore
from bot.toasts import Toasts
from engine.model import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from telegram.ext import ExtBot

    from bot.layout import Page
    from engine.effects import Alert, Answer, Ask, Card, Say
    from engine.io.ports import Chat, Clock
    from engine.io.whys import Found
    from engine.messages import Message
    from engine.picture import RulesNow
    from engine.view import MonitorView

log = logging.getLogger(__name__)

#: The most that closing the connections may take.
_CLOSE_S = 3.0


@dataclass(frozen=True, slots=True)
class ChatHealth:
    """How the chat is.

    Attributes:
        poll_age_s: since Telegram last answered a poll; None = not yet in this life. With a quiet
            chat and a healthy connection it stays below the length of one poll (25 s).
        faults: what is wrong now, in words; empty when all is well.
        durable: False when the chat's store cannot be written.
    """

    poll_age_s: float | None
    waiting: int
    waiting_high: int
    faults: tuple[str, ...]
    durable: bool


class TelegramChat:
    """`engine.io.ports.Chat` on Telegram.

    The methods of the port only queue and return. `run` connects, and keeps at it for as long as it
    takes; nothing that Telegram or the network does is raised from it.
    """

    def __init__(  # noqa: PLR0913 - each is a port or a setting, given once by the composition root
        self,
        *,
        token: str,
        api_url: str,
        chat_id: int,
        user_ids: frozenset[int],
        post: Callable[[Message], None],
        view: Callable[[], MonitorView],
        rules: Callable[[int], tuple[RulesNow, ...]],
        why: Callable[[int], Awaitable[tuple[Found, ...]]],
        clock: Clock,
        wall_s: Callable[[], float],
        store_path: Path,
        account: str = DEFAULT_ACCOUNT,
        drop_after_s: float = 30.0,
        pace: PollPace | None = None,
    ) -> None:
        """Prepare the chat; nothing is sent before `run`.

        Args:
            token: the bot's, from @BotFather; it appears in no log, message or error that leaves here.
            api_url: what stands before ``/bot<token>``, e.g. ``https://api.telegram.org``.
            chat_id: the one chat it speaks in.
            user_ids: who may command it there.
            post: puts a message into the monitor's inbox.
            view: the monitor at this moment.
            rules: the rules of a strategy id's positions at this moment.
            why: what the journal has seen of a strategy id.
            clock: the monitor's time, which may be shifted; limits and waits go by it.
            wall_s: the host's epoch seconds, the time Telegram's own dates compare with.
            store_path: the chat's own small SQLite file.
            account: the one that is commanded here; others' messages say whose they are.
            drop_after_s: commands older than this are not run.
            pace: how patient the poll is.
        """
        quiet_libraries()
        self._token = token
        self._api_url = api_url
        self._chat_id = chat_id
        self._account = account
        self._clock = clock
        self._wall_s = wall_s
        self._pace = pace or PollPace()
        self._alerts = AlertGate()
        self._store = ChatStore(store_path)
        self._poll_faults = FaultBook("poll", self.alert)
        self._send_faults = FaultBook("send", self.alert)
        self._outbox = Outbox(store=self._store, faults=self._send_faults, clock=clock, wall_s=wall_s)
        self._toasts = Toasts(clock, self._reply)
        self._poller: Poller | None = None
        self._commands = Commands(
            post=post, view=view, rules=rules, why=why, show=self._show, say=self._reply
        )
        looks = {"r": self._commands.show_rules, "w": self._commands.show_why}
        self._buttons = Buttons(post=post, looks=looks, store=self._store, toasts=self._toasts)
        self._gate = Gate(
            chat_id=chat_id,
            user_ids=user_ids,
            drop_after_s=drop_after_s,
            wall_s=wall_s,
            alarm=self.alert,
            reply=self._reply,
            heard=self._outbox.nudge,
        )

    # ------------------------------------------------------------------------------------ the port

    def of(self, account: str) -> Chat:
        """The port of one account's house: this chat itself, or one that says whose each message is."""
        return self if account == self._account else AccountPort(account, self)

    def alert(self, alert: Alert) -> None:
        """Tell the owner: HIGH and MEDIUM aloud, NORMAL silently, the same topic once per cool-down."""
        if self._alerts.admit(alert, self._clock.now_s()):
            self._tell(alert)

    def ask(self, ask: Ask) -> None:
        """Show a question with its two buttons; the picker it was chosen on becomes the question.

        Only once: a second choice on the same picker is a message of its own. What was asked already
        changes its message; one that was answered meanwhile stays as it is.
        """
        letter = question_letter(ask, self._clock.now_s(), self._wall_s())
        if ask.again:
            place = self._store.card(ask.nonce)
            if place is not None and not place.answered:
                self._outbox.add(letter)
            return
        taken = not ask.message_id or self._store.carries(ask.message_id)
        self._store.expect_card(ask.nonce, keyboard_to_text(letter.page.keyboard))
        if not taken:
            self._store.place_card(ask.nonce, ask.message_id)
        self._outbox.add(letter)

    def answer(self, answer: Answer) -> None:
        """Answer a press."""
        self._toasts.answer(answer)

    def card(self, card: Card) -> None:
        """Edit the message of this nonce, or send one; its buttons go when it is answered or final."""
        for letter in card_letters(card, self._store.card(card.nonce), self._wall_s()):
            self._outbox.add(letter)

    def say(self, say: Say) -> None:
        """Reply in plain words; words for somebody outside this chat (the host's own) are not ours."""
        if say.to.chat_id == self._chat_id:
            self._reply(say.text)

    # ------------------------------------------------------------------------------------- its life

    async def run(self) -> None:
        """Be the chat until cancelled; may be run again afterwards."""
        app = await asyncio.to_thread(build, self._token, self._api_url)
        try:
            add_handlers(app, self._gate, self._commands, self._buttons, self._reply)
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
            faults=tuple(f"{book.name}: {fault}" for book in self._books for fault in book.open),
            durable=self._store.durable,
        )

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
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(app.bot, self._poller), name="chat poll")
            tasks.create_task(self._outbox.run(Sender(app.bot, self._chat_id)), name="chat outbox")
            tasks.create_task(self._toasts.run(app.bot), name="chat toasts")
            tasks.create_task(self._watch_storms(), name="chat storm watch")
            tasks.create_task(show_menu(app.bot, self._chat_id), name="chat menu")

    @staticmethod
    async def _listen(bot: ExtBot[None], poller: Poller) -> None:
        await take_over(bot)
        await poller.run()

    async def _watch_storms(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            summary = self._alerts.summary(self._clock.now_s())
            if summary is not None:
                self._tell(summary)

    def _tell(self, alert: Alert) -> None:
        self._outbox.add(alert_letter(alert, self._clock.now_s(), self._wall_s()))

    def _reply(self, text: str) -> None:
        self._show(reply_page(text))

    def _show(self, page: Page) -> None:
        self._outbox.add(reply_letter(page, self._wall_s()))


class AccountPort:
    """The port of an account that is not commanded in this chat: its messages, with its name before them."""

    def __init__(self, account: str, chat: TelegramChat) -> None:
        """Speak through this chat."""
        self._account, self._chat = account, chat
        self.answer, self.say = chat.answer, chat.say

    def alert(self, alert: Alert) -> None:
        """Tell the owner."""
        topic, title = f"{self._account} {alert.topic}", f"{self._account}: {alert.title}"
        self._chat.alert(replace(alert, topic=topic, title=title))

    def ask(self, ask: Ask) -> None:
        """Show a question."""
        self._chat.ask(replace(ask, title=f"{self._account}: {ask.title}"))

    def card(self, card: Card) -> None:
        """Show or edit a card."""
        self._chat.card(replace(card, title=f"{self._account}: {card.title}"))


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
