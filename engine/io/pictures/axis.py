"""From values to places, and the round numbers beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from engine.money import rupees

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_RUPEE, _LAKH, _CRORE = 100, 100_000 * 100, 10_000_000 * 100


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight scale: ``low`` lies at pixel ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share

    def holds(self, value: float) -> bool:
        """Whether a value is on the scale."""
        return self.low <= value <= self.high


def spread(values: Iterable[float], start: float, end: float, least: float, pad: float = 0.08) -> Axis:
    """A scale that holds all values and zero, with a little air.

    ``least``: no scale is shorter than this.
    """
    known = [0.0, *values]
    low, high = min(known), max(known)
    lack = max(least - (high - low), 0.0) / 2
    low, high = low - lack, high + lack
    air = (high - low) * pad
    return Axis(low - air, high + air, start, end)


def round_steps(axis: Axis, most: int) -> list[float]:
    """At most so many round values on a scale, evenly apart, zero among them where it is on it."""
    rough = (axis.high - axis.low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough)
    first, last = ceil(axis.low / step), floor(axis.high / step)
    return [n * step for n in range(first, last + 1)]


def short(paise: float) -> str:
    """An amount for the edge of a picture: ``−₹4,500``, ``₹2.5 L``, ``₹1.2 Cr``."""
    size, sign = abs(paise), "−" if paise < 0 else ""
    if size < _LAKH:
        return sign + whole(round(size))
    unit, name = (_CRORE, "Cr") if size >= _CRORE else (_LAKH, "L")
    return f"{sign}₹{size / unit:.4g} {name}"


def whole(paise: int) -> str:
    """An amount without its paise, rounded: ``−₹1,23,457``."""
    return rupees(_rounded(paise))[:-3]


def signed(paise: int | None) -> str:
    """A gain or loss without its paise, with its sign; ``unknown``."""
    if paise is None:
        return "unknown"
    return f"{'+' if _rounded(paise) > 0 else ''}{whole(paise)}"


def brief(paise: int | None) -> str:
    """The same where there is little room: from a crore on in crores."""
    if paise is None or abs(paise) < _CRORE:
        return signed(paise)
    return f"{'+' if paise > 0 else ''}{short(paise)}"


def level(paise: float) -> str:
    """A price of the underlying: grouped, without paise that are none."""
    text = rupees(round(paise)).replace("₹", "")
    return text.removesuffix(".00")


def _rounded(paise: int) -> int:
    return round(paise / _RUPEE) * _RUPEE
