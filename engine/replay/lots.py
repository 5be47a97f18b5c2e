"""How many units a lot was: dated facts, because exchanges revise lots and old contracts keep theirs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class LotSize:
    """The lot of contracts that expire between two days, both included, traded from ``since`` on."""

    symbol: str
    first_expiry: date
    last_expiry: date
    since: date
    lot: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """The largest quantity of one order, in units, from a trading day on."""

    symbol: str
    since: date
    quantity: int


@dataclass(frozen=True, slots=True)
class LotTable:
    """All known lots and freeze quantities, and which underlyings are indices."""

    indices: frozenset[str]
    sizes: tuple[LotSize, ...]
    freezes: tuple[Freeze, ...]

    @classmethod
    def parse(cls, text: str) -> LotTable:
        """Read the table (`engine/data/lots.toml`).

        Raises:
            ConfigError: not TOML, or a key is missing or unknown.
        """
        try:
            table = tomllib.loads(text)
            sizes = tuple(LotSize(**row) for row in table["lots"])
            freezes = tuple(Freeze(**row) for row in table["freeze"])
            return cls(frozenset(table["indices"]), sizes, freezes)
        except tomllib.TOMLDecodeError as fault:
            raise ConfigError([f"lot table: not readable as TOML: {fault}"]) from fault
        except KeyError as fault:
            raise ConfigError([f"lot table: {fault} is missing"]) from fault
        except TypeError as fault:
            raise ConfigError([f"lot table: {fault}"]) from fault

    def lot(self, symbol: str, expiry: date, day: date) -> int | None:
        """Units per lot of a contract on a trading day; None = outside the table."""
        for size in self.sizes:
            covers = size.first_expiry <= expiry <= size.last_expiry and size.since <= day
            if size.symbol == symbol and covers:
                return size.lot
        return None

    def freeze(self, symbol: str, day: date) -> int | None:
        """Largest quantity of one order on a trading day, units; None = not known."""
        known = [f for f in self.freezes if f.symbol == symbol and f.since <= day]
        return max(known, key=lambda f: f.since).quantity if known else None
