"""What can be wrong between us and Telegram: named, told once, and told again when it is over."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.layout import span
from engine.effects import Alert
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# Without this the library warns of a coming change each time a RetryAfter is made, inside its
# constructor; where warnings are errors, a flood wait would then arrive as another exception.
os.environ.setdefault("PTB_TIMEDELTA", "true")

#: An answer that is JSON but not Telegram's (a captive portal's, say) breaks inside the library with these.
WIRE_FAULTS = (TelegramError, KeyError, TypeError, ValueError, AttributeError)
#: Outages shorter than this are not worth a message afterwards.
WORTH_TELLING_S = 60.0


class Fault(StrEnum):
    """The kinds, each alarmed once and cleared once."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"
    SERVER = "server error"
    REFUSED = "token refused"
    CONFLICT = "polled twice"
    FLOOD = "flood wait"
    UNREADABLE = "unreadable"
    BLOCKED = "blocked"
    NO_CHAT = "chat not found"
    MOVED = "chat moved"
    NO_RIGHTS = "not allowed to write"
    UNSENT = "alert not sent"


#: Refusals of the bot or of the chat, not of one message: nothing gets through until a person has helped.
HELPLESS = frozenset({Fault.REFUSED, Fault.BLOCKED, Fault.NO_CHAT, Fault.MOVED, Fault.NO_RIGHTS})
#: Telegram's words for that in a 400, lower case. Rights to pin are another matter.
_OF_THE_CHAT = (
    ("upgraded to a supergroup", Fault.MOVED),
    ("chat not found", Fault.NO_CHAT),
    ("chat_id is empty", Fault.NO_CHAT),
    ("peer_id_invalid", Fault.NO_CHAT),
    ("group chat was deactivated", Fault.NO_CHAT),
    ("rights to send", Fault.NO_RIGHTS),
    ("chat_write_forbidden", Fault.NO_RIGHTS),
    ("chat_restricted", Fault.NO_RIGHTS),
    ("chat_send_plain_forbidden", Fault.NO_RIGHTS),
)


@dataclass(frozen=True, slots=True)
class _Words:
    """How a kind is told; ``urgency`` None = only afterwards, because no message would get through.

    Attributes:
        quiet_s: how long it must stay away before it counts as over (two pollers take turns).
    """

    title: str
    text: str
    urgency: Urgency | None = None
    quiet_s: float = 0.0


_WORDS = {
    Fault.UNREACHABLE: _Words("Telegram unreachable", "No connection to Telegram."),
    Fault.SILENT: _Words("Telegram silent", "Telegram did not answer in time."),
    Fault.SERVER: _Words("Telegram has an error", "Telegram answered with a server error."),
    Fault.UNREADABLE: _Words("Telegram not understood", "Something on the way answers in Telegram's place."),
    Fault.FLOOD: _Words("Telegram asks to slow down", "Telegram refused to be asked so often."),
    Fault.REFUSED: _Words(
        "Telegram refuses the bot",
        "Commands do not arrive: the token was answered with 401 or 404. Either it was revoked (make a new"
        " one with @BotFather and set TELEGRAM_BOT_TOKEN) or the network blocks Telegram.",
        Urgency.MEDIUM,
    ),
    Fault.CONFLICT: _Words(
        "A second program polls this bot",
        "Commands and taps may reach the other program instead of this one. Stop one of the two,"
        " or give each its own bot.",
        Urgency.HIGH,
        quiet_s=30.0,
    ),
    Fault.BLOCKED: _Words(
        "The chat refuses messages",
        "Telegram says that the bot was blocked or removed from the chat. Open the bot and press Start.",
        Urgency.MEDIUM,
    ),
    Fault.NO_CHAT: _Words(
        "The chat is not found",
        "Telegram knows no chat TELEGRAM_CHAT_ID of this bot. Open the bot and press Start, or put it back"
        " into the group; if the number is wrong, correct it and restart.",
        Urgency.MEDIUM,
    ),
    Fault.MOVED: _Words(
        "The group has a new number",
        "The group became a supergroup. Put its new number into TELEGRAM_CHAT_ID and restart.",
        Urgency.MEDIUM,
    ),
    Fault.NO_RIGHTS: _Words(
        "The bot may not write in the group",
        "The bot has no right to send messages there. Allow it in the group's permissions.",
        Urgency.MEDIUM,
    ),
    Fault.UNSENT: _Words(
        "A HIGH alert could not be sent",
        "Telegram refused it with and without its looks, or it could not be made; the log says why. It is"
        " tried again.",
    ),
}


class Unsure(StrEnum):
    """What is known of a message whose sending failed on the network."""

    NOT_SENT = "not sent"
    PERHAPS_SENT = "perhaps sent"


def kind_of(error: Exception) -> Fault:
    """Name the fault behind an error of the library.

    The order matters: BadRequest and TimedOut are kinds of NetworkError there. 404 comes as InvalidToken.
    """
    table: tuple[tuple[type[Exception], Fault], ...] = (
        (RetryAfter, Fault.FLOOD),
        (InvalidToken, Fault.REFUSED),
        (Forbidden, Fault.BLOCKED),
        (Conflict, Fault.CONFLICT),
        (BadRequest, Fault.UNREADABLE),
        (TimedOut, Fault.UNREACHABLE if delivery(error) is Unsure.NOT_SENT else Fault.SILENT),
        (NetworkError, Fault.UNREACHABLE if isinstance(error.__cause__, httpx.HTTPError) else Fault.SERVER),
    )
    return next((fault for kind, fault in table if isinstance(error, kind)), Fault.UNREADABLE)


def of_the_chat(error: Exception) -> Fault | None:
    """The fault behind a refusal of the chat itself; None = whatever it is, it is not that.

    Telegram answers both with 400: only its words tell a chat that takes nothing from a message that is bad.
    """
    if isinstance(error, ChatMigrated):
        return Fault.MOVED
    if not isinstance(error, BadRequest):
        return None
    said = error.message.lower()
    return next((fault for words, fault in _OF_THE_CHAT if words in said), None)


def delivery(error: Exception) -> Unsure:
    """Tell whether a message may have arrived although its sending failed.

    Only a connection that was never made, a full pool and an answer with a server error count as not
    sent; a missing answer may hide a delivered message.
    """
    cause = error.__cause__
    never_left = isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    answered = not isinstance(cause, httpx.HTTPError)
    return Unsure.NOT_SENT if never_left or answered else Unsure.PERHAPS_SENT


class FaultBook:
    """Which faults are open; each is alarmed when it opens and told when it is over."""

    def __init__(self, name: str, alarm: Callable[[Alert], None]) -> None:
        """``name`` says whose faults these are, ``alarm`` gets what the owner should read."""
        self.name = name
        self._alarm = alarm
        self._open: dict[Fault, tuple[float, float]] = {}
        self._details: dict[Fault, str] = {}

    @property
    def open(self) -> tuple[Fault, ...]:
        """The faults that are open now."""
        return tuple(self._open)

    @property
    def words(self) -> tuple[str, ...]:
        """The same for people: whose each is, what, and what helps where that is known."""
        details = (self._details.get(fault, "") for fault in self._open)
        return tuple(
            f"{self.name}: {fault}{detail and f', {detail}'}"
            for fault, detail in zip(self._open, details, strict=True)
        )

    def seen(self, fault: Fault, now_s: float, detail: str = "") -> None:
        """A call failed this way; ``detail``: what helps, where this very failure tells it."""
        self._details[fault] = detail
        began_s, _ = self._open.get(fault, (now_s, now_s))
        if fault not in self._open:
            words = _WORDS[fault]
            text = f"{words.text} ({detail})" if detail else words.text
            log.warning("chat %s: %s (%s)", self.name, fault, text)
            if words.urgency is not None:
                self._alarm(Alert(words.urgency, f"chat/{fault}", words.title, text))
        self._open[fault] = (began_s, now_s)

    def gone(self, now_s: float) -> None:
        """A call succeeded: what was open is over, unless its kind has to stay away for a while."""
        for fault, (began_s, last_s) in list(self._open.items()):
            words = _WORDS[fault]
            if now_s - last_s < words.quiet_s:
                continue
            del self._open[fault]
            log.warning("chat %s: %s is over after %s", self.name, fault, span(now_s - began_s))
            if words.urgency is not None or now_s - began_s >= WORTH_TELLING_S:
                text = f"{words.title}: over after {span(now_s - began_s)}."
                self._alarm(Alert(Urgency.NORMAL, f"chat/{fault}/over", "Chat is back", text))
