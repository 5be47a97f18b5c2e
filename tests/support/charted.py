"""Charts to draw: positions and days as the core draws them up, with everything that can be on a picture."""

from __future__ import annotations

import random
from datetime import date, timedelta

from engine.charts import Bar, BarsChart, CurveChart, Name, Scope, Wanted
from engine.diary import Mark, MarkKind, Sample
from engine.messages import Ticks
from engine.model import Mode, PositionId
from engine.payoff_chart import Level
from engine.sessions import at
from tests.engine.makers import SPOT, condor, leg, position, strangle, traded
from tests.support.rig import Rig

DAY = date(2026, 2, 3)
OPEN_S, CLOSE_S = at(DAY, "09:15"), at(DAY, "15:30")
STORY = (
    Mark(
        at(DAY, "10:02"),
        MarkKind.ALERT,
        "NIFTY Iron Condor: Loss is 62 % of the way to the stop",
        "default/3359",
    ),
    Mark(at(DAY, "11:20"), MarkKind.EXIT, "NIFTY Iron Condor", "default/3359", 154_000),
    Mark(
        at(DAY, "12:31"),
        MarkKind.ALERT,
        "BANKNIFTY Short Strangle: Loss is 81 % of the way to the stop",
        "default/3360",
    ),
)


def payoff_of(held, *mids, spot=25_012.35, rules=""):
    """The payoff of a position whose legs are quoted at these mids, rupees, its underlying there."""
    rig = Rig(Mode.ALERT_ONLY, held, rules=rules)
    rig.tell(Ticks([traded(SPOT, spot)]))
    rig.wait(2, *mids)
    [chart] = Wanted(Scope.PAYOFF, held.strategy_id)(rig.monitor, rig.now_s)
    return chart


def condor_payoff():
    """An iron condor that is a little ahead."""
    return payoff_of(condor(), 14, 33, 36, 15)


def strangle_payoff():
    """A naked short strangle: its loss has no end on either side."""
    return payoff_of(strangle(), 60, 48)


def call_payoff():
    """Two lots of a call that was bought dearer."""
    return payoff_of(position(leg(130, 25_000, "CE", 250), strategy="Long Call"), 180)


def calendar_payoff():
    """A call sold for February and bought for March."""
    later = date(2026, 3, 31)
    legs = leg(-65, 25_000, "CE", 240), leg(65, 25_000, "CE", 420, later)
    return payoff_of(position(*legs, strategy="Calendar"), 230, 425)


def day(minutes=240, scale=25_000, drift=-900, seed=4, **changes):
    """A day of so many minutes whose P&L wanders by ``scale`` paise a minute, but for the changes."""
    chance, made, samples = random.Random(seed), 0.0, []
    for minute in range(minutes):
        samples.append(Sample(OPEN_S + 60 * minute, round(made)))
        made += chance.gauss(drift, scale)
    fields = {
        "at_s": OPEN_S + 60 * minutes, "day": DAY, "open_s": OPEN_S, "close_s": CLOSE_S,
        "samples": tuple(samples), "marks": STORY if minutes > 200 else (), "levels": (),
        "now_paise": samples[-1].paise if samples else None,
        "known_s": samples[-1].at_s if samples else OPEN_S, "closed_paise": 154_000,
    }  # fmt: skip
    return CurveChart(**(fields | changes))


def losing_day():
    """A day that has come near its limit."""
    return day(seed=9, drift=-2_500, levels=(Level(-900_000, "Day loss limit", stops=True),))


def course():
    """One position's P&L between its stop and its target."""
    near = Level(-497_250, "Stop loss", stops=True), Level(152_750, "Profit target", stops=False)
    name = Name(PositionId("default/3359"), 3359, "NIFTY", "Iron Condor")
    return day(180, 9_000, -300, levels=near, position=name)


def week():
    """Four days of a week, the last of them not over."""
    results = (154_000, -432_100, 1_254_300, -84_000)
    days = [DAY + timedelta(days=n - 1) for n in range(5)]
    bars = [Bar(d, paise, whole=d.day != 5) for d, paise in zip(days, results, strict=False)]
    return BarsChart(CLOSE_S, Scope.WEEK, (*bars, Bar(days[-1], None, ahead=True)))


def month():
    """A month of which one day is missing and a week is to come."""
    chance = random.Random(4)
    days = [each for n in range(1, 29) if (each := date(2026, 2, n)).weekday() < 5]
    results = [None if n == 4 else round(chance.gauss(100_000, 900_000)) for n in range(15)]
    bars = [Bar(d, paise) for d, paise in zip(days, results, strict=False)]
    return BarsChart(CLOSE_S, Scope.MONTH, (*bars, *(Bar(d, None, ahead=True) for d in days[15:])))


#: Every kind of picture by a name for its file.
CHARTS = {
    "payoff-condor": condor_payoff,
    "payoff-strangle": strangle_payoff,
    "payoff-call": call_payoff,
    "payoff-calendar": calendar_payoff,
    "pnl-day": day,
    "pnl-day-lost": losing_day,
    "pnl-day-won": lambda: day(375, 30_000, 2_500),
    "pnl-day-unseen": lambda: day(0, closed_paise=0),
    "pnl-day-huge": lambda: day(375, 900_000_000, 9_000_000, closed_paise=-123_456_789_012),
    "pnl-position": course,
    "pnl-week": week,
    "pnl-month": month,
}
