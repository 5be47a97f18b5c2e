"""From the rules a position is to have to those that stand guard over it, and why others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.rules.base import Refusal
from engine.rules.registry import rules
from engine.watch.armed import RULE_FAULTS, Armed
from engine.watch.nouns import RuleNote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.rules.base import Rule, Situation
    from engine.rules.rulebook import RuleSet

    _Found = tuple[tuple[Armed, ...], tuple[RuleNote, ...]]


class Guarding(NamedTuple):
    """The rules of a position as their sources have them, those that stand guard, and why others do not."""

    ruleset: RuleSet
    armed: tuple[Armed, ...]
    notes: tuple[RuleNote, ...]


def arm(ruleset: RuleSet, situation: Situation) -> _Found:
    """Arm every rule that can guard the position, highest precedence first, and say which cannot."""
    found = [
        one
        for name, rule in rules().items()
        if name in ruleset.rules
        for one in _arm_one(rule, ruleset, situation)
    ]
    armed, notes = _sorted(found)
    mistakes = [RuleNote(bad.what, bad.why, refused=True, mistake=True) for bad in ruleset.unheeded]
    return armed, (*mistakes, *notes)


def arm_at_entry(armed: Iterable[Armed], ruleset: RuleSet, situation: Situation) -> _Found:
    """Of armed rules arm those anew that waited for the moment of entry, and say which cannot be had."""
    anew: list[Armed | RuleNote] = []
    for one in armed:
        anew += _arm_one(one.rule, ruleset, situation) if one.rule.at_entry else (one,)
    return _sorted(anew)


def carry(fresh: tuple[Armed, ...], known: tuple[Armed, ...]) -> tuple[Armed, ...]:
    """Of rules armed anew keep those that did not change, with what they have begun and told."""
    return tuple(next((old for old in known if armed.like(old)), armed) for armed in fresh)


def failed(notes: Iterable[RuleNote]) -> str:
    """What the owner is told of the first rule that failed while it was armed; empty = none did."""
    return next((broken(note.rule, note.text) for note in notes if note.failed), "")


def broken(rule: str, mistake: str) -> str:
    """What the owner is told of a rule that failed."""
    return (
        f"the rule {rule} failed ({mistake}): no rule of this position exits any more until the program is "
        "started again or the position changes; prices and losses are still told, and you can exit by hand"
    )


def _arm_one(rule: Rule[Any, Any], ruleset: RuleSet, situation: Situation) -> tuple[Armed | RuleNote, ...]:
    """Arm a rule, each level of it by itself, or say why it cannot guard the position."""
    try:
        params = rule.arm(ruleset.rules[rule.name], situation)
    except RULE_FAULTS as mistake:
        return (RuleNote(rule.name, f"{type(mistake).__name__}: {mistake}", refused=False, failed=True),)
    if isinstance(params, Refusal):
        return (RuleNote(rule.name, params.text, params.refused),)
    levels = params if isinstance(params, tuple) else (params,)
    return tuple(Armed(rule, level, ruleset.settings.confirm_s) for level in levels)


def _sorted(found: Iterable[Armed | RuleNote]) -> _Found:
    """Those that guard, and why the others do not."""
    armed, notes = [], []
    for one in found:
        if isinstance(one, Armed):
            armed.append(one)
        else:
            notes.append(one)
    return tuple(armed), tuple(notes)
