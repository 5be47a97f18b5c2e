"""Lines that exits have left, as far as sums go by them."""

from __future__ import annotations

from typing import Any


def line(
    intent: str, ended_at: str, after_paise: int | None, sequence: int = 1, **more: object
) -> dict[str, Any]:
    """A line of the book of an exit that ended then; charges are ₹50, but for the changes."""
    before = None if after_paise is None else after_paise + 5_000
    return {
        "intent": intent, "sequence": sequence, "account": "default", "position": "default/3359",
        "title": "NIFTY Iron Condor", "mode": "execute", "rule": "profit_target", "by": "the rule",
        "state": "flat", "ended_at": ended_at, "decided_at": ended_at,
        "realised_before_charges_paise": before, "charges_paise": 5_000,
        "realised_after_charges_paise": after_paise, "slippage_rupees": 12.5, "naked_s": 1.2,
        "seconds": {"to_first_order": 0.2, "to_verified_flat": 8.0},
    } | more  # fmt: skip


def leg_of(security_id: int, side: str, units: int, price_paise: int, **more: object) -> dict[str, Any]:
    """A leg of an F&O contract in such a line, all of it traded at this price."""
    return {
        "segment": "NSE_FNO", "security_id": security_id, "side": side, "filled": units,
        "turnover_paise": units * price_paise, "filled_by_earlier_exits": 0,
    } | more  # fmt: skip
