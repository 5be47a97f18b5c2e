"""Takes single settings out of the mapping; what is wrong with them is collected, and says no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from engine.expected import DEFAULT_URLS, EXPECTED, SECRETS

__all__ = ["Reader", "shown"]

_T = TypeVar("_T")
_D = TypeVar("_D")

#: What a secret looks like when it was put where another setting belongs.
_LOOKS_SECRET = re.compile(r"eyJ[\w-]{8,}|\d:[\w-]{16,}|sb_secret_|://[^/\s]*@")


class Reader:
    """Takes settings out of the mapping and collects what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def word(self, name: str) -> str:
        """The value without the blanks around it; empty when not set."""
        return self.env.get(name, "").strip()

    def __call__(self, name: str, parse: Callable[[str], _T], default: _D) -> _T | _D:
        """The parsed value, or the default when it is not set or wrong (the fault is kept)."""
        word = self.word(name)
        if not word:
            return default
        try:
            return parse(word)
        except ValueError:
            self.faults.append(f"{name}: read {shown(name, word)}, expected {EXPECTED[name]}.")
            return default

    def url(self, name: str, parse: Callable[[str], str]) -> str:
        """An outside address, the real one when none is set."""
        return self(name, parse, DEFAULT_URLS[name])


def shown(name: str, word: str) -> str:
    """How a value may be quoted back: never when it is, or looks like, a secret."""
    if name in SECRETS or _LOOKS_SECRET.search(word):
        return f"a value of {len(word)} characters (not shown)"
    return repr(word if len(word) <= 60 else word[:57] + "…")
