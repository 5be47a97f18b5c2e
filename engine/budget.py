"""How many commands an exit, and all of them together, may send in a day: no loop is without a bound.

Counted from the orders themselves, so that a restart changes nothing. A cancel is always allowed, and
so is the first order of each leg of an urgent exit: that much is kept for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.pricing import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.intents import Intent
    from engine.orders import Order

__all__ = ["Budget", "budget_of", "moments_s", "spent"]

#: Dhan allows 1,000 commands an hour and 7,000 a day, over all programs of the account.
EXIT_COMMANDS = 800
DAY_COMMANDS = 5_000
LOW_PCT = 80


class Budget(NamedTuple):
    """Where an exit stands before its next command; both in people's words, empty = nothing to say.

    Attributes:
        low: it is nearly used up.
        over: it is used up; nothing but a cancel may leave.
    """

    low: str = ""
    over: str = ""


def spent(orders: Iterable[Order]) -> int:
    """Commands that these orders have cost: each itself, its changes, and its cancels."""
    return sum(1 + order.modifies + order.cancels for order in orders)


def moments_s(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """When the commands of these orders were sent, as the journal keeps them, the oldest first.

    Of several changes, or cancels, only the last moment is known; the others count as if they were as
    young. A restart forgets when a cancel was sent; then the moment of the last price counts. What was never
    answered counts like all the rest.
    """
    sent_s: list[float] = []
    for row in rows:
        sent_s.append(row["sent_s"])
        sent_s += [row["priced_s"]] * row["modifies"]
        if row.get("cancels"):
            cancel_sent_s = row["cancel_sent_s"]
            sent_s += [row["priced_s"] if cancel_sent_s is None else cancel_sent_s] * row["cancels"]
    return sorted(sent_s)


def budget_of(intent: Intent, index: int, today: Iterable[Order]) -> Budget:
    """Look at the budget before a place or modify of one leg; ``today`` are all orders of the day."""
    looks = (
        (spent(intent.orders), EXIT_COMMANDS, "this exit"),
        (spent(today), DAY_COMMANDS, "the day"),
    )
    first = not any(order.leg == index for order in intent.orders)
    for used, most, whose in looks:
        if used >= most and not (first and intent.style is Style.URGENT):
            return Budget(over=f"all {most} commands to the broker of {whose} are spent")
    for used, most, whose in looks:
        if used * 100 >= most * LOW_PCT:
            return Budget(low=f"{used} of the {most} commands to the broker of {whose} are spent.")
    return Budget()
