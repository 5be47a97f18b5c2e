"""What an exit is told by afterwards: prices at the session's close of the contracts that it has traded.

Nobody watches a contract once its position is gone. So shortly before the close its price is asked for once,
and the close keeps one record of the day's prices, from which a report tells what holding on would have come
to (`engine.versus`). What could not be read is left out of it: nothing is made up later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.effects import QueryQuotes, Record
from engine.pricing import mid_paise
from engine.sessions import ist, ist_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from engine.effects import Effect
    from engine.messages import QuotesRead
    from engine.model import InstrumentKey
    from engine.pricing import Touch
    from engine.register import Register
    from engine.sessions import Calendar

__all__ = ["Hindsight"]

#: So long before the close contracts are asked for, and again after this while some have no answer.
ASK_BEFORE_S, AGAIN_S = 45.0, 15.0
#: A price of the feed that came so shortly before needs no question; an older one is not that of the close.
FRESH_S = 3.0
#: Of so many days it is known what their records have; more only if a clock had been set back by days.
_DAYS = 2


class Hindsight:
    """Sees to the prices at the close of what exits have traded on that day.

    Args:
        exits: all that count today.
        touch: the best prices of a contract now.
    """

    def __init__(self, exits: Register, calendar: Calendar, touch: Callable[[InstrumentKey], Touch]) -> None:
        self._exits, self._calendar, self._touch = exits, calendar, touch
        self._asked_s = 0.0
        self._day: date | None = None  # of which the prices are
        self._mids: dict[InstrumentKey, int] = {}
        self._kept: dict[str, Mapping[str, int]] = {}  # what the last records have

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal knows: a day's record is added to, never made anew."""
        self._kept = {day: rows[day]["mids"] for day in sorted(rows)[-_DAYS:]}

    def look(self, now_s: float) -> list[Effect]:
        """In the last seconds of a session: ask for what the feed does not carry any more.

        Not while an exit runs: the broker answers one such question a second, and that one is the exit's.
        """
        asked_lately = 0 <= now_s - self._asked_s < AGAIN_S
        if asked_lately or not self._closing(now_s) or any(True for _ in self._exits.live()):
            return []
        self._asked_s = now_s
        mids = self._of(now_s)
        wanted = [key for key in self._traded(now_s) if key not in mids and not self._fresh(key, now_s)]
        return [QueryQuotes(tuple(wanted))] if wanted else []

    def heard(self, message: QuotesRead) -> None:
        """An answer, to this question or to an exit's; the prices are in the book by now."""
        if not self._closing(message.began_s):
            return
        mids = self._of(message.began_s)
        for tick in message.ticks:
            mid = mid_paise(self._touch(tick.key))
            if mid is not None:
                mids[tick.key] = mid

    def close(self, now_s: float) -> list[Effect]:
        """The session has ended: keep what is known of its last prices; without exits nothing.

        A second close of a day adds to what the first has kept.
        """
        traded = self._traded(now_s)
        if not traded:
            return []
        day = ist_date(now_s).isoformat()
        mids = {str(key): mid for key in traded if (mid := self._last(key, now_s)) is not None}
        known = {**self._kept.pop(day, {}), **mids}
        self._kept = dict([*self._kept.items(), (day, known)][-_DAYS:])
        return [Record("hindsight", day, {"at": ist(now_s).isoformat(timespec="seconds"), "mids": known})]

    def _closing(self, now_s: float) -> bool:
        """Whether this is in the last seconds of a session."""
        if not self._calendar.is_open(now_s):
            return False
        return self._calendar.session(ist_date(now_s)).close_s - now_s <= ASK_BEFORE_S

    def _of(self, now_s: float) -> dict[InstrumentKey, int]:
        """The answers of this day, to be added to."""
        day = ist_date(now_s)
        if day != self._day:
            self._day, self._mids = day, {}
        return self._mids

    def _last(self, key: InstrumentKey, now_s: float) -> int | None:
        """The mid, else the last price, as slippage is told from it; None = nothing fresh is known."""
        return mid_paise(self._touch(key)) if self._fresh(key, now_s) else self._of(now_s).get(key)

    def _fresh(self, key: InstrumentKey, now_s: float) -> bool:
        return now_s - self._touch(key).arrived_s <= FRESH_S

    def _traded(self, now_s: float) -> list[InstrumentKey]:
        """Contracts in which exits of ours have traded today, each once."""
        today = ist_date(now_s)
        return list(
            dict.fromkeys(
                order.request.key
                for intent in self._exits.intents.values()
                for order in intent.orders
                if order.filled and ist_date(order.filled_s or order.sent_s) == today
            )
        )
