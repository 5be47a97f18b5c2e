"""The commands that answer with a picture: the core says what is in it, the outbox has it drawn.

The numbers stand below it as text, and alone where it cannot be drawn or Telegram does not take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.captions import illustrated
from bot.lookers import of_one
from bot.wishes import pnl_wish, report_wish
from engine.charts import BarsChart, Scope, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.accounts import Accounts, Asked
    from bot.layout import Page
    from bot.reports import Reports
    from engine.charts import Chart
    from engine.io.app import Wiring

_NOTHING = {
    Scope.POSITION: "No position {id}. /positions lists them all.",
    Scope.PAYOFF: "No open position {id}. /positions lists them all.",
}


class PictureCommands:
    """One method per command, named as it is written."""

    def __init__(
        self,
        accounts: Accounts,
        reports: Reports,
        *,
        show: Callable[[Page], None],
        say: Callable[[str], None],
    ) -> None:
        """``show`` and ``say`` reach the phone."""
        self._accounts = accounts
        self._reports = reports
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

    async def report(self, asked: Asked) -> None:
        """Show the week or the month in figures below its picture; exits are read aside, the loop goes on."""
        wanted = report_wish(asked.words)
        for one in asked.accounts:
            for chart in await self._drawn(one, wanted):
                if isinstance(chart, BarsChart):
                    self._show(await self._reports.page(one, chart))

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
        for chart in await self._drawn(one, wanted):
            self._show(illustrated(chart, self._accounts.title(one.account), mark(one.account)))

    async def _drawn(self, one: Wiring, wanted: Wanted) -> tuple[Chart, ...]:
        """What is to be drawn; that there is nothing is said."""
        title, found = self._accounts.title(one.account), one.see(wanted)
        if not found:
            nothing = _NOTHING.get(wanted.scope, "Nothing was seen of this session yet.")
            down = await one.glance()
            self._say(title + (down.degraded if down.down else nothing.format(id=wanted.strategy_id)))
        return found or ()
