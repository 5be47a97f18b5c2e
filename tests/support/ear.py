"""A chat for houses of which nobody reads what they say, or one test does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.measures import ChatMeasures

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.effects import Alert, Answer, Ask, Card, Digest, Say


class Ear:
    """A chat that says nothing to anybody and lets somebody listen to what the house says."""

    def __init__(self, heard: Callable[[Alert | Ask | Answer | Card | Say | Digest], None]) -> None:
        """``heard`` is called with everything that a phone would show."""
        self.alert = self.ask = self.answer = self.card = self.say = self.digest = heard

    def of(self, _account: str) -> Ear:
        """The same for every account."""
        return self

    @staticmethod
    def measures() -> ChatMeasures:
        """Nothing is counted."""
        return ChatMeasures()

    async def run(self) -> None:
        """Live until cancelled, as every chat does."""
        await asyncio.Event().wait()
