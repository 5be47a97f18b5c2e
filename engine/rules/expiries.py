"""When a position's legs expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from engine.model import Position


def nearest_expiry(position: Position) -> date | None:
    """The earliest expiry among the open legs; None when nothing expires."""
    dates = [leg.instrument.expiry for leg in position.legs if leg.instrument.expiry is not None]
    return min(dates, default=None)
