"""One message to Telegram, and what became of it: the library's exceptions end here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyKeyboardMarkup
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
)

from bot.faults import HELPLESS, WIRE_FAULTS, Fault, Unsure, delivery, kind_of, of_the_chat
from bot.layout import CAPTION_LIMIT, MESSAGE_LIMIT, Keyboard, Page, cut, escape, plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram.ext import ExtBot

    _Once = Callable[[str, str | None], Awaitable[Message | bool]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Telegram has it, as this message."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Flooded:
    """Telegram wants silence for so many seconds; ``edit``: it said so to an edit."""

    retry_after_s: float
    edit: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not get through, or nobody knows; trying again may help. ``detail``: what else would."""

    fault: Fault
    sent: Unsure
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Telegram will never take this message; its own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The message that was to be edited is not there any more."""


Outcome = Delivered | Flooded | Failed | Refused | Gone

#: Telegram's words for an edit that can never succeed, lower case: the library changes their capitals.
_NOT_EDITABLE = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Sender:
    """Sends to one chat, awaiting a single answer; keeps no queue and tries nothing twice.

    The exceptions: markup that Telegram cannot read, a picture or buttons that it does not take. The same
    words go out without them at once, because a message must not die of its looks.
    """

    def __init__(self, bot: ExtBot[None], chat_id: int) -> None:
        """Send as this bot to this chat."""
        self._bot = bot
        self._chat_id = chat_id

    async def send(self, page: Page, *, silent: bool, photo: bytes = b"") -> Outcome:
        """Send a new message; with a PNG it is a photo that has the words below it."""
        if photo:
            outcome = await self._send_photo(page, photo, silent=silent)
            if not isinstance(outcome, Refused) and not _helpless(outcome):
                return outcome
            log.warning("chat: Telegram refused a picture, its words go alone: %s", why_not(outcome))
        outcome = await self._send_words(page, silent=silent)
        if isinstance(outcome, Refused):
            log.warning("chat: Telegram refused a message, its words go alone: %s", outcome.reason)
            outcome = await self._send_words(_bare(page.html), silent=silent)
        return outcome

    async def _send_words(self, page: Page, *, silent: bool) -> Outcome:
        async def once(text: str, parse_mode: str | None) -> Message:
            return await self._bot.send_message(
                self._chat_id,
                text,
                parse_mode=parse_mode,
                reply_markup=markup(page.keyboard) or _panel(page.panel),
                disable_notification=silent,
            )

        return await _attempt(once, page.html)

    async def _send_photo(self, page: Page, photo: bytes, *, silent: bool) -> Outcome:
        async def once(text: str, parse_mode: str | None) -> Message:
            return await self._bot.send_photo(
                self._chat_id,
                photo,
                caption=text,
                parse_mode=parse_mode,
                reply_markup=markup(page.keyboard),
                disable_notification=silent,
            )

        return await _attempt(once, page.html, CAPTION_LIMIT)

    async def edit(self, message_id: int, html: str, keyboard: Keyboard) -> Outcome:
        """Change a message; without buttons in ``keyboard`` the old ones go away."""
        outcome = await self._edit(message_id, html, keyboard)
        if isinstance(outcome, Refused):
            log.warning("chat: Telegram refused an edit, its words go alone: %s", outcome.reason)
            outcome = await self._edit(message_id, _bare(html).html, ())
        return Flooded(outcome.retry_after_s, edit=True) if isinstance(outcome, Flooded) else outcome

    async def _edit(self, message_id: int, html: str, keyboard: Keyboard) -> Outcome:
        async def once(text: str, parse_mode: str | None) -> Message | bool:
            return await self._bot.edit_message_text(
                text,
                self._chat_id,
                message_id,
                parse_mode=parse_mode,
                reply_markup=markup(keyboard),
            )

        outcome = await _attempt(once, html)
        if isinstance(outcome, Refused):
            reason = outcome.reason.lower()
            if "message is not modified" in reason:
                return Delivered(message_id)
            if any(words in reason for words in _NOT_EDITABLE):
                return Gone()
        return outcome

    async def pin(self, message_id: int) -> Outcome:
        """Pin a message, without a sound."""

        async def once(_text: str, _mode: str | None) -> bool:
            return await self._bot.pin_chat_message(self._chat_id, message_id, disable_notification=True)

        return await _attempt(once, "")

    async def unpin(self, message_id: int) -> Outcome:
        """Take a message from the pinned ones."""

        async def once(_text: str, _mode: str | None) -> bool:
            return await self._bot.unpin_chat_message(self._chat_id, message_id)

        return await _attempt(once, "")


def markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Turn our buttons into the library's."""
    if not keyboard:
        return None
    rows = [
        [InlineKeyboardButton(b.text, callback_data=b.data, style=b.style or None) for b in row]
        for row in keyboard
    ]
    return InlineKeyboardMarkup(rows)


def _panel(rows: tuple[tuple[str, ...], ...]) -> ReplyKeyboardMarkup | None:
    """The buttons below the person's own keyboard; they send their words."""
    return ReplyKeyboardMarkup(rows, resize_keyboard=True, is_persistent=True) if rows else None


def _bare(html: str) -> Page:
    """The same words without tags or buttons, as long as Telegram takes them at most."""
    return Page(escape(cut(plain(html), MESSAGE_LIMIT)))


def _helpless(outcome: Outcome) -> bool:
    """Whether it is the chat that refuses; some take words and no pictures."""
    return isinstance(outcome, Failed) and outcome.fault in HELPLESS


async def _attempt(once: _Once, html: str, limit: int = MESSAGE_LIMIT) -> Outcome:
    html = html.encode(errors="replace").decode()  # half a character of somebody's JSON cannot leave
    try:
        outcome: Outcome = _delivered(await once(html, "HTML"))
    except WIRE_FAULTS as error:
        outcome = judge(error)
    if isinstance(outcome, Refused) and "can't parse entities" in outcome.reason.lower():
        try:
            return _delivered(await once(cut(plain(html), limit), None))
        except WIRE_FAULTS as error:
            return judge(error)
    return outcome


def judge(error: Exception) -> Outcome:
    """Sort an exception by what can be done about it.

    BadRequest comes before the network kinds because it is one of them in the library, and after
    RetryAfter and the refusals, which are not. What refuses the chat is no refusal of the message: that is
    kept and tried again.
    """
    if (fault := of_the_chat(error)) is not None:
        moved_to = error.new_chat_id if isinstance(error, ChatMigrated) else None
        return Failed(fault, Unsure.NOT_SENT, f"TELEGRAM_CHAT_ID={moved_to}" if moved_to else "")
    match error:
        case RetryAfter():
            return Flooded(retry_after_s(error))
        case Forbidden() | InvalidToken():
            return Failed(kind_of(error), Unsure.NOT_SENT)
        case BadRequest():
            return Refused(error.message)
        case _:
            return Failed(kind_of(error), delivery(error))


def why_not(outcome: Outcome) -> str:
    """What has kept a message from being delivered, in a few words."""
    match outcome:
        case Flooded(seconds):
            return f"Telegram asks for {seconds:.0f} s of silence"
        case Refused(reason):
            return f"Telegram refused it: {reason}"
        case Failed(fault, _, detail):
            return f"{fault}, {detail}" if detail else str(fault)
    return ""


def _delivered(answer: Message | bool) -> Delivered:  # noqa: FBT001 - the library's own answer
    return Delivered(answer.message_id if isinstance(answer, Message) else 0)


def retry_after_s(error: RetryAfter) -> float:
    """Read how long Telegram wants to be left alone, seconds."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
