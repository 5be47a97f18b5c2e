"""May this price be believed: soundness, spread, what a far-off quote may count at most.

A tick that cannot be true is *suspect* and is not used at all. A true but wide market is usable for
nobody's profit, and for a stop only after a grace (`engine.pnl`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.payoff import intrinsic

if TYPE_CHECKING:
    from engine.messages import Tick
    from engine.model import Instrument

#: How far a price may lie beyond intrinsic value, as a share of the underlying: one per cent.
_BEYOND_INTRINSIC = 100


@dataclass(frozen=True, slots=True)
class Guard:
    """When a quote is believed.

    Attributes:
        max_quote_age_s: by arrival; older is stale.
        max_spread_bp: widest believable spread in hundredths of a per cent of the mid.
        min_spread_ticks: a spread of this many ticks is believed at any price.
        stop_grace_s: how long a stop goes by the last believable mark of a leg gone wide.
    """

    max_quote_age_s: float
    max_spread_bp: int
    min_spread_ticks: int
    stop_grace_s: float


@dataclass(frozen=True, slots=True)
class ReplayGuard:
    """What a recording changes: its quotes come at its own pace, so they may be older.

    Attributes:
        max_quote_age_s: 2.5 times the median step of the recording.
    """

    max_quote_age_s: float


def fault(tick: Tick) -> str:
    """Why this tick cannot be true, or nothing.

    A book with one empty side, or with both, is odd but true. Bid above ask, a negative price, or
    no price at all from a source that tells nothing but prices is not.
    """
    bid, ask = tick.bid_paise, tick.ask_paise
    if bid is None or ask is None:
        return "" if tick.ltp_paise > 0 else "no price"
    if bid < 0 or ask < 0:
        return "negative price"
    return "crossed quote" if bid > ask > 0 else ""


def narrow(bid_paise: int, ask_paise: int, spread_bp: int, narrow_paise: int) -> bool:
    """Whether two sound, present sides are close enough for their mid to mean something."""
    gap = ask_paise - bid_paise
    # gap <= spread_bp / 10_000 * (bid + ask) / 2, without leaving the integers
    return gap <= narrow_paise or gap * 20_000 <= spread_bp * (bid_paise + ask_paise)


def exit_bounds(instrument: Instrument, underlying_paise: int) -> tuple[int, int]:
    """The least a long and the most a short of this option may count, paise per unit.

    Intrinsic value less or more one per cent of the underlying: a stub quote of a few paise or of
    some thousand rupees shall not fire a stop.
    """
    if instrument.right is None or instrument.strike_paise is None:
        worth = underlying_paise
    else:
        worth = intrinsic(instrument.right, instrument.strike_paise, underlying_paise)
    slack = underlying_paise // _BEYOND_INTRINSIC
    return max(worth - slack, 0), worth + slack
