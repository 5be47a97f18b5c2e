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
    from engine.watch.family import Family, Forwards
    from engine.watch.underlying import Underlying

#: How often the model is asked at most, seconds.
WEIGH_EVERY_S = 1.0


class Scale:
    """Marks, the underlying's price, the forward of each expiry, and the model.

    Attributes:
        holding: the legs and their marks.
        max_age_s: how old a price of the underlying may be.
        wanted: a rule goes by the model.
        model: what it said when it was last asked; None = nothing.
        due_s: when it is asked next at the earliest; inf = with the next instant of a recording.
    """

    __slots__ = (
        "_families", "_forwards", "_settled_s", "_unit", "_weighed_s", "due_s", "holding", "max_age_s",
        "model", "spot", "wanted",
    )  # fmt: skip

    def __init__(
        self,
        situation: Situation,
        holding: Holding,
        spot: Underlying,
        families: Mapping[date | None, Family],
    ) -> None:
        self.holding = holding
        self.max_age_s = holding.legs[0][1].guard.max_quote_age_s
        self._families = families
        self._forwards: Mapping[date, int | None] = {}
        self._settled_s = _settlements(situation)
        self._unit = gcd(*(leg.quantity for leg in situation.position.legs))
        self._weighed_s = -inf
        self.spot = spot
        self.wanted = False
        self.model: Sensitivity | None = None
        self.due_s = -inf

    def another(self, situation: Situation) -> Scale:
        """One with nothing on it yet, on the same marks and prices, for the same legs under other rules."""
        return Scale(situation, self.holding, self.spot, self._families)

    def serve(self, armed: Iterable[Armed]) -> None:
        """Find out whether the model is wanted."""
        self.wanted = any(one.rule.model for one in armed)

    def spot_paise(self, now_s: float) -> int | None:
        """The underlying's believable price; after its closing auction that of the auction."""
        return self.spot.stands(now_s, self.max_age_s)

    @property
    def spot_until_s(self) -> float:
        """The last moment at which the underlying's newest price is young enough."""
        return self.spot.arrived_s + self.max_age_s

    def weigh(self, forwards: Forwards, *, instant: bool = False) -> None:
        """Ask the model if it is wanted: at every instant, else once a second if prices have come.

        A recording tells all its prices as instants: between two of them there is nothing to weigh.
        Other positions' contracts count too, as far as they move the forward.
        """
        now_s = forwards.now_s
        if not self.wanted or (now_s < self.due_s and not instant):
            return
        self.due_s = inf if instant else now_s + WEIGH_EVERY_S
        arrived_s = max(self.spot.arrived_s, *(marks.arrived_s for _, marks in self.holding.legs))
        of_expiry = {day: forwards[self._families[day]] for day in self._settled_s}
        if arrived_s >= self._weighed_s or of_expiry != self._forwards:
            self._weighed_s, self._forwards = now_s, of_expiry
            self.model = self._reckon(of_expiry, forwards)

    def ask(self, forwards: Forwards) -> Sensitivity | None:
        """The position by the model, at its believable marks; None = a leg has none."""
        of_expiry = {day: forwards[self._families[day]] for day in self._settled_s}
        return self._reckon(of_expiry, forwards)

    def outlook(self, forwards: Forwards) -> Mapping[date, tuple[int | None, float]]:
        """Of each expiry twice its forward in paise, None = unknown, and when it is settled."""
        return {day: (forwards[self._families[day]], at_s) for day, at_s in self._settled_s.items()}

    def level_paise(self, forwards: Forwards) -> int | None:
        """Where the underlying stands, else the nearest forward, else where it stood last; for the eye."""
        known = [both // 2 for _, (both, _) in sorted(self.outlook(forwards).items()) if both is not None]
        return self.spot_paise(forwards.now_s) or next(iter(known), 0) or self.spot.last_paise or None

    def _reckon(self, of_expiry: Mapping[date, int | None], forwards: Forwards) -> Sensitivity | None:
        parts, now_s = [], forwards.now_s
        for quantity, marks in (leg for leg in self.holding.legs if leg[0]):
            mark = marks.mark(quantity, now_s)
            if mark is None:
                return None
            parts.append(Part(marks.instrument, quantity, mark))
        if not parts:
            return None
        spot_paise = self.spot.believed(now_s, self.max_age_s)  # a time value by a price that rests is none
        found = sensitivity(parts, spot_paise, of_expiry, self._settled_s, now_s, self._unit, forwards.moves)
        bought_back = any(units > 0 for units, _ in self.holding.traded.values())
        return replace(found, extrinsic_paise=None) if bought_back else found  # what melted is not known


def _settlements(situation: Situation) -> Mapping[date, float]:
    """When each expiry is settled."""
    dates = {leg.instrument.expiry for leg in situation.position.legs}
    return {day: situation.calendar.settlement_s(day) for day in dates if day is not None}
