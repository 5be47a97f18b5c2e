"""The Seen button: ends what rings, if the person may, and says so under its message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from telegram import Message

from bot.accounts import mark
from bot.alarms_view import seen_page, toast
from bot.layout import Button
from engine.effects import Answer

if TYPE_CHECKING:
    from telegram import CallbackQuery

    from bot.accounts import Accounts
    from bot.alarms import Alarms
    from bot.buttons import Seen
    from bot.layout import Keyboard
    from bot.roles import Roles
    from bot.toasts import Toasts
    from bot.voice import Voice
    from engine.messages import Actor

log = logging.getLogger(__name__)


class SeenPresses:
    """Takes the presses of Seen, also those of the second person in a chat of their own."""

    def __init__(
        self,
        accounts: Accounts,
        roles: Roles,
        *,
        alarms: Alarms,
        voice: Voice,
        toasts: Toasts,
        second_user: int,
    ) -> None:
        """``second_user`` may end every alarm: they were called because nobody else did; 0 = nobody."""
        self._accounts, self._roles = accounts, roles
        self._alarms, self._voice, self._toasts = alarms, voice, toasts
        self._second_user = second_user

    def __call__(self, pressed: Seen, who: Actor, query: CallbackQuery) -> None:
        """Take one press."""
        ended, barred = self._alarms.seen(pressed.name, lambda of: self._may(of, who))
        log.info("chat: user %d has seen %d alarms, %d are not theirs", who.user_id, ended, barred)
        self._toasts.answer(Answer(query.id, toast(ended, barred), alarm=barred > 0))
        message = query.message
        if not ended or not isinstance(message, Message):
            return
        if message.chat_id != query.from_user.id or not self._is_second(who):
            self._voice.seen(message.message_id, seen_page(message.text_html, _keyboard(message), who.name))
        else:
            self._voice.reply(f"Seen by {who.name}, the second person: {ended} alert{'s' * (ended > 1)}.")

    def _may(self, of: str, who: Actor) -> bool:
        """The alarms of no account (the chat's own) are for whoever answers for any."""
        theirs = [one for one in self._accounts.all if mark(one.account) == of] or self._accounts.all
        return self._is_second(who) or any(self._roles.acts(one.people, who) for one in theirs)

    def _is_second(self, who: Actor) -> bool:
        return who.user_id == self._second_user


def _keyboard(message: Message) -> Keyboard:
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return tuple(
        tuple(Button(button.text, str(button.callback_data or ""), button.style or "") for button in row)
        for row in rows
    )
