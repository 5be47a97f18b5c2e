"""``[account."NAME"]``: limits on what all positions of one account make or lose in a day.

They are no rules of a position, but read in the same way and by the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.money import rupees, signed_rupees
from engine.rules.reading import amount

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_LOSS = "day_loss_rupees"
DAY_PROFIT = "day_profit_rupees"
DAY_TRAILING = "day_trailing"
#: The names under which day limits speak.
DAY_RULES = frozenset({DAY_LOSS, DAY_PROFIT, DAY_TRAILING})

_OFF = "off"
_PARTS = ("activate_rupees", "give_back_rupees")
_TRAILING = (
    "a table { activate_rupees = 8000, give_back_rupees = 3000 } of rupees from 1 up, "
    "the second not above the first"
)


@dataclass(frozen=True, slots=True)
class DayTrailing:
    """Out when a day's profit that has reached one amount falls by another from its highest."""

    activate_paise: int
    give_back_paise: int


@dataclass(frozen=True, slots=True)
class DayLimits:
    """The limits of one account; amounts are positive paise, None = there is no such limit."""

    loss_paise: int | None = None
    profit_paise: int | None = None
    trailing: DayTrailing | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self != DayLimits()


def read_limit(key: str, value: Any) -> int | DayTrailing | None:
    """Read one key of an account's table; None = it is off.

    Raises:
        ValueError: with the words that follow "expected".
        KeyError: there is no such key.
    """
    if key not in DAY_RULES:
        raise KeyError(key)
    if value == _OFF:
        return None
    return _trailing(value) if key == DAY_TRAILING else _rupees(value)


def limit_lines(limits: DayLimits) -> list[str]:
    """Each limit as people read it, with its key."""
    lines = []
    if limits.loss_paise is not None:
        lines.append(f"{DAY_LOSS}: out at a day's P&L of {signed_rupees(-limits.loss_paise)} or less")
    if limits.trailing is not None:
        reach, give = rupees(limits.trailing.activate_paise), rupees(limits.trailing.give_back_paise)
        lines.append(f"{DAY_TRAILING}: from {reach} on, out {give} below the day's highest P&L")
    if limits.profit_paise is not None:
        lines.append(f"{DAY_PROFIT}: out at a day's P&L of {signed_rupees(limits.profit_paise)} or more")
    return lines


def limit_data(limits: DayLimits) -> dict[str, Any]:
    """The limits as plain values, rupees, None = there is no such limit."""
    trailing = limits.trailing
    return {
        DAY_LOSS: None if limits.loss_paise is None else limits.loss_paise / 100,
        DAY_PROFIT: None if limits.profit_paise is None else limits.profit_paise / 100,
        DAY_TRAILING: None
        if trailing is None
        else dict(zip(_PARTS, (trailing.activate_paise / 100, trailing.give_back_paise / 100), strict=True)),
    }


def limits_of(table: Mapping[str, Any]) -> DayLimits:
    """An account's table, read, as its limits."""
    return DayLimits(table.get(DAY_LOSS), table.get(DAY_PROFIT), table.get(DAY_TRAILING))


def _rupees(value: Any) -> int:
    return amount(value, 1, "rupees between 1 and 10,000,000,000, without a sign, e.g. 6000")


def _trailing(value: Any) -> DayTrailing:
    if not isinstance(value, dict) or set(value) != set(_PARTS):
        raise ValueError(_TRAILING)
    activate, give_back = (amount(value[name], 1, _TRAILING) for name in _PARTS)
    if give_back > activate:
        raise ValueError(_TRAILING)
    return DayTrailing(activate, give_back)
