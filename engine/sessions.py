"""When the market is open: IST moments, sessions, holidays, days to expiry.

What the calendar knows comes from a table (`engine.session_table`). Days are dates in IST, moments
are epoch seconds; the clock is always an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: India has kept one offset and no summer time since 1945, so a fixed zone is the whole truth.
IST = timezone(timedelta(hours=5, minutes=30), "IST")

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
#: No market has ever paused longer; beyond it a table is wrong and looking on would never end.
_LONGEST_PAUSE_DAYS = 60
#: An exit whose clock time lies after the end of a short session comes this long before that end.
_BEFORE_SHORT_CLOSE_S = 600.0
#: So many days before its last one the owner is told that the calendar ends.
ENDING_DAYS = 30


def ist(now_s: float) -> datetime:
    """The moment as an aware datetime in IST."""
    return datetime.fromtimestamp(now_s, IST)


def ist_date(now_s: float) -> date:
    """The day in India at that moment."""
    return ist(now_s).date()


def at(day: date, clock: str | time) -> float:
    """The epoch second of a clock time (``"15:00"``) on a day in India.

    Raises:
        BadInput: the text is not a time of day.
    """
    try:
        moment = clock if isinstance(clock, time) else time.fromisoformat(clock)
    except ValueError:
        raise BadInput(f'read {clock!r} where a time of day was expected, e.g. "15:00"') from None
    return datetime.combine(day, moment, IST).timestamp()


def dte(now_s: float, expiry: date) -> int:
    """Calendar days to expiry, counted on Indian dates: 0 on the day itself, negative after it."""
    return (expiry - ist_date(now_s)).days


class Session(NamedTuple):
    """One session: trading is possible at moments ``open_s <= now_s < close_s``."""

    open_s: float
    close_s: float


class Auction(NamedTuple):
    """The closing auction of the underlyings while their options go on trading.

    From ``open_s`` on nothing trades continuously in the cash market; at ``close_s`` the price of the
    auction is known, and it stays until the options close as well.

    Attributes:
        band_pct: how far, in per cent, the auction may take a price away from the last one before it.
    """

    open_s: float
    close_s: float
    band_pct: int

    def holds(self, now_s: float) -> bool:
        """Whether the auction is on: what an underlying shows now is nobody's trade."""
        return self.open_s <= now_s < self.close_s


#: What a session without a closing auction has instead.
NO_AUCTION = Auction(inf, inf, 0)


class Hours(NamedTuple):
    """Clock times of a session; of the auction its opening, its close and its `Auction.band_pct`."""

    open: time
    close: time
    auction: tuple[time, time, int] | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The sessions of equity derivatives.

    Attributes:
        first, last: the days the table knows about.
        uncertain: days inside them whose sessions are not known after all.
        hours: regular hours by the day they came into force, oldest first.
        special: days of hours of their own, also weekends and holidays.
        recorded: in a replay the days that have a recording; between the first and the last of
            them there are no other sessions.

    What it has worked out it keeps: a thousand positions ask for the same few days.
    """

    first: date
    last: date
    holidays: frozenset[date]
    uncertain: frozenset[date]
    hours: tuple[tuple[date, Hours], ...]
    special: Mapping[date, Hours]
    recorded: frozenset[date] = frozenset()
    _sessions: dict[date, Session] = field(default_factory=dict, init=False, repr=False, compare=False)
    _moments: dict[tuple[date, str], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def for_recording(self, days: Iterable[date]) -> Calendar:
        """The calendar of a replay: every recorded day is a session of regular hours.

        A known holiday stays one: rows of such a day are the previous close shown again. Before the
        first and after the last recorded day the table goes on to say what it says, because the
        last session before an expiry weeks ahead is not the day of the recording.
        """
        kept = frozenset(d for d in days if d in self.special or d not in self.holidays)
        return replace(self, recorded=kept)

    def covers(self, day: date) -> bool:
        """Whether the table knows this day; on a day it does not know nothing may be ordered."""
        if day in self.recorded:
            return True
        return self.first <= day <= self.last and day not in self.uncertain

    def is_session(self, day: date) -> bool:
        """Whether there is trading on this day (beyond the table: on any weekday, see `covers`)."""
        if self.recorded and min(self.recorded) <= day <= max(self.recorded):
            return day in self.recorded
        return day in self.special or (day.weekday() < _SATURDAY and day not in self.holidays)

    def session(self, day: date) -> Session:
        """Opening and close of a session.

        Raises:
            BadInput: there is no session on this day.
        """
        known = self._sessions.get(day)
        if known is None:
            if not self.is_session(day):
                raise BadInput(f"{day} is not a trading session")
            hours = self._hours(day)
            known = self._sessions[day] = Session(at(day, hours.open), at(day, hours.close))
        return known

    def auction(self, day: date) -> Auction:
        """The closing auction of a session's underlyings; `NO_AUCTION` on a day that has none."""
        terms = self._hours(day).auction if self.is_session(day) else None
        return NO_AUCTION if terms is None else Auction(at(day, terms[0]), at(day, terms[1]), terms[2])

    def settlement_s(self, expiry: date) -> float:
        """When an expiry's settlement price is known, to which the time value of its options runs.

        Indices and shares settle at the closing price of the cash market: on the last session up to
        the expiry at the end of the closing auction (15:35 since 3 August 2026), where there is none
        at the close (15:30). That the options trade on for five minutes gives them no time value.
        """
        day = self.session_until(expiry)
        return min(self.auction(day).close_s, self.session(day).close_s)

    def spot_rests(self, now_s: float) -> bool:
        """Whether options trade at this moment and what they are on does not: in the auction and after it."""
        return self.is_open(now_s) and now_s >= self.auction(ist_date(now_s)).open_s

    def is_open(self, now_s: float) -> bool:
        """Whether the market trades at this moment."""
        day = ist_date(now_s)
        if not self.is_session(day):
            return False
        session = self.session(day)
        return session.open_s <= now_s < session.close_s

    def closes(self, now_s: float) -> bool:
        """Whether this very moment is the close of a session."""
        day = ist_date(now_s)
        return self.is_session(day) and now_s == self.session(day).close_s

    def is_over(self, now_s: float) -> bool:
        """Whether this day's session closed before this moment."""
        day = ist_date(now_s)
        return self.is_session(day) and now_s > self.session(day).close_s

    def window(self, now_s: float) -> Session:
        """The session that is running at this moment, else the next one to open."""
        day = self.session_from(ist_date(now_s))
        session = self.session(day)
        return session if now_s < session.close_s else self.session(self.next_session(day))

    def session_from(self, day: date) -> date:
        """The first session on or after a day."""
        return day if self.is_session(day) else self.next_session(day)

    def session_until(self, day: date) -> date:
        """The last session on or before a day."""
        return day if self.is_session(day) else self.previous_session(day)

    def next_session(self, day: date) -> date:
        """The first session after a day."""
        return self._walk(day, _ONE_DAY)

    def previous_session(self, day: date) -> date:
        """The last session before a day."""
        return self._walk(day, -_ONE_DAY)

    def moment_s(self, day: date, clock: str) -> float:
        """When a clock rule strikes on a session: at its time, but ten minutes before an earlier close.

        In a short session those ten minutes are kept free of all clocks, so that an
        earlier clock never strikes later than a later one. When a session of its own opens only after
        the usual close (Muhurat in the evening), every clock is over before it begins: all strike ten
        minutes before its end, and not at its first price, which would close what was just entered.
        """
        known = self._moments.get((day, clock))
        if known is None:
            known = self._moments[day, clock] = self._moment_s(day, clock)
        return known

    def _moment_s(self, day: date, clock: str) -> float:
        moment_s, (open_s, close_s) = at(day, clock), self.session(day)
        usual_close_s = at(day, self._regular(day).close)
        short = day not in self.recorded and close_s < usual_close_s
        late_s = close_s - _BEFORE_SHORT_CLOSE_S
        if open_s >= usual_close_s:
            return late_s
        return min(moment_s, late_s) if short or moment_s >= close_s else moment_s

    def _hours(self, day: date) -> Hours:
        """The hours of a session; the oldest known regular ones before all."""
        regular = self._regular(day)
        return regular if day in self.recorded else self.special.get(day, regular)

    def _regular(self, day: date) -> Hours:
        return next((hours for since, hours in reversed(self.hours) if since <= day), self.hours[0][1])

    def _walk(self, day: date, step: timedelta) -> date:
        pause = _LONGEST_PAUSE_DAYS
        if self.recorded:  # between two recordings may lie years
            pause += (max(self.recorded) - min(self.recorded)).days
        for _ in range(pause):
            day += step
            if self.is_session(day):
                return day
        raise BadInput(f"the session table has no session within {_LONGEST_PAUSE_DAYS} days of {day}")


def ending_text(calendar: Calendar, now_s: float) -> str:
    """Say in words that the calendar ends soon; empty while that is more than a month away."""
    days = (calendar.last - ist_date(now_s)).days
    if not 0 <= days <= ENDING_DAYS:
        return ""
    return f"the calendar ends on {calendar.last:%d %b %Y}"


def session_text(calendar: Calendar, now_s: float) -> str:
    """Say in words whether F&O trades now, and until or since when."""
    today = ist_date(now_s)
    if not calendar.covers(today):
        return f"the calendar does not cover {today:%d %b %Y}"
    if not calendar.is_session(today):
        return f"no session on {today:%a %d %b}"
    session = calendar.session(today)
    if now_s < session.open_s:
        return f"opens at {ist(session.open_s):%H:%M}"
    if now_s < session.close_s:
        return f"open until {ist(session.close_s):%H:%M}"
    return f"closed since {ist(session.close_s):%H:%M}"
