"""Faults of the product that the machine has found or knows of, until they are mended."""

from __future__ import annotations

#: Each switches off the one rule, setting or check that meets it. Take a line out when it is mended, and
#: what asks for it in `machine` or `judge`.
KNOWN = frozenset(
    {
        "an order changed in quantity by hand never ends",
        "an order that vanished from the book never ends",
        "a restart within the lag of the position list, with more claimed than held, crosses zero",
        "one request that became two orders counts once",
        "a crash right after an exit is recorded as stuck leaves nobody told",
        "reads that fail after the last fill leave a flat exit stuck",
        "an update without an average leaves an exit price of nothing",
    }
)


def known(start: str) -> bool:
    """Whether the fault whose name begins like that is still there."""
    return any(fault.startswith(start) for fault in KNOWN)
