"""A Telegram of one's own on loopback: the Bot API for the bot, a phone page for the person.

``api_url`` is what stands before ``/bot<token>/<method>``, so python-telegram-bot's ``base_url`` is
``f"{server.api_url}/bot"`` and its ``base_file_url`` is ``f"{server.api_url}/file/bot"``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Self, TypeVar

from aiohttp import web

from sandbox.telegram_api import BotApi, Call
from sandbox.telegram_control import Control
from sandbox.telegram_faults import Faults, Flood
from sandbox.telegram_page import PhonePage
from sandbox.telegram_phone import Phone
from sandbox.telegram_state import Event, Message, Query, TelegramState, User
from sandbox.telegram_updates import Bell, UpdateQueue

__all__ = ["Call", "Flood", "Message", "Query", "TelegramServer", "User"]

T = TypeVar("T")

_BOT_NAME = "Prahari"
_BOT_USERNAME = "prahari_sandbox_bot"
_LARGEST_UPLOAD_BYTES = 50 * 1024 * 1024
_STOP_S = 0.2


class TelegramServer:
    """Telegram, as far as one bot and a few people can tell.

    Stopped and started again it keeps its port and its memory, which makes an outage.

    Attributes:
        phone: what people do; see `sandbox.telegram_phone.Phone`.
        messages: every message by id, with its edits, deleted ones too.
        calls: the latest calls of the API, oldest first.
        faults: the switchboard of failures.
        updates: what the bot has not fetched and confirmed yet.
        state: everything remembered, for tests that look deeper.
    """

    def __init__(
        self,
        *,
        token: str,
        users: Iterable[User | int] = (User(4242, "Asha", "asha"),),
        chat_id: int | None = None,
        now: Callable[[], float] = time.time,
        flood: Flood | None = None,
        port: int = 0,
    ) -> None:
        """Set the scene; nothing listens before `start`.

        Args:
            token: the bot's; its digits before the colon are the bot's id.
            users: who exists; the first is the owner. A bare id gets a name by itself.
            chat_id: where bot and owner meet: the owner's id (default), or a negative group id.
            now: epoch seconds for dates and limits.
            flood: the flood limits; None = none.
            port: to listen on; 0 = any free one.
        """
        people = [user if isinstance(user, User) else User(user, f"User {user}") for user in users]
        head = token.partition(":")[0]
        bot = User(int(head) if head.isdigit() else 7_000_000_001, _BOT_NAME, _BOT_USERNAME, is_bot=True)
        self._bell = Bell()
        self.state = TelegramState(bot, now)
        for person in people:
            self.state.add_user(person)
        home = people[0].id if chat_id is None else chat_id
        if home < 0:
            self.state.add_group(home, "Desk", {person.id for person in people})
        elif home not in self.state.chats:
            raise ValueError(f"chat_id {home} is nobody's: a private chat has the id of one of the users")
        self.updates = UpdateQueue(self._bell, now)
        self.faults = Faults()
        self.phone = Phone(self.state, self.updates, people[0].id, home)
        self._api = BotApi(token, self.state, self.updates, self.faults)
        self._api.flood = flood
        self._page = PhonePage(self.state, self.phone)
        self._control = Control(self._api, self.state, self.faults, self.phone)
        self.state.listener = self._changed
        self.messages = self.state.messages
        self.calls = self._api.calls
        self._port = port
        self._runner: web.AppRunner | None = None

    def _changed(self, event: Event) -> None:
        self._page.show(event)
        self._bell.ring()

    async def start(self) -> None:
        """Listen on 127.0.0.1."""
        app = web.Application(client_max_size=_LARGEST_UPLOAD_BYTES)
        app.add_routes([*self._api.routes(), *self._page.routes(), *self._control.routes()])
        # The access log would write the token, which is part of every URL.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_S)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Hang up on everybody and stop listening; harmless when not started."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await self._page.close()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start with the block."""
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop with the block."""
        await self.stop()

    @property
    def api_url(self) -> str:
        """Base of the Bot API, without ``/bot``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def phone_url(self) -> str:
        """Where a browser shows the owner's phone; ``?user=ID`` shows another person's."""
        return f"{self.api_url}/phone/"

    def calls_of(self, method: str) -> list[Call]:
        """Pick the calls of one method, in its documented spelling."""
        return [call for call in self.calls if call.method == method]

    def sent(self, chat_id: int | None = None) -> list[Message]:
        """List the bot's messages that stand in a chat (the house's by default), oldest first."""
        place = self.phone.chat_id if chat_id is None else chat_id
        everything = self.messages.values()
        return [
            m for m in everything if (m.chat_id, m.sender_id, m.deleted) == (place, self.state.bot.id, False)
        ]

    async def wait_for(self, predicate: Callable[[TelegramServer], T], timeout_s: float = 10.0) -> T:
        """Look again after every change until ``predicate`` is true, and return what it gave.

        Raises:
            TimeoutError: with the last calls and messages, to see how far things went.
        """
        seen = await self._bell.until(lambda: predicate(self), timeout_s)
        if not seen:
            calls = [f"{call.method} {call.status} {call.words}".strip() for call in list(self.calls)[-8:]]
            texts = [message.text for message in list(self.messages.values())[-8:]]
            raise TimeoutError(f"not seen in {timeout_s} s; last calls {calls}; last messages {texts}")
        return seen

    @property
    def flood(self) -> Flood | None:
        """The flood limits in force."""
        return self._api.flood

    @flood.setter
    def flood(self, flood: Flood | None) -> None:
        self._api.flood = flood
