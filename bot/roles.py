"""Who may do what with an account: the one place that decides it, for commands and for presses. Pure.

A viewer may look. An operator may also make things safer: exit, stop, tighten, lower the mode, answer. An
owner may do everything; what loosens asks the core for two keys besides (`Command.owner`). Whoever is none
of them is a stranger to that account.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from engine.messages import Wish

if TYPE_CHECKING:
    from engine.accounts import People
    from engine.messages import Actor


class Role(IntEnum):
    """What a person is to an account; a higher one may all that a lower one may."""

    STRANGER = 0
    VIEWER = 1
    OPERATOR = 2
    OWNER = 3


#: What each wish needs; whoever may wish it may say yes to its question.
NEEDS = {
    Wish.EXIT: Role.OPERATOR,
    Wish.STOP: Role.OPERATOR,
    Wish.SET: Role.OPERATOR,
    Wish.RESUME: Role.OWNER,
    Wish.ADOPT: Role.OWNER,
    Wish.SHRINK: Role.OWNER,
    Wish.UNWATCH: Role.OWNER,
    Wish.GROUP: Role.OWNER,
    Wish.FLATTEN: Role.OWNER,
    Wish.MODE: Role.OPERATOR,
    Wish.CODE: Role.OWNER,
}


def answer_needs(wish: Wish | None, *, yes: bool) -> Role:
    """What an answer needs; None = nobody knows what was asked.

    No leaves things as they are, which an operator may always want; but no to an offer of what the broker
    holds decides about it as well.
    """
    if wish is None:
        return Role.OWNER
    return NEEDS[wish] if yes or wish is Wish.GROUP else Role.OPERATOR


class Roles:
    """Tells roles apart.

    Args:
        read_only: this chat may only look, whoever speaks.
    """

    def __init__(self, *, read_only: bool) -> None:
        self.read_only = read_only

    def of(self, people: People, who: Actor) -> Role:
        """What this person is to the account of these people, in this chat."""
        role = Role.STRANGER
        for role_held, ids in (
            (Role.OWNER, people.owners),
            (Role.OPERATOR, people.operators),
            (Role.VIEWER, people.viewers),
        ):
            if who.user_id in ids:
                role = role_held
                break
        return min(role, Role.VIEWER) if self.read_only else role

    def may(self, people: People, who: Actor, needed: Role) -> bool:
        """Whether this person may do what needs this role."""
        return self.of(people, who) >= needed

    def refusal(self, needed: Role, account: str = "") -> str:
        """What a person is told who may not: which role it takes, and of which account."""
        if self.read_only and needed > Role.VIEWER:
            return (
                "This group may only look. Nothing was done. Write in the private chat, "
                "or set TELEGRAM_GROUP_COMMANDS=on."
            )
        of = f" of {account}" if account else ""
        article = "a" if needed is Role.VIEWER else "an"
        return f"That needs {article} {needed.name.lower()}{of}. Nothing was done."
