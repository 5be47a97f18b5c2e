"""What may be made of a difference between store and broker, and what that takes off the rows.

*Adopt*: the broker is right, and the rows in the store are made to say so. *Shrink*: the same for our own
sums only, the store is left alone. *Stop watching*: nothing is judged of it until its rows are others. Rows
are only ever taken down towards zero, and only where it is certain whose they are: what the broker does not
list is unknown, what has turned round is another position, and what is more has no entry price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import RowPart
from engine.messages import Wish
from engine.model import Mode
from engine.plan import rows_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.intents import LegPlan
    from engine.model import InstrumentKey, Position
    from engine.reconcile import Difference

__all__ = ["WRITES", "choices", "lesser", "parts"]

#: Modes in which the store is written to.
WRITES = frozenset({Mode.SEMI_AUTO, Mode.EXECUTE})


def choices(position: Position, found: Sequence[Difference], mode: Mode) -> tuple[Wish, ...]:
    """What the owner may make of these differences; on paper there is no other truth to go by."""
    less = bool(lesser(position, found)) and mode is not Mode.SIMULATE
    adopt = (Wish.ADOPT,) if less and mode in WRITES else ()
    shrink = (Wish.SHRINK,) if less else ()
    held = (Wish.RESUME,) if any(not each.more for each in found) else ()
    return (*adopt, *shrink, Wish.UNWATCH, *held)


def lesser(position: Position, found: Sequence[Difference]) -> dict[InstrumentKey, int]:
    """Contracts of which the rows can follow the broker, and the net units that it holds; empty = none can.

    It is all or nothing: legs of which one only could be corrected would stay another position than held.
    """
    lots = {leg.key: leg.instrument.lot for leg in position.legs}
    nets, wanted = dict(position.nets), {each.key: each.theirs or 0 for each in found if not each.more}
    certain = all(
        each.theirs is not None
        and each.ours == nets[each.key]  # no exit has traded of it
        and each.positions == (position.id,)
        and each.ours * each.theirs >= 0
        and abs(each.theirs) < abs(each.ours)
        and each.theirs % lots[each.key] == 0
        for each in found
        if not each.more
    )
    something_left = any((nets | wanted).values())  # what is all gone ends by itself
    return wanted if certain and something_left else {}


def parts(legs: Iterable[LegPlan], wanted: Mapping[InstrumentKey, int]) -> tuple[RowPart, ...]:
    """What is taken off each row, so that its contract has so many net units; at no known price."""
    taken: list[RowPart] = []
    for leg in legs:
        if leg.key in wanted:
            units = abs(sum(leg.rows.values())) - abs(wanted[leg.key])
            left = rows_after(leg, units)
            taken += [
                RowPart(row, abs(held), abs(left[row]), None)
                for row, held in leg.rows.items()
                if left[row] != held
            ]
    return tuple(taken)
