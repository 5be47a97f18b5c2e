"""How far a rule may be loosened from the chat: within a share of what its source says, and not every rule.

The measure is the source, not what was laid over it: a stop that was tightened from the chat may be taken
back to where its source has it and a share beyond, whatever came between. So may a target, and the days or
minutes of a rule of the clock; a time of day goes no later than its source, as there is nothing to share.
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
        most_pct: how much farther a rule may be than the source's, in per cent; 0 = nothing is loosened.

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
    match own, new:
        case Amount(), Amount():
            _amount(own.threshold_paise, new.threshold_paise, rule.kind, most_pct)
        case Due(), Due() if new.due_s > own.due_s:
            _number(source.rules[override.rule], rule.read(override.setting), most_pct)
        case Daily(), Daily() if new.clock > own.clock:
            raise BadInput(f"the host allows {own.clock} at the latest: no later than its source has it")
    return source.entries[override.rule].written


def _amount(own_paise: int, new_paise: int, kind: Kind, most_pct: float) -> None:
    """A loss may be larger by the share, and so may a profit. Raises BadInput beyond."""
    later = -1 if kind is Kind.LOSS else 1
    room_paise = int(abs(own_paise) * most_pct / 100)
    farthest_paise = own_paise + later * room_paise
    if later * (new_paise - farthest_paise) > 0:
        raise BadInput(f"the host allows {signed_rupees(farthest_paise)} at the farthest (CHAT_LOOSEN_PCT)")


def _number(own: int, new: int, most_pct: float) -> None:
    """Days or minutes, more held or fewer to expiry, by the share. Raises BadInput beyond."""
    room = int(own * most_pct / 100)
    if abs(new - own) > room:
        farthest = own + room if new > own else own - room
        raise BadInput(f"the host allows {farthest} at the farthest (CHAT_LOOSEN_PCT)")
