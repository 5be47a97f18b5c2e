"""What is left of the shown quotes after our own fills: nobody may trade the same quantity twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Side

if TYPE_CHECKING:
    from engine.model import InstrumentKey
    from sandbox.quotes import Quote


class Liquidity:
    """Remembers, per contract, what was taken from the quote that stands now."""

    def __init__(self) -> None:
        """Nothing is taken yet."""
        self._taken: dict[InstrumentKey, tuple[Quote, dict[tuple[Side, int], int]]] = {}

    def take(self, quote: Quote, side: Side, limit_paise: int, units: int) -> list[tuple[int, int]]:
        """Fill up to ``units`` of an order for ``side`` at its limit or better.

        Returns (price in paise, units) per level, best first; empty when the quote does not cross.
        """
        stands, taken = self._taken.get(quote.key, (quote, {}))
        if stands is not quote:
            taken = {}
        self._taken[quote.key] = (quote, taken)
        fills: list[tuple[int, int]] = []
        for level in quote.asks if side is Side.BUY else quote.bids:
            if (level.price_paise - limit_paise) * side.sign > 0 or not units:
                break
            left = level.quantity - taken.get((side, level.price_paise), 0)
            got = min(left, units)
            if got > 0:
                taken[side, level.price_paise] = taken.get((side, level.price_paise), 0) + got
                fills.append((level.price_paise, got))
                units -= got
        return fills
