"""Faults of the product that the machine has found or knows of, until they are mended."""

from __future__ import annotations

#: Each switches off the one rule, setting or check that meets it. Take a line out when it is mended, and
#: what asks for it in `machine` or `judge`.
KNOWN = frozenset(
    {
        "a crash right after an exit is recorded as stuck leaves nobody told",
    }
)


def known(start: str) -> bool:
    """Whether the fault whose name begins like that is still there."""
    return any(fault.startswith(start) for fault in KNOWN)
