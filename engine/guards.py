"""May this price be believed: soundness, spread, intrinsic value, neighbouring strikes.

A price that cannot be true is *suspect* and is not used at all. A true but wide market is usable for
nobody's profit, and for a stop only after a grace (`engine.pnl`). What is compared with intrinsic
value and with neighbours is bid + ask, twice the mid: whole paise decide, nothing is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Right
from engine.money import rupees
from engine.payoff import intrinsic

if TYPE_CHECKING:
    from engine.messages import Tick
    from engine.model import Instrument

#: How far a price may lie beyond intrinsic value, in per cent of the underlying: of a quote, and of a
#: last price from a source without quotes, which may be from another minute than the underlying's.
BEYOND_INTRINSIC_PCT, BEYOND_INTRINSIC_LTP_PCT = 1, 2
#: How far neighbouring strikes may contradict each other: half of both spreads and so many ticks, or
#: a twentieth of the distance between them.
NEIGHBOUR_TICKS, NEIGHBOUR_SHARE = 10, 20


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


class Shown(NamedTuple):
    """A narrow quote as it is compared with others.

    Attributes:
        both_paise: bid + ask, twice the mid; twice the last price where there are no quotes.
        gap_paise: ask − bid.
        quoted: False = the source tells last prices only.
    """

    both_paise: int
    gap_paise: int
    quoted: bool


def below_intrinsic(instrument: Instrument, shown: Shown, underlying_both_paise: int) -> str:
    """Why this price is too far below intrinsic value, or nothing.

    Args:
        instrument: an option; anything else has no intrinsic value.
        shown: its quote.
        underlying_both_paise: twice the forward of its expiry, or twice the spot.
    """
    if instrument.right is None or instrument.strike_paise is None:
        return ""
    worth = intrinsic(instrument.right, 2 * instrument.strike_paise, underlying_both_paise)
    short = worth - shown.both_paise
    pct = BEYOND_INTRINSIC_PCT if shown.quoted else BEYOND_INTRINSIC_LTP_PCT
    return f"below intrinsic by {rupees(short // 2)}" if 100 * short > pct * underlying_both_paise else ""


def contradiction(low: tuple[Instrument, Shown], high: tuple[Instrument, Shown]) -> str:
    """What is wrong between two options of one expiry and right, the lower strike first, or nothing.

    A call is worth no more at the higher strike, a put no less, and the two differ by no more than
    the strikes do; all of it within half the sum of the spreads and ten ticks, or a twentieth of the
    distance, whichever is more.
    """
    (one, cheap), (other, dear) = low, high
    distance = (other.strike_paise or 0) - (one.strike_paise or 0)
    gain = cheap.both_paise - dear.both_paise
    if one.right is Right.PUT:
        gain = -gain
    over = max(-gain, gain - 2 * distance)
    slack = cheap.gap_paise + dear.gap_paise + 2 * NEIGHBOUR_TICKS * one.tick_paise
    if over <= slack or NEIGHBOUR_SHARE * over <= 2 * distance:
        return ""
    if gain < 0:
        word = "cheaper" if one.right is Right.CALL else "dearer"
        return f"{word} than the higher strike by {rupees(over // 2)}"
    return f"further apart than the strikes by {rupees(over // 2)}"


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


def exit_bounds(instrument: Instrument, underlying_paise: int, off_pct: int = 0) -> tuple[int, int]:
    """The least a long and the most a short of this option may count, paise per unit.

    Intrinsic value less or more one per cent of the underlying: a stub quote of a few paise or of
    some thousand rupees shall not fire a stop.

    Args:
        instrument: any contract.
        underlying_paise: where the underlying stands.
        off_pct: by how much, in per cent, it may really stand elsewhere.
    """
    if instrument.right is None or instrument.strike_paise is None:
        worth = underlying_paise
    else:
        worth = intrinsic(instrument.right, instrument.strike_paise, underlying_paise)
    slack = underlying_paise * (BEYOND_INTRINSIC_PCT + off_pct) // 100
    return max(worth - slack, 0), worth + slack
