"""What goes on in the process as a whole: how late its loop is, and every house's figures, once a second.

The loop's lag is what everything else waits for: ticks, orders, buttons. A watch on a thread of its own sees
a loop that has stopped altogether, and writes down in which line it stands.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from engine.health import Health
from engine.io.wiring import Pace
from engine.measures import WINDOW_MINUTES, ChatMeasures, Histogram, Window
from engine.vitals import Reading, Vitals, readings, spread

__all__ = ["HouseFigures", "Plant"]

_log = logging.getLogger(__name__)

#: How often the loop's lag is measured, and every house's figures are taken.
TURN_S = 0.25
LOOK_S, MINUTE_S = 1.0, 60.0
#: A lag beyond this is worth a line in the log, one a minute.
LATE_S = 0.25
#: A loop that has not turned for so long stands still: the thread says where.
STANDS_S = 5.0


class Measured(Protocol):
    """The line to one account's house; None = it is down."""

    account: str

    def health(self) -> Health | None:
        """What it knows of itself."""

    def pace(self) -> Pace | None:
        """What is counted of it."""


class Counted(Protocol):
    """The chat."""

    def measures(self) -> ChatMeasures:
        """What is counted of it."""


@dataclass(frozen=True, slots=True)
class HouseFigures:
    """One account at the last look; what is None is down."""

    account: str
    health: Health | None
    pace: Pace | None


class Lookups:
    """Price lookups of one account's last minutes, of one life of its house.

    The first minute, whole or not, is left out: what is asked for before the first price cannot be found.
    """

    def __init__(self) -> None:
        self._before: deque[tuple[int, int]] = deque(maxlen=WINDOW_MINUTES)
        self._begun = False

    def minute(self, health: Health) -> None:
        """Another minute has passed."""
        self._same_life(health)
        if self._begun:
            self._before.append((health.asked, health.found))
        self._begun = True

    def recent(self, health: Health) -> tuple[int, int] | None:
        """(asked, found) of them; None = it has just begun."""
        self._same_life(health)
        if not self._before:
            return None
        asked, found = self._before[0]
        return health.asked - asked, health.found - found

    def _same_life(self, health: Health) -> None:
        """Counts that fall are those of a new life."""
        if self._before and health.asked < self._before[-1][0]:
            self._before.clear()
            self._begun = False


class Plant:
    """Measures, and keeps the last look at every house, which any thread may read.

    Args:
        lines: of all enabled accounts.
        turning: whether every exit loop went round at the last look.

    Attributes:
        lag: how late the loop was.
        houses: the last look; replaced, never changed.
        chat: the same of the chat.
    """

    def __init__(
        self,
        lines: Sequence[Measured],
        chat: Counted,
        turning: Callable[[], bool],
        monotonic_s: Callable[[], float] = monotonic,
    ) -> None:
        self._lines, self._chat, self._turning, self._now_s = lines, chat, turning, monotonic_s
        self.lag = Histogram()
        self.houses: tuple[HouseFigures, ...] = ()
        self.chat = ChatMeasures()
        self._recent_lag = Window(self.lag)
        self._turned_s = self._looked_s = self._minute_s = self._told_s = monotonic_s()
        self._alerts = Window(self.chat.alert_latency)
        self._lookups: dict[str, Lookups] = {}

    async def run(self) -> None:
        """Measure until cancelled."""
        self.look()
        self._alerts = Window(self.chat.alert_latency)
        done = threading.Event()
        main = threading.get_ident()
        threading.Thread(target=self._watch, args=(main, done), name="loop watch", daemon=True).start()
        try:
            while True:
                due_s = self._now_s() + TURN_S
                await asyncio.sleep(TURN_S)
                self.turned(max(self._now_s() - due_s, 0.0))
        finally:
            done.set()

    def turned(self, lag_s: float) -> None:
        """The loop has turned, so late."""
        now_s = self._turned_s = self._now_s()
        self.lag.take(lag_s)
        if lag_s > LATE_S and now_s - self._told_s >= MINUTE_S:
            self._told_s = now_s
            _log.warning("the loop was %.0f ms late: something held it", 1_000 * lag_s)
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self.look()
        if now_s - self._minute_s >= MINUTE_S:
            self._minute_s = now_s
            self.minute()

    def look(self) -> None:
        """Take every house's figures."""
        self.houses = tuple(HouseFigures(line.account, line.health(), line.pace()) for line in self._lines)
        self.chat = self._chat.measures()

    def minute(self) -> None:
        """Another minute has passed: what is older than ten of them is history."""
        self._recent_lag.minute()
        self._alerts.minute()
        for house in self.houses:
            if house.pace is not None:
                house.pace.measures.minute()
            if house.health is not None:
                self._lookups.setdefault(house.account, Lookups()).minute(house.health)

    def shared(self) -> list[Reading]:
        """What all accounts have together."""
        return [spread("loop lag", self._recent_lag.recent), spread("alert", self._alerts.recent)]

    def vitals(self) -> dict[str, list[Reading]]:
        """The lines of each account, fresh."""
        self.look()
        return {house.account: readings(self._of(house)) for house in self.houses}

    def _of(self, house: HouseFigures) -> Vitals:
        pace, none = house.pace, Histogram()
        recent = {} if pace is None else {k: w.recent for k, w in pace.measures.windows.items()}
        synced_s = None if pace is None else pace.measures.synced_s
        return Vitals(
            account=house.account,
            health=house.health,
            turning=self._turning(),
            price_update=recent.get("tick_to_decision", none),
            evaluation=recent.get("evaluation", none),
            order=recent.get("round_trip", none),
            sync_gap_s=None if pace is None else pace.measures.sync_gap_s,
            sync_age_s=None if synced_s is None else self._now_s() - synced_s,
            lookups=self._lookups_of(house),
        )

    def _lookups_of(self, house: HouseFigures) -> tuple[int, int] | None:
        counted = self._lookups.get(house.account)
        return None if counted is None or house.health is None else counted.recent(house.health)

    # -------------------------------------------------------------------------- on its own thread

    def _watch(self, main: int, done: threading.Event) -> None:
        """Say where a loop stands that has stopped; once for each time."""
        told = False
        while not done.wait(1.0):
            stands = self._now_s() - self._turned_s > STANDS_S
            if stands and not told:
                frame = sys._current_frames().get(main)  # noqa: SLF001 - the documented way to another's stack
                where = "".join(traceback.format_stack(frame)) if frame else "unknown"
                _log.critical("the loop has stood still for %g s, at:\n%s", STANDS_S, where)
            told = stands
