"""The accounts of one process: who may do what with each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["People"]


@dataclass(frozen=True, slots=True)
class People:
    """Who may do what with an account in the chat, by Telegram user id.

    Attributes:
        viewers: may look.
        operators: may look and command what makes the account safer or ends a position.
        owners: may do everything.
    """

    viewers: frozenset[int] = frozenset()
    operators: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()
