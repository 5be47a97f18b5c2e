"""What the commands do that change something: read the words, post a message, and be done.

Nothing here waits: the core answers by effects, which come back through the outbox. Whatever could be
meant for more than one account becomes a picker, but for /stop: that is the safe direction.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.layout import cut
from bot.roles import Role
from bot.rules_view import usage_page
from bot.snooze_view import snooze_page
from bot.views import account_page, look_page, picker_page
from bot.wishes import VALUE_COLUMNS, ExitWish, exit_wish, read_id, set_wish
from engine.messages import Command, Wish
from engine.picture import outline
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.accounts import Asked
    from bot.layout import Page
    from bot.roles import Roles
    from engine.io.app import Wiring


class Commands:
    """One method per command, named as it is written."""

    def __init__(
        self,
        roles: Roles,
        *,
        show: Callable[[Page], None],
        say: Callable[[str], None],
        title: Callable[[str], str],
    ) -> None:
        """``roles`` tell who may loosen; ``show`` and ``say`` reach the phone.

        ``title`` is what stands before an account's pages.
        """
        self._roles = roles
        self._title = title
        self._show = show
        self._say = say

    async def exit(self, asked: Asked) -> None:
        """Open the picker, or ask the core for the question about an exit."""
        wish = exit_wish(asked.words) if asked.words else None
        if wish is None or (wish == ExitWish() and len(asked.accounts) > 1):
            self._show(await asyncio.to_thread(picker_page, await asked.views()))
            return
        found = asked.accounts
        if wish.strategy_id is not None:
            found = asked.having(wish.strategy_id)
        elif wish.value:
            found = asked.holding(wish.value)
        if one := self._one("exit", asked, found, wish.strategy_id):
            one.post(Command(Wish.EXIT, asked.by, wish.strategy_id, value=wish.value))
        elif not found and wish.value and wish.strategy_id is None:
            self._say(f"No account has an open position in {wish.value}. /status lists what is watched.")

    async def set(self, asked: Asked) -> None:
        """Ask the core for the question about a tighter rule; anything unclear shows how it is written."""
        wish = set_wish(asked.words)
        if wish is None:
            self._show(usage_page(int(asked.words[0]) if asked.words else None))
            return
        strategy_id, rule, value = wish
        if one := self._one("set", asked, asked.having(strategy_id), strategy_id):
            owner = self._roles.may(one.people, asked.by, Role.OWNER)
            one.post(Command(Wish.SET, asked.by, strategy_id, rule=rule, value=value, owner=owner))

    async def mode(self, asked: Asked) -> None:
        """Have the core show, lower or begin to raise the mode; who may only look sees it."""
        value = asked.text[:VALUE_COLUMNS]
        if value and len(asked.accounts) > 1:  # no button: an old one must not move a mode
            names = ", ".join(each.account for each in asked.accounts)
            self._say(f"Name the account: /mode {asked.accounts[0].account} {value}. Accounts: {names}.")
        elif one := self._one("mode", asked, asked.accounts):
            owner = self._roles.may(one.people, asked.by, Role.OWNER)
            one.post(Command(Wish.MODE, asked.by, value=value, owner=owner))

    async def code(self, asked: Asked) -> None:
        """Hand a typed code to the account that waits for it from this person."""
        waiting = [
            one for one in asked.accounts if (seen := one.see(outline)) and seen.code_of == asked.by.user_id
        ]
        if len(waiting) > 1:
            self._say("Several accounts wait for a code: name the one before it. Nothing was done.")
            return
        for one in waiting or asked.accounts[:1]:
            one.post(Command(Wish.CODE, asked.by, value=asked.text[:VALUE_COLUMNS], owner=True))

    async def snooze(self, asked: Asked) -> None:
        """Have the core tell less of a position; what is missing is offered as buttons."""
        if not asked.words:
            self._show(await asyncio.to_thread(look_page, await asked.views(), "snooze"))
            return
        strategy_id, value = read_id(asked.words[0], "snooze"), " ".join(asked.words[1:])
        if one := self._one("snooze", asked, asked.having(strategy_id), strategy_id):
            if value:
                one.post(Command(Wish.SNOOZE, asked.by, strategy_id, value=cut(value, VALUE_COLUMNS)))
            else:
                await self.show_snooze(one, strategy_id)

    async def show_snooze(self, one: Wiring, strategy_id: int) -> None:
        """Offer three sensible snoozes of a position, or its end."""
        view = await one.view(strategy_id)
        if view.full:
            self._show(snooze_page(view, view.full[0], self._title(one.account)))
        else:
            self._say(f"{self._title(one.account)}No position {strategy_id}. /positions lists them all.")

    async def group(self, asked: Asked) -> None:
        """Have the core show, split, merge or name what the broker holds and nobody has accepted."""
        if one := self._one("group", asked, asked.accounts):
            one.post(Command(Wish.GROUP, asked.by, value=cut(asked.text, VALUE_COLUMNS)))

    async def flatten(self, asked: Asked) -> None:
        """Ask the core for the question about the whole account; without the word it says what that is."""
        if one := self._one("flatten", asked, asked.accounts):
            one.post(Command(Wish.FLATTEN, asked.by, value=asked.text[:VALUE_COLUMNS]))

    async def stop(self, asked: Asked) -> None:
        """Halt, without a question: the safe direction is instant, and all accounts when none is named."""
        for each in asked.accounts:
            each.post(Command(Wish.STOP, asked.by))
        if asked.barred:
            self._say(f"Not stopped: {', '.join(asked.barred)}. That needs an operator of it.")
        if asked.words and len(asked.accounts) + len(asked.barred) > 1:
            self._say(f"“{cut(asked.text, 40)}” is no account, so all of them were stopped.")

    async def resume(self, asked: Asked) -> None:
        """Ask for the halt to end, or for one held position to go on; the core has it confirmed."""
        strategy_id = read_id(asked.text, "resume") if asked.words else None
        found = asked.having(strategy_id) if strategy_id is not None else await _held(asked.accounts)
        if one := self._one("resume", asked, found, strategy_id):
            one.post(Command(Wish.RESUME, asked.by, strategy_id))

    def _one(
        self, word: str, asked: Asked, found: Sequence[Wiring], strategy_id: int | None = None
    ) -> Wiring | None:
        """The only account that can be meant; else a picker of those that can, or a word about none."""
        if len(found) == 1:
            return found[0]
        if found:
            self._show(account_page(word, [each.account for each in found], asked.words))
        elif strategy_id is not None:
            self._say(f"No account has an open position {strategy_id}. /status lists what is watched.")
        return None


async def _held(accounts: Sequence[Wiring]) -> Sequence[Wiring]:
    """Those that are halted or hold something back; all of them when none is."""
    if len(accounts) == 1:
        return accounts
    views = {each.account: await each.glance() for each in accounts}
    held = [
        each
        for each in accounts
        if (view := views[each.account]).halted
        or any(p.state in {PositionState.HELD, PositionState.UNWATCHED} for p in view.positions)
    ]
    return held or accounts
