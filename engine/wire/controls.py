"""Dhan's trader's control -> our nouns: the answers of ``/killswitch``, ``/pnlExit``, ``/positions``."""

from __future__ import annotations

from engine.controls import Held, PnlExit
from engine.errors import WireError
from engine.wire.rows import contract_key, mapping, number, required, text, whole

__all__ = ["parse_held_rows", "parse_kill_switch", "parse_pnl_exit"]


def parse_kill_switch(body: object) -> bool:
    """Whether the kill switch is on.

    Raises:
        WireError: neither of the two words.
    """
    word = required(mapping(body), "killSwitchStatus").upper()
    if word in {"ACTIVATE", "DEACTIVATE"}:
        return word == "ACTIVATE"
    msg = f"killSwitchStatus is {word!r}: expected ACTIVATE or DEACTIVATE"
    raise WireError(msg)


def parse_pnl_exit(body: object) -> tuple[PnlExit, ...]:
    """The terms of the P&L-based exit that is armed; empty = none is.

    Raises:
        WireError: neither armed nor not, or armed without its amounts.
    """
    fields = mapping(body)
    word = required(fields, "pnlExitStatus").upper()
    if word in {"INACTIVE", "DISABLED"}:
        return ()
    if word != "ACTIVE":
        msg = f"pnlExitStatus is {word!r}: expected ACTIVE or INACTIVE"
        raise WireError(msg)
    products = fields.get("productType")
    words = tuple(map(str, products)) if isinstance(products, list) else ()
    loss, profit = (_amount_paise(fields.get(name), name) for name in ("loss", "profit"))
    return (PnlExit(loss, profit, words, fields.get("enable_kill_switch") is True),)


def parse_held_rows(body: object) -> tuple[Held, ...]:
    """Every row of the position list, those too that are none of our business.

    Raises:
        WireError: not a list, or a row without a name or a net quantity.
    """
    if isinstance(body, list):
        return tuple(map(_held, body))
    msg = f"positions are {type(body).__name__}, expected a list"
    raise WireError(msg)


def _held(row: object) -> Held:
    fields = mapping(row)
    segment, name = text(fields, "exchangeSegment"), text(fields, "tradingSymbol")
    try:
        key = contract_key(segment, fields, "securityId")
    except WireError:
        key = None
    parts = [number(fields, each) for each in ("realizedProfit", "unrealizedProfit")]
    known = [round(part * 100) for part in parts if part is not None]
    return Held(
        name or f"{segment} {required(fields, 'securityId')}",
        text(fields, "productType"),
        key,
        whole(fields, "netQty"),
        sum(known) if len(known) == len(parts) else None,
    )


def _amount_paise(value: object, name: str) -> int:
    """An amount of rupees, which Dhan writes as text; a loss may have its sign."""
    amount = number({name: value}, name)
    if amount:
        return round(abs(amount) * 100)
    msg = f"{name} is {value!r}: expected rupees"
    raise WireError(msg)
