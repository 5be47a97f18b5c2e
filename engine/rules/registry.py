"""All rules there are, found by looking: a new rule is a new file and nothing else."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import engine.rules
from engine.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def rules() -> Mapping[str, Rule[Any, Any]]:
    """Every rule by the name of its setting, highest precedence first."""
    modules = pkgutil.iter_modules(engine.rules.__path__, "engine.rules.")
    found = [getattr(import_module(module.name), "RULE", None) for module in modules]
    ranked = sorted(
        (rule for rule in found if isinstance(rule, Rule)), key=lambda rule: (rule.rank, rule.name)
    )
    return {rule.name: rule for rule in ranked}
