"""What a person writes on a phone, as TOML would have given it: numbers exact, times and words as text."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, InvalidOperation
from typing import Any

#: What phones make of plain signs while somebody types.
_TYPED = str.maketrans({"−": "-", "–": "-", "—": "-", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})
_AMOUNT = re.compile(r"([+-]?)(?:₹|rs\.?)? ?([+-]?[0-9][0-9,]*(?:\.[0-9]+)?) ?(%?)", re.IGNORECASE)


def spoken(text: str) -> Any:
    """Read the value that somebody wrote for a rule.

    ``30%`` is 0.3, ``₹3,000`` is 3000; ``true``, ``{give_back = 0.2}`` and everything else that TOML
    knows is what TOML makes of it; the rest (``15:10``, ``off``) is a word.
    """
    plain = text.translate(_TYPED).strip()
    if amount := _AMOUNT.fullmatch(plain):
        return _number(amount[1] + amount[2].replace(",", ""), percent=bool(amount[3]), else_=plain)
    try:
        document = tomllib.loads(f"value = {plain}", parse_float=Decimal)
    except (tomllib.TOMLDecodeError, InvalidOperation, RecursionError):
        return plain
    value = document.pop("value", plain)
    return plain if document else value


def _number(digits: str, *, percent: bool, else_: str) -> Any:
    """The number that stands there; two signs make it a word."""
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return else_
    if percent:
        value = (value / 100).normalize()
    whole = value == value.to_integral_value() and not percent and "." not in digits
    return int(value) if whole else value
