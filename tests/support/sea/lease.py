"""The place by the sea where the lease of the account is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.leased import TTL_S, Registry
from tests.support.sea.tasks import Nap

if TYPE_CHECKING:
    from engine.effects import ClaimLease
    from engine.messages import LeaseState
    from tests.support.sea.tasks import Agenda

__all__ = ["OTHER", "TTL_S", "SeaLease"]

OTHER = "there:9:zz"


class SeaLease:
    """The port `Claims` of the process that lives now.

    Attributes:
        registry: who owns the account.
        owner: the name of that process.
    """

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self.registry = Registry()
        self.owner = ""

    async def claim(self, effect: ClaimLease) -> LeaseState:
        """Its life is counted from before the question, here as at the other end."""
        said: LeaseState = self.registry.answer(effect, self.owner, self._agenda.at_s)
        await Nap(0.05)
        return said

    @property
    def taken(self) -> bool:
        """Whether somebody else owns the account at this moment."""
        return self.registry.owner == OTHER and self._agenda.at_s < self.registry.until_s

    def calm(self) -> None:
        """The place answers, and nobody else is there any more."""
        self.registry.away = ""
        if self.taken:
            self.registry.until_s = self._agenda.at_s
