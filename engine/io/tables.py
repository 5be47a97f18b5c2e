"""The dated facts that ship with the engine, read from their files."""

from __future__ import annotations

from importlib.resources import files

from engine.charges import ChargeTable
from engine.replay.lots import LotTable
from engine.rules.rulebook import Rulebook
from engine.sessions import Calendar


def calendar() -> Calendar:
    """The shipped session table."""
    return Calendar.parse(_text("sessions.toml"))


def charges() -> ChargeTable:
    """The shipped charge table."""
    return ChargeTable.parse(_text("charges.toml"))


def lots() -> LotTable:
    """The shipped table of lots, for replays."""
    return LotTable.parse(_text("lots.toml"))


def rulebook(text: str = "", source: str = "rules.toml") -> Rulebook:
    """The owner's rules laid over the shipped ones.

    Raises:
        ConfigError: with every fault of the text.
    """
    shipped = Rulebook.parse(_text("rules.toml"), source="the shipped rules.toml")
    return Rulebook.parse(text, over=shipped, source=source)


def _text(name: str) -> str:
    return files("engine").joinpath("data", name).read_text(encoding="utf-8")
