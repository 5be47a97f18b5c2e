"""Plain arithmetic on the rows of a recording: what a position was worth at each snapshot.

Nothing of the engine is used here: it is what the engine is compared with. Money is integer paise.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import erf, exp, log, pi, sqrt

#: A spread is believed up to this many paise, or up to 15 per cent of the mid.
NARROW = 50
DAY_S = 86_400


@dataclass(frozen=True)
class Quote:
    """Both sides, paise, 0 = empty."""

    bid: int
    ask: int

    def mark(self, quantity):
        """The mid, half paise against the owner; None = no believable price."""
        gap, both = self.ask - self.bid, self.bid + self.ask
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
    """One snapshot of a position: marks and P&L, None = some leg has no believable price."""

    at_s: float
    marks: tuple | None
    pnl: int | None
    spot: int | None


def paise(rupees):
    """Of a cell of the recording; an empty one is 0."""
    return round(float(rupees) * 100) if rupees else 0


def seconds(iso):
    """Epoch seconds."""
    return datetime.fromisoformat(iso).timestamp()


@cache
def snapshots(recording, wanted):
    """Of the wanted contracts by moment: quotes by contract, and the spot of each underlying."""
    by_moment: dict = {}
    volumes: dict = {}
    with gzip.open(recording, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            quotes, spots = by_moment.setdefault(row["ts"], ({}, {}))
            name = (row["underlying"], row["expiry"], row["strike"].removesuffix(".0"), row["right"])
            if name not in wanted or row.get("stale") == "2":
                continue
            day, volume = (name, row["ts"][:10]), int(float(row["volume"] or 0))
            if row["volume"] and volume < volumes.get(day, 0):
                continue
            volumes[day] = volume
            quotes[name] = Quote(paise(row["bid"]), paise(row["ask"]))
            if row["spot"]:
                spots[name[0]] = paise(row["spot"])
    return [(seconds(at), *both) for at, both in sorted(by_moment.items())]


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
        return self.extremes[0] if self.extremes else abs(self.credit)


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
    for at_s, quotes, spots in snapshots(recording, wanted):
        shown = [quotes.get(leg.name) for leg in legs]
        if at_s < begins_s or None in shown:
            continue
        if not entries:
            sides = [
                quote.ask if leg.quantity > 0 else quote.bid for leg, quote in zip(legs, shown, strict=True)
            ]
            if not all(sides):
                continue
            entries = tuple(sides)
        marks = tuple(quote.mark(leg.quantity) for leg, quote in zip(legs, shown, strict=True))
        known = None not in marks
        pnl = (
            sum(leg.quantity * (mark - entry) for leg, mark, entry in zip(legs, marks, entries, strict=True))
            if known
            else None
        )
        moments.append(Moment(at_s, marks if known else None, pnl, spots.get(legs[0].name[0])))
    return Life(legs, entries, tuple(moments))


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
    """(delta, theta) of one unit of each leg, settled at 15:30; on the forward of parity, else the spot."""
    found = []
    for leg, mark in zip(life.legs, moment.marks, strict=True):
        pairs: dict = {}
        for other, price in zip(life.legs, moment.marks, strict=True):
            if other.name[1] == leg.name[1]:
                pairs.setdefault(other.strike, {})[other.name[3]] = price
        both = [(k, p["CE"], p["PE"]) for k, p in pairs.items() if len(p) == 2]
        forward = (both[0][0] + both[0][1] - both[0][2] if both else moment.spot) / 100
        years = (seconds(f"{leg.name[1]}T15:30:00+05:30") - at_s) / DAY_S / 365
        found.append(delta_and_theta(leg, mark, forward, years))
    return found
