"""Reports of weeks and months: those that are asked for, and those that come by themselves at their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.report_view import report_page
from engine.charts import BarsChart
from engine.errors import BadInput
from engine.exit_sums import of_days, sums_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.accounts import Accounts
    from bot.layout import Page
    from engine.effects import Digest
    from engine.io.app import Wiring


class Reports:
    """Puts them together; exits are read from the journal and added up aside, the loop goes on.

    What is due and not told yet is of this life alone: /report has it at any time.
    """

    def __init__(self, accounts: Accounts, *, tell: Callable[[Page], None]) -> None:
        """``tell`` reaches the phone, silently."""
        self._accounts = accounts
        self._tell = tell
        self._due: asyncio.Queue[tuple[Wiring, BarsChart]] = asyncio.Queue()

    def hear(self, one: Wiring, digest: Digest) -> None:
        """A session of an account is over: its week or month may be too."""
        for chart in digest.spans:
            if isinstance(chart, BarsChart) and chart.over:
                self._due.put_nowait((one, chart))

    async def run(self) -> None:
        """Tell what is due, until cancelled."""
        while True:
            self._tell(await self.page(*await self._due.get()))

    async def page(self, one: Wiring, chart: BarsChart) -> Page:
        """The report of these days; where the journal cannot be read it says so in place of the exits."""
        title, (first, end) = self._accounts.title(one.account), chart.dates
        try:
            lines = await one.books(first)
        except BadInput as error:
            return report_page(chart, str(error), title)
        return await asyncio.to_thread(lambda: report_page(chart, sums_of(of_days(lines, first, end)), title))
