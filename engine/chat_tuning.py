"""How the chat speaks: its way to Telegram, what may be passed on, when it is quiet, who else hears. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from engine import words
from engine.escalation import CHANNEL_AFTER_S, SECOND_AFTER_S, Ladder
from engine.sessions import ist
from engine.words import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.tuning_words import Reader

__all__ = ["ChatTuning", "QuietHours", "chat_tuning"]

#: Pieces of a channel's address that are this long are kept out of the log.
_SECRET_LENGTH = 8
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s*[-–]\s*([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Part of each day in India, from a time to a time, which may be of the next day."""

    start: time
    end: time

    def at(self, now_s: float) -> bool:
        """Whether this moment (epoch seconds) is in it; the start is, the end is not."""
        now = ist(now_s).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


USUAL_QUIET = QuietHours(time(22), time(8))


@dataclass(frozen=True, slots=True)
class ChatTuning:
    """What the owner may set about the chat beside who is in it.

    Attributes:
        proxy: by which everything goes to Telegram; may hold a password; None = directly.
        protect: messages may not be forwarded or saved by those who read them.
        quiet: when MEDIUM alerts make no sound, outside the session; None = never.
        summary: one pinned message tells how everything stands, edited in place.
        ladder: how an alert that nobody has seen climbs.
        second_user: who is told as well when it has climbed so far; 0 = nobody.
        channels: addresses outside Telegram that are told in the end (`addresses`); None = none.
    """

    proxy: Secret | None = None
    protect: bool = True
    quiet: QuietHours | None = USUAL_QUIET
    summary: bool = True
    ladder: Ladder = field(default_factory=Ladder)
    second_user: int = 0
    channels: Secret | None = None

    def addresses(self) -> tuple[str, ...]:
        """The addresses of the other channels; each may hold a password, a key or a secret topic."""
        return tuple(_split(self.channels.reveal())) if self.channels else ()

    def secrets(self) -> Iterator[str]:
        """The password of the proxy and what is secret in the channels, as written and as meant."""
        password = urlsplit(self.proxy.reveal()).password if self.proxy else None
        if password:
            yield from (password, unquote(password))
        for address in self.addresses():
            yield address
            for part in re.split(r"[/:@?&=#]+", address.partition("://")[2]):
                if len(part) >= _SECRET_LENGTH:  # a key, a topic, a password; shorter words are everywhere
                    yield from (part, unquote(part))


def chat_tuning(read: Reader, *, sandbox: bool) -> ChatTuning:
    """What the owner has set of it.

    The sandbox's Telegram is on this machine, with one phone: no proxy, and nobody else to tell.
    """
    way = read("TELEGRAM_PROXY", _proxy, None)
    second = read("ALERT_SECOND_USER_ID", words.user_id, 0)
    others = read("ALERT_URLS", _channels, None)
    second_after_s = 60 * read("ALERT_SECOND_AFTER_MIN", words.number(0.5, 240), SECOND_AFTER_S / 60)
    channel_after_s = 60 * read("ALERT_URLS_AFTER_MIN", words.number(0.5, 240), CHANNEL_AFTER_S / 60)
    return ChatTuning(
        proxy=None if sandbox else way,
        protect=read("TELEGRAM_PROTECT", words.switch, True),
        quiet=read("TELEGRAM_QUIET_HOURS", _quiet_hours, USUAL_QUIET),
        summary=read("TELEGRAM_SUMMARY", words.switch, True),
        ladder=Ladder(
            read("ALERT_REPEAT_MIN", _pauses_s, Ladder().gaps_s),
            second_after_s if second and not sandbox else None,
            channel_after_s if others and not sandbox else None,
        ),
        second_user=0 if sandbox else second,
        channels=None if sandbox else others,
    )


def _quiet_hours(word: str) -> QuietHours | None:
    """``22:00-08:00``, times of India; ``off`` = None. Raises ValueError for anything else."""
    if word.lower() == "off":
        return None
    read = _SPAN.fullmatch(word)
    if read is None:
        raise ValueError
    start, end = time(int(read[1]), int(read[2])), time(int(read[3]), int(read[4]))
    if start == end:  # all day or never: nobody can tell
        raise ValueError
    return QuietHours(start, end)


def _proxy(word: str) -> Secret:
    """The address of a proxy, with its port; it may hold a user and a password. Raises ValueError."""
    parts = urlsplit(word)
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname or parts.port is None:
        raise ValueError
    if parts.path not in {"", "/"} or parts.query or parts.fragment or re.search(r"\s", word):
        raise ValueError
    return Secret(word)


def _pauses_s(word: str) -> tuple[float, ...]:
    """``1, 2, 5``: minutes before each repeat, the last for all that follow. Raises ValueError."""
    minutes = [float(part) for part in _split(word)]
    if not minutes or not all(0.5 <= each <= 240 for each in minutes):
        raise ValueError
    return tuple(60.0 * each for each in minutes)


def _channels(word: str) -> Secret:
    """Addresses such as ``ntfys://host/topic``, separated by blanks or commas. Raises ValueError."""
    if not all(_ADDRESS.fullmatch(address) for address in _split(word)):
        raise ValueError
    return Secret(word)


def _split(word: str) -> list[str]:
    return [part for part in re.split(r"[\s,]+", word) if part]
