"""What a picture shows, as immutable data: a day's curve, a position's curve, a bar for each day.

Amounts are signed integer paise, moments epoch seconds; None = unknown. How it looks is the chat's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.diary import Sample
from engine.payoff_chart import Level, PayoffChart, levels, payoff_chart
from engine.sessions import ist_date
from engine.watch.family import Forwards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.diary import DayResult, Mark
    from engine.model import Position, PositionId
    from engine.monitor import Monitor
    from engine.sessions import Calendar
    from engine.view import AccountView

__all__ = ["Bar", "BarsChart", "Chart", "CurveChart", "Name", "Scope", "Wanted"]

_WEEK = timedelta(days=7)
#: A result that is older than this at the close is not that of the whole day.
_LATE_S = 300.0


class Scope(StrEnum):
    """What a picture is of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    POSITION = "position"
    PAYOFF = "payoff"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that is asked for; given the machine, it says what is to be drawn.

    Attributes:
        strategy_id: of `Scope.POSITION` and `Scope.PAYOFF`.
    """

    scope: Scope
    strategy_id: int = 0

    def __call__(self, monitor: Monitor, now_s: float) -> tuple[Chart, ...]:
        """What is to be drawn; none = there is nothing to draw, or the position is not known."""
        return _drawn_up(monitor, self, now_s)


@dataclass(frozen=True, slots=True)
class Name:
    """Which position a picture is of."""

    id: PositionId
    strategy_id: int
    symbol: str
    strategy: str


@dataclass(frozen=True, slots=True)
class CurveChart:
    """A P&L through one session: the house's day, or one position's since its entry.

    Attributes:
        at_s: when it was drawn up.
        day: the session; with when it opens and closes.
        now_paise: at that moment, or what was known last; None = nothing is.
        known_s: of when that is.
        closed_paise: what of it was made by positions closed that day; of one position nothing.
        blind: positions that cannot be priced now.
        position: None = the whole house.
    """

    at_s: float
    day: date
    open_s: float
    close_s: float
    samples: tuple[Sample, ...]
    marks: tuple[Mark, ...]
    levels: tuple[Level, ...]
    now_paise: int | None
    known_s: float
    closed_paise: int = 0
    blind: tuple[str, ...] = ()
    position: Name | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One session's result.

    Attributes:
        paise: None = there is no record of it.
        whole: it is that of the close; False: of the running day, or the house ended before.
        ahead: the session is still to come.
    """

    day: date
    paise: int | None
    whole: bool = True
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class BarsChart:
    """The sessions of a week or a month, oldest first."""

    at_s: float
    scope: Scope
    bars: tuple[Bar, ...]

    @property
    def known(self) -> tuple[Bar, ...]:
        """Those with a result."""
        return tuple(bar for bar in self.bars if bar.paise is not None)

    @property
    def over(self) -> bool:
        """The last of its sessions has begun; in the day's digest: has ended."""
        return not self.bars[-1].ahead

    @property
    def dates(self) -> tuple[date, date]:
        """The first day of that week or month, and the day after its last."""
        return _dates(self.scope, self.bars[0].day)

    @property
    def total_paise(self) -> int | None:
        """All results together; None = there is none."""
        return sum(bar.paise or 0 for bar in self.known) if self.known else None


Chart = CurveChart | BarsChart | PayoffChart


def _drawn_up(monitor: Monitor, wanted: Wanted, now_s: float) -> tuple[Chart, ...]:
    match wanted.scope:
        case Scope.DAY:
            return tuple(_day(monitor, now_s))
        case Scope.WEEK | Scope.MONTH:
            return (_bars(monitor, wanted.scope, now_s),)
        case Scope.POSITION:
            return tuple(_course(monitor, each, now_s) for each in _positions(monitor, wanted.strategy_id))
        case Scope.PAYOFF:
            held = monitor.holdings.positions.values()
            found = [p for p in held if p.strategy_id == wanted.strategy_id]
            drawn = (payoff_chart(monitor.watch, each, Forwards(now_s)) for each in found)
            return tuple(chart for chart in drawn if chart is not None)


def _positions(monitor: Monitor, strategy_id: int) -> list[Position]:
    """Those of this strategy id, of whatever row's account, and those that ended today."""
    held = monitor.holdings
    return [p for p in (*held.positions.values(), *held.flat.values()) if p.strategy_id == strategy_id]


def _begun(calendar: Calendar, now_s: float) -> date:
    """The session that is running or over today, else the one before."""
    today = ist_date(now_s)
    begun = calendar.is_session(today) and now_s >= calendar.session(today).open_s
    return today if begun else calendar.previous_session(today)


def _day(monitor: Monitor, now_s: float) -> Iterator[CurveChart]:
    """The day that is kept, with the prices of this moment while it runs."""
    diary, calendar = monitor.diary, monitor.helm.calendar
    day = _begun(calendar, now_s)
    if diary.date != day.isoformat():
        return
    session = calendar.session(day)
    live = monitor.limits.live(now_s) if now_s < session.close_s else None
    samples, result = list(diary.samples), diary.results.get(diary.date)
    now_paise, known_s, closed = _last(samples, result)
    if live is not None and live.paise is not None:
        samples.append(Sample(now_s, live.paise))
        now_paise, known_s, closed = live.paise, now_s, live.closed_paise
    yield CurveChart(
        at_s=now_s, day=day, open_s=session.open_s, close_s=session.close_s, samples=tuple(samples),
        marks=tuple(diary.marks), levels=_limits(monitor.limits.views(now_s)), now_paise=now_paise,
        known_s=known_s, closed_paise=closed, blind=() if live is None else live.blind,
    )  # fmt: skip


def _last(samples: list[Sample], result: DayResult | None) -> tuple[int | None, float, int]:
    """What is known last of a day."""
    if result is None:
        return None, samples[-1].at_s if samples else 0.0, 0
    return result.paise, result.at_s, result.closed_paise


def _limits(accounts: tuple[AccountView, ...]) -> tuple[Level, ...]:
    """The day limits, where one account alone has them: two accounts' do not add up."""
    if len(accounts) != 1:
        return ()
    [one] = accounts
    named = {
        "Day loss limit": None if one.loss_paise is None else -one.loss_paise,
        "Day profit limit": one.profit_paise,
        "Day trailing limit": one.trailing_paise,
    }
    return tuple(
        Level(paise, text, stops=text != "Day profit limit")
        for text, paise in named.items()
        if paise is not None
    )


def _course(monitor: Monitor, position: Position, now_s: float) -> CurveChart:
    """One position's P&L since its entry, as far as this life has seen it today, beside its rules."""
    diary, calendar = monitor.diary, monitor.helm.calendar
    day = _begun(calendar, now_s)
    session = calendar.session(day)
    samples = list(diary.course(position.id)) if diary.date == day.isoformat() else []
    known = [sample for sample in samples if sample.paise is not None]
    now_paise, known_s = (known[-1].paise, known[-1].at_s) if known else (None, now_s)
    rules: tuple[Level, ...] = ()
    if position.id in monitor.holdings.positions:
        seen = monitor.watch.figures(position.id, now_s)
        rules = levels(seen.thresholds, seen.pnl_paise)
        if seen.pnl_paise is not None:
            now_paise, known_s = seen.pnl_paise, now_s
            if now_s < session.close_s:
                samples.append(Sample(now_s, now_paise))
    marks = (mark for mark in diary.marks if mark.position == position.id)
    return CurveChart(
        at_s=now_s, day=day, open_s=session.open_s, close_s=session.close_s, samples=tuple(samples),
        marks=tuple(marks) if diary.date == day.isoformat() else (), levels=rules, now_paise=now_paise,
        known_s=known_s,
        position=Name(position.id, position.strategy_id, position.symbol, position.strategy),
    )  # fmt: skip


def _bars(monitor: Monitor, scope: Scope, now_s: float) -> BarsChart:
    """The sessions of the week or month of the last session that has begun."""
    calendar = monitor.helm.calendar
    last = _begun(calendar, now_s)
    first, end = _dates(scope, last)
    days = [first + timedelta(days=n) for n in range((end - first).days)]
    bars = (_bar(monitor, day, last, now_s) for day in days if calendar.is_session(day))
    return BarsChart(now_s, scope, tuple(bars))


def _dates(scope: Scope, day: date) -> tuple[date, date]:
    """The first day of the day's week or month, and the day after its last."""
    if scope is Scope.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + _WEEK
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _bar(monitor: Monitor, day: date, last: date, now_s: float) -> Bar:
    if day > last:
        return Bar(day, None, ahead=True)
    result = monitor.diary.results.get(day.isoformat())
    close_s = monitor.helm.calendar.session(day).close_s
    if day == last and now_s < close_s:
        live = monitor.limits.live(now_s)
        if live is not None and live.paise is not None:
            return Bar(day, live.paise, whole=False)
    if result is None:
        return Bar(day, None)
    return Bar(day, result.paise, whole=now_s >= close_s and result.at_s >= close_s - _LATE_S)
