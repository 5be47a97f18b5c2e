"""A whole monitor behind the chat, on virtual time; its broker is the paper exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from engine.drawing import picture
from engine.exit_sums import ExitLine
from engine.messages import Message
from engine.model import Mode
from engine.view import MonitorView
from tests.bot.house import AT_S, Core
from tests.support.rig import Rig

#: Mids at which nothing is met, rupees.
ENTRY = (20, 45, 40, 18)

T = TypeVar("T")


@dataclass
class House(Core):
    """A whole monitor in place of the stand-in; its broker is the paper exchange."""

    rig: Rig = field(default_factory=lambda: Rig(Mode.SEMI_AUTO, now_s=AT_S))

    def __post_init__(self) -> None:
        self.rig.wait(1, *ENTRY)

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """The monitor at this moment."""
        return picture(self.rig.monitor, self.rig.now_s, strategy_id)

    def _act(self, message: Message) -> None:
        self.rig.tell(message)
        self.speak()

    def speak(self) -> None:
        """Hand over what the monitor has said."""
        said, self.rig.said = self.rig.said, []
        for effect in said:
            self.give(effect)

    def restarted(self) -> House:
        """The next life, from the journal."""
        self.rig.start()
        self.rig.wait(1, *ENTRY)
        self.rig.said.clear()
        return House(rig=self.rig, people=self.people)

    @property
    def exits(self) -> int:
        """How many exits were begun."""
        return len(self.rig.monitor.desk.intents)

    def see(self, draw: Callable[..., T], /) -> T:
        """Have the page drawn of the monitor."""
        return draw(self.rig.monitor, self.rig.now_s)

    async def books(self, since: date) -> tuple[ExitLine, ...]:
        """Tell what the journal has of exits since that day."""
        lines = [row["line"] for row in self.rig.journal.get("book", {}).values()]
        return tuple(line for line in lines if line["ended_at"] >= since.isoformat())

    async def begun(self) -> None:
        """Wait for the first."""
        await self.wait_for(lambda _: self.exits, 60.0)

    def end(self, mids: tuple[float, ...] = ENTRY) -> None:
        """Let the exits run at these mids: each leg was sent once, and nothing is left."""
        self.rig.wait(60, *mids)
        assert Counter(order.key for order in self.rig.placed) == Counter(leg.key for leg in self.rig.legs)
        assert self.rig.flat
