"""What one hundred per cent is: the amount a rule in per cent takes its share of.

Defined risk has a worst case to take a share of; a naked position has none, and a calendar's is a
model's guess, so there a stop in per cent is refused and other stops are named instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.money import rupees
from engine.rules.base import Refusal
from engine.rules.reading import percent

if TYPE_CHECKING:
    from fractions import Fraction

    from engine.payoff import Payoff


class Basis(NamedTuple):
    """One hundred per cent: a positive amount in paise, and what it is; ``most``: no P&L is larger."""

    amount_paise: int
    text: str
    most: bool = False

    def share(self, share: Fraction) -> str:
        """A share of it in words, e.g. ``50 % of the maximum profit ₹3,055.00``."""
        beyond = ", which is more than can ever be made" if self.most and share > 1 else ""
        return f"{percent(share)} of the {self.text}{beyond}"


def profit_basis(payoff: Payoff) -> Basis | Refusal:
    """The amount a profit rule in per cent refers to."""
    best = payoff.max_profit_paise
    if payoff.defined_risk and payoff.flat_beyond and best is not None and best > 0:
        return Basis(best, f"maximum profit {rupees(best)}", most=True)
    premium = payoff.net_premium_paise
    if premium == 0:
        return Refusal(
            "the net premium is zero, so there is nothing to take a share of; use an amount in rupees"
        )
    word = "credit" if premium > 0 else "debit"
    return Basis(abs(premium), f"{word} {rupees(abs(premium))}")


def stop_basis(payoff: Payoff, *, debit: bool) -> Basis | Refusal:
    """The amount a stop in per cent refers to.

    Args:
        payoff: the position's.
        debit: the owner chose the premium paid as the basis of positions with two expiries.
    """
    worst = payoff.max_loss_paise
    if not payoff.one_expiry:
        if debit and payoff.net_premium_paise < 0:
            return Basis(-payoff.net_premium_paise, f"debit {rupees(-payoff.net_premium_paise)}")
        return Refusal(
            "legs of two expiries have no certain maximum loss; use stop_loss_rupees, "
            'or basis = "debit" for a position that was paid for'
        )
    if not payoff.defined_risk or worst is None:
        return Refusal(
            "the risk is not defined, so there is no maximum loss to take a share of; "
            "use stop_credit_multiple or stop_loss_rupees"
        )
    if worst >= 0:
        return Refusal(f"the position cannot lose: it ends at {rupees(worst)} or better", refused=False)
    return Basis(-worst, f"maximum loss {rupees(-worst)}")
