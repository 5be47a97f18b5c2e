"""What the broker's reasons for a refusal mean for us: try again in a moment, or leave the leg.

An unknown reason stops the leg and tells a person; nothing is ever tried without a bound.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Remedy", "remedy"]


class Remedy(StrEnum):
    """What to do about a refused order."""

    WAIT = "wait"
    REPRICE = "reprice"
    STOP_LEG = "stop leg"


#: Words looked for in code and reason, lower case, first match wins.
_TABLE: tuple[tuple[str, Remedy], ...] = (
    ("dh-904", Remedy.WAIT),
    ("429", Remedy.WAIT),
    ("too many requests", Remedy.WAIT),
    ("not sent", Remedy.WAIT),  # the connection never came up: nothing left the house
    ("price protection", Remedy.REPRICE),
    ("price band", Remedy.REPRICE),
    ("circuit", Remedy.REPRICE),
    ("execution range", Remedy.REPRICE),
)


def remedy(code: str, reason: str) -> Remedy:
    """Map a refusal to an action.

    Dhan's codes are coarse (DH-905 input, DH-906 order), so the words decide; the limit-price
    protection of the exchange answers with "circuit limit" at times.
    """
    text = f"{code} {reason}".lower()
    return next((what for word, what in _TABLE if word in text), Remedy.STOP_LEG)
