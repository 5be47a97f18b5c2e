"""How long an exit leaves more risk without a hedge than it began with, and what is left to lose.

Without a hedge is what the payoff at expiry falls with, without end, on either side. A position that was
naked from the start counts only beyond that: its exit makes it less so with every fill. All is known from
the plan and its fills; what somebody else has traded shows when the plan follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Instrument, InstrumentKind, Leg, key_parts
from engine.money import signed_rupees
from engine.payoff import payoff, slopes

if TYPE_CHECKING:
    from engine.intents import Intent, LegPlan

__all__ = ["count", "risk_words", "seconds"]


def count(intent: Intent, now_s: float) -> bool:
    """Let the clock of an exit run, or stand, by its fills; call whenever those may have changed.

    Returns:
        Whether it began or ended to run: worth keeping.
    """
    runs = intent.state.live and bool(intent.orders) and _more_than_before(intent)
    if runs is (intent.naked_since_s is not None):
        return False
    intent.naked_s = seconds(intent, now_s)
    intent.naked_since_s = now_s if runs else None
    return True


def seconds(intent: Intent, now_s: float) -> float:
    """Seconds without a hedge until now, restarts included."""
    running_s = 0.0 if intent.naked_since_s is None else now_s - intent.naked_since_s
    return intent.naked_s + max(running_s, 0.0)


def risk_words(intent: Intent) -> str:
    """What can still be lost of what an exit has left, as one sentence; empty = nothing is left."""
    left = [(plan, units) for index, plan in enumerate(intent.legs) if (units := _left(intent, index))]
    if not left:
        return ""
    if any(plan.contract is None for plan, _ in left):
        return "What it can still lose is not known."
    legs = [_leg(plan, units) for plan, units in left]
    down, up = _bare(legs)
    if down or up:
        way = "rises or falls" if down and up else "rises" if up else "falls"
        return f"What is left has no limit to its loss: {max(down, up)} units lose as the market {way}."
    return _worst(intent, legs)


def _worst(intent: Intent, legs: list[Leg]) -> str:
    """The worst end of hedged legs, with what the others have made."""
    cash_paise, worst_paise = _cash_paise(intent), payoff(legs).max_loss_paise
    if worst_paise is None:
        return "What is left is hedged, but of several expiries: its largest loss cannot be told."
    if cash_paise is None:
        return "What is left is hedged; an entry price is missing, so its largest loss is not known."
    ends = signed_rupees(worst_paise + cash_paise)
    return f"What is left is hedged: at worst, left alone until expiry, the position ends at {ends}."


def _more_than_before(intent: Intent) -> bool:
    """Whether more units are without a hedge, on one side or the other, than when the exit began."""
    if any(plan.contract is None for plan in intent.legs):
        return False
    first = _bare([_leg(plan, _first(plan)) for plan in intent.legs])
    now = _bare([_leg(plan, _left(intent, index)) for index, plan in enumerate(intent.legs)])
    return any(after > before for after, before in zip(now, first, strict=True))


def _bare(legs: list[Leg]) -> tuple[int, int]:
    """Units without a hedge against a falling and a rising market."""
    left, right = slopes(legs)
    return max(left, 0), max(-right, 0)


def _first(plan: LegPlan) -> int:
    """Signed units when the exit began: what the rows said, less what earlier exits had traded."""
    return sum(plan.rows.values()) + plan.side.sign * plan.before


def _left(intent: Intent, index: int) -> int:
    """Signed units that are open, those that a part leaves included."""
    plan = intent.legs[index]
    return -plan.side.sign * (max(intent.rest(index), 0) + plan.keeps)


def _leg(plan: LegPlan, units: int) -> Leg:
    """So many units of a contract, for nothing: what was paid is counted apart (`_cash_paise`)."""
    segment, number = key_parts(plan.key)
    right, strike_paise, expiry = plan.contract or (None, None, None)
    kind = InstrumentKind.FUTURE if right is None else InstrumentKind.OPTION
    instrument = Instrument(
        segment, number, kind, "", plan.name, plan.lot, expiry=expiry, strike_paise=strike_paise, right=right
    )
    return Leg(instrument, units, 0, 0, 0.0)


def _cash_paise(intent: Intent) -> int | None:
    """What all legs have paid and brought so far; None = an entry price is missing.

    What somebody else has traded counts at its entry price, as if it had made nothing.
    """
    total_paise = 0
    for index, plan in enumerate(intent.legs):
        if any(row not in plan.prices_paise for row in plan.rows):
            return None
        paid_paise = sum(units * plan.prices_paise[row] for row, units in plan.rows.items())
        total_paise -= paid_paise - paid_paise * intent.outside(index) // abs(sum(plan.rows.values()))
        total_paise -= plan.side.sign * (plan.before_paise + intent.traded(index)[1])
    return total_paise
