"""From a position to the sequence that closes it: shorts first, whole lots, slices below freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intents import LegPlan
from engine.model import Instrument, Position, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent
    from engine.model import InstrumentKey

__all__ = ["plan_exit", "slice_quantity"]

SHORTS, LONGS = 0, 1


def plan_exit(position: Position, earlier: Iterable[Intent] = ()) -> list[LegPlan]:
    """Plan the full exit of a position: one entry a contract, shorts before longs.

    Rows of the same contract are one entry; rows that cancel out are none. Shorts come first because
    a margin account is refused, or punished, when the hedge goes first, and because a failure
    half-way then leaves only longs (bounded risk).

    Args:
        position: as the trade store has it.
        earlier: its exits that ended before they were done; what they traded is not traded again, as
            long as the store still has the rows that they were planned from.
    """
    nets: dict[InstrumentKey, int] = {}
    rows: dict[InstrumentKey, dict[int, int]] = {}
    instruments: dict[InstrumentKey, Instrument] = {}
    for leg in position.legs:
        nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        rows.setdefault(leg.key, {})[leg.row_id] = leg.quantity
        instruments[leg.key] = leg.instrument
    legs = [_leg(instruments[key], net, rows[key]) for key, net in nets.items() if net]
    for intent in earlier:
        for index, done in enumerate(intent.legs):
            for plan in legs:
                if (plan.key, plan.side, plan.rows) == (done.key, done.side, done.rows):
                    units, turnover = intent.traded(index)
                    plan.before += units
                    plan.before_paise += turnover
    return sorted(legs, key=lambda leg: leg.rank)


def slice_quantity(instrument: Instrument) -> int:
    """The largest whole-lot order below the freeze quantity, in units.

    A freeze quantity the exchange has not published means no slicing: a wrong guess would be worse
    than a refusal that says so.
    """
    if instrument.freeze_quantity is None:
        return 10**9 // instrument.lot * instrument.lot
    return max(instrument.freeze_quantity // instrument.lot, 1) * instrument.lot


def _leg(instrument: Instrument, net: int, rows: dict[int, int]) -> LegPlan:
    side = Side.BUY if net < 0 else Side.SELL
    return LegPlan(
        key=instrument.key,
        name=instrument.display,
        side=side,
        quantity=abs(net),
        rank=SHORTS if net < 0 else LONGS,
        lot=instrument.lot,
        tick_paise=instrument.tick_paise,
        slice_quantity=slice_quantity(instrument),
        rows=rows,
    )
