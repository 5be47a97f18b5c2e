"""Overrides: what a person asks for one position, over all other sources. They tighten, but for two keys.

Tighter means: for this very position it never fires later, and a rule that stood guard goes on doing
so. What counts is therefore the rule as it is armed, not the number: more days to expiry are tighter
only as long as they do not exempt a position that was entered within them.

One that was loosened with two keys stands over the very setting that its source had then: a source that
says something else since has the last word again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.rules.base import Refusal
from engine.rules.layers import Entry, Layer, Unheeded
from engine.rules.reading import written
from engine.rules.registry import rules
from engine.rules.spoken import spoken
from engine.rules.stricter import never_later

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.rules.base import Situation
    from engine.rules.rulebook import RuleSet


class Loosens(BadInput):
    """It would loosen a rule, or nobody can say whether it would.

    Attributes:
        remedy: where the rule may be loosened, in a sentence.
    """

    def __init__(self, text: str, remedy: str) -> None:
        """Keep both sentences apart."""
        super().__init__(text)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Override:
    """One wish: a rule, its setting as TOML would give it, and who wants it.

    ``over``: what the source said when it was loosened with two keys, empty = nothing; None = it only
    tightens.
    """

    rule: str
    setting: Any
    by: str
    over: str | None = None

    @property
    def text(self) -> str:
        """What is wanted, in one line."""
        return f"{self.rule} = {written(self.setting)}"

    def to_json(self) -> dict[str, str]:
        """The wish as the journal keeps it."""
        loosened = {} if self.over is None else {"over": self.over}
        return {"rule": self.rule, "setting": written(self.setting), "by": self.by, **loosened}

    @classmethod
    def from_json(cls, row: Mapping[str, str]) -> Override:
        """Read the journal's form back."""
        return cls(row["rule"], spoken(row["setting"]), row["by"], row.get("over"))


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
        raise BadInput(f"{override.text} would not guard this position: {armed.text}")
    if name in ruleset.rules and override.over is None:
        before = rule.arm(ruleset.rules[name], situation)
        if not isinstance(before, Refusal) and not never_later(rule.kind, armed, before):
            raise Loosens(
                f"{override.text} ({_text(armed)}) is not known to be tighter than "
                f"{ruleset.entries[name].written} ({_text(before)}), and an override only tightens",
                _remedy(ruleset.entries[name]),
            )
    how = "by" if override.over is None else "loosened by"
    entry = Entry(value, Layer.OVERRIDE, f"chat, {how} {override.by}", written(setting))
    return replace(ruleset, rules={**ruleset.rules, name: value}, entries={**ruleset.entries, name: entry})


def tightened(ruleset: RuleSet, overrides: Iterable[Override], situation: Situation) -> RuleSet:
    """The rules of a position under its overrides, the oldest first.

    An override that does not tighten gives way: in silence where its rule stands guard as another source
    has it, which has become stricter; where nothing of that rule stands guard, as something unheeded.
    """
    source = {name: entry.written for name, entry in ruleset.entries.items()}
    for override in overrides:
        if override.over not in {None, source.get(override.rule, "")}:
            continue  # it was to loosen another setting than its source has now
        try:
            ruleset = tighten(ruleset, override, situation)
        except BadInput as why:
            if not _stands(ruleset, override.rule, situation):
                unheeded = Unheeded(f"{override.text}, set by {override.by}", str(why))
                ruleset = replace(ruleset, unheeded=(*ruleset.unheeded, unheeded))
    return ruleset


def _stands(ruleset: RuleSet, name: str, situation: Situation) -> bool:
    """Whether the rule guards the position as the sources so far have it."""
    if name not in ruleset.rules:
        return False
    return not isinstance(rules()[name].arm(ruleset.rules[name], situation), Refusal)


def _remedy(entry: Entry) -> str:
    """What to do for a looser rule."""
    if entry.layer is Layer.OVERRIDE:
        return "Loosening needs two keys; what was set from the chat ends when the position is closed."
    return f"Loosening needs two keys; edit the source instead: {entry.origin}."


def _text(params: Any) -> str:
    """What parameters say they wait for; of levels, each."""
    return "; ".join(level.text for level in params) if isinstance(params, tuple) else str(params.text)
