"""The price ladder: what limit an exit order asks for, at each moment of its life.

There is no market order, so every exit is a limit that may rest. *Urgent* crosses the touch at once
and steps deeper; *patient* starts at mid and reaches the touch within 20 s. The cap is measured
from the mid frozen at the trigger, so that a run-away market cannot drag the limit along.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model import Side

__all__ = ["Ladder", "Style", "Touch", "limit_paise"]

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
    """The best prices now, paise; None = that side is empty or unknown."""

    bid_paise: int | None
    ask_paise: int | None
    ltp_paise: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is fixed when the exit is decided.

    Attributes:
        mid_paise: frozen at the trigger; the cap is measured from it.
        uncapped: after the cap's patience is over, may go on to the exchange's band.
    """

    side: Side
    style: Style
    mid_paise: int
    tick_paise: int
    uncapped: bool = False

    def cap_paise(self) -> int:
        """The worst price this ladder will ask, on the tick grid."""
        mid, tick = self.mid_paise, self.tick_paise
        if self.uncapped:
            reach = max(mid * BAND_PCT // 100, BAND_MIN_PAISE)
        elif self.style is Style.URGENT:
            reach = max(mid * 10 // 100, 10 * tick)
        else:
            reach = max(mid * 3 // 100, 3 * tick)
        worst = mid + self.side.sign * reach
        return max(_on_grid(worst, tick, up=self.side is Side.SELL), tick)


def limit_paise(ladder: Ladder, touch: Touch, elapsed_s: float) -> int:
    """The limit to ask ``elapsed_s`` after the order first left, on the tick grid, inside the cap."""
    sign, tick = ladder.side.sign, ladder.tick_paise
    far = _far_side(ladder, touch)
    if ladder.style is Style.URGENT:
        steps = int(elapsed_s / URGENT_STEP_S)
        wanted = far + sign * steps * max(2 * tick, ladder.mid_paise // 50)
    else:
        mid = _mid(touch) or ladder.mid_paise
        done = min(elapsed_s / PATIENT_REACH_S, 1.0)
        wanted = round(mid + (far - mid) * done)
    wanted = _on_grid(wanted, tick, up=ladder.side is Side.BUY)
    cap = ladder.cap_paise()
    return max(min(wanted, cap) if ladder.side is Side.BUY else max(wanted, cap), tick)


def mid_paise(touch: Touch) -> int | None:
    """The price to freeze at the trigger: mid, else last trade, else None."""
    return _mid(touch) or touch.ltp_paise or None


def _mid(touch: Touch) -> int | None:
    if not touch.bid_paise or not touch.ask_paise or touch.bid_paise > touch.ask_paise:
        return None
    return (touch.bid_paise + touch.ask_paise) // 2


def _far_side(ladder: Ladder, touch: Touch) -> int:
    """The price at which we would trade now; guessed one per cent away where a side is empty."""
    seen = touch.ask_paise if ladder.side is Side.BUY else touch.bid_paise
    if seen:
        return seen
    base = _mid(touch) or touch.ltp_paise or ladder.mid_paise
    return base + ladder.side.sign * max(ladder.tick_paise, base // 100)


def _on_grid(paise: int, tick: int, *, up: bool) -> int:
    return -(-paise // tick) * tick if up else paise // tick * tick
