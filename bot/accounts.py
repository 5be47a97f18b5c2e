"""The accounts that one chat speaks for: how they are named, addressed, and kept apart. Pure.

With one account nothing names it. With several each message begins with the account's name, and each
button and each question's thread carries it, so that no press can reach another account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.layout import cut
from bot.roles import Role
from engine.messages import Actor, TurnedAway
from engine.model import DEFAULT_ACCOUNT
from engine.picture import outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.roles import Roles
    from engine.accounts import People
    from engine.io.app import Wiring
    from engine.view import MonitorView


#: So much of what somebody wanted who may not is kept.
_WHAT_COLUMNS = 40


def mark(account: str) -> str:
    """What stands before a number or nonce of this account in a button's data and a thread's name.

    The account that is made of the settings alone has none.
    """
    return "" if account == DEFAULT_ACCOUNT else f"{account}/"


def held(one: Wiring) -> tuple[tuple[int, str], ...]:
    """Strategy id and symbol of each position of an account; none while it is down."""
    seen = one.see(outline)
    return () if seen is None else seen.held


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that a person may give.

    Attributes:
        words: what follows the command, the account taken off.
        accounts: what it is about: the one that was named, or all of which the person may.
        barred: the names of accounts that it would be about if the person might.
        named: an account was named.
    """

    by: Actor
    words: tuple[str, ...]
    accounts: tuple[Wiring, ...]
    barred: tuple[str, ...] = ()
    named: bool = False

    @property
    def text(self) -> str:
        """The words as one."""
        return " ".join(self.words)

    async def views(self, strategy_id: int | None = None) -> dict[str, MonitorView]:
        """How each of them stands, by name.

        ``strategy_id``: only its positions, in full; None = all of them, of which only the loudest are.
        """
        if strategy_id is None:
            return {each.account: await each.glance() for each in self.accounts}
        return {each.account: await each.view(strategy_id) for each in self.accounts}

    def having(self, strategy_id: int) -> tuple[Wiring, ...]:
        """Those with a position of this id; one account alone is not looked at, its core knows better."""
        if len(self.accounts) == 1:
            return self.accounts
        return tuple(each for each in self.accounts if any(id_ == strategy_id for id_, _ in held(each)))

    def holding(self, symbol: str) -> tuple[Wiring, ...]:
        """Those with a position in this underlying; one account alone is not looked at."""
        if len(self.accounts) == 1:
            return self.accounts
        return tuple(each for each in self.accounts if any(name == symbol for _, name in held(each)))


class Accounts:
    """All accounts of a chat."""

    def __init__(self, wirings: Sequence[Wiring]) -> None:
        """Speak for these, in this order."""
        self.all = tuple(wirings)
        self.several = len(self.all) > 1

    @property
    def user_ids(self) -> frozenset[int]:
        """Everybody who is somebody to any of them."""
        of = [people.viewers | people.operators | people.owners for people in self._people]
        return frozenset().union(*of)

    def ranks(self, roles: Roles) -> dict[int, Role]:
        """The highest role that each person has in any of them, in this chat."""
        persons = [Actor(user, 0, "") for user in sorted(self.user_ids)]
        return {who.user_id: max(roles.of(people, who) for people in self._people) for who in persons}

    @property
    def _people(self) -> tuple[People, ...]:
        return tuple(each.people for each in self.all)

    def seen_in(self, chat_id: int, roles: Roles) -> tuple[Wiring, ...]:
        """Those that may be shown to a chat unasked: of a private one what its person may look at.

        Who is in a group nobody knows; it hears of every account anyway.
        """
        who = Actor(chat_id, chat_id, "")
        may = [each for each in self.all if chat_id < 0 or roles.may(each.people, who, Role.VIEWER)]
        return tuple(may)

    def find(self, account: str) -> Wiring | None:
        """The account of this very name."""
        return next((each for each in self.all if each.account == account), None)

    def turned_away(self, by: Actor, what: str, why: str, one: Wiring | None = None) -> None:
        """Have it audited that somebody may not: by the account that it was about, else by all of them."""
        for each in self.all if one is None else (one,):
            each.post(TurnedAway(by, cut(what, _WHAT_COLUMNS), why))

    def title(self, account: str) -> str:
        """What a message of this account begins with: ``HUF · ``; nothing when there is one account."""
        return f"{account} · " if self.several else ""

    def address(self, words: Sequence[str]) -> tuple[Wiring | None, tuple[str, ...]]:
        """Take the account off the front: ``HUF 3359`` or ``HUF/3359``; None = none is named there."""
        if words and self.several:
            name, slash, rest = words[0].partition("/")
            for each in self.all:
                if each.account.lower() == name.lower():
                    return each, (rest, *words[1:]) if slash and rest else tuple(words[1:])
        return None, tuple(words)
