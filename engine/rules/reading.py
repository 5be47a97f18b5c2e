"""Readers of single setting values: exact numbers in, sentences about what was expected out.

Every reader raises ValueError with the words that follow "expected".
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.money import from_rupees

if TYPE_CHECKING:
    from collections.abc import Collection

#: No amount of a rule is larger.
MOST_RUPEES = 10**10
#: No number of a rule has more digits on either side of its point: exact fractions of more take for ever.
_DIGITS = 20
#: Times of day at which rules may act: a session's, the earliest opening to the latest close.
_FIRST_CLOCK, _LAST_CLOCK = "09:15", "15:40"
#: An opening gate that comes later would keep stops out of the market for all of the day.
_LAST_GATE = "15:15"


def number(value: Any, low: Fraction, high: Fraction, expected: str) -> Fraction:
    """A number within bounds, both included, exactly as written."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not _short(Decimal(value)):
        raise ValueError(expected)
    if not low <= (exact := Fraction(value)) <= high:
        raise ValueError(expected)
    return exact


def _short(value: Decimal) -> bool:
    """Whether a number is finite and has few digits."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS and value.adjusted() <= _DIGITS


def whole(value: Any, low: int, high: int, expected: str) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(expected)
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - one kind of fault for all readers
    return value


def clock(value: Any) -> str:
    """A time of day within a session, as text."""
    return _clock(value, _LAST_CLOCK, "15:00")


def _clock(value: Any, last: str, example: str) -> str:
    written = isinstance(value, str) and re.fullmatch(r"[0-9]{2}:[0-5][0-9]", value)
    if not written or not _FIRST_CLOCK <= value <= last:
        raise ValueError(f'a time of day in IST from "{_FIRST_CLOCK}" to "{last}", e.g. "{example}"')
    return str(value)


def gate(value: Any) -> str:
    """A time of day from which on something may happen; "off" is midnight."""
    try:
        return "00:00" if value == "off" else _clock(value, _LAST_GATE, "09:16")
    except ValueError as expected:
        raise ValueError(f'{expected}, or "off"') from None


def amount(value: Any, low: int, expected: str) -> int:
    """An amount in rupees without a sign, as paise."""
    number(value, Fraction(low), Fraction(MOST_RUPEES), expected)
    try:
        return from_rupees(value)
    except BadInput:
        raise ValueError(f"{expected}, and nothing finer than a paisa") from None


def table(value: Any, keys: Collection[str], expected: str) -> dict[str, Any]:
    """A table with no other keys than these."""
    if not isinstance(value, dict) or not value.keys() <= set(keys):
        raise ValueError(expected)
    return value


def percent(share: Fraction) -> str:
    """A fraction as people read it: 1/2 -> ``50 %``, 1/8 -> ``12.5 %``."""
    return f"{float(share * 100):g} %"


def written(value: Any) -> str:
    """A value as the owner wrote it, more or less."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return f"{{{', '.join(f'{key} = {written(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return str(value)
