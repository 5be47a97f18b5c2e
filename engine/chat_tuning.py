"""How the chat speaks: its way to Telegram, what may be passed on, and when it keeps quiet. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from engine.sessions import ist
from engine.words import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ChatTuning", "QuietHours", "proxy", "quiet_hours"]

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
    """

    proxy: Secret | None = None
    protect: bool = True
    quiet: QuietHours | None = USUAL_QUIET
    summary: bool = True

    def secrets(self) -> Iterator[str]:
        """The password of the proxy, as it is written and as it is meant."""
        password = urlsplit(self.proxy.reveal()).password if self.proxy else None
        if password:
            yield from (password, unquote(password))


def quiet_hours(word: str) -> QuietHours | None:
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


def proxy(word: str) -> Secret:
    """The address of a proxy, with its port; it may hold a user and a password. Raises ValueError."""
    parts = urlsplit(word)
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname or parts.port is None:
        raise ValueError
    if parts.path not in {"", "/"} or parts.query or parts.fragment or re.search(r"\s", word):
        raise ValueError
    return Secret(word)
