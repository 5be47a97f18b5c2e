"""From a fair value to a book: spread, five levels, trades of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.noise import scatter
from sandbox.quotes import DEPTH, Level, Quote

if TYPE_CHECKING:
    from engine.model import Instrument

_MAX_LOTS = 40


class Tape:
    """One contract's day: what has traded and what is shown now."""

    __slots__ = (
        "_high", "_instrument", "_low", "_ltp", "_ltt_s", "_oi", "_oi_high", "_oi_low", "_open",
        "_previous_close", "_previous_oi", "_quantity", "_range", "_turnover", "_volume", "quote",
    )  # fmt: skip

    def __init__(
        self, instrument: Instrument, close_paise: int, range_paise: tuple[int, int], oi: int
    ) -> None:
        """Begin the day at yesterday's close and open interest, within an operating range (low, high)."""
        self._instrument = instrument
        self._previous_close = close_paise
        self._range = range_paise
        self._oi = self._oi_high = self._oi_low = self._previous_oi = oi
        self._open = self._high = self._low = self._ltp = 0
        self._ltt_s = self._quantity = self._volume = self._turnover = 0
        self.quote = Quote(instrument.key)

    def trade(self, price_paise: int, quantity: int, now_s: float) -> None:
        """Somebody traded."""
        self._open = self._open or price_paise
        self._high = max(self._high, price_paise)
        self._low = min(self._low or price_paise, price_paise)
        self._ltp, self._ltt_s, self._quantity = price_paise, int(now_s), quantity
        self._volume += quantity
        self._turnover += quantity * price_paise
        if self._previous_oi:
            # Of four trades two open contracts, one passes them on and one closes them.
            opened = (quantity, quantity, 0, -quantity)[scatter(self._instrument.key, self._volume) & 3]
            self._oi = max(0, self._oi + opened)
            self._oi_high = max(self._oi_high, self._oi)
            self._oi_low = min(self._oi_low, self._oi)

    def limit(self, low_paise: int, high_paise: int) -> None:
        """The exchange moves the day's range."""
        self._range = low_paise, high_paise
        self.show(self.quote.bids, self.quote.asks)

    def show(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """Replace the book by a new one."""
        self.quote = Quote(
            key=self._instrument.key,
            bids=bids,
            asks=asks,
            ltp_paise=self._ltp,
            ltt_s=self._ltt_s,
            last_quantity=self._quantity,
            average_paise=self._turnover // self._volume if self._volume else 0,
            volume=self._volume,
            oi=self._oi,
            oi_high=self._oi_high,
            oi_low=self._oi_low,
            previous_oi=self._previous_oi,
            open_paise=self._open,
            high_paise=self._high,
            low_paise=self._low,
            previous_close_paise=self._previous_close,
            lower_circuit_paise=self._range[0],
            upper_circuit_paise=self._range[1],
        )


def touch(fair_paise: float, tick: int, width: float) -> tuple[int, int]:
    """Best bid and ask around a fair value, on the tick grid.

    ``width`` stretches the spread (distance from the money, violence). A bid of 0 means that nobody
    bids: the value is below one tick.
    """
    half = (fair_paise * 0.0015 + tick * 0.8) * width
    bid = max(0, int((fair_paise - half) // tick) * tick)
    ask = max(bid + tick, int(-((-fair_paise - half) // tick)) * tick)
    return bid, ask


def ladder(best_paise: int, step_paise: int, lot: int, interest: float, chance: int) -> tuple[Level, ...]:
    """Five levels away from the best price (``step_paise`` negative for bids), deeper ones larger.

    ``interest`` between 0 and 1 says how much is shown; ``chance`` is 64 scattered bits.
    """
    levels: list[Level] = []
    for depth in range(DEPTH):
        price_paise = best_paise + step_paise * depth
        if price_paise <= 0:
            break
        lots = 1 + int(((chance >> (8 * depth)) & 0xFF) / 256 * _MAX_LOTS * interest * (1 + depth / 2))
        levels.append(Level(price_paise, lots * lot, 1 + lots // 4))
    return tuple(levels)


def make_book(
    fair_paise: float, instrument: Instrument, width: float, interest: float, chance: int
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Bids and asks around a fair value."""
    tick = instrument.tick_paise
    bid, ask = touch(fair_paise, tick, width)
    step = max(tick, (ask - bid) // (3 * tick) * tick)
    return (
        ladder(bid, -step, instrument.lot, interest, chance),
        ladder(ask, step, instrument.lot, interest, scatter(chance)),
    )
