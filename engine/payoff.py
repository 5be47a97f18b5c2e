"""The exact payoff at expiry of one underlying's legs: best, worst, where it turns, what it risks.

Between strikes the payoff is a straight line, so its corners (zero and the strikes) and the slope
right of the last strike say everything. All in integer paise; only a breakeven may be a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.model import InstrumentKind, Right

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model import Leg


@dataclass(frozen=True, slots=True)
class Payoff:
    """What the legs can come to when they expire together.

    Attributes:
        net_premium_paise: received for the options (> 0, a credit) or paid (< 0, a debit).
        max_profit_paise: None = unbounded, or not computable.
        max_loss_paise: the worst P&L, so mostly negative; None = unbounded, or not computable.
        breakevens_paise: prices of the underlying at which the P&L is zero, ascending; of a stretch
            that is zero throughout, both ends.
        defined_risk: the loss stops growing on either side; None = not computable. A naked short
            put is not defined although its loss at a price of zero is finite.
        flat_beyond: the payoff is flat beyond both outer strikes; None = not computable.
        one_expiry: False for calendars and diagonals, of which nothing but the premium is known.
    """

    net_premium_paise: int
    max_profit_paise: int | None = None
    max_loss_paise: int | None = None
    breakevens_paise: tuple[Fraction, ...] = ()
    defined_risk: bool | None = None
    flat_beyond: bool | None = None
    one_expiry: bool = False


def payoff(legs: Sequence[Leg], made_paise: int = 0) -> Payoff:
    """Work out the payoff of legs on one underlying.

    Args:
        legs: those that are held.
        made_paise: what the position has realised before; it counts in profit, loss and breakevens.

    Raises:
        BadInput: there are no legs, or one has no entry price.
    """
    if not legs:
        raise BadInput("a position without legs has no payoff")
    premium = sum(-leg.quantity * entry_price(leg) for leg in legs if _is_option(leg))
    if len({leg.instrument.expiry for leg in legs}) > 1:
        return Payoff(premium)
    corners = sorted({0} | {strike(leg) for leg in legs if _is_option(leg)})
    values = [made_paise + at_expiry(legs, corner) for corner in corners]
    left, right = slopes((leg.instrument.right, leg.quantity) for leg in legs)
    return Payoff(
        net_premium_paise=premium,
        max_profit_paise=None if right > 0 else max(values),
        max_loss_paise=None if right < 0 else min(values),
        breakevens_paise=_breakevens(corners, values, right),
        defined_risk=right >= 0 and left <= 0,
        flat_beyond=right == 0 and left == 0,
        one_expiry=True,
    )


def slopes(legs: Iterable[tuple[Right | None, int]]) -> tuple[int, int]:
    """Units that the payoff gains per paisa: left of the lowest strike, right of the highest.

    Above 0 on the left, or below 0 on the right, the loss grows without end. Legs of several expiries
    count as if they all still stood.

    Args:
        legs: what each is, None = no option, and its signed units.
    """
    left = right = 0
    for kind, units in legs:
        left += 0 if kind is Right.CALL else -units if kind is Right.PUT else units
        right += 0 if kind is Right.PUT else units
    return left, right


def entry_price(leg: Leg) -> int:
    """The leg's entry price in paise per unit.

    Raises:
        BadInput: it has none; a replay fills it in from the first quote before it asks.
    """
    if leg.entry_price_paise is None:
        raise BadInput(
            f"{leg.instrument.display}: the entry price is empty; a price in rupees was expected "
            f"(column price of row {leg.row_id})"
        )
    return leg.entry_price_paise


def strike(leg: Leg) -> int:
    """The option's strike in paise.

    Raises:
        BadInput: the instrument master gives none.
    """
    if leg.instrument.strike_paise is None:
        raise BadInput(f"{leg.instrument.display}: an option without a strike price")
    return leg.instrument.strike_paise


def intrinsic(right: Right, strike_paise: int, underlying_paise: int) -> int:
    """What exercising now would bring, paise per unit, never below zero."""
    gain = underlying_paise - strike_paise
    return max(gain if right is Right.CALL else -gain, 0)


def _is_option(leg: Leg) -> bool:
    return leg.instrument.kind is InstrumentKind.OPTION


def at_expiry(legs: Sequence[Leg], underlying_paise: int) -> int:
    """P&L of all legs when they expire together with the underlying there.

    Raises:
        BadInput: a leg has no entry price, or an option no strike.
    """
    total = 0
    for leg in legs:
        end = underlying_paise
        if leg.instrument.right is not None:
            end = intrinsic(leg.instrument.right, strike(leg), underlying_paise)
        total += leg.quantity * (end - entry_price(leg))
    return total


def _breakevens(corners: Sequence[int], values: Sequence[int], right_slope: int) -> tuple[Fraction, ...]:
    """Zero corners, crossings between neighbours, and one beyond the last corner if the line leads there."""
    found = [Fraction(corner) for corner, value in zip(corners, values, strict=True) if value == 0]
    for (x0, y0), (x1, y1) in pairwise(zip(corners, values, strict=True)):
        if y0 * y1 < 0:
            found.append(x0 + Fraction(-y0 * (x1 - x0), y1 - y0))
    if values[-1] * right_slope < 0:
        found.append(corners[-1] - Fraction(values[-1], right_slope))
    return tuple(sorted(found))
