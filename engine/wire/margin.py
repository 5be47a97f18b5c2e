"""What Dhan says of margin and money -> paise; both of its spellings are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import WireError
from engine.wire.rows import mapping, number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_free", "parse_margin"]


def parse_margin(body: object) -> int:
    """Read what a basket of orders would block, in paise, without the premium of what is bought.

    That is ``span_margin`` and ``exposure_margin`` together, ``spanMargin`` and ``exposure`` in the
    other spelling; where they say nothing, the total, which may contain premium.

    Raises:
        WireError: not an answer about margin.
    """
    fields = mapping(body)
    parts = (
        _paise(fields, "span_margin", "spanMargin"),
        _paise(fields, "exposure_margin", "exposureMargin", "exposure"),
    )
    total = _paise(fields, "total_margin", "totalMargin")
    blocked = sum(part for part in parts if part is not None) or total
    if blocked is None or blocked < 0:
        msg = f"total_margin is {fields.get('total_margin')!r}: expected rupees"
        raise WireError(msg)
    return blocked


def parse_free(body: object) -> int:
    """Read what the account may spend, in paise; an account may owe. ``availabelBalance`` is Dhan's spelling.

    Raises:
        WireError: not an answer about funds.
    """
    free = _paise(mapping(body), "availabelBalance", "availableBalance")
    if free is None:
        raise WireError("availabelBalance is missing: expected rupees")
    return free


def _paise(fields: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that says a number, rupees made paise; None = none does."""
    amounts = (number(fields, name) for name in names)
    amount = next((amount for amount in amounts if amount is not None), None)
    return None if amount is None else round(amount * 100)
