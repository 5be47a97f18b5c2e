"""Overrides: what a person asks for one position, over all other sources. They can only tighten.

Tighter means: for this very position it never fires later, and a rule that stood guard goes on doing
so. What counts is therefore the rule as it is armed, not the number: more days to expiry are tighter
only as long as they do not exempt a position that was entered within them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.rules.base import Amount, Due, Kind, Limits, Ratchet, Refusal
from engine.rules.layers import Entry, Layer
from engine.rules.reading import written
from engine.rules.registry import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.rules.base import Situation
    from engine.rules.rulebook import RuleSet


@dataclass(frozen=True, slots=True)
class Override:
    """One wish: a rule, its setting as TOML would give it, and who wants it."""

    rule: str
    setting: Any
    by: str


def tighten(ruleset: RuleSet, override: Override, situation: Situation) -> RuleSet:
    """Lay one override over the rules of a position.

    Raises:
        BadInput: there is no such rule, the setting is none of its, or it would loosen the rule, or
            nobody can say whether it would.
    """
    name, setting = override.rule, override.setting
    rule = rules().get(name)
    if rule is None:
        raise BadInput(f"read {name!r}, expected a rule: {', '.join(rules())}")
    if setting == "off":
        raise BadInput(f"{name} cannot be switched off here: an override only tightens")
    try:
        value = rule.read(setting)
    except ValueError as expected:
        raise BadInput(f"{name}: read {written(setting)}, expected {expected}") from None
    armed = rule.arm(value, situation)
    if isinstance(armed, Refusal):
        raise BadInput(f"{name} = {written(setting)} would not guard this position: {armed.text}")
    if name in ruleset.rules:
        before = rule.arm(ruleset.rules[name], situation)
        if not isinstance(before, Refusal) and not _never_later(rule.kind, armed, before):
            raise BadInput(
                f"{name} = {written(setting)} ({_text(armed)}) is not known to be tighter than "
                f"{ruleset.entries[name].written} ({_text(before)}), and an override only tightens"
            )
    entry = Entry(value, Layer.OVERRIDE, f"override by {override.by}", written(setting))
    return replace(ruleset, rules={**ruleset.rules, name: value}, entries={**ruleset.entries, name: entry})


def tightened(ruleset: RuleSet, overrides: Iterable[Override], situation: Situation) -> RuleSet:
    """The rules of a position under its overrides, the oldest first.

    An override that does not tighten, because the sources under it have become stricter or its rule
    no longer suits the position, gives way.
    """
    for override in overrides:
        try:
            ruleset = tighten(ruleset, override, situation)
        except BadInput:
            continue
    return ruleset


def _text(params: Any) -> str:
    """What parameters say they wait for; of levels, each."""
    return "; ".join(level.text for level in params) if isinstance(params, tuple) else str(params.text)


def _never_later(kind: Kind, new: Any, old: Any) -> bool:
    """Whether the new parameters are surely met whenever the old ones are."""
    if isinstance(new, Due) and isinstance(old, Due):
        return new.due_s <= old.due_s
    if isinstance(new, Amount) and isinstance(old, Amount):
        if kind is Kind.LOSS:
            return new.threshold_paise >= old.threshold_paise
        return new.threshold_paise <= old.threshold_paise
    if isinstance(new, Ratchet) and isinstance(old, Ratchet):
        return new.never_later(old)
    if isinstance(new, Limits) and isinstance(old, Limits):
        return new.never_later(old)
    return bool(new == old)
