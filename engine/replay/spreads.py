"""Quotes for recordings that have none: the last price, half a spread to either side.

They serve fills only; what is watched is the last price itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

from engine.money import tick_down, tick_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: From bid to ask, per cent of the last price, where nothing was measured.
DEFAULT_SPREAD_PCT = Fraction(1)
#: The sets of all stocks together.
_STOCKS = ""


class Measured(NamedTuple):
    """How wide one set of contracts was quoted at premiums between two prices (paise).

    Attributes:
        name: the first word of the set's name, an underlying's symbol.
        low_paise, high_paise: the bucket, its lower end included.
        quotes: how many were measured.
        spread_paise: their median spread.
    """

    name: str
    low_paise: int
    high_paise: int
    quotes: int
    spread_paise: Fraction


@dataclass(frozen=True, slots=True)
class _Bucket:
    low_paise: int
    high_paise: int
    spread_paise: Fraction

    def distance(self, price_paise: int) -> int:
        """How far a premium lies outside the bucket."""
        return max(self.low_paise - price_paise, price_paise - self.high_paise + 1, 0)


@dataclass(frozen=True, slots=True)
class Spreads:
    """From bid to ask by underlying and premium: measured, or a per cent of the premium."""

    pct: Fraction = DEFAULT_SPREAD_PCT
    measured: Mapping[str, tuple[_Bucket, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Measured], indices: frozenset[str]) -> Spreads:
        """Means of measured medians, weighted by number; whatever was not measured is like the stocks."""
        sets: dict[str, list[Measured]] = {}
        for row in rows:
            sets.setdefault(row.name, []).append(row)
            if row.name not in indices:
                sets.setdefault(_STOCKS, []).append(row)
        return cls(measured={name: _means(measured) for name, measured in sets.items()})

    def spread_paise(self, underlying: str, price_paise: int) -> Fraction:
        """From bid to ask at this premium; outside every measured bucket the nearest one counts."""
        buckets = self.measured.get(underlying) or self.measured.get(_STOCKS)
        if not buckets:
            return price_paise * self.pct / 100
        return min(buckets, key=lambda bucket: bucket.distance(price_paise)).spread_paise

    def quote(self, underlying: str, price_paise: int, tick_paise: int) -> tuple[int, int]:
        """Bid and ask around a last price, rounded outward to the tick; a bid of 0 is none."""
        half = self.spread_paise(underlying, price_paise) / 2
        low, high = floor(max(price_paise - half, Fraction())), ceil(price_paise + half)
        return tick_down(low, tick_paise), tick_up(high, tick_paise)


def _means(rows: Iterable[Measured]) -> tuple[_Bucket, ...]:
    buckets: dict[tuple[int, int], list[Measured]] = {}
    for row in rows:
        buckets.setdefault((row.low_paise, row.high_paise), []).append(row)
    return tuple(
        _Bucket(
            low,
            high,
            sum((r.spread_paise * r.quotes for r in found), Fraction()) / sum(r.quotes for r in found),
        )
        for (low, high), found in sorted(buckets.items())
    )
