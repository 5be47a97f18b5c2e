"""The path of one underlying: a random walk in quiet and violent phases, with moves on request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp, sqrt
from random import Random

#: Seconds in which prices are made in a year: 252 sessions of six and a quarter hours.
TRADING_YEAR_S = 252 * 6.25 * 3600

_QUIET_S = 90.0
_VIOLENT_S = 25.0
_VIOLENCE = 3.0


class Phase(StrEnum):
    """The market's temper."""

    QUIET = "quiet"
    VIOLENT = "violent"

    @property
    def factor(self) -> float:
        """How much larger moves are than the volatility says."""
        return _VIOLENCE if self is Phase.VIOLENT else 1.0


class Temper:
    """Decides when quiet turns violent and back; the same for every underlying."""

    def __init__(self, seed: int) -> None:
        """Begin quiet, for at least twenty seconds."""
        self._random = Random(f"temper/{seed}")  # noqa: S311 - a market, not a secret
        self.phase = Phase.QUIET
        self._left_s = 20.0 + self._random.expovariate(1 / _QUIET_S)

    def advance(self, seconds: float) -> Phase:
        """Let time pass."""
        self._left_s -= seconds
        if self._left_s <= 0:
            violent = self.phase is Phase.QUIET
            self.phase = Phase.VIOLENT if violent else Phase.QUIET
            self._left_s = self._random.expovariate(1 / (_VIOLENT_S if violent else _QUIET_S))
        return self.phase


@dataclass(slots=True)
class _Glide:
    target: float
    wait_s: float
    left_s: float


class Dial:
    """A number that can be drawn to another one over time."""

    def __init__(self, value: float) -> None:
        """Stand at a value."""
        self.value = value
        self._glides: list[_Glide] = []

    def glide(self, target: float, over_s: float, after_s: float) -> None:
        """Start in ``after_s``, arrive ``over_s`` later; glides run one after the other."""
        self._glides.append(_Glide(target, after_s, over_s))

    def jump(self, value: float) -> None:
        """Be there now; glides are forgotten."""
        self.value = value
        self._glides.clear()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if not self._glides:
            return
        glide = self._glides[0]
        if glide.wait_s > 0:
            glide.wait_s -= seconds
            return
        share = min(1.0, seconds / glide.left_s) if glide.left_s > 0 else 1.0
        self.value += (glide.target - self.value) * share
        glide.left_s -= seconds
        if glide.left_s <= 0:
            self._glides.pop(0)


class Walk:
    """Where an underlying trades.

    Attributes:
        spot: rupees.
        vol: yearly volatility as a fraction, of the walk and of the options' prices.
    """

    def __init__(self, name: str, spot_rupees: float, vol: float, seed: int) -> None:
        """Start somewhere; every underlying has its own chance."""
        self.spot = Dial(spot_rupees)
        self.vol = Dial(vol)
        self._random = Random(f"{name}/{seed}")  # noqa: S311 - a market, not a secret

    def advance(self, seconds: float, pace: float, phase: Phase) -> None:
        """Move on by real ``seconds`` of a market that lives ``pace`` times as fast."""
        sigma = self.vol.value * phase.factor * sqrt(seconds * pace / TRADING_YEAR_S)
        self.spot.value *= exp(self._random.gauss(0.0, sigma) - sigma * sigma / 2)
        self.spot.advance(seconds)
        self.vol.advance(seconds)
