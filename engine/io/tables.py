"""The dated facts that ship with the engine, read from their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

from engine.charges import ChargeTable
from engine.errors import ConfigError
from engine.model import Instrument, InstrumentKey, InstrumentKind
from engine.replay.lots import LotTable
from engine.rules.rulebook import Rulebook
from engine.session_table import parse_calendar
from engine.sessions import Calendar

_FROZEN = frozenset({InstrumentKind.OPTION, InstrumentKind.FUTURE})


def calendar(own: Path | None = None) -> Calendar:
    """The shipped session table, the owner's file laid over it.

    Raises:
        ConfigError: the file cannot be read, or has a fault.
    """
    shipped = parse_calendar(_text("sessions.toml"))
    if own is None:
        return shipped
    source = f"SESSIONS_FILE: {own}"
    try:
        text = own.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{source} cannot be read ({error.strerror})."]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{source} is not UTF-8 text at byte {error.start}."]) from error
    return parse_calendar(text, over=shipped, source=source)


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
