"""Whether the bot is who it should be and knows its chat. No message is sent unless one is asked for.

By httpx, as the bot itself, so that it goes the bot's own way (TELEGRAM_PROXY, SOCKS too). A token stands in
each address: of a failure only the kind and Telegram's own words are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from engine.errors import SourceError, Unreachable
from engine.io.dhan.sockets import is_loopback
from engine.preflight import Check, Light
from engine.settings import Settings

__all__ = ["chat_line", "check_chat"]

TIMEOUT_S = 5.0
TEXT = "A test from the host (python -m engine check telegram --send). Nothing is asked of you."


class _Telegram:
    """Calls as the bot."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"{settings.telegram_api_url}/bot{settings.telegram_bot_token.reveal()}"
        proxy = settings.chat.proxy
        self._client = httpx.Client(
            proxy=None if proxy is None else proxy.reveal(),
            trust_env=not is_loopback(settings.telegram_api_url),
            timeout=TIMEOUT_S,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, **words: Any) -> dict[str, Any]:
        """What Telegram answers. Raises Unreachable, with its own words where it has any."""
        try:
            reply = self._client.post(f"{self._url}/{method}", json=words)
            told = reply.json()
        except httpx.HTTPError as problem:
            raise Unreachable(f"Telegram does not answer ({type(problem).__name__})") from None
        except ValueError:
            raise Unreachable(f"something that is not Telegram answered, HTTP {reply.status_code}") from None
        if not isinstance(told, dict) or not told.get("ok"):
            why = told.get("description", "") if isinstance(told, dict) else ""
            raise Unreachable(f"Telegram answered HTTP {reply.status_code} {why}".rstrip())
        found = told.get("result")
        return found if isinstance(found, dict) else {}


def chat_line(settings: Settings) -> Check:
    """One line: whether the bot knows its chat."""
    began_s = time.monotonic()
    with _Telegram(settings) as telegram:
        try:
            telegram.call("getChat", chat_id=settings.telegram_chat_id)
        except SourceError as error:
            return Check("chat", Light.RED, str(error))
    return Check("chat", Light.GREEN, f"answered in {_ms(began_s)}")


def check_chat(settings: Settings, *, send: bool) -> list[Check]:
    """A line for the bot, one for the chat, one for the message if one is to be sent; a red one ends it."""
    found: list[Check] = []
    with _Telegram(settings) as telegram:

        def bot() -> str:
            began_s = time.monotonic()
            me = telegram.call("getMe")
            return f"@{me.get('username', 'unknown')}, answered in {_ms(began_s)}"

        def chat() -> str:
            told = telegram.call("getChat", chat_id=settings.telegram_chat_id)
            name = told.get("title") or told.get("first_name") or told.get("id")
            return f"{told.get('type', 'unknown')}, {name}"

        def message() -> str:
            telegram.call(
                "sendMessage", chat_id=settings.telegram_chat_id, text=TEXT, disable_notification=True
            )
            return "delivered, silently"

        steps: list[tuple[str, Callable[[], str], str]] = [
            ("bot", bot, "TELEGRAM_BOT_TOKEN: ask @BotFather; no way to Telegram at all: TELEGRAM_PROXY"),
            (
                "chat",
                chat,
                "TELEGRAM_CHAT_ID: python -m bot --find-chat shows it; press Start at the bot once",
            ),
            *([("message", message, "the bot must be in the chat and may write there")] if send else []),
        ]
        for name, step, remedy in steps:
            try:
                found.append(Check(name, Light.GREEN, step()))
            except SourceError as error:
                found.append(Check(name, Light.RED, f"{error}; {remedy}"))
                break
    return found


def _ms(began_s: float) -> str:
    return f"{1_000 * (time.monotonic() - began_s):.0f} ms"
