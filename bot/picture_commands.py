"""The commands that answer with a picture: the core says what is in it, a worker thread draws it.

The numbers stand below it as text, and alone where it cannot be drawn or Telegram does not take it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.captions import caption, heading
from bot.lookers import of_one
from bot.pictures import draw
from bot.views import under
from bot.wishes import pnl_wish
from engine.charts import Scope, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.accounts import Accounts, Asked
    from bot.layout import Page
    from engine.charts import Chart
    from engine.io.app import Wiring

log = logging.getLogger(__name__)

_NOTHING = {
    Scope.POSITION: "No position {id}. /positions lists them all.",
    Scope.PAYOFF: "No open position {id}. /positions lists them all.",
}


class PictureCommands:
    """One method per command, named as it is written."""

    def __init__(
        self, accounts: Accounts, *, show: Callable[[Page], None], say: Callable[[str], None]
    ) -> None:
        """``show`` and ``say`` reach the phone."""
        self._accounts = accounts
        self._show = show
        self._say = say

    async def pnl(self, asked: Asked) -> None:
        """Show the P&L of the day, the week or the month, or of one position today."""
        wanted = pnl_wish(asked.words)
        if wanted.scope is Scope.POSITION:
            await of_one("pnl", asked, self.show_course, self._show)
            return
        for one in asked.accounts:
            await self._answer(one, wanted)

    async def payoff(self, asked: Asked) -> None:
        """Show what a position can come to, or the positions to choose from."""
        await of_one("payoff", asked, self.show_payoff, self._show)

    async def show_course(self, one: Wiring, strategy_id: int) -> None:
        """Show one position's P&L today beside its stops and targets."""
        await self._answer(one, Wanted(Scope.POSITION, strategy_id))

    async def show_payoff(self, one: Wiring, strategy_id: int) -> None:
        """Show what one position can come to, at expiry and today."""
        await self._answer(one, Wanted(Scope.PAYOFF, strategy_id))

    async def _answer(self, one: Wiring, wanted: Wanted) -> None:
        title, found = self._accounts.title(one.account), one.see(wanted)
        if not found:
            nothing = _NOTHING.get(wanted.scope, "Nothing was seen of this session yet.")
            down = one.view()
            self._say(title + (down.degraded if down.down else nothing.format(id=wanted.strategy_id)))
        for chart in found or ():
            page = caption(chart, one.account if self._accounts.several else "", mark(one.account))
            self._show(under(title, await _illustrated(page, chart, heading(chart, title))))


async def _illustrated(page: Page, chart: Chart, heading: str) -> Page:
    """The page with its picture; as it is where that cannot be drawn."""
    try:
        picture = await asyncio.to_thread(draw, chart, heading)
    except (OSError, MemoryError, ValueError, ArithmeticError) as error:
        log.error("chat: a picture could not be drawn: %r", error)
        return replace(page, html=f"{page.html}\n<i>The picture could not be drawn.</i>")
    return replace(page, picture=picture)
