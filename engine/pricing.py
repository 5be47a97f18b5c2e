"""The price ladder: what limit an exit order asks for, at each moment of its life.

There is no market order, so every exit is a limit that may rest. *Urgent* crosses the touch at once
and steps deeper; *patient* starts at mid and reaches the touch within 20 s. The cap is measured
from the mid frozen at the trigger, so that a run-away market cannot drag the limit along. The
exchange's band is measured from where the market is now: it is what the exchange would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model import Side

__all__ = ["Ladder", "Style", "Touch", "far_side_paise", "limit_paise"]

PATIENT_REACH_S = 20.0
URGENT_STEP_S = 1.0
PATIENT_STEP_S = 2.0
#: An exchange rejects an option order further than this from its reference price (NSE limit price
#: protection: 40 %, or Rs 20 where that is more).
BAND_PCT = 40
BAND_MIN_PAISE = 2_000


class Style(StrEnum):
    """How an exit trades price against time."""

    URGENT = "urgent"
    PATIENT = "patient"

    @property
    def step_s(self) -> float:
        """Seconds between two prices."""
        return URGENT_STEP_S if self is Style.URGENT else PATIENT_STEP_S


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices now, paise; None = that side is empty or unknown.

    Attributes:
        arrived_s: when they came; 0 = not known.
        fair_paise: what to go by in place of their mid, as they are suspect; None = they are not.
    """

    bid_paise: int | None
    ask_paise: int | None
    ltp_paise: int
    arrived_s: float = 0.0
    fair_paise: int | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is fixed when the exit is decided.

    Attributes:
        mid_paise: frozen at the trigger; the cap is measured from it.
        uncapped: the cap's patience is over: the limit goes to the exchange's band.
    """

    side: Side
    style: Style
    mid_paise: int
    tick_paise: int
    uncapped: bool = False

    def cap_paise(self) -> int:
        """The worst price to ask before patience is over, on the tick grid."""
        pct, ticks = (10, 10) if self.style is Style.URGENT else (3, 3)
        return self._away(self.mid_paise, max(self.mid_paise * pct // 100, ticks * self.tick_paise))

    def worst_paise(self, touch: Touch) -> int:
        """The worst price to ask now, on the tick grid: inside the band, and the cap while it holds."""
        reference = reference_paise(touch) or self.mid_paise
        band = self._away(reference, _band_paise(reference))
        if self.uncapped:
            return band
        return min(band, self.cap_paise()) if self.side is Side.BUY else max(band, self.cap_paise())

    def _away(self, price_paise: int, reach_paise: int) -> int:
        """So far on the costly side of a price, rounded towards it, never below a tick."""
        worst = price_paise + self.side.sign * reach_paise
        return max(_on_grid(worst, self.tick_paise, up=self.side is Side.SELL), self.tick_paise)


def limit_paise(ladder: Ladder, touch: Touch, elapsed_s: float) -> int:
    """The limit to ask ``elapsed_s`` after the order first left, on the tick grid, never past its worst."""
    sign, tick = ladder.side.sign, ladder.tick_paise
    far = far_side_paise(ladder, touch)
    worst = ladder.worst_paise(touch)
    if ladder.uncapped:
        return worst
    if ladder.style is Style.URGENT:
        steps = int(elapsed_s / URGENT_STEP_S)
        wanted = far + sign * steps * max(2 * tick, ladder.mid_paise // 50)
    else:
        mid = mid_paise(touch) or ladder.mid_paise
        done = min(elapsed_s / PATIENT_REACH_S, 1.0)
        wanted = round(mid + (far - mid) * done)
    wanted = _on_grid(wanted, tick, up=ladder.side is Side.BUY)
    return max(min(wanted, worst) if ladder.side is Side.BUY else max(wanted, worst), tick)


def mid_paise(touch: Touch) -> int | None:
    """A fair price now, and the one to freeze at the trigger: the mid, else where the market is.

    A mid that lies beyond the exchange's band around the market is that of a stub quote: a cap measured
    from it would let an exit pay anything. So would one measured from a quote that cannot be true beside
    the underlying or a neighbour.
    """
    if touch.fair_paise is not None:
        return touch.fair_paise
    mid, reference = _mid(touch), reference_paise(touch)
    if mid is None or reference is None:
        return mid or reference
    believable = abs(mid - reference) <= _band_paise(reference)
    return mid if believable else reference


def reference_paise(touch: Touch) -> int | None:
    """Where the market is now: the last trade, moved to the side of the book it lies beyond.

    A contract that nobody has traded for a while keeps an old last price while its quotes go on.
    """
    bid, ask = touch.bid_paise or 0, touch.ask_paise or 0
    if 0 < ask < bid:
        return touch.ltp_paise or None
    reference = touch.ltp_paise or _mid(touch) or bid or ask
    return (min(max(reference, bid), ask) if ask else max(reference, bid)) or None


def _band_paise(reference_paise: int) -> int:
    """How far from where the market is the exchange takes an order."""
    return max(reference_paise * BAND_PCT // 100, BAND_MIN_PAISE)


def _mid(touch: Touch) -> int | None:
    if not touch.bid_paise or not touch.ask_paise or touch.bid_paise > touch.ask_paise:
        return None
    return (touch.bid_paise + touch.ask_paise) // 2


def far_side_paise(ladder: Ladder, touch: Touch) -> int:
    """The price at which we would trade now; guessed one per cent away where a side is empty."""
    seen = touch.ask_paise if ladder.side is Side.BUY else touch.bid_paise
    if seen:
        return seen
    base = reference_paise(touch) or ladder.mid_paise
    return base + ladder.side.sign * max(ladder.tick_paise, base // 100)


def _on_grid(paise: int, tick: int, *, up: bool) -> int:
    return -(-paise // tick) * tick if up else paise // tick * tick
