"""Reads the table of sessions (``engine/data/sessions.toml``), and an owner's laid over it."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.sessions import Calendar, Hours

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_calendar"]

_KEYS = ("first", "last", "holidays", "uncertain", "hours", "special")
_HOUR_KEYS = ("from", "date", "open", "close", "auction")


def parse_calendar(text: str, *, over: Calendar | None = None, source: str = "session table") -> Calendar:
    """Read a table.

    Args:
        text: TOML, as ``engine/data/sessions.toml``.
        over: the calendar it is laid over: every key is optional then, and what it says of a day wins.
        source: what the text is called in faults.

    Raises:
        ConfigError: not TOML; a key is unknown, missing or of the wrong type; hours that run backwards;
            a new year without a single holiday.
    """
    try:
        table = tomllib.loads(text)
        return _whole(table) if over is None else _laid_over(over, table)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError([f"{source}: not readable as TOML: {fault}"]) from fault
    except KeyError as fault:
        raise ConfigError([f"{source}: {fault} is missing"]) from fault
    except (TypeError, ValueError) as fault:
        raise ConfigError([f"{source}: {fault}"]) from fault


def _whole(table: Mapping[str, Any]) -> Calendar:
    """A table that stands by itself."""
    _known(table, _KEYS)
    return Calendar(
        first=_day(table["first"]),
        last=_day(table["last"]),
        holidays=frozenset(map(_day, table["holidays"])),
        uncertain=frozenset(map(_day, table["uncertain"])),
        hours=tuple(sorted((_day(row["from"]), _hours(row)) for row in table["hours"])),
        special={_day(row["date"]): _hours(row) for row in table["special"]},
    )


def _laid_over(base: Calendar, table: Mapping[str, Any]) -> Calendar:
    """Another table with what this one says of days and hours."""
    more = _whole({"first": base.first, "last": base.last} | dict.fromkeys(_KEYS[2:], ()) | dict(table))
    said = more.holidays | more.special.keys()
    for year in range(base.last.year + 1, more.last.year + 1):
        if all(day.year != year for day in more.holidays):
            raise ValueError(f"last = {more.last} covers {year}, of which no holiday is listed")
    return Calendar(
        first=more.first,
        last=more.last,
        holidays=base.holidays | more.holidays,
        uncertain=(base.uncertain - said) | more.uncertain,
        hours=tuple(sorted((dict(base.hours) | dict(more.hours)).items())),
        special={day: hours for day, hours in base.special.items() if day not in said} | dict(more.special),
    )


def _known(table: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in table:
        if name not in names:
            raise ValueError(f"read the key {name!r} where one of {', '.join(names)} was expected")


def _day(value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError(f"read {value!r} where a date was expected, e.g. 2026-11-24")
    return value


def _hours(row: Mapping[str, Any]) -> Hours:
    """Hours of one session, in the order of time.

    Raises:
        KeyError, TypeError, ValueError: one is missing, no time, or comes before the one before it.
    """
    _known(row, _HOUR_KEYS)
    terms = row.get("auction")
    auction = (
        None if terms is None else (_clock(terms, "open"), _clock(terms, "close"), int(terms["band_pct"]))
    )
    opens, closes = _clock(row, "open"), _clock(row, "close")
    order = [opens, *(auction[:2] if auction else ()), closes]
    if order != sorted(set(order)):
        raise ValueError(
            f"read hours {', '.join(map(str, order))} where each later than the last was expected"
        )
    return Hours(opens, closes, auction)


def _clock(row: Mapping[str, Any], name: str) -> time:
    value = row[name]
    if not isinstance(value, time):
        raise TypeError(f"read {name} = {value!r} where a time was expected, e.g. 15:30:00")
    return value
