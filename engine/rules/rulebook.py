"""Which rules a position has: the owner's tables laid over the shipped ones.

A rulebook is read whole or not at all: every fault of the file is named at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.guards import Guard
from engine.rules.base import RuleSettings
from engine.rules.rulefile import RuleFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.rules.rulefile import Table


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one position: its settings, and the setting of every rule that is not off."""

    settings: RuleSettings
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The files in force, the weakest first."""

    files: tuple[RuleFile, ...]

    @classmethod
    def parse(cls, text: str, *, over: Rulebook | None = None, source: str = "rules.toml") -> Rulebook:
        """Read a file and lay it over another book (the shipped one; `engine.io.tables.rulebook`).

        Raises:
            ConfigError: with every fault of the file, each naming line, table and key.
        """
        book = cls((*(over.files if over else ()), RuleFile.parse(text, source)))
        try:
            book.rules_for("", "")
        except KeyError as missing:
            raise ConfigError([f"{source}: [default] {missing} is missing"]) from missing
        return book

    def rules_for(self, symbol: str, strategy: str, *, defined_risk: bool = True) -> RuleSet:
        """The rules of a position: strategy over symbol over default, later files over earlier.

        Args:
            symbol: the underlying; like the strategy compared without regard to case.
            strategy: the strategy's name as the trade store has it.
            defined_risk: False adds what the files say for positions whose loss has no known end.
        """
        merged: Table = {}
        for file in self.files:
            merged.update(file.default)
            if not defined_risk:
                merged.update(file.undefined_risk)
        for file in self.files:
            merged.update(file.symbols.get(symbol.casefold(), {}))
        for file in self.files:
            merged.update(file.strategies.get(strategy.casefold(), {}))
        if merged.get("profit_scaling") is not None and not self._own_target(symbol, strategy):
            merged["profit_target"] = None  # the shipped one would make the levels above it unreachable
        return _ruleset(merged)

    def _own_target(self, symbol: str, strategy: str) -> bool:
        """Whether a profit target was written for the position, rather than shipped for all."""
        tables = [file.default for file in self.files[1:]]
        tables += [file.symbols.get(symbol.casefold(), {}) for file in self.files]
        tables += [file.strategies.get(strategy.casefold(), {}) for file in self.files]
        return any(table.get("profit_target") is not None for table in tables)


def _ruleset(merged: Table) -> RuleSet:
    """Part the settings from the rules, and drop what is off."""
    take = merged.pop
    settings = RuleSettings(
        guard=Guard(
            max_quote_age_s=take("max_quote_age_s"),
            max_spread_bp=take("max_spread_pct"),
            min_spread_ticks=take("min_spread_ticks"),
            stop_grace_s=take("stop_grace_s"),
        ),
        confirm_s=take("confirm_s"),
        time_exit_at=take("time_exit_at"),
        time_exit_dte_always=take("time_exit_dte_always"),
        expiry_exit_at=take("expiry_exit_at"),
        liquidation=take("valuation"),
        debit_basis=take("basis"),
    )
    return RuleSet(settings, {name: value for name, value in merged.items() if value is not None})
