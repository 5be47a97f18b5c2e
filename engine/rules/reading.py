"""Readers of single setting values: exact numbers in, sentences about what was expected out.

Every reader raises ValueError with the words that follow "expected".
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.money import from_rupees

if TYPE_CHECKING:
    from collections.abc import Collection

#: No amount of a rule is larger.
MOST_RUPEES = 10**10


def number(value: Any, low: Fraction, high: Fraction, expected: str) -> Fraction:
    """A number within bounds, both included, exactly as written."""
    written = isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()
    if not written or not low <= (exact := Fraction(value)) <= high:
        raise ValueError(expected)
    return exact


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
    """A time of day as text."""
    expected = 'a time of day in IST, e.g. "15:00"'
    if not isinstance(value, str):
        raise ValueError(expected)  # noqa: TRY004 - one kind of fault for all readers
    try:
        return time.fromisoformat(value).isoformat("minutes")
    except ValueError:
        raise ValueError(expected) from None


def gate(value: Any) -> str:
    """A time of day from which on something may happen; "off" is midnight."""
    try:
        return "00:00" if value == "off" else clock(value)
    except ValueError as expected:
        raise ValueError(f'{expected}, or "off"') from None


def amount(value: Any, low: int, expected: str) -> int:
    """An amount in rupees without a sign, as paise."""
    number(value, Fraction(low), Fraction(MOST_RUPEES), expected)
    return from_rupees(value)


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
