"""The payoff of one position as data for a picture: at expiry exactly, today by the model.

`payoff_chart` takes down what the machine knows at one moment; `expiry_paise` and `today_paise` work out
single points of it afterwards, on whatever thread draws. Prices of the underlying are integer paise,
amounts signed integer paise.

Today's curve: each option keeps the volatility that its mark implies, its forward moves with the underlying
rupee by rupee (Black-76, `engine.greeks`). Legs that expire later than the first have no exact payoff at
that expiry: there the model values them with the time they have left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import TYPE_CHECKING

from engine.greeks import implied_vol, price, years_between
from engine.model import Right
from engine.payoff import at_expiry, entry_price, payoff
from engine.pnl import Marks, last_mark
from engine.rules.base import in_words
from engine.sessions import dte

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from engine.model import Leg, Position, PositionId
    from engine.payoff import Payoff
    from engine.view import ThresholdView
    from engine.watch import Watchlist
    from engine.watch.family import Forwards
    from engine.watch.watched import Watched

__all__ = [
    "ChartLeg", "Level", "PayoffChart", "expiry_paise", "levels", "move_paise", "payoff_chart", "prices",
    "today_paise",
]  # fmt: skip

_PAISE = 100
#: How far a picture reaches at least, as a share of the underlying's price, and at most.
_LEAST, _MOST = 0.02, 0.25
#: So many standard deviations of the move to expiry are shown, where a volatility is known.
_DEVIATIONS = 2.0
#: Points between the two ends, besides strikes and breakevens.
_POINTS = 120


@dataclass(frozen=True, slots=True)
class Level:
    """A P&L at which a rule fires.

    Attributes:
        stops: it is met by a falling P&L.
    """

    paise: int
    text: str
    stops: bool


@dataclass(frozen=True, slots=True)
class ChartLeg:
    """One open leg.

    Attributes:
        leg: with the units that are open.
        vol: a year, as its mark implies it; 0 = it trades at or below intrinsic value; None = unknown.
        forward: of its expiry, in rupees; None = unknown.
        years: to its settlement from now.
        years_left: from the first expiry of the position on.
    """

    leg: Leg
    vol: float | None
    forward: float | None
    years: float
    years_left: float


@dataclass(frozen=True, slots=True)
class PayoffChart:
    """One position at one moment.

    Attributes:
        expiry: the first of its legs'; None = none of them expires.
        made_paise: what has been realised of the position; it counts in every curve.
        level_paise: where the underlying stands, or stood last; None = unknown.
        pnl_paise: at marks; None = a leg has none.
        payoff: of the open legs, with what has been realised.
        bounds_paise: of the underlying's price, at which a rule fires, with its name.
    """

    id: PositionId
    strategy_id: int
    symbol: str
    strategy: str
    at_s: float
    in_session: bool
    expiry: date | None
    dte: int | None
    legs: tuple[ChartLeg, ...]
    made_paise: int
    level_paise: int | None
    pnl_paise: int | None
    payoff: Payoff
    levels: tuple[Level, ...]
    bounds_paise: tuple[tuple[int, str], ...] = ()

    @property
    def modelled(self) -> bool:
        """Whether today's curve can be drawn."""
        return self.level_paise is not None and all(
            each.vol is not None and each.forward is not None
            for each in self.legs
            if each.leg.instrument.right is not None
        )


def payoff_chart(watch: Watchlist, position: Position, forwards: Forwards) -> PayoffChart | None:
    """Take down one watched position at this moment; None = none of it is open any more."""
    watched, now_s, in_session = watch.watched(position.id), forwards.now_s, watch.in_session(forwards.now_s)
    mark = Marks.mark if in_session else last_mark
    held = list(zip(position.legs, watched.holding.legs, strict=True))
    open_legs = [replace(leg, quantity=units) for leg, (units, _) in held if units]
    if not open_legs:
        return None
    figures = watch.seen(position.id, forwards)
    made = watched.life.realised_paise - watched.holding.cost_paise
    made += sum(leg.quantity * entry_price(leg) for leg in open_legs)
    level = watched.scale.level_paise(forwards)
    expiries = [leg.instrument.expiry for leg in open_legs if leg.instrument.expiry is not None]
    expiry = min(expiries, default=None)
    marks = [mark(each, units, now_s) for _, (units, each) in held if units]
    return PayoffChart(
        id=position.id,
        strategy_id=position.strategy_id,
        symbol=position.symbol,
        strategy=position.strategy,
        at_s=now_s,
        in_session=in_session,
        expiry=expiry,
        dte=None if expiry is None else dte(now_s, expiry),
        legs=tuple(
            _leg(leg, paise, watched, level, expiry, forwards)
            for leg, paise in zip(open_legs, marks, strict=True)
        ),
        made_paise=made,
        level_paise=level,
        pnl_paise=figures.pnl_paise,
        payoff=payoff(open_legs, made),
        levels=levels(figures.thresholds, figures.pnl_paise),
        bounds_paise=tuple(_bounds(figures.thresholds)),
    )


def levels(thresholds: Iterable[ThresholdView], pnl_paise: int | None) -> tuple[Level, ...]:
    """The rules that wait for a P&L, the lowest first; of several at one place the first."""
    found: dict[int, Level] = {}
    for each in thresholds:
        at_paise = each.threshold_paise
        if not each.available or at_paise is None or at_paise in found:
            continue
        falls = each.distance_paise < 0 if each.distance_paise is not None else at_paise <= (pnl_paise or 0)
        found[at_paise] = Level(at_paise, in_words(each.rule), stops=falls)
    return tuple(level for _, level in sorted(found.items()))


def prices(chart: PayoffChart) -> tuple[int, ...]:
    """The underlying's prices to draw at, ascending: evenly, and at each strike and breakeven in between."""
    strikes = [each.leg.instrument.strike_paise for each in chart.legs]
    corners = [paise for paise in strikes if paise is not None]
    breaks = [round(paise) for paise in chart.payoff.breakevens_paise]
    centre = chart.level_paise or (sum(corners) // len(corners) if corners else 0)
    if not centre:
        centre = entry_price(chart.legs[0].leg)
    most = round(centre * _MOST)
    near = [paise for paise in (*corners, *breaks) if abs(paise - centre) <= most]
    reach = max(round(centre * _LEAST), min(round(_DEVIATIONS * (move_paise(chart) or 0)), most))
    low, high = min([centre - reach, *near]), max([centre + reach, *near])
    pad = (high - low) // 16
    low, high = max(low - pad, 0), high + pad
    even = {low + (high - low) * n // _POINTS for n in range(_POINTS + 1)}
    return tuple(sorted(even | {paise for paise in near if low <= paise <= high}))


def move_paise(chart: PayoffChart) -> int | None:
    """One standard deviation of the underlying to the first expiry, by the nearest strike's volatility."""
    if chart.level_paise is None:
        return None
    level = chart.level_paise
    known = [
        (abs((each.leg.instrument.strike_paise or 0) - level), each.vol, each.years - each.years_left)
        for each in chart.legs
        if each.vol
    ]
    if not known:
        return None
    _, vol, years = min(known)
    return round(level * (exp(vol * sqrt(max(years, 0.0))) - 1))


def expiry_paise(chart: PayoffChart, underlying_paise: int) -> int | None:
    """P&L at the first expiry with the underlying there; None = a later leg cannot be valued."""
    if chart.payoff.one_expiry:
        return chart.made_paise + at_expiry([each.leg for each in chart.legs], underlying_paise)
    return _modelled(chart, underlying_paise, [each.years_left for each in chart.legs])


def today_paise(chart: PayoffChart, underlying_paise: int) -> int | None:
    """P&L now with the underlying there; None = the model lacks something."""
    return _modelled(chart, underlying_paise, [each.years for each in chart.legs])


def _modelled(chart: PayoffChart, underlying_paise: int, years: Sequence[float]) -> int | None:
    if not chart.modelled or chart.level_paise is None:
        return None
    moved = (underlying_paise - chart.level_paise) / _PAISE
    total = 0.0
    for each, left in zip(chart.legs, years, strict=True):
        leg, right = each.leg, each.leg.instrument.right
        value = underlying_paise / _PAISE
        if each.forward is not None:
            value = max(each.forward + moved, 0.01)
        strike = leg.instrument.strike_paise
        if right is not None and strike is not None and each.vol is not None:
            value = price(value, strike / _PAISE, left, each.vol, right)
        total += leg.quantity * (value * _PAISE - entry_price(leg))
    return round(chart.made_paise + total)


def _leg(
    leg: Leg,
    mark_paise: int | None,
    watched: Watched,
    level_paise: int | None,
    first: date | None,
    forwards: Forwards,
) -> ChartLeg:
    instrument = leg.instrument
    if instrument.expiry is None or first is None:
        return ChartLeg(leg, None, None, 0.0, 0.0)
    both_paise, settled_s = watched.scale.outlook(forwards)[instrument.expiry]
    if both_paise is None and level_paise is not None:
        both_paise = 2 * level_paise
    years = years_between(forwards.now_s, settled_s)
    passed = years_between(forwards.now_s, watched.scale.outlook(forwards)[first][1])
    left = years - passed if instrument.expiry > first else 0.0
    if both_paise is None or both_paise <= 0:
        return ChartLeg(leg, None, None, years, left)
    forward = both_paise / (2 * _PAISE)
    if instrument.right is None:
        forward = forward if mark_paise is None else mark_paise / _PAISE
    return ChartLeg(leg, _vol(leg, mark_paise, forward, years), forward, years, left)


def _vol(leg: Leg, mark_paise: int | None, forward: float, years: float) -> float | None:
    """What the mark implies; nothing for an option that trades at or below its intrinsic value."""
    right, strike_paise = leg.instrument.right, leg.instrument.strike_paise
    if right is None or strike_paise is None or mark_paise is None:
        return None
    value, strike = mark_paise / _PAISE, strike_paise / _PAISE
    vol = implied_vol(value, forward, strike, years, right)
    if vol is not None:
        return vol
    inside = forward - strike if right is Right.CALL else strike - forward
    return 0.0 if value <= max(inside, 0.0) else None


def _bounds(thresholds: Iterable[ThresholdView]) -> Iterable[tuple[int, str]]:
    """Rules that wait for a price of the underlying and for no P&L."""
    for each in thresholds:
        if each.available and each.threshold_paise is None and each.underlying_paise is not None:
            yield each.underlying_paise, in_words(each.rule)
