"""A sandbox Telegram with an unmodified python-telegram-bot talking to it, for the tests beside it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telegram import Bot
from telegram.request import HTTPXRequest

from sandbox.telegram_server import TelegramServer

TOKEN = "7654321:canary-telegram-token"
OWNER = 4242


class Moment:
    """A clock that stands still until it is told to go on."""

    def __init__(self, at_s: float = 1_770_090_600.0) -> None:
        self.at_s = at_s

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.at_s


def bot_for(server: TelegramServer, token: str = TOKEN, read_timeout_s: float = 10.0) -> Bot:
    """Build python-telegram-bot's own client, pointed at the sandbox."""
    return Bot(
        token,
        base_url=f"{server.api_url}/bot",
        base_file_url=f"{server.api_url}/file/bot",
        request=_requests(read_timeout_s),
        get_updates_request=_requests(read_timeout_s),
    )


def _requests(read_timeout_s: float) -> HTTPXRequest:
    """Skip the loading of certificates, which takes longer than most of these tests."""
    return HTTPXRequest(read_timeout=read_timeout_s, httpx_kwargs={"verify": False})


@asynccontextmanager
async def house(*, read_timeout_s: float = 10.0, **how: Any) -> AsyncIterator[tuple[TelegramServer, Bot]]:
    """Start a server and a bot that has introduced itself; stop both at the end."""
    async with (
        TelegramServer(token=TOKEN, **how) as server,
        bot_for(server, read_timeout_s=read_timeout_s) as bot,
    ):
        yield server, bot


def png(width: int = 40, height: int = 20) -> bytes:
    """Draw a plain picture that every decoder accepts."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\x90" * width for _ in range(height))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
