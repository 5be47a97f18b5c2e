"""The whole outside world in one: Dhan, Telegram and the demo's book, on loopback."""

from __future__ import annotations

import csv
import io
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sandbox.demo import open_demo
from sandbox.dhan_server import DhanServer
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.market import DEFAULT_SEED
from sandbox.telegram_server import TelegramServer, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.quotes import QuoteSource
    from sandbox.replay import RecordedMarket

__all__ = ["Outside", "Sandbox"]

OWNER = User(4242, "Asha", "asha")
#: Where the phone page is looked for first; any free port when that one is taken.
PHONE_PORT = 8765


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses and credentials of a running sandbox, by the names of the settings."""

    settings: dict[str, str]
    phone_url: str
    state_url: str
    trades: list[dict[str, Any]]

    def trades_csv(self) -> str:
        """The demo's trades as a file that `python -m engine import` takes."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.trades[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.trades)
        return text.getvalue()


class Sandbox:
    """Everything outside the monitor, for as long as the ``async with`` lasts.

    Args:
        now_s: the sandbox's clock, epoch seconds: its market is open when this says so.
        phone_port, dhan_port: 0 = any free one.
        story: the market goes where the demo's first seconds have something to tell.
        seed: the same seed gives the same generated market.
        day: a recorded day in place of the generated market; the account then holds nothing.
        access_token, bot_token: what it lets in; its own, worth nothing elsewhere.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        *,
        phone_port: int = PHONE_PORT,
        dhan_port: int = 0,
        story: bool = True,
        seed: int = DEFAULT_SEED,
        day: RecordedMarket | None = None,
        access_token: str = "sandbox-access-token",  # noqa: S107 - see above
        bot_token: str = "7000000001:sandbox-bot-token-worth-nothing-at-all",  # noqa: S107 - see above
    ) -> None:
        self._token = access_token
        self._bot_token = bot_token
        self._stack = AsyncExitStack()
        market: QuoteSource
        if day is not None:
            market, exchange, self._trades = day, Exchange(day), []
        else:
            demo = open_demo(now_s(), token=self._token, story=story, seed=seed)
            market, exchange, self._trades = demo.market, demo.exchange, demo.trades
        self.dhan = DhanServer(exchange, market, now_s=now_s, token=self._token, port=dhan_port)
        self.telegram = self._telegram(phone_port)

    async def __aenter__(self) -> Self:
        """Start both servers."""
        await self.dhan.start()
        self._stack.push_async_callback(self.dhan.stop)
        try:
            await self.telegram.start()
        except OSError:
            self.telegram = self._telegram(0)
            await self.telegram.start()
        self._stack.push_async_callback(self.telegram.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop both."""
        await self._stack.aclose()

    @property
    def outside(self) -> Outside:
        """What a monitor needs to know to live here."""
        dhan = self.dhan
        settings = {
            "DHAN_CLIENT_ID": DEFAULT_CLIENT,
            "DHAN_ACCESS_TOKEN": self._token,
            "DHAN_API_URL": dhan.api_url,
            "DHAN_AUTH_URL": dhan.auth_url,
            "DHAN_FEED_URL": dhan.feed_url,
            "DHAN_ORDER_UPDATE_URL": dhan.order_update_url,
            "DHAN_INSTRUMENTS_URL": dhan.instruments_url,
            "TELEGRAM_API_URL": self.telegram.api_url,
            "TELEGRAM_BOT_TOKEN": self._bot_token,
            "TELEGRAM_CHAT_ID": str(OWNER.id),
            "TELEGRAM_USER_IDS": str(OWNER.id),
        }
        return Outside(settings, self.telegram.phone_url, f"{dhan.auth_url}/sandbox/state", self._trades)

    def _telegram(self, port: int) -> TelegramServer:
        return TelegramServer(token=self._bot_token, users=[OWNER], now=time.time, port=port)
