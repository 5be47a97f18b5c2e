"""One rules file: TOML text in, checked tables out, or all its faults at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.rules.day_limits import DAY_RULES, read_limit
from engine.rules.layers import Entry, Layer, Table
from engine.rules.reading import clock, flag, gate, number, whole, written
from engine.rules.registry import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

_OFF = "off"
#: Laid over its section where the loss has no known end.
_UNDEFINED = "undefined_risk"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_EXPECTED_TABLES = '[default], [set.NAME], [symbol."NAME"], [strategy."NAME"] or [account."NAME"]'


@dataclass(frozen=True, slots=True)
class Section:
    """A table that suits any position, and what it adds where the loss has no known end."""

    table: Table
    undefined_risk: Table

    def tables(self, *, defined_risk: bool) -> tuple[Table, ...]:
        """What it says for a position, the stronger last."""
        return (self.table,) if defined_risk else (self.table, self.undefined_risk)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The tables of one file; names of sets, symbols, strategies and accounts are folded to one case.

    A table of a symbol or strategy may hold the key ``set``, whose value is the folded name of a set.

    Attributes:
        places: kind and folded name of each named table -> its header and line, for people.
    """

    default: Section
    sets: Mapping[str, Section]
    symbols: Mapping[str, Table]
    strategies: Mapping[str, Table]
    accounts: Mapping[str, Mapping[str, Any]]
    places: Mapping[tuple[str, str], str]

    @classmethod
    def parse(cls, text: str, source: str, *, over: AbstractSet[str] | None = None) -> RuleFile:
        """Read and check a whole file.

        Args:
            text: TOML.
            source: the file's name, for people.
            over: the names of the sets it may use beside its own; None = it is the shipped file.

        Raises:
            ConfigError: with every fault.
        """
        try:
            document = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as fault:  # also thousands of digits, or of brackets
            raise ConfigError([f"{source}: not readable as TOML: {fault}"]) from fault
        reader = _Reader(text, source, shipped=over is None)
        default = reader.section("default", document.pop("default", {}))
        sets = reader.sections(document.pop("set", {}))
        reader.known_sets = {*sets, *(over or ())}
        symbols = reader.named("symbol", Layer.SYMBOL, document.pop("symbol", {}))
        strategies = reader.named("strategy", Layer.STRATEGY, document.pop("strategy", {}))
        accounts = reader.accounts(document.pop("account", {}))
        for name in document:
            reader.fault(name, "", f"unknown table; expected {_EXPECTED_TABLES}")
        if reader.faults:
            raise ConfigError(reader.faults)
        return cls(default, sets, symbols, strategies, accounts, reader.places)


class _Reader:
    """Checks tables and collects faults.

    Attributes:
        known_sets: the folded names that a key ``set`` may have.
        places: where each named table stands (`RuleFile.places`).
    """

    def __init__(self, text: str, source: str, *, shipped: bool) -> None:
        self._lines = text.splitlines()
        self._source = source
        self._shipped = shipped
        self.known_sets: AbstractSet[str] = frozenset()
        self.faults: list[str] = []
        self.places: dict[tuple[str, str], str] = {}

    def section(self, header: str, value: Any, layer: Layer | None = None) -> Section:
        """A table like ``[default]`` or ``[set.NAME]``, with what it adds for undefined risk."""
        if layer is None:
            layer = Layer.SHIPPED if self._shipped else Layer.DEFAULT
        raw = self._expect_table(header, value)
        under = f"{header}.{_UNDEFINED}"
        undefined = self._expect_table(under, raw.pop(_UNDEFINED, {}))
        return Section(self._table(header, layer, raw), self._table(under, layer, undefined))

    def sections(self, tables: Any) -> dict[str, Section]:
        """All ``[set.NAME]``, by folded name."""
        found: dict[str, Section] = {}
        for name, header, table in self._named("set", tables):
            found[name] = self.section(header, table, Layer.SET)
        return found

    def accounts(self, tables: Any) -> dict[str, dict[str, Any]]:
        """Tables like ``[account."NAME"]`` with the limits of a day, by folded name."""
        found: dict[str, dict[str, Any]] = {}
        for name, header, table in self._named("account", tables):
            limits: dict[str, Any] = {}
            for key, value in self._expect_table(header, table).items():
                try:
                    limits[key] = read_limit(key, value)
                except KeyError:
                    self.fault(header, key, f"unknown key; expected one of {', '.join(sorted(DAY_RULES))}")
                except ValueError as expected:
                    self.fault(header, key, f'read {written(value)}, expected {expected}, or "off"')
            found[name] = limits
        return found

    def named(self, kind: str, layer: Layer, tables: Any) -> dict[str, Table]:
        """Tables like ``[strategy."Iron Condor"]``, by folded name."""
        found: dict[str, Table] = {}
        for name, header, table in self._named(kind, tables):
            raw = self._expect_table(header, table)
            chosen = {"set": raw.pop("set")} if "set" in raw else {}
            found[name] = self._table(header, layer, raw) | self._choice(header, layer, chosen)
        return found

    def fault(self, header: str, key: str, text: str) -> None:
        """Note a fault with the line it stands in."""
        line = self._line(header, key)
        place = f"{self._source}{line and f' line {line}'}: [{header}]"
        self.faults.append(f"{place} {key}: {text}" if key else f"{place}: {text}")

    def _named(self, kind: str, tables: Any) -> Iterator[tuple[str, str, Any]]:
        """Each table of a kind: its folded name, its header, what it holds."""
        for name, table in self._expect_table(kind, tables).items():
            header, folded = _header(kind, name), name.casefold()
            if (kind, folded) in self.places:
                self.fault(header, "", "there are two tables of this name, compared without regard to case")
            if name != name.strip():
                self.fault(header, "", "its name begins or ends with a blank, so that it would fit nothing")
            self.places[kind, folded] = self._origin(header, "")
            yield folded, header, table

    def _expect_table(self, header: str, value: Any) -> dict[str, Any]:
        """A table as a fresh dictionary; anything else is a fault and an empty one."""
        if isinstance(value, dict):
            return dict(value)
        self.fault(header, "", f"read {written(value)}, expected a table of rules")
        return {}

    def _table(self, header: str, layer: Layer, raw: Mapping[str, Any]) -> Table:
        """The readable keys of a table."""
        checked: Table = {}
        for key, value in raw.items():
            try:
                checked[key] = Entry(
                    _value(header, key, value), layer, self._origin(header, key), written(value)
                )
            except ValueError as expected:
                self.fault(header, key, str(expected))
        return checked

    def _choice(self, header: str, layer: Layer, raw: Mapping[str, Any]) -> Table:
        """The set that a table names, if it names one."""
        chosen: Table = {}
        for key, value in raw.items():
            name = value.casefold() if isinstance(value, str) else ""
            if name in self.known_sets:
                chosen[key] = Entry(name, layer, self._origin(header, key), written(value))
            else:
                self.fault(
                    header,
                    key,
                    f"read {written(value)}, expected a set: {', '.join(sorted(self.known_sets))}",
                )
        return chosen

    def _origin(self, header: str, key: str) -> str:
        if self._shipped:
            kind, _, name = header.partition(".")
            words = [name if kind == "set" else f"for {name.replace('_', ' ')}"] if name else []
            return " ".join(["shipped", kind, *words])
        line = self._line(header, key)
        return f"[{header}] {f'line {line} ' if line else ''}of {self._source}"

    def _line(self, header: str, key: str) -> str:
        """The number of the line of a key or a header, as far as plain TOML shows it; else nothing."""
        wanted = _unquoted(header)
        current = ""
        for count, line in enumerate(self._lines, start=1):
            if opened := re.match(r"\s*\[+\s*(.+?)\s*\]", line):
                current = _unquoted(opened[1])
                if current == (f"{wanted}.{key}" if key else wanted):
                    return str(count)
                if not key and current.startswith(f"{wanted}."):
                    return str(count)
            elif key and current == wanted and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
                return str(count)
        return ""


def _header(kind: str, name: str) -> str:
    """A table's name as owners write it."""
    return f"{kind}.{name}" if kind == "set" and _BARE.fullmatch(name) else f'{kind}."{name}"'


def _unquoted(header: str) -> str:
    return re.sub(r"\s*\.\s*", ".", header).replace('"', "").replace("'", "")


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
    if key == "set":
        raise ValueError('a set is named in [strategy."NAME"] or [symbol."NAME"] only')
    if read is None:
        raise ValueError(f"unknown key; expected one of {', '.join(sorted({*rules(), *_SETTINGS}))}")
    try:
        return read(value)
    except ValueError as expected:
        off = ', or "off"' if rule is not None and _OFF not in str(expected) else ""
        raise ValueError(f"read {written(value)}, expected {expected}{off}") from None


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
    "no_exit_before": gate,
    "time_exit_dte_always": flag,
    "expiry_exit_at": clock,
    "valuation": _one_of("mark", "liquidation"),
    "basis": _one_of("max_loss", "debit"),
}
