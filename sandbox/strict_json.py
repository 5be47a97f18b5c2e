"""JSON as a careful server reads it: whatever a client sends, it is JSON proper or a ValueError."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any


def parse(text: str | bytes) -> Any:
    """The value written there.

    Raises:
        ValueError: not JSON, not text at all, nested without end, or a number that is none (``NaN``,
            ``1e999``): the standard library would let these through or fail in other ways.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as wrong:
        raise ValueError("read brackets without end, expected JSON") from wrong


def _finite(word: str) -> float:
    number = float(word)
    if not isfinite(number):
        raise ValueError(f"read {word[:20]!r}, expected a finite number")
    return number
