"""Money as integer paise: in from rupees exactly, out as rupees the way India writes them.

A price is paise per unit, an amount is paise. Nothing here knows a float but to refuse what it
cannot hold.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.errors import BadInput

#: How far a float may lie from a whole paisa before it is taken for a different number: above what
#: arithmetic on doubles leaves behind, far below the smallest thing anyone means.
_FLOAT_DUST = Decimal("0.0001")


def from_rupees(amount: str | float | Decimal) -> int:
    """Turn rupees into paise, exactly.

    Args:
        amount: rupees as text (``"57"``, ``"57.00"``), a number or a Decimal.

    Raises:
        BadInput: not a number, or finer than one paisa.
    """
    if isinstance(amount, bool):
        raise BadInput(f"read {amount!r} where an amount in rupees was expected, e.g. 57.05")
    try:
        exact = Decimal(str(amount).strip()) * 100
    except InvalidOperation:
        raise BadInput(f"read {amount!r} where an amount in rupees was expected, e.g. 57.05") from None
    if not exact.is_finite():
        raise BadInput(f"read {amount!r} where an amount in rupees was expected, e.g. 57.05")
    paise = int(exact.to_integral_value())
    if abs(exact - paise) > (_FLOAT_DUST if isinstance(amount, float) else 0):
        raise BadInput(f"read {amount!r} rupees, which is finer than a paisa; two decimals were expected")
    return paise


def rupees(paise: int) -> str:
    """Write an amount in rupees with Indian digit grouping: 1234567800 -> ``₹1,23,45,678.00``."""
    return f"{'−' if paise < 0 else ''}₹{_grouped(abs(paise))}"


def signed_rupees(paise: int) -> str:
    """Write a gain or loss with its sign: ``+₹1,540.00``, ``−₹1,020.00``, ``₹0.00``."""
    return f"{'+' if paise > 0 else ''}{rupees(paise)}"


def tick_down(price_paise: int, tick_paise: int) -> int:
    """The highest price on the tick grid that is not above this one."""
    return price_paise // tick_paise * tick_paise


def tick_up(price_paise: int, tick_paise: int) -> int:
    """The lowest price on the tick grid that is not below this one."""
    return -(-price_paise // tick_paise) * tick_paise


def _grouped(paise: int) -> str:
    """Group the last three digits of the rupees, then two by two: lakhs and crores."""
    whole, part = divmod(paise, 100)
    head, tail = divmod(whole, 1000)
    groups = []
    while head > 99:
        head, pair = divmod(head, 100)
        groups.append(f"{pair:02d}")
    if head:
        groups.append(str(head))
    groups.reverse()
    return ",".join([*groups, f"{tail:03d}" if groups else str(tail)]) + f".{part:02d}"
