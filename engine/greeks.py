"""Black-76 on a forward: what an option is worth, what volatility its price implies, how it moves.

Prices are rupees as floats: a model's numbers steer a display and a few rules, never the books.
Values are undiscounted. A month at 6.5 % moves a premium by half a per cent, less than a spread, and
a forward that comes from the same options' parity carries the interest already.

Source: F. Black, "The pricing of commodity contracts", 1976. Index and stock options in India are
European, so the same formula serves both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, isfinite, log, pi, sqrt

from engine.model import Right

__all__ = ["Greeks", "greeks", "implied_vol", "price", "years_between"]

#: Calendar days of a year: the clock of theta and of the time to settlement.
DAYS_PER_YEAR = 365.0
#: The last minute before settlement: with less time left the model has nothing to say.
FLOOR_S = 60.0
#: Volatilities that are looked for: a fiftieth of a per cent to twenty times the spot a year.
LEAST_VOL, MOST_VOL = 2e-4, 20.0

_SECONDS_PER_YEAR = DAYS_PER_YEAR * 86_400
_SQRT_2 = sqrt(2.0)
_SQRT_2PI = sqrt(2.0 * pi)
_STEPS = 100
_CLOSE_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True)
class Greeks:
    """How one unit of an option moves.

    Attributes:
        delta: rupees per rupee of the forward.
        gamma: delta per rupee of the forward.
        theta: rupees per calendar day; negative, as a holder loses it.
        vega: rupees per percentage point of volatility.
    """

    delta: float
    gamma: float
    theta: float
    vega: float


def years_between(now_s: float, settlement_s: float) -> float:
    """Time to settlement in years of 365 days, never less than a minute."""
    return max(settlement_s - now_s, FLOOR_S) / _SECONDS_PER_YEAR


def price(forward: float, strike: float, years: float, vol: float, right: Right) -> float:
    """Value of one unit in rupees; intrinsic when no volatility or no time is left."""
    inside = max(forward - strike if right is Right.CALL else strike - forward, 0.0)
    return inside + _time_value(forward, strike, vol * sqrt(max(years, 0.0)))


def greeks(forward: float, strike: float, years: float, vol: float, right: Right) -> Greeks:
    """How one unit moves; without volatility or time only delta is left, 0 or 1 in size."""
    sign = 1.0 if right is Right.CALL else -1.0
    spread = vol * sqrt(max(years, 0.0))
    if spread <= 0:
        return Greeks(sign if sign * (forward - strike) > 0 else 0.0, 0.0, 0.0, 0.0)
    d1 = log(forward / strike) / spread + spread / 2
    density = exp(-d1 * d1 / 2) / _SQRT_2PI
    return Greeks(
        delta=sign * _normal(sign * d1),
        gamma=density / (forward * spread),
        theta=-forward * density * vol / (2 * sqrt(years)) / DAYS_PER_YEAR,
        vega=forward * density * sqrt(years) / 100,
    )


def implied_vol(value: float, forward: float, strike: float, years: float, right: Right) -> float | None:
    """The volatility at which the model gives this value (0.14 is 14 % a year).

    Solved on the logarithm of the time value, which is smooth from the deepest wing to the money:
    Newton's step where it stays between the bounds known so far, else their middle.

    Returns:
        None where no volatility explains the price: at or below intrinsic value, at or above what
        the option can ever be worth, beyond `MOST_VOL`, or not a number.
    """
    inside = max(forward - strike if right is Right.CALL else strike - forward, 0.0)
    wanted = value - inside
    root = sqrt(max(years, 0.0))
    # the time value of call and put is the same, and never above the smaller of the two prices
    if not (isfinite(wanted) and 0.0 < wanted < min(forward, strike) and root > 0.0):
        return None
    low, high = LEAST_VOL, MOST_VOL
    if _time_value(forward, strike, high * root) < wanted:
        return None
    if _time_value(forward, strike, low * root) > wanted:
        return None
    vol = min(max(sqrt(2.0 * abs(log(forward / strike))) / root, 0.01), 5.0)  # where vega is largest
    for _ in range(_STEPS):
        seen = _time_value(forward, strike, vol * root)
        low, high = (vol, high) if seen < wanted else (low, vol)
        slope = _vega(forward, strike, vol * root) * root
        step = log(seen / wanted) * seen / slope if seen > 0.0 and slope > 0.0 else float("inf")
        following = vol - step
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - vol) <= _CLOSE_ENOUGH * vol:
            return following
        vol = following
    return vol


def _time_value(forward: float, strike: float, spread: float) -> float:
    """What the out-of-the-money option of the strike is worth; the other one has the same on top."""
    if spread <= 0:
        return 0.0
    d1 = log(forward / strike) / spread + spread / 2
    if strike >= forward:
        return max(forward * _normal(d1) - strike * _normal(d1 - spread), 0.0)
    return max(strike * _normal(spread - d1) - forward * _normal(-d1), 0.0)


def _vega(forward: float, strike: float, spread: float) -> float:
    d1 = log(forward / strike) / spread + spread / 2
    return forward * exp(-d1 * d1 / 2) / _SQRT_2PI


def _normal(x: float) -> float:
    """The standard normal distribution, exact in the far left tail too."""
    return 0.5 * erfc(-x / _SQRT_2)
