"""How a whole position moves, by the model: its delta, its theta, the time value it has sold.

Quantities are signed units, amounts paise, Greeks floats: a model's numbers steer a display and a
few rules, never the books. What cannot be worked out is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, NamedTuple

from engine.greeks import Greeks, greeks, implied_vol, years_between
from engine.model import Right
from engine.payoff import entry_price, intrinsic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from engine.model import Instrument, InstrumentKey, Leg

_LINEAR = Greeks(delta=1.0, gamma=0.0, theta=0.0, vega=0.0)
_PAISE = 100
#: Delta and gamma say nothing of moves beyond this share of the underlying's price.
_FAR = 0.1


#: By contract, mark, and forward and years of its expiry: how one unit moves.
Moves = dict[tuple["InstrumentKey", int, "tuple[int | None, float] | None"], Greeks | None]


class Part(NamedTuple):
    """One leg at its present mark, paise per unit."""

    instrument: Instrument
    quantity: int
    mark_paise: int


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """A position by the model.

    Attributes:
        level_paise: where the underlying stands: its price, else the forward of the nearest expiry.
        value_paise: what the legs are worth at mark.
        delta: paise of P&L per paisa of the underlying.
        gamma: delta per rupee of the underlying.
        theta_paise: P&L of one calendar day.
        unit_delta: delta of one unit of a combination, the smallest whole share of the position.
        short_delta: the largest delta, in size, of a sold option; None also when none was sold.
        extrinsic_paise: time value of all sold options.
        vega_paise: P&L of one percentage point of volatility, of all legs alike.
    """

    level_paise: int | None
    value_paise: int
    delta: float | None
    gamma: float | None
    theta_paise: float | None
    unit_delta: float | None
    short_delta: float | None
    extrinsic_paise: int | None
    vega_paise: float | None = None


def sensitivity(
    parts: Sequence[Part],
    spot_paise: int | None,
    forwards_both_paise: Mapping[date, int | None],
    settled_s: Mapping[date, float],
    now_s: float,
    unit: int,
    moves: Moves,
) -> Sensitivity:
    """Work out how the legs move together.

    Args:
        parts: all open legs.
        spot_paise: the underlying's believable price, if there is one.
        forwards_both_paise: twice the forward of each expiry (`engine.parity`); None = unknown.
        settled_s: when each expiry is settled.
        now_s: the moment.
        unit: how many combinations there are, in units: the greatest common share of all legs.
        moves: what is worked out of this moment already; what is worked out here is added.
    """
    clocks = {
        expiry: (forwards_both_paise[expiry], years_between(now_s, at_s))
        for expiry, at_s in settled_s.items()
    }
    moved = [(part, _known(part, clocks, moves)) for part in parts]
    known = [(part, move) for part, move in moved if move is not None]
    sold = [(part, move) for part, move in moved if part.quantity < 0 and part.instrument.right is not None]
    deltas = [abs(move.delta) for _, move in sold if move is not None]
    whole = len(known) == len(moved)
    delta = sum(part.quantity * move.delta for part, move in known) if whole else None
    return Sensitivity(
        level_paise=_level_paise(spot_paise, forwards_both_paise),
        value_paise=sum(part.quantity * part.mark_paise for part in parts),
        delta=delta,
        gamma=sum(part.quantity * move.gamma for part, move in known) if whole else None,
        theta_paise=sum(part.quantity * move.theta * _PAISE for part, move in known) if whole else None,
        unit_delta=None if delta is None else delta / unit,
        short_delta=max(deltas) if sold and len(deltas) == len(sold) else None,
        extrinsic_paise=None if spot_paise is None else sum(_extrinsic(part, spot_paise) for part, _ in sold),
        vega_paise=sum(part.quantity * move.vega * _PAISE for part, move in known) if whole else None,
    )


def points_to(model: Sensitivity, change_paise: int) -> float | None:
    """How far the underlying has to go, in rupees and signed, for the P&L to change by that much.

    By delta and gamma, the nearer of two ways; None where neither leads there within a tenth of the
    underlying's price, beyond which they are no guide.
    """
    if model.delta is None or model.gamma is None or model.level_paise is None:
        return None
    change, bend = change_paise / _PAISE, model.gamma / 2
    under = model.delta**2 + 4 * bend * change
    if under < 0:
        return None
    root = sqrt(under)
    # the form that divides by the sum keeps its digits where the bend is next to nothing
    divisors = (model.delta + root, model.delta - root)
    ways = [2 * change / divisor for divisor in divisors if divisor]
    way = min(ways, key=abs, default=inf)
    return way if abs(way) <= model.level_paise / _PAISE * _FAR else None


def entry_extrinsic_paise(legs: Sequence[Leg], spot_paise: int) -> int:
    """The time value of all sold options at their entry prices, with the underlying there."""
    return sum(
        _extrinsic(Part(leg.instrument, leg.quantity, entry_price(leg)), spot_paise)
        for leg in legs
        if leg.quantity < 0 and leg.instrument.right is not None
    )


def _level_paise(spot_paise: int | None, forwards_both_paise: Mapping[date, int | None]) -> int | None:
    """Where the underlying stands, as nearly as that is known."""
    if spot_paise is not None:
        return spot_paise
    known = [both_paise for _, both_paise in sorted(forwards_both_paise.items()) if both_paise is not None]
    return known[0] // 2 if known else None


def _extrinsic(part: Part, spot_paise: int) -> int:
    """The time value of one leg of sold options; below zero where it trades under its intrinsic value."""
    right, strike_paise = part.instrument.right, part.instrument.strike_paise
    if right is None or strike_paise is None:
        return 0
    return abs(part.quantity) * (part.mark_paise - intrinsic(right, strike_paise, spot_paise))


def _known(part: Part, clocks: Mapping[date, tuple[int | None, float]], moves: Moves) -> Greeks | None:
    """The same, worked out once for all positions that hold the contract at that mark."""
    expiry = part.instrument.expiry
    name = (part.instrument.key, part.mark_paise, None if expiry is None else clocks[expiry])
    if name not in moves:
        moves[name] = _greeks(part, clocks)
    return moves[name]


def _greeks(part: Part, clocks: Mapping[date, tuple[int | None, float]]) -> Greeks | None:
    """One unit of a leg; an option at or below intrinsic value moves like the underlying or not at all."""
    right, expiry = part.instrument.right, part.instrument.expiry
    if right is None:
        return _LINEAR
    both_paise, years = (None, 0.0) if expiry is None else clocks[expiry]
    if both_paise is None or both_paise <= 0 or not part.instrument.strike_paise:
        return None
    forward = both_paise / (2 * _PAISE)
    strike_rupees, value = part.instrument.strike_paise / _PAISE, part.mark_paise / _PAISE
    vol = implied_vol(value, forward, strike_rupees, years, right)
    if vol is None:
        inside = forward - strike_rupees if right is Right.CALL else strike_rupees - forward
        if value > max(inside, 0.0):
            return None  # no volatility explains it
        vol = 0.0
    return greeks(forward, strike_rupees, years, vol, right)
