"""A position on the model's scale: weighed once a second where a rule goes by it, and when asked."""

from __future__ import annotations

from dataclasses import replace
from math import gcd, inf
from typing import TYPE_CHECKING

from engine.sensitivity import Part, sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from engine.pnl import Holding
    from engine.rules.base import Situation
    from engine.sensitivity import Sensitivity
    from engine.watch.armed import Armed
    from engine.watch.underlying import Underlying

#: How often the model is asked at most, seconds.
WEIGH_EVERY_S = 1.0


class Scale:
    """Marks, the underlying's price and the model.

    Attributes:
        wanted: a rule goes by the model.
        model: what it said when it was last asked; None = nothing.
        due_s: when it is asked next at the earliest.
    """

    __slots__ = (
        "_holding", "_max_age_s", "_settled_s", "_unit", "_weighed_s", "due_s", "model", "spot", "wanted",
    )  # fmt: skip

    def __init__(self, situation: Situation, holding: Holding, spot: Underlying, max_age_s: float) -> None:
        self._holding = holding
        self._max_age_s = max_age_s
        self._settled_s = _settlements(situation)
        self._unit = gcd(*(leg.quantity for leg in situation.position.legs))
        self._weighed_s = -inf
        self.spot = spot
        self.wanted = False
        self.model: Sensitivity | None = None
        self.due_s = -inf

    def serve(self, armed: Iterable[Armed]) -> None:
        """Find out whether the model is wanted."""
        self.wanted = any(one.rule.model for one in armed)

    def spot_paise(self, now_s: float) -> int | None:
        """The underlying's believable price."""
        return self.spot.believed(now_s, self._max_age_s)

    @property
    def spot_until_s(self) -> float:
        """The last moment at which the underlying's newest price is young enough."""
        return self.spot.arrived_s + self._max_age_s

    def weigh(self, now_s: float, *, instant: bool = False) -> None:
        """Ask the model if it is wanted: at every instant, else once a second if prices have come."""
        if not self.wanted or (now_s < self.due_s and not instant):
            return
        self.due_s = now_s + WEIGH_EVERY_S
        arrived_s = max(self.spot.arrived_s, *(marks.arrived_s for _, marks in self._holding.legs))
        if arrived_s >= self._weighed_s:
            self._weighed_s = now_s
            self.model = self.ask(now_s)

    def ask(self, now_s: float) -> Sensitivity | None:
        """The position by the model, at its believable marks; None = a leg has none."""
        parts = []
        for quantity, marks in (leg for leg in self._holding.legs if leg[0]):
            mark = marks.mark(quantity, now_s)
            if mark is None:
                return None
            parts.append(Part(marks.instrument, quantity, mark))
        if not parts:
            return None
        found = sensitivity(parts, self.spot_paise(now_s), self._settled_s, now_s, self._unit)
        bought_back = any(units > 0 for units, _ in self._holding.traded.values())
        return replace(found, extrinsic_paise=None) if bought_back else found  # what melted is not known


def _settlements(situation: Situation) -> Mapping[date, float]:
    """When each expiry is settled: at the close of its last session."""
    calendar = situation.calendar
    dates = {leg.instrument.expiry for leg in situation.position.legs}
    return {day: calendar.session(calendar.session_until(day)).close_s for day in dates if day is not None}
