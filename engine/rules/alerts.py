"""How near is the nearest stop: thresholds of loss, told once each, with hysteresis.

The loss fraction f is the loss as a share of what the nearest loss rule allows. The owner hears of
40, 60 and 80 per cent; a jump over several says only the highest; each may speak again once f has
fallen below 0.8 times its threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Action, Urgency, Verdict
from engine.money import rupees, signed_rupees
from engine.rules.base import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

LOSS_ALERT = "loss_alert"

#: Thresholds in per cent of the nearest stop, and how loudly each is told.
_URGENCY_BY_LEVEL = {40: Urgency.NORMAL, 60: Urgency.MEDIUM, 80: Urgency.HIGH}
_LEVELS = tuple(sorted(_URGENCY_BY_LEVEL, reverse=True))
#: The fraction from which the owner is told anything.
ALERT_FROM = _LEVELS[-1] / 100
#: A threshold is armed again below 80 per cent of itself.
_REARM_PCT = 80


class Stop(NamedTuple):
    """One armed loss rule: its negative threshold, and the realised P&L it counts on top."""

    rule: str
    threshold_paise: int
    realised_paise: int

    def fraction(self, open_paise: int) -> float:
        """The loss as a share of what this stop allows; negative in profit."""
        return (open_paise + self.realised_paise) / self.threshold_paise

    def reached_at(self, pct: int, of: int) -> int:
        """The open P&L at and below which the loss is at least ``pct / of`` of the threshold."""
        return self.threshold_paise * pct // of - self.realised_paise


@dataclass(frozen=True, slots=True)
class LossLadder:
    """The alert thresholds of one position, in P&L of its open legs.

    Attributes:
        falls: per level the P&L at and below which it is reached, by whichever stop is nearest.
        rearms: per level the P&L at and below which it is still not armed again.
    """

    stops: tuple[Stop, ...]
    falls: dict[int, int]
    rearms: dict[int, int]

    @classmethod
    def of(cls, stops: Sequence[Stop]) -> LossLadder:
        """Set up the thresholds; without stops there are none."""
        levels = _LEVELS if stops else ()
        return cls(
            tuple(stops),
            {level: max(stop.reached_at(level, 100) for stop in stops) for level in levels},
            {
                level: max(stop.reached_at(level * _REARM_PCT, 100 * 100) for stop in stops)
                for level in levels
            },
        )

    def level_after(self, level: int, open_paise: int) -> int:
        """The highest threshold that counts as told at this P&L, having stood at ``level``."""
        for candidate in _LEVELS[: len(self.falls)]:
            edges = self.rearms if candidate <= level else self.falls
            if open_paise <= edges[candidate]:
                return candidate
        return 0

    def still_between(self, level: int) -> tuple[int | None, int | None]:
        """Between which P&Ls, both included, the level stays; None = without end."""
        low: int | None = None
        for name, edge in self.falls.items():
            if name > level and (low is None or edge >= low):
                low = edge + 1
        return low, self.rearms.get(level)

    def nearest(self, open_paise: int) -> tuple[Stop, float] | None:
        """The stop that would fire first from here, and the loss fraction; None without stops."""
        if not self.stops:
            return None
        stop = max(self.stops, key=lambda stop: stop.fraction(open_paise))
        return stop, stop.fraction(open_paise)

    def alert(self, open_paise: int) -> Verdict | None:
        """What the owner is told when a threshold is newly reached."""
        near = self.nearest(open_paise)
        if near is None:
            return None
        stop, fraction = near
        pnl = open_paise + stop.realised_paise
        return Verdict(
            rule=LOSS_ALERT,
            action=Action.ALERT,
            urgency=_urgency(fraction),
            pnl_paise=pnl,
            threshold_paise=stop.threshold_paise,
            fraction=fraction,
            reason=f"Loss {rupees(-pnl)}: {_how_far(fraction)} the {in_words(stop.rule).lower()} "
            f"at {signed_rupees(stop.threshold_paise)}",
        )


def _how_far(fraction: float) -> str:
    return f"{fraction * 100:.0f} % of the way to" if fraction < 1 else "beyond"


def _urgency(fraction: float) -> Urgency:
    """How urgent a loss fraction is: HIGH from 0.8, MEDIUM from 0.6, else NORMAL."""
    return next((_URGENCY_BY_LEVEL[level] for level in _LEVELS if fraction >= level / 100), Urgency.NORMAL)
