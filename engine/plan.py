"""From a position to the sequence that closes it, or a part of it: shorts first, whole lots, slices."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from engine.intents import Contract, LegPlan
from engine.model import Right, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.intents import Intent
    from engine.model import Instrument, InstrumentKey, Leg, Position

__all__ = ["plan_exit", "rows_after", "slice_quantity"]

SHORTS, LONGS = 0, 1


def plan_exit(
    position: Position,
    earlier: Iterable[Intent] = (),
    closes: int | None = None,
    level_paise: int | None = None,
) -> list[LegPlan]:
    """Plan the exit of a position: one entry a contract, shorts before longs.

    Rows of the same contract are one entry; rows that cancel out are none. Shorts come first because
    a margin account is refused, or punished, when the hedge goes first, and because a failure
    half-way then leaves only longs (bounded risk). Of a part each contract gives the same share, in
    whole lots, so that what stays is hedged as before.

    Within each of the two the contract that is most in the money, or nearest to it, comes first, futures
    before all options: a short there loses fastest and blocks most margin, a long there is worth most
    and falls fastest; the long farthest out of the money is worth least and goes last. Contracts that are
    equally far, and all of them where the underlying's level is not known, keep the position's order.

    Args:
        position: as the trade store has it.
        earlier: its exits that ended before they were done; what they traded is not traded again, as
            long as the store still has the rows that they were planned from.
        closes: combinations to close, out of `Position.combinations`; None = all.
        level_paise: where the underlying is, spot or forward; None = not known.
    """
    held: dict[InstrumentKey, list[Leg]] = {}
    for leg in position.legs:
        held.setdefault(leg.key, []).append(leg)
    share = Fraction(1 if closes is None else closes, 1 if closes is None else position.combinations)
    legs = [_leg(held[key], net, share) for key, net in position.nets.items() if net]
    for intent in earlier:
        for index, done in enumerate(intent.legs):
            for plan in legs:
                if (plan.key, plan.side, plan.rows) == (done.key, done.side, done.rows):
                    units, turnover = intent.traded(index)
                    plan.before += units
                    plan.before_paise += turnover
    return sorted(legs, key=lambda leg: (leg.rank, _out_of_the_money(leg.contract, level_paise)))


def slice_quantity(instrument: Instrument) -> int:
    """The largest whole-lot order below the freeze quantity, in units.

    A freeze quantity that nobody has published means no slicing until a refusal says so
    (`engine.refusals`): a wrong guess would be worse.
    """
    if instrument.freeze_quantity is None:
        return 10**9 // instrument.lot * instrument.lot
    return max(instrument.freeze_quantity // instrument.lot, 1) * instrument.lot


def rows_after(leg: LegPlan, units: int) -> dict[int, int]:
    """Signed units that each row of a contract keeps when so many units of it have been traded.

    Each row gives its share in whole lots as far as that goes, so that what stays was entered at the
    same average; the odd lots come off the oldest rows. Rows that stand against the contract's net stay.
    """
    left = dict(leg.rows)
    towards = {row: held for row, held in leg.rows.items() if held * leg.side.sign < 0}
    total = sum(map(abs, towards.values()))
    for row, held in towards.items():
        share = abs(held) * min(units, total) // total
        left[row] += leg.side.sign * (share - share % leg.lot)
    for row in sorted(towards):
        odd = min(units - sum(abs(leg.rows[each] - left[each]) for each in towards), abs(left[row]))
        left[row] += leg.side.sign * max(odd, 0)
    return left


def _out_of_the_money(contract: Contract | None, level_paise: int | None) -> float:
    """How far an option's strike is from being worth something, in paise; below 0 in the money."""
    if contract is None or level_paise is None:
        return 0
    if contract.strike_paise is None or contract.right is None:
        return float("-inf")
    away = contract.strike_paise - level_paise
    return away if contract.right is Right.CALL else -away


def _leg(legs: Sequence[Leg], net: int, share: Fraction) -> LegPlan:
    instrument = legs[0].instrument
    side = Side.BUY if net < 0 else Side.SELL
    quantity = int(abs(net) * share)
    return LegPlan(
        key=instrument.key,
        name=instrument.display,
        side=side,
        quantity=quantity,
        rank=SHORTS if net < 0 else LONGS,
        lot=instrument.lot,
        tick_paise=instrument.tick_paise,
        slice_quantity=slice_quantity(instrument),
        rows={leg.row_id: leg.quantity for leg in legs},
        keeps=abs(net) - quantity,
        prices_paise={leg.row_id: leg.entry_price_paise for leg in legs if leg.entry_price_paise is not None},
        lower_paise=instrument.lower_paise,
        upper_paise=instrument.upper_paise,
        contract=Contract(instrument.right, instrument.strike_paise, instrument.expiry),
        delivers=not instrument.index_option,
    )
