"""Rows, exit levels and contracts as plain JSON values, and back. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.model import (
    ExitLevel,
    Instrument,
    InstrumentKey,
    InstrumentKind,
    Right,
    Segment,
    Side,
    TradeRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "instrument_from", "instrument_to", "level_from", "level_to", "row_from", "row_to",
]  # fmt: skip


def row_to(row: TradeRow) -> dict[str, Any]:
    """A row of the trade store; that it has ended, a store's open rows never say."""
    told = asdict(row)
    del told["end"]
    return told | {"expiry_date": _iso(row.expiry_date)}


def row_from(told: Mapping[str, Any]) -> TradeRow:
    """Read `row_to` back."""
    return TradeRow(**{**told, "action": Side(told["action"]), "expiry_date": _day(told["expiry_date"])})


def level_to(level: ExitLevel) -> dict[str, Any]:
    """A row of ``strategy_exit_levels``."""
    close = level.close_pct
    return asdict(level) | {"value": str(level.value), "close_pct": None if close is None else str(close)}


def level_from(told: Mapping[str, Any]) -> ExitLevel:
    """Read `level_to` back."""
    close = told["close_pct"]
    exact = {"value": Decimal(told["value"]), "close_pct": None if close is None else Decimal(close)}
    return ExitLevel(**{**told, **exact})


def instrument_to(instrument: Instrument) -> dict[str, Any]:
    """A contract or underlying."""
    told = {name: getattr(instrument, name) for name in Instrument.__slots__ if name != "key"}
    return told | {"expiry": _iso(instrument.expiry)}


def instrument_from(told: Mapping[str, Any]) -> Instrument:
    """Read `instrument_to` back."""
    right, underlying = told["right"], told["underlying"]
    made = {
        "segment": Segment(told["segment"]),
        "kind": InstrumentKind(told["kind"]),
        "expiry": _day(told["expiry"]),
        "right": None if right is None else Right(right),
        "underlying": None if underlying is None else InstrumentKey(underlying),
    }
    return Instrument(**{**told, **made})


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
