"""From a command to its handler: whose account, may this person, and then the handler alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from bot.access import actor
from bot.accounts import Asked, held, mark
from bot.layout import Page, cut, escape
from bot.menu import nearest
from engine.errors import BadInput
from engine.exit_wishes import HALF

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from telegram import Update

    from bot.accounts import Accounts
    from bot.alarms import Alarms
    from bot.menu import Entry
    from bot.roles import Role, Roles
    from bot.store import CardPlace
    from engine.io.app import Wiring
    from engine.messages import Actor

log = logging.getLogger(__name__)

#: The commands in which a number is a position: of /trades 30 or /code 4821 it is not.
_ABOUT_ONE = frozenset({"p", "rules", "why", "exit", "set", "snooze", "resume", "pnl", "payoff"})


class Switchboard:
    """Runs commands, typed or pressed: the same checks for both."""

    def __init__(
        self,
        accounts: Accounts,
        roles: Roles,
        handlers: Mapping[str, tuple[Entry, Callable[[Asked], Awaitable[None]]]],
        *,
        show: Callable[[Page], None],
        say: Callable[[str], None],
        alarms: Alarms,
    ) -> None:
        """``handlers`` by the command's word; ``show`` and ``say`` reach the phone."""
        self._alarms = alarms
        self._accounts = accounts
        self._roles = roles
        self._handlers = handlers
        self._show = show
        self._say = say

    def typed(self, word: str) -> Callable[[Update, Any], Coroutine[Any, Any, None]]:
        """The library's handler of this command."""

        async def run(update: Update, context: Any) -> None:
            await self.run(word, context.args or (), actor(update))

        return run

    def knows(self, word: str) -> bool:
        """Whether there is such a command."""
        return word in self._handlers

    async def run(self, word: str, words: Sequence[str], by: Actor) -> None:
        """Run one command for this person, or say what it would take."""
        entry, handler = self._handlers[word]
        one, rest = self._accounts.address(words)
        about = self._accounts.all if one is None else (one,)
        needs = entry.acts if rest and entry.acts is not None else entry.needs
        allowed = tuple(each for each in about if self._roles.may(each.people, by, needs))
        if not allowed:
            self._say(self.refused(f"/{word}", needs, by, one))
            return
        barred = tuple(each.account for each in about if each not in allowed)
        for each in allowed:
            self.turned_to(each, word, rest, by)
        try:
            await handler(Asked(by, rest, allowed, barred, named=one is not None))
        except BadInput as error:
            names = ", ".join(each.account for each in self._accounts.all)
            self._say(f"{error} Accounts: {names}." if self._accounts.several and one is None else str(error))

    def turned_to(self, one: Wiring, word: str, words: Sequence[str], by: Actor) -> None:
        """A person has asked for something about a position: what rang about it was heard."""
        if word not in _ABOUT_ONE or not self._roles.acts(one.people, by):
            return
        rest = [each.lower() for each in words if (word, each.lower()) != ("exit", HALF)]
        first = rest[0] if rest else ""
        if (word, first) == ("exit", "all"):
            self._alarms.turned_to(mark(one.account), None)
        elif first.isdecimal() and int(first) in {strategy_id for strategy_id, _ in held(one)}:
            self._alarms.turned_to(mark(one.account), int(first))

    def answered(self, one: Wiring, place: CardPlace | None, by: Actor) -> None:
        """A person has answered a question about a position."""
        if place is not None and place.position and self._roles.acts(one.people, by):
            self._alarms.settled(mark(one.account), place.position)

    def refused(self, what: str, needed: Role, by: Actor, one: Wiring | None) -> str:
        """Log and audit that a person may not; the answer is what to tell them."""
        name = one.account if one is not None and self._accounts.several else ""
        log.warning(
            "chat: user %d asked for %s%s, which needs %s", by.user_id, what,
            f" of {name}" if name else "", needed.name.lower(),
        )  # fmt: skip
        self._accounts.turned_away(by, what, f"needs {needed.name.lower()}", one)
        return self._roles.refusal(needed, name)

    async def unknown(self, update: Update, _context: Any) -> None:
        """Anything else that is written: say which command it is most like, and do nothing."""
        text = (update.message.text if update.message is not None else None) or "that"
        near = nearest(text)
        hint = f"Did you mean <code>/{near.word}</code>?" if near else "/help lists the commands."
        self._show(Page(f"I do not know “{escape(cut(text, 40))}”. Nothing was done. {hint}"))
