"""What it costs to trade options: brokerage, taxes and fees of one executed order.

Rates are dated data (`engine/data/charges.toml`); the arithmetic is exact until the last rounding.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.model import Segment, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

_RUPEE = Decimal(100)
_CRORE_PAISE = Decimal(10_000_000 * 100)


@dataclass(frozen=True, slots=True)
class Rates:
    """The charges in force from one day on; fractions of the premium unless named otherwise.

    Attributes:
        exchange: the exchange's fee, per segment.
        gst: fraction of brokerage, exchange and SEBI fees together.
    """

    since: date
    brokerage_paise: Decimal
    stt_sell: Decimal
    stamp_buy: Decimal
    sebi: Decimal
    gst: Decimal
    exchange: Mapping[Segment, Decimal]

    def order_paise(self, segment: Segment, side: Side, quantity: int, price_paise: int) -> int:
        """Charges of one executed order in paise.

        The transaction tax (sellers) and the stamp duty (buyers) are rounded to whole rupees, as
        contract notes do; the sum is rounded to the paisa. The quantity is in units and positive,
        the price the average of the fills.

        Raises:
            KeyError: the segment has no option charges.
        """
        return self.turnover_paise(segment, side, quantity * price_paise)

    def turnover_paise(self, segment: Segment, side: Side, turnover_paise: int) -> int:
        """The same of an order whose fills came to so much together, at whatever prices.

        Raises:
            KeyError: the segment has no option charges.
        """
        premium = Decimal(turnover_paise)
        fees = self.brokerage_paise + premium * (self.exchange[segment] + self.sebi)
        duty = premium * (self.stt_sell if side is Side.SELL else self.stamp_buy)
        duty = (duty / _RUPEE).quantize(Decimal(1), ROUND_HALF_UP) * _RUPEE
        return int((fees * (1 + self.gst) + duty).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class ChargeTable:
    """All known rates, oldest first."""

    rates: tuple[Rates, ...]

    @classmethod
    def parse(cls, text: str) -> ChargeTable:
        """Read the table.

        Raises:
            ConfigError: not TOML, or a key is missing.
        """
        try:
            rows = tomllib.loads(text, parse_float=Decimal)["charges"]
            return cls(tuple(sorted(map(_rates, rows), key=lambda rates: rates.since)))
        except tomllib.TOMLDecodeError as fault:
            raise ConfigError([f"charge table: not readable as TOML: {fault}"]) from fault
        except KeyError as fault:
            raise ConfigError([f"charge table: {fault} is missing"]) from fault

    def on(self, day: date) -> Rates:
        """The rates of a day; before the oldest known, the oldest known."""
        return next((rates for rates in reversed(self.rates) if rates.since <= day), self.rates[0])


def _rates(row: Mapping[str, Any]) -> Rates:
    return Rates(
        since=row["from"],
        brokerage_paise=Decimal(row["brokerage_rupees"]) * _RUPEE,
        stt_sell=Decimal(row["stt_sell_pct"]) / 100,
        stamp_buy=Decimal(row["stamp_buy_pct"]) / 100,
        sebi=Decimal(row["sebi_rupees_per_crore"]) * _RUPEE / _CRORE_PAISE,
        gst=Decimal(row["gst_pct"]) / 100,
        exchange={Segment(name): Decimal(pct) / 100 for name, pct in row["exchange_pct"].items()},
    )
