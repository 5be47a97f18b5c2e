"""The dated facts that ship with the engine, read from their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from importlib.resources import files

from engine.charges import ChargeTable
from engine.model import Instrument, InstrumentKey, InstrumentKind
from engine.replay.lots import LotTable
from engine.rules.rulebook import Rulebook
from engine.sessions import Calendar

_FROZEN = frozenset({InstrumentKind.OPTION, InstrumentKind.FUTURE})


def calendar() -> Calendar:
    """The shipped session table."""
    return Calendar.parse(_text("sessions.toml"))


def charges() -> ChargeTable:
    """The shipped charge table."""
    return ChargeTable.parse(_text("charges.toml"))


def lots() -> LotTable:
    """The shipped table of lots and freeze quantities."""
    return LotTable.parse(_text("lots.toml"))


def with_freeze(
    instruments: Mapping[InstrumentKey, Instrument], day: date
) -> dict[InstrumentKey, Instrument]:
    """Fill in the freeze quantity of that day where a master has none; other contracts stay as they are.

    Not every generation of Dhan's file has the column; an order above the limit is refused whole.
    """
    table = lots()
    return {
        key: replace(each, freeze_quantity=table.freeze(each.symbol, day))
        if each.freeze_quantity is None and each.kind in _FROZEN
        else each
        for key, each in instruments.items()
    }


def rulebook(text: str = "", source: str = "rules.toml") -> Rulebook:
    """The owner's rules laid over the shipped ones.

    Raises:
        ConfigError: with every fault of the text.
    """
    shipped = Rulebook.parse(_text("rules.toml"), source="the shipped rules.toml")
    return Rulebook.parse(text, over=shipped, source=source)


def _text(name: str) -> str:
    return files("engine").joinpath("data", name).read_text(encoding="utf-8")
