"""Which rules a position has: every source laid over the weaker ones (`engine.rules.layers`).

A rulebook is read whole or not at all: every fault of the file is named at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.guards import Guard
from engine.rules.base import RuleSettings
from engine.rules.day_limits import DayLimits, limits_of
from engine.rules.layers import Layer, Table, Unheeded, lay
from engine.rules.levels import settings_of
from engine.rules.rulefile import RuleFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model import ExitLevel, Position
    from engine.payoff import Payoff
    from engine.rules.layers import Entry


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one position.

    Attributes:
        settings: the keys that are no rules.
        rules: the setting of every rule that is not off.
        entries: every key, rules that are off included, with where it comes from.
        unheeded: what a source asked for in vain; the other rules stand.
    """

    settings: RuleSettings
    rules: Mapping[str, Any] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict, compare=False)
    unheeded: tuple[Unheeded, ...] = ()


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
        sets = None if over is None else frozenset(over.sets())
        book = cls((*(over.files if over else ()), RuleFile.parse(text, source, over=sets)))
        try:
            book.rules_for("", "")
        except KeyError as missing:
            raise ConfigError([f"{source}: [default] {missing} is missing"]) from missing
        return book

    def sets(self) -> list[str]:
        """The names of all sets, shipped ones first."""
        return list(dict.fromkeys(name for file in self.files for name in file.sets))

    def of(self, position: Position, shape: Payoff) -> RuleSet:
        """The rules of a position with this payoff, by all that the trade store says of it."""
        return self.rules_for(
            position.symbol,
            position.strategy,
            defined_risk=shape.defined_risk is True,
            rule_sets=position.rule_sets,
            levels=position.levels,
        )

    def rules_for(
        self,
        symbol: str,
        strategy: str,
        *,
        defined_risk: bool = True,
        rule_sets: Sequence[str] = (),
        levels: Sequence[ExitLevel] = (),
    ) -> RuleSet:
        """The rules of a position.

        Args:
            symbol: the underlying; like all names compared without regard to case.
            strategy: the strategy's name as the trade store has it.
            defined_risk: False adds what the files say for positions whose loss has no known end.
            rule_sets: the sets that the position's trade rows name: none or one; it counts instead
                of the one its strategy's or symbol's table names.
            levels: its rows of ``strategy_exit_levels``.
        """
        risk = {"defined_risk": defined_risk}
        symbols = lay(*(file.symbols.get(symbol.casefold(), {}) for file in self.files))
        strategies = lay(*(file.strategies.get(strategy.casefold(), {}) for file in self.files))
        named = lay(symbols, strategies).get("set")
        chosen, unheeded = self._chosen(rule_sets, None if named is None else named.value)
        tables: list[Table] = [table for file in self.files for table in file.default.tables(**risk)]
        for file in self.files:
            if chosen is not None and chosen in file.sets:
                tables += file.sets[chosen].tables(**risk)
        rows, ignored = settings_of(levels)
        merged = lay(*tables, symbols, strategies, rows)
        merged.pop("set", None)
        return _ruleset(_without_stray_target(merged), (*unheeded, *ignored))

    def _chosen(self, rule_sets: Sequence[str], named: str | None) -> tuple[str | None, tuple[Unheeded, ...]]:
        """The one set that counts, and what is wrong with the trade rows' choice."""
        known = self.sets()
        match [name.casefold() for name in rule_sets]:
            case []:
                return named, ()
            case [name] if name in known:
                return name, ()
            case [_]:
                why = f'the trade rows name the set "{rule_sets[0]}", expected one of {", ".join(known)}'
            case _:
                names = " and ".join(f'"{name}"' for name in rule_sets)
                why = f"the trade rows name the sets {names}, expected one for the whole position"
        return named, (Unheeded("rule_set", f"{why}; it is ignored, the other rules stand"),)

    def idle_tables(
        self, symbols: Iterable[str], strategies: Iterable[str], accounts: Iterable[str]
    ) -> list[str]:
        """The headers of the tables that are for other symbols, strategies and accounts than these."""
        fit = {("symbol", name.casefold()) for name in symbols}
        fit |= {("strategy", name.casefold()) for name in strategies}
        fit |= {("account", name.casefold()) for name in accounts}
        return [
            place
            for file in self.files
            for (kind, name), place in file.places.items()
            if kind != "set" and (kind, name) not in fit
        ]

    @property
    def confirm_s(self) -> float:
        """How long a loss that is nobody's own, such as an account's, must last."""
        return self.rules_for("", "").settings.confirm_s

    @property
    def has_limits(self) -> bool:
        """Whether any account has a table of its own: without one no day has a limit."""
        return any(file.accounts for file in self.files)

    def limits_for(self, account: str) -> DayLimits:
        """The day limits of an account, its name compared without regard to case; later files win."""
        merged: dict[str, Any] = {}
        for file in self.files:
            merged.update(file.accounts.get(account.casefold(), {}))
        return limits_of(merged)


def put_aside_by(rule: str) -> str:
    """How the origin of a target ends that stands back behind this rule."""
    return f"put aside by {rule}"


def _without_stray_target(merged: Table) -> Table:
    """Put a target that only stands in a [default] aside where the position takes its profits otherwise.

    A default target of 50 % would make scaling levels above it unreachable, and come before a target
    in rupees. A target that the table with the levels names itself, or any table of the position's
    own, stays.
    """
    target = merged.get("profit_target")
    if target is None or target.value is None or target.layer > Layer.DEFAULT:
        return merged
    for name in ("profit_scaling", "profit_target_rupees"):
        other = merged.get(name)
        if other is not None and other.value is not None and other.layer is not target.layer:
            origin = f"{target.origin}, {put_aside_by(name)}"
            return merged | {"profit_target": target._replace(value=None, origin=origin)}
    return merged


def _ruleset(merged: Table, unheeded: tuple[Unheeded, ...]) -> RuleSet:
    """Part the settings from the rules, and drop what is off."""
    values = {name: entry.value for name, entry in merged.items()}
    take = values.pop
    settings = RuleSettings(
        guard=Guard(
            max_quote_age_s=take("max_quote_age_s"),
            max_spread_bp=take("max_spread_pct"),
            min_spread_ticks=take("min_spread_ticks"),
            stop_grace_s=take("stop_grace_s"),
        ),
        confirm_s=take("confirm_s"),
        time_exit_at=take("time_exit_at"),
        no_exit_before=take("no_exit_before"),
        time_exit_dte_always=take("time_exit_dte_always"),
        expiry_exit_at=take("expiry_exit_at"),
        liquidation=take("valuation"),
        debit_basis=take("basis"),
    )
    rules = {name: value for name, value in values.items() if value is not None}
    return RuleSet(settings, rules, merged, unheeded)
