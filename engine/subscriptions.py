"""What the feed shall carry, the most urgent first: sockets have room for so many, the rest comes by REST."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from engine.model import Instrument, InstrumentKey, Position

__all__ = ["wish_list"]


def wish_list(
    positions: Sequence[Position],
    exiting: frozenset[InstrumentKey],
    instruments: Mapping[InstrumentKey, Instrument],
) -> tuple[Instrument, ...]:
    """Each leg and its underlying, and what exits trade, as far as the master has them; each once.

    Running exits come first, then underlyings, which guard the prices of all their options, then legs
    by expiry.

    Args:
        positions: those that are watched.
        exiting: contracts of running exits, also of positions that no row shows any more.
        instruments: the instrument master.
    """
    legs = {leg.key: leg.instrument for position in positions for leg in position.legs}
    spots = {leg.underlying for leg in legs.values() if leg.underlying is not None}
    wanted = (legs.keys() | spots | exiting) & instruments.keys()

    def rank(key: InstrumentKey) -> tuple[int, date, InstrumentKey]:
        return _group(key, exiting, spots), instruments[key].expiry or date.max, key

    return tuple(instruments[key] for key in sorted(wanted, key=rank))


def _group(key: InstrumentKey, trading: Container[InstrumentKey], spots: Container[InstrumentKey]) -> int:
    return 0 if key in trading else 1 if key in spots else 2
