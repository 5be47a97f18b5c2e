"""How long an exit leaves more risk without a hedge than it began with, and what is left to lose.

Without a hedge is what the payoff at expiry falls with, without end, on either side. A position that was
naked from the start counts only beyond that: its exit makes it less so with every fill. What is open is known
from the plan and its fills; longs of which the broker shows fewer, because somebody else has sold them, are
believed to be gone at once, shorts only when the plan follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Instrument, InstrumentKind, Leg, Side, key_parts
from engine.money import signed_rupees
from engine.payoff import payoff, slopes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.intents import Intent, LegPlan
    from engine.ledger import Ledger
    from engine.outgoing import Outgoing

__all__ = ["NakedClock", "naked_words", "risk_words"]

#: What one step of an exit takes, as a rule: an order and its fill.
STEP_S = 2.0


class NakedClock:
    """Counts those seconds of every exit, and tells when they are more than may be.

    Args:
        ledger: the broker's word.
        out: where effects are collected.
        budget_s: seconds that an exit may take so.
    """

    def __init__(self, ledger: Ledger, out: Outgoing, budget_s: float) -> None:
        self._ledger = ledger
        self._out = out
        self._budget_s = budget_s

    def look(self, intent: Intent, now_s: float) -> None:
        """Let the clock of an exit run, or stand, by its fills; call whenever those may have changed."""
        runs = intent.state.live and bool(intent.orders) and _more_than_before(intent, self._ledger)
        if runs is (intent.naked_since_s is None):
            intent.naked_s = _seconds(intent, now_s)
            intent.naked_since_s = now_s if runs else None
            self._out.save(intent)
        if intent.state.live and self.late(intent, now_s):
            text = (
                f"{intent.title}: for over {self._budget_s:.0f} s more of it has been without a hedge than "
                "before its exit. Until nothing is short no hedge is sold any more. "
            ) + risk_words(intent, self._ledger)
            self._out.tell(intent, f"naked:{intent.id}", "An exit has lost its hedge", text.rstrip())

    def late(self, intent: Intent, now_s: float) -> bool:
        """Whether an exit has used up its seconds."""
        return _seconds(intent, now_s) > self._budget_s


def risk_words(intent: Intent, ledger: Ledger) -> str:
    """What can still be lost of what an exit has left, as one sentence; empty = nothing is left."""
    left = [(plan, units) for plan, units in _left(intent, ledger) if units]
    if not left:
        return ""
    if any(plan.contract is None for plan, _ in left):
        return "What it can still lose is not known."
    down, up = _bare(left)
    if down or up:
        way = "rises or falls" if down and up else "rises" if up else "falls"
        return f"What is left has no limit to its loss: {max(down, up)} units lose as the market {way}."
    return _worst(intent, [_leg(plan, units) for plan, units in left])


def naked_words(plan: Sequence[LegPlan], budget_s: float) -> str:
    """How long an exit would lack a hedge it began with, by its plan, in 32 columns; empty = nobody knows."""
    if any(leg.contract is None for leg in plan):
        return ""
    now = {leg.key: (leg, _first(leg)) for leg in plan}
    first = _bare(now.values())
    if any(first):
        return "Naked already; less by each fill"
    bare = 0
    for leg in plan:
        bare += any(_bare(now.values()))
        now[leg.key] = leg, -leg.side.sign * leg.keeps
    return f"Unhedged: about {bare * STEP_S:.0f} s, limit {budget_s:.0f} s"


def _worst(intent: Intent, legs: list[Leg]) -> str:
    """The worst end of hedged legs, with what the others have made."""
    cash_paise, worst_paise = _cash_paise(intent), payoff(legs).max_loss_paise
    if worst_paise is None:
        return "What is left is hedged, but in several expiries: its largest loss cannot be told."
    if cash_paise is None:
        return "An entry price is missing, so the largest loss of what is left is not known."
    ends = signed_rupees(worst_paise + cash_paise)
    return f"Left alone until expiry, the position ends at {ends} at worst."


def _seconds(intent: Intent, now_s: float) -> float:
    """Seconds without a hedge until now, restarts included."""
    running_s = 0.0 if intent.naked_since_s is None else now_s - intent.naked_since_s
    return intent.naked_s + max(running_s, 0.0)


def _more_than_before(intent: Intent, ledger: Ledger) -> bool:
    """Whether more units are without a hedge, on one side or the other, than when the exit began."""
    if any(plan.contract is None for plan in intent.legs):
        return False
    first = _bare((plan, _first(plan)) for plan in intent.legs)
    now = _bare(_left(intent, ledger))
    return any(after > before for after, before in zip(now, first, strict=True))


def _bare(legs: Iterable[tuple[LegPlan, int]]) -> tuple[int, int]:
    """Units without a hedge against a falling and a rising market, of known contracts."""
    left, right = slopes((plan.contract.right if plan.contract else None, units) for plan, units in legs)
    return max(left, 0), max(-right, 0)


def _first(plan: LegPlan) -> int:
    """Signed units when the exit began: what the rows said, less what earlier exits had traded."""
    return sum(plan.rows.values()) + plan.side.sign * plan.before


def _left(intent: Intent, ledger: Ledger) -> Iterator[tuple[LegPlan, int]]:
    """Signed units of each leg that are open, those that a part leaves included."""
    for index, plan in enumerate(intent.legs):
        units, row = max(intent.rest(index), 0) + plan.keeps, ledger.row(plan)
        if plan.side is Side.SELL and row is not None:
            units = min(units, max(row.net_quantity, 0) + ledger.elsewhere(plan))
        yield plan, -plan.side.sign * units


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

    What the plan has found closed by somebody else counts at its entry price, as if it had made nothing.
    """
    total_paise = 0
    for index, plan in enumerate(intent.legs):
        if any(row not in plan.prices_paise for row in plan.rows):
            return None
        paid_paise = sum(units * plan.prices_paise[row] for row, units in plan.rows.items())
        total_paise -= paid_paise - paid_paise * intent.outside(index) // abs(sum(plan.rows.values()))
        total_paise -= plan.side.sign * (plan.before_paise + intent.traded(index)[1])
    return total_paise
