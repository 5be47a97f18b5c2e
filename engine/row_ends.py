"""What a file's ended row says of its end: the columns that an exit leaves behind, types made ours."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from engine.money import from_rupees
from engine.trade_cells import moment_s, signed

if TYPE_CHECKING:
    from engine.rows import RowReader

__all__ = ["RowEnd", "read_end"]


class RowEnd(NamedTuple):
    """The end of a row; None = not known.

    Attributes:
        price_paise: exit price per unit.
        at_s: when it was closed, epoch seconds.
        realised_paise, charges_paise, slippage_paise: what the exit made of it.
        line: the line of the executions with all of it; empty = none.
    """

    price_paise: int | None
    at_s: float | None
    realised_paise: int | None
    charges_paise: int | None
    slippage_paise: int | None
    line: str


def read_end(read: RowReader) -> RowEnd:
    """The end of a row that has ended; faults are kept by the reader."""
    rupees = "rupees, or empty"
    return RowEnd(
        read("exit_price", _price, None, "the exit price in rupees, or empty"),
        read("closed_at", _moment, None, "a moment such as 2026-02-03T09:20:00+05:30, or empty"),
        read("realised_pnl", _paise, None, rupees),
        read("exit_charges", _paise, None, rupees),
        read("exit_slippage", _paise, None, rupees),
        read.word("exit_line"),
    )


def _moment(word: str) -> float | None:
    return moment_s(word) if word else None


def _paise(word: str) -> int | None:
    """Rupees with or without a sign; finer than a paisa counts as less."""
    if not word:
        return None
    return from_rupees(signed(word, "₹").quantize(Decimal("0.01"), rounding=ROUND_FLOOR))


def _price(word: str) -> int | None:
    paise = _paise(word)
    if paise is not None and paise < 0:
        raise ValueError
    return paise
