"""docs/settings.md: every setting, made of `.env.example` and of what `engine.expected` says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from engine.expected import DEFAULT_URLS, EXPECTED, SECRETS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "settings.md"

_HEAD = """\
# Settings

Made by `make pictures` from `.env.example` and the code that reads it; change those. Each setting is a line
`NAME=value` in `.env` (`chmod 600 .env`) or a variable of the environment, which wins. Empty = not set. What
is wrong is listed all at once at the start, with what was read and what was expected; a name that looks
misspelt is named. A **secret** is shown in no message, log or error.
"""

_SECTION = re.compile(r"# --- (?P<name>.*?) -+$")
_SETTING = re.compile(r"(?P<name>[A-Z][A-Z_]+)=$")


@dataclass
class Section:
    """One section of the example file: its name, and its settings with the words above them."""

    name: str
    settings: list[tuple[str, str]] = field(default_factory=list)


def sections(example: str) -> list[Section]:
    """Read the example file; its first paragraph is about the file itself and left out."""
    found: list[Section] = []
    words: list[str] = []
    for line in example.splitlines():
        if head := _SECTION.match(line):
            found.append(Section(head["name"]))
            words = []
        elif setting := _SETTING.match(line):
            found[-1].settings.append((setting["name"], " ".join(words)))
            words = []
        elif line.startswith("#"):
            words.append(line.removeprefix("#").strip())
    return found


def page(example: str) -> str:
    """The whole page."""
    parts = [_HEAD]
    for section in sections(example):
        parts.append(f"\n## {_linked(section.name[0].upper() + section.name[1:])}\n")
        parts += [_entry(name, words) for name, words in section.settings]
    return "\n".join(parts)


def _entry(name: str, words: str) -> str:
    secret = " · **secret**" if name in SECRETS else ""
    real = f" Not set: `{DEFAULT_URLS[name]}`." if name in DEFAULT_URLS else ""
    told = "" if name in DEFAULT_URLS else f"  \n{_linked(words)}" if words else ""
    return f"**`{name}`**{secret}: {_shown(EXPECTED[name])}.{real}{told}\n"


def _shown(expected: str) -> str:
    """An address in it would become a link that leads nowhere."""
    return re.sub(r"(\w+://[^\s,;]+)", r"`\1`", expected)


def _linked(words: str) -> str:
    """Other pages of the folder can be followed from here."""
    return re.sub(r"\bdocs/([\w-]+\.md)", r"[\1](\1)", words)
