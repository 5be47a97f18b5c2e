"""One rules file: TOML text in, checked tables out, or all its faults at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.rules.reading import clock, flag, number, whole
from engine.rules.registry import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Table = dict[str, Any]
"""Checked keys of one table: setting or rule -> its value; None = the rule is off."""

_OFF = "off"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The tables of one file; names of symbols and strategies are folded to one case."""

    default: Table
    undefined_risk: Table
    symbols: Mapping[str, Table]
    strategies: Mapping[str, Table]

    @classmethod
    def parse(cls, text: str, source: str) -> RuleFile:
        """Read and check a whole file.

        Raises:
            ConfigError: with every fault.
        """
        try:
            document = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as fault:
            raise ConfigError([f"{source}: not readable as TOML: {fault}"]) from fault
        reader = _Reader(text, source)
        default = reader.expect_table("default", document.pop("default", {}))
        undefined = reader.expect_table("default.undefined_risk", default.pop("undefined_risk", {}))
        file = cls(
            default=reader.table("default", default),
            undefined_risk=reader.table("default.undefined_risk", undefined),
            symbols=reader.named("symbol", document.pop("symbol", {})),
            strategies=reader.named("strategy", document.pop("strategy", {})),
        )
        for name in document:
            reader.fault(name, "", 'unknown table; expected [default], [symbol."NAME"] or [strategy."NAME"]')
        if reader.faults:
            raise ConfigError(reader.faults)
        return file


class _Reader:
    """Checks tables and collects faults."""

    def __init__(self, text: str, source: str) -> None:
        self._lines = text.splitlines()
        self._source = source
        self.faults: list[str] = []

    def named(self, kind: str, tables: Any) -> dict[str, Table]:
        """Tables like ``[strategy."Iron Condor"]``, by folded name."""
        found: dict[str, Table] = {}
        for name, table in self.expect_table(kind, tables).items():
            header = f'{kind}."{name}"'
            if name.casefold() in found:
                self.fault(header, "", "there are two tables of this name, compared without regard to case")
            found[name.casefold()] = self.table(header, self.expect_table(header, table))
        return found

    def expect_table(self, header: str, value: Any) -> dict[str, Any]:
        """A table as a fresh dictionary; anything else is a fault and an empty one."""
        if isinstance(value, dict):
            return dict(value)
        self.fault(header, "", f"read {_shown(value)}, expected a table of rules")
        return {}

    def table(self, header: str, raw: Mapping[str, Any]) -> Table:
        """The readable keys of a table."""
        checked: Table = {}
        for key, value in raw.items():
            try:
                checked[key] = _value(header, key, value)
            except ValueError as expected:
                self.fault(header, key, str(expected))
        return checked

    def fault(self, header: str, key: str, text: str) -> None:
        """Note a fault with the line it stands in."""
        place = f"{self._source}{self._line(header, key)}: [{header}]"
        self.faults.append(f"{place} {key}: {text}" if key else f"{place}: {text}")

    def _line(self, header: str, key: str) -> str:
        """`` line 12`` of a key or a header, as far as plain TOML shows it; else nothing."""
        wanted = header.replace('"', "").replace("'", "")
        current = ""
        for count, line in enumerate(self._lines, start=1):
            if opened := re.match(r"\s*\[+\s*(.+?)\s*\]", line):
                current = opened[1].replace('"', "").replace("'", "")
                if (not key and current.startswith(wanted)) or (key and current == f"{wanted}.{key}"):
                    return f" line {count}"
            elif key and current == wanted and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
                return f" line {count}"
        return ""


def _value(header: str, key: str, value: Any) -> Any:
    """Read one key.

    Raises:
        ValueError: with the sentence that belongs behind the key's name.
    """
    rule = rules().get(key)
    if rule is not None and value == _OFF:
        if key == "expiry_exit" and not header.startswith("strategy."):
            raise ValueError('"off" must be written per strategy: [strategy."NAME"]')
        return None
    read = rule.read if rule is not None else _SETTINGS.get(key)
    if read is None:
        raise ValueError(f"unknown key; expected one of {', '.join(sorted({*rules(), *_SETTINGS}))}")
    try:
        return read(value)
    except ValueError as expected:
        off = ', or "off"' if rule is not None and _OFF not in str(expected) else ""
        raise ValueError(f"read {_shown(value)}, expected {expected}{off}") from None


def _shown(value: Any) -> str:
    """A value as the owner wrote it, more or less."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_shown(each)}' for key, each in value.items())}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _seconds(low: str, high: int) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        return float(number(value, Fraction(low), Fraction(high), f"seconds between {low} and {high}"))

    return read


def _basis_points(value: Any) -> int:
    expected = "per cent between 0.01 and 100 with at most two decimals, e.g. 15"
    points = number(value, Fraction(1, 100), Fraction(100), expected) * 100
    if points.denominator != 1:
        raise ValueError(expected)
    return points.numerator


def _ticks(value: Any) -> int:
    return whole(value, 0, 10_000, "a whole number of ticks between 0 and 10000")


def _one_of(off: str, on: str) -> Callable[[Any], bool]:
    """A choice of two words; True for the second."""

    def read(value: Any) -> bool:
        if value not in (off, on):
            raise ValueError(f'"{off}" or "{on}"')
        return bool(value == on)

    return read


_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "max_quote_age_s": _seconds("0.1", 3600),
    "max_spread_pct": _basis_points,
    "min_spread_ticks": _ticks,
    "confirm_s": _seconds("0", 3600),
    "stop_grace_s": _seconds("0", 3600),
    "time_exit_at": clock,
    "time_exit_dte_always": flag,
    "expiry_exit_at": clock,
    "valuation": _one_of("mark", "liquidation"),
    "basis": _one_of("max_loss", "debit"),
}
