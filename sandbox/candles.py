"""The day in bars: one-minute candles from the quotes that went by, and longer ones made of them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import InstrumentKey
    from sandbox.quotes import Quote

_MINUTE_S = 60
_WIDTH = 7


class Bar(NamedTuple):
    """What happened from ``start_s`` (epoch seconds) on; prices in paise, volume in units of that time."""

    start_s: int
    open_paise: int
    high_paise: int
    low_paise: int
    close_paise: int
    volume: int
    oi: int


class Candles:
    """Every contract's minutes, packed: a day of the whole market takes some ten megabytes."""

    def __init__(self) -> None:
        """Nothing went by yet."""
        self._bars: dict[InstrumentKey, array[int]] = {}
        self._volumes: dict[InstrumentKey, int] = {}

    def note(self, quote: Quote, now_s: float) -> None:
        """Take a quote in as of this moment; one without a last price says nothing."""
        last = quote.ltp_paise
        if not last:
            return
        traded = quote.volume - self._volumes.get(quote.key, quote.volume)
        self._volumes[quote.key] = quote.volume
        start_s = int(now_s) // _MINUTE_S * _MINUTE_S
        bars = self._bars.setdefault(quote.key, array("q"))
        if not bars or bars[-_WIDTH] != start_s:
            bars.extend((start_s, last, last, last, last, traded, quote.oi))
            return
        bars[-5] = max(bars[-5], last)
        bars[-4] = min(bars[-4], last)
        bars[-3] = last
        bars[-2] += traded
        bars[-1] = quote.oi

    def minutes(self, key: InstrumentKey) -> Iterator[Bar]:
        """One-minute bars, oldest first; minutes without a quote are missing."""
        packed = self._bars.get(key, array("q"))
        return (Bar(*packed[at : at + _WIDTH]) for at in range(0, len(packed), _WIDTH))


def joined(bars: Iterable[Bar], step_s: int, origin_s: int) -> Iterator[Bar]:
    """Longer bars made of shorter ones, each beginning a whole number of steps after ``origin_s``."""
    last: Bar | None = None
    for bar in bars:
        start_s = (bar.start_s - origin_s) // step_s * step_s + origin_s
        if last is None or last.start_s != start_s:
            if last is not None:
                yield last
            last = bar._replace(start_s=start_s)
            continue
        last = Bar(
            start_s=start_s,
            open_paise=last.open_paise,
            high_paise=max(last.high_paise, bar.high_paise),
            low_paise=min(last.low_paise, bar.low_paise),
            close_paise=bar.close_paise,
            volume=last.volume + bar.volume,
            oi=bar.oi,
        )
    if last is not None:
        yield last
