"""Who may speak to the monitor, and how old a word may be: asked before anything else looks at an update.

Both the numeric user and the chat must be the owner's. User names are not asked for, they can change
hands. Strangers get no answer, so that the bot does not tell what it is.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from telegram import ChatMember, Update
from telegram.ext import ApplicationHandlerStop

from bot.buttons import Seen, parse
from bot.layout import cut, span
from engine.effects import Alert
from engine.messages import Actor
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Message

log = logging.getLogger(__name__)

#: So many strangers are told to the owner; after that they are only logged.
STRANGERS_TOLD = 5


class Admission(StrEnum):
    """What becomes of an update."""

    ADMITTED = "admitted"
    STRANGER = "stranger"
    SECOND = "second"
    EDITED = "edited"
    STALE = "stale"
    FORWARDED = "forwarded"
    MEMBERSHIP = "membership"


def actor(update: Update) -> Actor:
    """Name the person behind an update; 0 for ids that it does not have."""
    user, chat = update.effective_user, update.effective_chat
    return Actor(
        user_id=user.id if user else 0,
        chat_id=chat.id if chat else 0,
        name=cut(user.full_name, 32) if user else "nobody",
    )


def admission(
    update: Update,
    *,
    chat_id: int,
    user_ids: frozenset[int],
    wall_s: float,
    drop_after_s: float,
    second_user: int = 0,
) -> Admission:
    """Decide about one update.

    The second person (0 = there is none) may press Seen in their own chat and nothing else.

    Channel posts and anonymous admins have no user of the owner's and are strangers. A button press
    carries no date at all (Telegram gives none), so only its nonce's expiry can make it too old. Forwarded
    words are somebody's, or the owner's of another day.
    """
    who = actor(update)
    if second_user and who.user_id == who.chat_id == second_user != chat_id:
        query = update.callback_query
        return Admission.ADMITTED if query and isinstance(parse(query.data), Seen) else Admission.SECOND
    if who.user_id not in user_ids or who.chat_id != chat_id:
        return Admission.STRANGER
    if update.my_chat_member is not None:
        return Admission.MEMBERSHIP
    if update.edited_message is not None:
        return Admission.EDITED
    if update.message is not None and age_s(update.message, wall_s) > drop_after_s:
        return Admission.STALE
    if update.message is not None and update.message.forward_origin is not None:
        return Admission.FORWARDED
    return Admission.ADMITTED


def wanted(update: Update) -> str:
    """What somebody reached for: the button with its data, the command, or just words."""
    if update.callback_query is not None:
        return f"the button {update.callback_query.data or ''}".strip()
    text = update.effective_message.text if update.effective_message is not None else None
    word = text.split(maxsplit=1)[0] if text and text.split() else ""
    return word if word.startswith("/") else "words"


def age_s(message: Message, wall_s: float) -> float:
    """Tell how old a message is, seconds; negative when this machine's clock is behind Telegram's."""
    return wall_s - message.date.timestamp()


class Gate:
    """The handler in front of all others; raising ApplicationHandlerStop ends an update's way."""

    def __init__(  # noqa: PLR0913 - each is a port or a setting, given once
        self,
        *,
        chat_id: int,
        user_ids: frozenset[int],
        drop_after_s: float,
        wall_s: Callable[[], float],
        alarm: Callable[[Alert], None],
        reply: Callable[[str], None],
        heard: Callable[[], None],
        turned_away: Callable[[Actor, str, str], None],
        second_user: int = 0,
    ) -> None:
        """``reply`` answers the owner; ``heard`` hears of admitted updates, ``turned_away`` of strangers."""
        self._second_user = second_user
        self._chat_id = chat_id
        self._user_ids = user_ids
        self._drop_after_s = drop_after_s
        self._wall_s = wall_s
        self._alarm = alarm
        self._reply = reply
        self._heard = heard
        self._turned_away = turned_away
        self._strangers: set[int] = set()

    async def __call__(self, update: Update, _context: Any) -> None:
        """Let an update through, or stop it here."""
        wall_s = self._wall_s()
        verdict = admission(
            update,
            chat_id=self._chat_id,
            user_ids=self._user_ids,
            wall_s=wall_s,
            drop_after_s=self._drop_after_s,
            second_user=self._second_user,
        )
        match verdict:
            case Admission.ADMITTED:
                self._heard()
                return
            case Admission.STRANGER:
                self._stranger(actor(update), wanted(update))
            case Admission.STALE if update.message is not None:
                self._ignored(update.message, f"it is {span(age_s(update.message, wall_s))} old")
            case Admission.FORWARDED if update.message is not None:
                self._ignored(update.message, "it was forwarded")
            case Admission.MEMBERSHIP if update.my_chat_member is not None:
                self._membership(update.my_chat_member.new_chat_member)
        raise ApplicationHandlerStop

    def _stranger(self, who: Actor, what: str) -> None:
        log.warning("chat: user %d in chat %d is not allowed", who.user_id, who.chat_id)
        self._turned_away(who, what, "stranger")
        if who.user_id in self._strangers or len(self._strangers) >= STRANGERS_TOLD:
            return
        self._strangers.add(who.user_id)
        text = f"{who.name} (user {who.user_id}, chat {who.chat_id}) reached for the bot and got no answer."
        self._alarm(Alert(Urgency.NORMAL, f"chat/stranger/{who.user_id}", "A stranger at the bot", text))

    def _ignored(self, message: Message, why: str) -> None:
        what = cut(message.text or "that", 40)
        log.warning("chat: a message is not run, %s", why)
        self._reply(f"Ignored “{what}”: {why}. Nothing was done. Send it again if you mean it now.")

    def _membership(self, member: ChatMember) -> None:
        self._heard()
        log.warning("chat: the bot is now %s in the owner's chat", member.status)
