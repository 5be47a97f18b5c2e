"""Plain arithmetic on the rows of a recording: what a position was worth at each snapshot.

Nothing of the engine is used here: it is what the engine is compared with. Money is integer paise.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from math import erf, exp, log, pi, sqrt
from statistics import median

#: A spread is believed up to this many paise, or up to 15 per cent of the mid.
NARROW = 50
#: How far two neighbouring strikes may contradict each other, paise, beside half of both spreads.
SLACK = 50
#: A price counts for this many of the recording's median steps.
STEPS = 2.5
DAY_S = 86_400
IST = timezone(timedelta(hours=5, minutes=30))


@dataclass(frozen=True)
class Quote:
    """Both sides, paise, 0 = empty; without a bid it is a last price, 0 = never traded."""

    bid: int | None
    ask: int

    @property
    def gap(self):
        """From bid to ask."""
        return 0 if self.bid is None else self.ask - self.bid

    @property
    def middle(self):
        """Half paise kept."""
        return self.ask if self.bid is None else (self.bid + self.ask) / 2

    def entry(self, quantity):
        """What entering costs: longs the ask, shorts the bid, both the last price where there is no more."""
        return self.ask if quantity > 0 or self.bid is None else self.bid

    def mark(self, quantity):
        """The mid, half paise against the owner; None = no believable price."""
        if self.bid is None:
            return self.ask or None
        gap, both = self.gap, self.bid + self.ask
        if not self.ask or gap < 0 or (gap > NARROW and (not self.bid or gap * 200 > 15 * both)):
            return None
        if not self.bid:
            return 0 if quantity > 0 else self.ask
        return both // 2 if quantity > 0 else -(-both // 2)


@dataclass(frozen=True)
class Leg:
    """Signed units of an option; ``name`` is (symbol, expiry, strike, right) as the recording writes it."""

    name: tuple
    quantity: int

    @property
    def strike(self):
        """Paise."""
        return paise(self.name[2])

    def inside(self, spot):
        """Intrinsic value at this price of the underlying."""
        return max(spot - self.strike if self.name[3] == "CE" else self.strike - spot, 0)


@dataclass(frozen=True)
class Moment:
    """One snapshot of a position: marks and P&L, None = some leg has no believable price.

    ``stop`` is the P&L that a stop goes by: a suspect price is as if it had not come; ``forwards`` has one of
    each leg, told by all contracts that anybody holds.
    """

    at_s: float
    marks: tuple | None
    pnl: int | None
    stop: int | None
    spot: int | None
    forwards: tuple


def paise(rupees):
    """Of a cell of the recording; an empty one is 0."""
    return round(float(rupees) * 100) if rupees else 0


def seconds(iso):
    """Epoch seconds."""
    return datetime.fromisoformat(iso).timestamp()


@cache
def snapshots(recording, wanted):
    """Of the wanted contracts by moment: quotes by contract, and the spot of each underlying.

    And for how many seconds a price counts.
    """
    by_moment: dict = {}
    volumes: dict = {}
    last_only = "_ltp" in recording.name
    with gzip.open(recording, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            quotes, spots = by_moment.setdefault(row["ts"], ({}, {}))
            name = (row["underlying"], row["expiry"], row["strike"].removesuffix(".0"), row["right"])
            if name not in wanted or row.get("stale") in ("1", "2"):
                continue
            day, volume = (name, row["ts"][:10]), int(float(row["volume"] or 0))
            if row["volume"] and volume < volumes.get(day, 0):
                continue
            volumes[day] = volume
            if last_only:
                quotes[name] = Quote(None, paise(row["ltp"]))
            else:
                quotes[name] = Quote(paise(row["bid"]), paise(row["ask"]))
            if row["spot"]:
                spots[name[0]] = paise(row["spot"])
    found = [(seconds(at), *both) for at, both in sorted(by_moment.items())]
    steps = [b[0] - a[0] for a, b in pairwise(found) if b[0] - a[0] < DAY_S / 2]
    return found, STEPS * median(steps)


@dataclass(frozen=True)
class Life:
    """A position from its entry on: longs bought at the ask, shorts sold at the bid."""

    legs: tuple
    entries: tuple
    moments: tuple

    @property
    def credit(self):
        """Net premium, negative when paid."""
        return -sum(leg.quantity * entry for leg, entry in zip(self.legs, self.entries, strict=True))

    def payoff(self, spot):
        """P&L at expiry."""
        return self.credit + sum(leg.quantity * leg.inside(spot) for leg in self.legs)

    @property
    def extremes(self):
        """Greatest profit and loss, where the payoff is flat beyond both outer strikes; else None."""
        strikes = sorted(leg.strike for leg in self.legs)
        if len({leg.name[1] for leg in self.legs}) > 1:
            return None
        ends = [strikes[0] - 100, *strikes, strikes[-1] + 100]
        values = [self.payoff(spot) for spot in ends]
        flat = values[0] == values[1] and values[-1] == values[-2]
        return (max(values), min(values)) if flat else None

    @property
    def profit_basis(self):
        """What 100 % of a profit is."""
        most = self.extremes[0] if self.extremes else 0
        return most if most > 0 else abs(self.credit)


def life(rows, recording, wanted):
    """Follow the rows of one strategy through a recording."""
    legs = tuple(
        Leg(
            (row["symbol"], row["expiry_date"], row["strike_price"], row["type"]),
            int(row["quantity"]) * (1 if row["action"] == "BUY" else -1),
        )
        for row in rows
    )
    begins_s = max(seconds(row["timestamp"]) for row in rows)
    entries: tuple = ()
    moments = []
    newest: dict = {}  # (moment, quote) by contract
    sound: dict = {}  # (moment, mark) by leg, of prices that were believed
    found, counts_s = snapshots(recording, wanted)
    for at_s, quotes, spots in found:
        newest |= {name: (at_s, quote) for name, quote in quotes.items()}
        shown = {name: quote for name, (then_s, quote) in newest.items() if at_s - then_s <= counts_s}
        if at_s < begins_s:
            continue
        if not entries:
            sides = [leg.name in quotes and quotes[leg.name].entry(leg.quantity) for leg in legs]
            if not all(sides):
                continue
            entries = tuple(sides)
        spot = spots.get(legs[0].name[0])
        odd = suspects(legs, shown, spot, at_s)
        marks = [shown[leg.name].mark(leg.quantity) if leg.name in shown else None for leg in legs]
        for leg, mark in zip(legs, marks, strict=True):
            if mark is not None and leg.name not in odd:
                sound[leg] = at_s, mark
        known = None not in marks and not odd
        stop = None
        if None not in marks and all(leg in sound and at_s - sound[leg][0] <= counts_s for leg in legs):
            stop = worth(legs, [sound[leg][1] for leg in legs], entries)
        pnl = worth(legs, marks, entries) if known else None
        forwards = tuple(forward(leg.name, shown, spot, at_s) for leg in legs)
        moments.append(Moment(at_s, tuple(marks) if known else None, pnl, stop, spot, forwards))
    return Life(legs, entries, tuple(moments))


def worth(legs, marks, entries):
    """What has been won since the entry."""
    return sum(leg.quantity * (mark - entry) for leg, mark, entry in zip(legs, marks, entries, strict=True))


# ---------------------------------------------------------------------------------- what is believed


def suspects(legs, shown, spot, at_s):
    """Of a position's contracts those whose price cannot be true beside the others: a set of names."""
    odd = set()
    for leg in legs:
        quote = shown.get(leg.name)
        if quote is None or quote.mark(leg.quantity) is None:
            continue
        level = forward(leg.name, shown, spot, at_s)
        percent = 2 if quote.bid is None else 1
        if level and (leg.inside(level) - quote.middle) * 100 > percent * level:
            odd.add(leg.name)
    for kind in {leg.name[1::2] for leg in legs}:  # expiry and right
        rungs = sorted((leg for leg in legs if leg.name[1::2] == kind), key=lambda leg: leg.strike)
        for low, high in pairwise(rungs):
            one, two = shown.get(low.name), shown.get(high.name)
            if one is None or two is None or None in (one.mark(1), two.mark(1)):
                continue
            distance = high.strike - low.strike
            gain = (one.middle - two.middle) * (1 if kind[1] == "CE" else -1)
            slack = max((one.gap + two.gap) / 2 + SLACK, distance / 20)
            if not -slack <= gain <= distance + slack:
                odd |= {low.name, high.name}
    return odd


def forward(name, shown, spot, at_s):
    """The middle one of what call and put tell at the three strikes where they are closest; None = nothing.

    A strike too far from the spot is not heard; with two, the spot is the third; without any it stands alone.
    """
    sides: dict = {}
    for other, quote in shown.items():
        if other[:2] == name[:2] and quote.mark(1) is not None:
            sides.setdefault(paise(other[2]), {})[other[3]] = quote.middle
    both = [(abs(p["CE"] - p["PE"]), strike, p["CE"] - p["PE"]) for strike, p in sides.items() if len(p) == 2]
    told = [strike + apart for _, strike, apart in sorted(both)[:3]]
    if spot:
        days = (datetime.fromisoformat(name[1]).date() - datetime.fromtimestamp(at_s, IST).date()).days
        told = [level for level in told if abs(level - spot) <= spot * (0.05 + 0.1 * days / 365)]
        told += [spot] if len(told) == 2 else []
    return sorted(told)[1] if len(told) == 3 else told[0] if told else spot or None


# ------------------------------------------------------------------------------------- the model


def normal(x):
    """The standard normal distribution."""
    return (1 + erf(x / sqrt(2))) / 2


def delta_and_theta(leg, mark, forward, years):
    """Of one unit, the volatility found by halving an interval: rupees per rupee, rupees per day."""
    strike, sign = leg.strike / 100, 1 if leg.name[3] == "CE" else -1

    def first(vol):
        return log(forward / strike) / (vol * sqrt(years)) + vol * sqrt(years) / 2

    def worth(vol):
        d1 = first(vol)
        return sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - vol * sqrt(years))))

    low, high = 1e-3, 5.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < mark / 100 else (low, middle)
    d1 = first(low)
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    return sign * normal(sign * d1), -forward * density * low / (2 * sqrt(years)) / 365


def model(life, moment, at_s):
    """(delta, theta) of one unit of each leg, settled when the shares' closing price is known.

    None = nothing tells the forward, or the expiry is over.
    """
    found = []
    for leg, mark, level in zip(life.legs, moment.marks, moment.forwards, strict=True):
        settled = "15:35" if leg.name[1] >= "2026-08-03" else "15:30"
        years = (seconds(f"{leg.name[1]}T{settled}:00+05:30") - at_s) / DAY_S / 365
        if level is None or years <= 0:
            return None
        found.append(delta_and_theta(leg, mark, level / 100, years))
    return found
