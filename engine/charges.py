"""What it costs to trade options: brokerage, taxes and fees of one executed order.

Rates are dated data (`engine/data/charges.toml`); the arithmetic is exact until the last rounding.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import ConfigError
from engine.model import Segment, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

_RUPEE = Decimal(100)
_CRORE_PAISE = Decimal(10_000_000 * 100)


class _Exact(NamedTuple):
    """The charges of one side in one segment as whole numbers: a picture asks for those of 4,000 legs.

    Attributes:
        unit: so many parts are a paisa.
        fixed, share: brokerage, and the fees on each paisa of turnover, with the tax on them; parts.
        duty, duty_unit: the rupees of tax or stamp duty on a paisa of turnover, as a fraction.
    """

    unit: int
    fixed: int
    share: int
    duty: int
    duty_unit: int

    def paise(self, turnover_paise: int) -> int:
        """Rounded half up twice: the duty to a rupee, the sum to a paisa."""
        rupees = (2 * turnover_paise * self.duty + self.duty_unit) // (2 * self.duty_unit)
        fees = self.fixed + turnover_paise * self.share
        return (2 * fees + self.unit) // (2 * self.unit) + 100 * rupees


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
    _exact: Mapping[tuple[Segment, Side], _Exact] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out whole numbers once."""
        exact = {(segment, side): self._of(segment, side) for segment in self.exchange for side in Side}
        object.__setattr__(self, "_exact", exact)

    def _of(self, segment: Segment, side: Side) -> _Exact:
        fixed = Fraction(self.brokerage_paise * (1 + self.gst))
        share = Fraction((self.exchange[segment] + self.sebi) * (1 + self.gst))
        duty = Fraction(self.stt_sell if side is Side.SELL else self.stamp_buy) / 100
        unit = lcm(fixed.denominator, share.denominator)
        return _Exact(unit, int(fixed * unit), int(share * unit), duty.numerator, duty.denominator)

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
        return self._exact[segment, side].paise(turnover_paise)


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
