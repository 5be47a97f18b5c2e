"""Which of two parameter sets of one rule, armed for one position, is surely the stricter."""

from __future__ import annotations

from typing import Any

from engine.rules.base import Amount, Daily, Due, Kind, Level, Limits, Ratchet


def never_later(kind: Kind, new: Any, old: Any) -> bool:
    """Whether the new parameters are surely met whenever the old ones are; what cannot be told is not."""
    if type(new) is not type(old):
        return False
    match new:
        case Due():
            return bool(new.due_s <= old.due_s)
        case Daily():
            return bool(new.clock <= old.clock)  # both are HH:MM
        case Level():
            return bool(new == old)  # one of several: which of them acts when is no question of more or less
        case Amount() if kind is Kind.LOSS:
            return bool(new.threshold_paise >= old.threshold_paise)
        case Amount():
            return bool(new.threshold_paise <= old.threshold_paise)
        case Limits() | Ratchet():
            return bool(new.never_later(old))
    return bool(new == old)
