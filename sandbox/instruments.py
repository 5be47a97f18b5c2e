"""Which contracts the sandbox lists: indices, two stocks and their option chains.

Security ids are unique per segment only, as at Dhan: 13 is NIFTY among the indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from engine.model import Instrument, InstrumentKind, Right, Segment, instrument_key
from sandbox.ist import CALENDAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import InstrumentKey

_TUESDAY = 1
_THURSDAY = 3
#: At the exchanges only these two still have weekly contracts.
_WEEKLY = {"NIFTY": _TUESDAY, "SENSEX": _THURSDAY}
_LARGEST_ID = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Underlying:
    """What a chain is built on.

    Attributes:
        spot_rupees: where the generated day starts.
        vol: yearly volatility at the money, as a fraction.
        lot: units per lot of its options.
        freeze_quantity: largest single order in units; None = not published.
        strike_step_rupees: distance between strikes.
        strikes_each_side: how many strikes above and below the start.
        tick_paise: price grid of the underlying itself; its options use 5 paise.
        weekly: lists every expiry; otherwise only the monthly ones.
        option_id: the security id of its first option.
        option_segment: where its options trade.
        expiry_weekday: Monday is 0.
    """

    symbol: str
    name: str
    segment: Segment
    security_id: int
    spot_rupees: float
    vol: float
    lot: int
    freeze_quantity: int | None
    strike_step_rupees: int
    strikes_each_side: int
    tick_paise: int
    weekly: bool
    option_id: int
    option_segment: Segment = Segment.NSE_FNO
    expiry_weekday: int = _TUESDAY

    @property
    def instrument(self) -> Instrument:
        """The underlying as something that has a price."""
        index = self.segment is Segment.IDX_I
        return Instrument(
            segment=self.segment,
            security_id=self.security_id,
            kind=InstrumentKind.INDEX if index else InstrumentKind.EQUITY,
            symbol=self.symbol,
            display=self.name,
            tick_paise=self.tick_paise,
            trading_symbol=self.symbol,
            index_option=index,
        )


UNDERLYINGS = (
    Underlying("NIFTY", "Nifty 50", Segment.IDX_I, 13, 25_310.0, 0.115, 65, 1_800, 50, 24, 5, True, 40_001),
    Underlying(
        "BANKNIFTY", "Nifty Bank", Segment.IDX_I, 25, 57_210.0, 0.135, 30, 600, 100, 30, 5, False, 45_001
    ),
    Underlying(
        "RELIANCE",
        "Reliance Industries",
        Segment.NSE_EQ,
        2885,
        1_446.0,
        0.21,
        500,
        None,
        10,
        14,
        10,
        False,
        50_001,
    ),
    Underlying(
        "ASTRAL", "Astral", Segment.NSE_EQ, 14_418, 1_489.0, 0.40, 425, None, 20, 12, 10, False, 52_001
    ),
    Underlying(
        "SENSEX",
        "Sensex",
        Segment.IDX_I,
        51,
        82_460.0,
        0.12,
        20,
        None,
        100,
        12,
        1,
        False,
        800_001,
        Segment.BSE_FNO,
        _THURSDAY,
    ),
)


def read_key(segment: Any, security_id: Any) -> InstrumentKey:
    """The contract a client names, by Dhan's word for the segment and an id, a number or its digits.

    Raises:
        ValueError: no such segment, or nothing that could be an id (they have 32 bits).
    """
    digits = str(security_id)
    if not (digits.isascii() and digits.isdigit()) or int(digits) > _LARGEST_ID:
        raise ValueError(f"read {digits[:20]!r}, expected a security id")
    return instrument_key(Segment(segment), int(digits))


def weekly_expiries(start: date, weekday: int = _TUESDAY, count: int = 3) -> tuple[date, ...]:
    """Expiry days of the first such weekday at least two days after ``start`` and of those that follow it.

    A contract whose day is a holiday expires on the session before.
    """
    first = start + timedelta(days=2)
    first += timedelta(days=(weekday - first.weekday()) % 7)
    return tuple(CALENDAR.session_until(first + timedelta(weeks=n)) for n in range(count))


def is_weekly(option: Instrument) -> bool:
    """Whether its underlying has weekly contracts, and it is not the last one of its month."""
    weekday = _WEEKLY.get(option.symbol)
    if weekday is None or option.expiry is None:
        return False
    nominal = option.expiry + timedelta(days=(weekday - option.expiry.weekday()) % 7)
    return (nominal + timedelta(weeks=1)).month == nominal.month


def chain(base: Underlying, expiries: Sequence[date]) -> Iterator[Instrument]:
    """Every option of an underlying for these expiry dates, in the order of their ids."""
    security_id = base.option_id
    middle = round(base.spot_rupees / base.strike_step_rupees)
    for expiry in expiries if base.weekly else expiries[-1:]:
        for n in range(middle - base.strikes_each_side, middle + base.strikes_each_side + 1):
            for right in Right:
                yield _option(base, security_id, expiry, n * base.strike_step_rupees, right)
                security_id += 1


def shown_name(symbol: str, expiry: date, strike: float, right: Right) -> str:
    """What Dhan calls an option on its screens: ``NIFTY 01 DEC 25000 CALL``."""
    word = "CALL" if right is Right.CALL else "PUT"
    return f"{symbol} {expiry:%d %b} {strike:g} {word}".upper()


def _option(base: Underlying, security_id: int, expiry: date, strike: int, right: Right) -> Instrument:
    return Instrument(
        segment=base.option_segment,
        security_id=security_id,
        kind=InstrumentKind.OPTION,
        symbol=base.symbol,
        display=shown_name(base.symbol, expiry, strike, right),
        lot=base.lot,
        tick_paise=5,
        expiry=expiry,
        strike_paise=strike * 100,
        right=right,
        freeze_quantity=base.freeze_quantity,
        trading_symbol=f"{base.symbol}-{expiry:%b%Y}-{strike}-{right}",
        index_option=base.segment is Segment.IDX_I,
        underlying=base.instrument.key,
    )
