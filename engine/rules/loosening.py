"""How far a rule may be loosened from the chat: within a share of what its source says, and not every rule.

The measure is the source, not what was laid over it: a stop that was tightened from the chat may be taken
back to where its source has it and a share beyond, whatever came between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.money import signed_rupees
from engine.rules.base import Amount, Daily, Due, Kind, Level, Rank
from engine.rules.reading import written
from engine.rules.registry import rules

if TYPE_CHECKING:
    from engine.rules.base import Situation
    from engine.rules.overrides import Override
    from engine.rules.rulebook import RuleSet

__all__ = ["within"]


def within(source: RuleSet, override: Override, situation: Situation, most_pct: float) -> str:
    """The source's own setting, if the rule may be loosened so; empty = no source has the rule.

    Args:
        source: the position's rules without what the chat has laid over them.
        override: the looser wish.
        situation: what rules are armed with.
        most_pct: how much farther a stop may be than the source's, in per cent; 0 = nothing is loosened.

    Raises:
        BadInput: it may not.
    """
    rule = rules().get(override.rule)
    if rule is None or override.setting == "off":
        raise BadInput(f"{override.rule} cannot be switched off from the chat")
    if most_pct <= 0:
        raise BadInput("the host allows no loosening from the chat (CHAT_LOOSEN_PCT)")
    try:
        new = rule.arm(rule.read(override.setting), situation)
    except ValueError as expected:
        raise BadInput(f"{rule.name}: read {written(override.setting)}, expected {expected}") from None
    if rule.rank is Rank.EXPIRY or isinstance(new, Level) or not isinstance(new, Amount | Due | Daily):
        raise BadInput(
            f"how much looser {override.text} is cannot be measured, so only its source loosens it"
        )
    if override.rule not in source.rules:
        return ""
    own = rule.arm(source.rules[override.rule], situation)
    if isinstance(own, Amount) and isinstance(new, Amount) and rule.kind is Kind.LOSS:
        farthest = own.threshold_paise - int(abs(own.threshold_paise) * most_pct / 100)
        if new.threshold_paise < farthest:
            raise BadInput(f"the host allows {signed_rupees(farthest)} at the farthest (CHAT_LOOSEN_PCT)")
    return source.entries[override.rule].written
