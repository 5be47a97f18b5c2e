"""How one word of the settings becomes a value: parsers that raise ValueError, and `Secret`.

They never say what they read: `engine.setting_reader` does, because it knows which words are secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from engine.tuning import BY_SLICE


class Secret:
    """A word that must not be shown: it prints as ``***`` until somebody asks to `reveal` it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class TradesSource(StrEnum):
    """Where the legs are recorded."""

    SQLITE = "sqlite"
    SUPABASE = "supabase"
    BROKER = "broker"


class FeedSource(StrEnum):
    """Whose socket prices come by."""

    DHAN = "dhan"
    REDIS = "redis"


class OrderWay(StrEnum):
    """How order commands reach Dhan."""

    DIRECT = "direct"
    DHANHQ = "dhanhq"


class LoopChoice(StrEnum):
    """Which event loop the house runs in."""

    AUTO = "auto"
    ASYNCIO = "asyncio"


class LeasePlace(StrEnum):
    """Where the owner of an account is written down."""

    STORE = "store"
    REDIS = "redis"


class LogLevel(StrEnum):
    """How much the log says."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def digits(word: str) -> str:
    """A number whose digits are a name, not an amount."""
    if not re.fullmatch(r"[0-9]+", word):
        raise ValueError
    return word


def secret(word: str) -> Secret:
    """One printable ASCII word (it goes into headers); a placeholder left standing is refused."""
    if not re.fullmatch(r"[!-~]{6,}", word) or re.search(r"[<>]|^your[_-]|^x+$", word, re.IGNORECASE):
        raise ValueError
    return Secret(word)


def bot_token(word: str) -> Secret:
    """A Telegram bot token: the bot's number, a colon, the key."""
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{8,}", word):
        raise ValueError
    return secret(word)


def supabase_key(prefix: str) -> Callable[[str], Secret]:
    """A parser for one kind of Supabase key: the new prefix, or a legacy JWT (eyJ)."""

    def parse(word: str) -> Secret:
        if not word.startswith((prefix, "eyJ")):
            raise ValueError
        return secret(word)

    return parse


def chat_id(word: str) -> int:
    """A Telegram chat: groups have negative numbers."""
    if not re.fullmatch(r"-?[1-9][0-9]*", word):
        raise ValueError
    return int(word)


def user_ids(word: str) -> frozenset[int]:
    """Telegram user numbers separated by commas or blanks."""
    ids = frozenset(int(digits(part)) for part in re.split(r"[,\s]+", word.strip(", ")))
    if 0 in ids:
        raise ValueError
    return ids


def user_id(word: str) -> int:
    """One Telegram user number."""
    [one] = user_ids(word)
    return one


def log_level(word: str) -> LogLevel:
    """A level by its name, in any case."""
    return LogLevel(word.upper())


def trades_source(word: str) -> TradesSource:
    """A trade store by its name, in any case."""
    return TradesSource(word.lower())


def feed_source(word: str) -> FeedSource:
    """Where prices come from, in any case."""
    return FeedSource(word.lower())


def order_way(word: str) -> OrderWay:
    """How orders leave, in any case."""
    return OrderWay(word.lower())


def loop_choice(word: str) -> LoopChoice:
    """Which event loop, in any case."""
    return LoopChoice(word.lower())


def lease_place(word: str) -> LeasePlace:
    """A place for leases by its name, in any case."""
    return LeasePlace(word.lower())


def http_url(word: str) -> str:
    """An http(s) address without query or password; the slash at its end is dropped."""
    return _url(word, ("http", "https"))


def ws_url(word: str) -> str:
    """A WebSocket address without query or password; the slash at its end is dropped."""
    return _url(word, ("ws", "wss"))


def _url(word: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(word)
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or re.search(r"[\s?#]", word):
        raise ValueError
    _ = parts.port  # raises ValueError when it is no port
    return word.rstrip("/")


def port(word: str) -> int:
    """A TCP port."""
    number = int(digits(word))
    if not 1 <= number <= 65535:
        raise ValueError
    return number


def number(least: float, most: float) -> Callable[[str], float]:
    """A number within these bounds."""

    def read(word: str) -> float:
        value = float(word)
        if not least <= value <= most:  # also what is no number
            raise ValueError
        return value

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within these bounds."""

    def read(word: str) -> int:
        value = int(word)
        if not least <= value <= most:
            raise ValueError
        return value

    return read


def batch_lots(word: str) -> int:
    """Lots of a batch, or the word for batches of one slice."""
    if word.lower() == "freeze":
        return BY_SLICE
    value = int(word)
    if not 0 <= value <= 1_000:
        raise ValueError
    return value


def switch(word: str) -> bool:
    """On or off."""
    if word.lower() not in {"on", "off"}:
        raise ValueError
    return word.lower() == "on"


def redis_url(word: str) -> Secret:
    """An address of Redis; it may hold a password."""
    parts = urlsplit(word)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path.strip("/")):
        raise ValueError
    return Secret(word)


def redis_host(word: str) -> str:
    """A host name or address, an IPv6 one in the brackets that an address of it needs."""
    if not re.fullmatch(r"[\w.:-]+", word):
        raise ValueError
    return f"[{IPv6Address(word)}]" if ":" in word else word


def moment(word: str) -> datetime:
    """An ISO 8601 moment that says its offset."""
    parsed = datetime.fromisoformat(word)
    if parsed.tzinfo is None:
        raise ValueError
    return parsed
