"""The commands that only look: each shows a page and changes nothing, in no account.

A method is named as its command (`bot.menu`); its `Asked` holds the accounts that the person may see. Pages
of all positions are written aside, from pictures that nobody changes: a thousand take milliseconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.accounts import held, mark
from bot.accounts_view import accounts_pages, all_status_pages
from bot.position_card import positions_pages
from bot.rules_view import rules_pages
from bot.status import status_pages, with_lines
from bot.tighten_view import tighten_page
from bot.views import help_page, look_page, start_page, under
from bot.why_view import why_page
from bot.wishes import read_id
from engine.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from bot.accounts import Accounts, Asked
    from bot.layout import Page
    from engine.io.app import Wiring
    from engine.view import MonitorView, PositionView


async def of_one(
    word: str,
    asked: Asked,
    look: Callable[[Wiring, int], Awaitable[None]],
    show: Callable[[Page], None],
) -> None:
    """Look at the one position that is meant, or show those to choose from.

    Raises:
        BadInput: what follows the command is no strategy id.
    """
    known = {(each.account, id_) for each in asked.accounts for id_, _ in held(each)}
    if not asked.words and len(known) != 1:
        show(await asyncio.to_thread(look_page, await asked.views(), word))
        return
    strategy_id = read_id(asked.text, word) if asked.words else known.pop()[1]
    found = asked.having(strategy_id)
    if len(found) > 1:
        show(look_page(await asked.views(strategy_id), word, strategy_id))
        return
    for each in found or asked.accounts:
        await look(each, strategy_id)


class Lookers:
    """One method per look-only command."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        show: Callable[[Page], None],
        say: Callable[[str], None],
        card: Callable[[Wiring, MonitorView, PositionView], None],
        waiting: Callable[[Collection[str]], Sequence[str]],
    ) -> None:
        """Look, and nothing else.

        Args:
            accounts: all of them.
            show: reaches the phone; so does ``say``.
            say: in plain words.
            card: shows a position of a view for as long as it is there.
            waiting: tells what of these marks waits to be seen.
        """
        self._waiting = waiting
        self._accounts = accounts
        self._show = show
        self._say = say
        self._card = card

    async def start(self, asked: Asked) -> None:
        """Greet."""
        self._show(await asyncio.to_thread(start_page, await asked.views(), asked.by))

    async def help(self, _asked: Asked) -> None:
        """Explain."""
        self._show(help_page(several=self._accounts.several))

    async def status(self, asked: Asked) -> None:
        """Show how everything stands, or one account."""
        if len(asked.accounts) > 1:
            pages = await asyncio.to_thread(all_status_pages, await asked.views())
        else:
            [one] = asked.accounts
            title = self._accounts.title(one.account)
            pages = await asyncio.to_thread(status_pages, await one.glance(), title)
        waiting = self._waiting({mark(one.account) for one in asked.accounts} | {""})
        for page in with_lines(pages, waiting):
            self._show(page)

    async def accounts(self, asked: Asked) -> None:
        """List the accounts."""
        for page in await asyncio.to_thread(accounts_pages, await asked.views()):
            self._show(page)

    async def positions(self, asked: Asked) -> None:
        """List the positions, account by account."""
        for one in asked.accounts:
            title = self._accounts.title(one.account)
            for page in await asyncio.to_thread(positions_pages, await one.glance(), title):
                self._show(page)

    async def p(self, asked: Asked) -> None:
        """Show one position, or the positions to choose from."""
        await of_one("p", asked, self.show_position, self._show)

    async def rules(self, asked: Asked) -> None:
        """Show a position's rules, or the positions to choose from."""
        await of_one("rules", asked, self.show_rules, self._show)

    async def why(self, asked: Asked) -> None:
        """Tell what a position's rules did, or show the positions to choose from."""
        await of_one("why", asked, self.show_why, self._show)

    async def show_position(self, one: Wiring, strategy_id: int) -> None:
        """Show one position, or that of each row's account that has this id."""
        title, view = self._accounts.title(one.account), await one.view(strategy_id)
        if view.down:
            self._say(f"{title}Positions are unknown: {view.degraded}")
        elif not view.positions:
            self._say(f"{title}No position {strategy_id}. /positions lists them all.")
        for each in view.full:
            self._card(one, view, each)

    async def show_tighter(self, one: Wiring, strategy_id: int) -> None:
        """Offer tighter stops for a position; each button is a /set, which asks first."""
        name = one.account if self._accounts.several else ""
        found = (await one.view(strategy_id)).full
        if not found:
            self._say(f"{self._accounts.title(one.account)}No position {strategy_id}.")
        for each in found:
            self._show(under(self._accounts.title(one.account), tighten_page(each, name)))

    async def show_rules(self, one: Wiring, strategy_id: int) -> None:
        """Show the rules of one position, or of each row's account that has this id."""
        title = self._accounts.title(one.account)
        found = one.rules(strategy_id)
        if not found:
            self._say(f"{title}No open position {strategy_id}. /status lists what is watched.")
        for page in rules_pages(found, one.clock.now_s(), mark(one.account)):
            self._show(under(title, page))

    async def show_why(self, one: Wiring, strategy_id: int) -> None:
        """Tell the story of one position, watched still or not; made aside, the loop goes on."""
        title = self._accounts.title(one.account)
        try:
            found = await one.why(strategy_id)
        except BadInput as error:
            self._say(f"{title}The journal cannot be read now: {error}")
            return
        if not found:
            self._say(f"{title}Nothing was seen of {strategy_id} yet. /status lists what is watched.")
        for each in found:
            page = await asyncio.to_thread(why_page, each, await one.view(strategy_id), mark(one.account))
            self._show(under(title, page))
