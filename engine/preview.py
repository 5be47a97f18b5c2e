"""What an exit would do, priced: its steps in their order, the fills to expect, the cost, the P&L after it.

A step's price is what its units would average through the shown depth, as far as that goes; slippage is
what that lies off the mid. What all exits of a question cost together is its `Worth`: by that a later
yes is held against what the person has seen (`engine.shown`).
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from engine.batches import count
from engine.liquidation import charges_of, reach
from engine.model import Side
from engine.money import rupees, signed_rupees
from engine.naked import naked_words
from engine.plan import SHORTS
from engine.shown import Worth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.charges import Rates
    from engine.intents import LegPlan
    from engine.messages import Tick
    from engine.model import Instrument
    from engine.pricing import Touch
    from engine.tuning import Tuning

__all__ = ["Priced", "Step", "priced", "worth_of"]


class Step(NamedTuple):
    """One contract of an exit.

    Attributes:
        units: what it trades now, positive.
        price_paise: what each would average; None = nothing is known of it.
        covered: how many of them the shown depth takes; None = no depth is known.
        mid_paise: between bid and ask; None = one side is missing.
        charges_paise: of its orders; None = unknown.
    """

    leg: LegPlan
    units: int
    price_paise: int | None
    covered: int | None
    mid_paise: int | None
    charges_paise: int | None

    @property
    def orders(self) -> int:
        """So many orders it takes at least: none is above the freeze quantity."""
        return -(-self.units // self.leg.slice_quantity)

    @property
    def slippage_paise(self) -> int | None:
        """What the expected fills cost beside the mid; None = unknown."""
        if self.price_paise is None or self.mid_paise is None:
            return None
        return self.leg.side.sign * (self.price_paise - self.mid_paise) * self.units

    @property
    def made_paise(self) -> int | None:
        """What the expected fills make of the average entry price, before charges; None = unknown."""
        leg = self.leg
        if self.price_paise is None or any(row not in leg.prices_paise for row in leg.rows):
            return None
        paid = Fraction(sum(units * leg.prices_paise[row] for row, units in leg.rows.items()))
        return floor(-leg.side.sign * self.units * (self.price_paise - paid / sum(leg.rows.values())))


class Priced(NamedTuple):
    """The exit of one position, or of a part of it."""

    steps: tuple[Step, ...]
    batch_lots: int
    naked_budget_s: float

    @property
    def charges_paise(self) -> int | None:
        """Charges of all its orders."""
        return _sum(step.charges_paise for step in self.steps)

    @property
    def slippage_paise(self) -> int | None:
        """What all steps cost beside their mids."""
        return _sum(step.slippage_paise for step in self.steps)

    @property
    def is_part(self) -> bool:
        """Whether something of the position stays."""
        return any(step.leg.keeps for step in self.steps)

    @property
    def made_paise(self) -> int | None:
        """What the expected fills make of the entry prices, after charges; None = one is unknown."""
        made, charges = _sum(step.made_paise for step in self.steps), self.charges_paise
        return None if made is None or charges is None else made - charges

    def lines(self, pnl_paise: int | None, net_paise: int | None) -> tuple[str, ...]:
        """As a phone shows it, at most 32 columns each.

        Args:
            pnl_paise: of the position at mark; None = unknown.
            net_paise: what would be left of it after this exit and its charges, of a part what that makes;
                None = unknown.
        """
        return (*self._order(), *self._steps(), *self.money(pnl_paise, net_paise), *self._naked())

    def money(self, pnl_paise: int | None, net_paise: int | None) -> tuple[str, ...]:
        """What it costs, and what is left."""
        lines = ["P&L now " + ("unknown" if pnl_paise is None else signed_rupees(pnl_paise))]
        if self.charges_paise is not None:
            lines.append(f"Charges {rupees(self.charges_paise)}")
        if self.slippage_paise is not None:
            lines.append(f"Slippage {rupees(self.slippage_paise)}")
        if net_paise is not None:
            what = "This part" if self.is_part else "Closed now"
            lines.append(f"{what}, net {signed_rupees(net_paise)}")
        return tuple(lines)

    def _order(self) -> list[str]:
        ranks = {step.leg.rank for step in self.steps}
        if len(ranks) < 2:
            return []
        batches = count([step.leg for step in self.steps], self.batch_lots)
        return ["Shorts first, then longs", *([f"in {batches} batches"] if batches > 1 else [])]

    def _steps(self) -> list[str]:
        lines = []
        for number, step in enumerate(self.steps, 1):
            price = step.price_paise
            near = ", price unknown" if price is None else f" at about {rupees(price).removeprefix('₹')}"
            lines += [f"{number} {step.leg.name}", f"  {step.leg.side} {step.units}{near}"]
            if step.orders > 1:
                lines.append(f"  in {step.orders} orders")
            if step.covered is not None and step.covered < step.units:
                lines.append(f"  depth shows {step.covered} of {step.units}")
        return lines

    def _naked(self) -> list[str]:
        """Whether it loses its hedge on the way; nothing where no short is."""
        if not any(step.leg.rank == SHORTS for step in self.steps):
            return []
        words = naked_words([step.leg for step in self.steps], self.naked_budget_s)
        return [words] if words else []


def priced(
    plan: Iterable[LegPlan],
    instruments: dict[int, Instrument],
    touches: dict[int, Touch],
    ticks: dict[int, Tick],
    rates: Rates | None,
    tuning: Tuning,
) -> Priced:
    """Price the steps of a plan.

    Args:
        plan: in its order; what earlier exits have traded is left out.
        instruments: by key.
        touches: best prices by key, as orders go by.
        ticks: the newest quotes by key; a contract without one is priced by its touch alone.
        rates: the charges of the day; None = not known.
        tuning: how exits go.
    """
    steps = [
        _step(leg, instruments.get(leg.key), touches[leg.key], ticks.get(leg.key), rates)
        for leg in plan
        if leg.quantity > leg.before
    ]
    return Priced(tuple(steps), tuning.batch_lots, tuning.naked_budget_s)


def worth_of(exits: Sequence[Priced]) -> Worth | None:
    """What exits would cost together; None = a price is missing."""
    steps = [step for each in exits for step in each.steps]
    amounts = [None if s.price_paise is None else s.price_paise * s.units for s in steps]
    turnover = _sum(amounts)
    if turnover is None:
        return None
    cost = _sum(None if a is None else s.leg.side.sign * a for s, a in zip(steps, amounts, strict=True))
    return None if cost is None else Worth(cost, turnover)


def _step(
    leg: LegPlan, instrument: Instrument | None, touch: Touch, tick: Tick | None, rates: Rates | None
) -> Step:
    units = leg.quantity - leg.before
    near = touch.ask_paise if leg.side is Side.BUY else touch.bid_paise
    price, covered, charges = near or None, None, None
    if tick is not None and instrument is not None:
        value, covered = reach(tick, -leg.side.sign * units, instrument.tick_paise)
        if covered:
            price = -(-value // covered) if leg.side is Side.BUY else value // covered
    if price is not None and instrument is not None and rates is not None:
        charges = charges_of(instrument, leg.side, units, price, rates)
    both = touch.bid_paise and touch.ask_paise
    mid = (touch.bid_paise + touch.ask_paise) // 2 if both and touch.bid_paise and touch.ask_paise else None
    return Step(leg, units, price, covered, mid, charges)


def _sum(parts: Iterable[int | None]) -> int | None:
    """All of them together; None = one is unknown."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)
