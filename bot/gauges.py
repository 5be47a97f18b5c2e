"""The commands that look into the house itself: orders, trades, health, feed, log, audit, version, drill.

A method is named as its command (`bot.menu`); its `Asked` holds the accounts that the person may see. Only
`drill` sets something going, and that changes nothing either.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.audit_view import LINES, MOST_LINES, audit_pages, log_pages
from bot.feed_view import Rate, feed_pages
from bot.health_view import chat_check, down_check, drill_page, health_pages
from bot.orders_view import MOST_TRADES, TRADES, orders_pages, trades_pages
from bot.version_view import version_page
from bot.wishes import read_count
from engine.drill import drill_now
from engine.errors import BadInput
from engine.feed_page import feed_now
from engine.health_page import health_now
from engine.messages import DrillWanted
from engine.orders_page import desk_now
from engine.picture import outline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.accounts import Accounts, Asked
    from bot.layout import Page
    from bot.rooms import ChatHealth
    from engine.io.app import Wiring
    from engine.io.process import Process

#: So long prices are counted for /feed.
RATE_S = 1.0


class Gauges:
    """One method per command."""

    def __init__(
        self,
        accounts: Accounts,
        process: Process,
        chat_health: Callable[[], ChatHealth],
        wall_s: Callable[[], float],
        *,
        show: Callable[[Page], None],
        say: Callable[[str], None],
    ) -> None:
        """``show`` and ``say`` reach the phone."""
        self._accounts = accounts
        self._process = process
        self._chat_health = chat_health
        self._wall_s = wall_s
        self._show = show
        self._say = say

    async def orders(self, asked: Asked) -> None:
        """Show what exits have ordered today, account by account."""
        for one in asked.accounts:
            desk = one.see(desk_now)
            if desk is None:
                await self._down(one, "Orders")
                continue
            self._all(await asyncio.to_thread(orders_pages, desk, one.clock.now_s(), self._title(one)))

    async def trades(self, asked: Asked) -> None:
        """Show the last fills of today."""
        last = read_count(asked.text, "trades", TRADES, MOST_TRADES)
        for one in asked.accounts:
            desk = one.see(desk_now)
            if desk is None:
                await self._down(one, "Trades")
                continue
            self._all(trades_pages(desk, last, one.clock.now_s(), self._title(one)))

    async def health(self, asked: Asked) -> None:
        """Show how everything stands that an exit needs; the disk is asked aside."""
        chat = chat_check(self._chat_health())
        for one in asked.accounts:
            checks = one.see(health_now)
            own = (down_check(await one.glance()),) if checks is None else checks
            self._all(health_pages((*own, chat, await one.disk()), one.clock.now_s(), self._title(one)))

    async def feed(self, asked: Asked) -> None:
        """Show how prices come; they are counted for a second."""
        before = {one.account: one.traffic() for one in asked.accounts}
        await asked.accounts[0].clock.sleep(RATE_S)
        for one in asked.accounts:
            feed, was, now = one.see(feed_now), before[one.account], one.traffic()
            if feed is None or was is None or now is None or now.received < was.received:
                await self._down(one, "Feed")
                continue
            self._all(feed_pages(feed, Rate(was, now, RATE_S), self._title(one)))

    async def log(self, asked: Asked) -> None:
        """Show the end of the log; who may not see all accounts sees only what is of their own."""
        last = read_count(asked.text, "log", LINES, MOST_LINES)
        apart = asked.named or bool(asked.barred)
        speakers = {one.account for one in asked.accounts} if apart else None
        self._all(log_pages(self._process.tail.last(last, speakers), apart))

    async def audit(self, asked: Asked) -> None:
        """Show the end of the audit, of a house that is down too; read aside, the loop goes on."""
        last = read_count(asked.text, "audit", LINES, MOST_LINES)
        for one in asked.accounts:
            try:
                self._all(audit_pages(await one.audit(last), self._title(one)))
            except BadInput as error:
                self._say(f"{self._title(one)}The journal cannot be read now: {error}")

    async def version(self, _asked: Asked) -> None:
        """Show what runs here."""
        self._show(version_page(self._process.version, self._process.began_s, self._wall_s()))

    async def drill(self, asked: Asked) -> None:
        """Show the last drill of each account; `run` has it held, and its outcome follows."""
        if asked.text not in ("", "run"):
            raise BadInput(
                f"Read “{asked.text[:40]}” after /drill; expected nothing, or run. Nothing was done."
            )
        for one in asked.accounts:
            if one.see(outline) is None:
                await self._down(one, "Drill")
            elif asked.text == "run":
                one.post(DrillWanted(asked.by))
            else:
                self._show(drill_page(one.see(drill_now), one.clock.now_s(), self._of(one), self._title(one)))

    def _title(self, one: Wiring) -> str:
        return self._accounts.title(one.account)

    def _of(self, one: Wiring) -> str:
        return f"{one.account} " if self._accounts.several else ""

    async def _down(self, one: Wiring, what: str) -> None:
        why = (await one.glance()).degraded or "it was started a moment ago"
        self._say(f"{self._title(one)}{what} unknown: {why}")

    def _all(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self._show(page)
