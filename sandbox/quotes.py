"""What the exchange shows of one contract, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Instrument, InstrumentKey
    from sandbox.black76 import Greeks

DEPTH = 5


class Level(NamedTuple):
    """One price level: price in paise, units shown, number of orders behind them."""

    price_paise: int
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True)
class Quote:
    """One contract at one moment. A new object is a new quote: identity tells them apart.

    Attributes:
        bids, asks: best level first, at most five; empty = nobody on that side.
        ltp_paise: last traded price; 0 = never traded.
        ltt_s: its moment in whole epoch seconds (UTC); 0 = never.
        average_paise: the day's volume-weighted average price.
        previous_close_paise: yesterday's settlement; what Dhan calls ``close`` all day long.
        lower_circuit_paise, upper_circuit_paise: the day's operating range.
    """

    key: InstrumentKey
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    ltp_paise: int = 0
    ltt_s: int = 0
    last_quantity: int = 0
    average_paise: int = 0
    volume: int = 0
    oi: int = 0
    oi_high: int = 0
    oi_low: int = 0
    previous_oi: int = 0
    open_paise: int = 0
    high_paise: int = 0
    low_paise: int = 0
    previous_close_paise: int = 0
    lower_circuit_paise: int = 5
    upper_circuit_paise: int = 100_000_000

    @property
    def bid_paise(self) -> int:
        """Best bid; 0 when there is none."""
        return self.bids[0].price_paise if self.bids else 0

    @property
    def ask_paise(self) -> int:
        """Best ask; 0 when there is none."""
        return self.asks[0].price_paise if self.asks else 0

    @property
    def reference_paise(self) -> int:
        """What a limit price is measured against: the middle of the book, else the last trade."""
        if self.bids and self.asks:
            return (self.bid_paise + self.ask_paise) // 2
        return self.ltp_paise or self.previous_close_paise


class QuoteSource(Protocol):
    """A market the exchange can stand on: generated, or a recorded day."""

    @property
    def instruments(self) -> Mapping[InstrumentKey, Instrument]:
        """Everything that is listed."""

    def quote(self, key: InstrumentKey) -> Quote | None:
        """The present quote; None for something never quoted."""

    def step(self, now_s: float) -> None:
        """Let time pass until this moment."""

    def take_changes(self) -> set[InstrumentKey]:
        """Keys whose quote changed since the last call."""

    def sensitivities(self, option: Instrument) -> tuple[float, Greeks]:
        """Volatility (fraction) and greeks of an option; zeros where the market does not know them."""
