"""Black-76: the price of an option on a forward, and its sensitivities."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, log, pi, sqrt

_SQRT_2 = sqrt(2.0)
_SQRT_2PI = sqrt(2.0 * pi)


@dataclass(frozen=True, slots=True)
class Greeks:
    """Sensitivities of one option.

    Attributes:
        delta: rupees per rupee of the forward.
        gamma: delta per rupee of the forward.
        theta: rupees per calendar day (negative for a holder).
        vega: rupees per percentage point of volatility.
    """

    delta: float
    gamma: float
    theta: float
    vega: float


def price(forward: float, strike: float, years: float, vol: float, *, call: bool) -> float:
    """Undiscounted value in rupees; intrinsic when no time or no volatility is left."""
    spread = vol * sqrt(years) if years > 0 else 0.0
    if spread <= 0:
        return max(0.0, forward - strike if call else strike - forward)
    d1 = log(forward / strike) / spread + spread / 2
    sign = 1.0 if call else -1.0
    return sign * (forward * _normal(sign * d1) - strike * _normal(sign * (d1 - spread)))


def greeks(forward: float, strike: float, years: float, vol: float, *, call: bool) -> Greeks:
    """Sensitivities; at expiry only delta is left (0 or 1 in size)."""
    spread = vol * sqrt(years) if years > 0 else 0.0
    if spread <= 0:
        inside = forward > strike if call else forward < strike
        return Greeks((1.0 if call else -1.0) if inside else 0.0, 0.0, 0.0, 0.0)
    d1 = log(forward / strike) / spread + spread / 2
    density = exp(-d1 * d1 / 2) / _SQRT_2PI
    delta = _normal(d1) if call else _normal(d1) - 1.0
    theta = -forward * density * vol / (2 * sqrt(years)) / 365
    return Greeks(delta, density / (forward * spread), theta, forward * density * sqrt(years) / 100)


def smile(base: float, forward: float, strike: float, years: float) -> float:
    """Volatility at a strike: puts dearer than calls, wings dearer than the middle."""
    distance = log(strike / forward) / max(sqrt(years), 0.05)
    distance = max(-1.5, min(1.5, distance))
    return base * (1.0 - 0.35 * distance + 0.9 * distance * distance)


def _normal(x: float) -> float:
    return 0.5 * erfc(-x / _SQRT_2)
