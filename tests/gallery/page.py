"""docs/gallery.md: every picture with what it shows, part by part. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tests.gallery.scenes import Scene

ROOT = Path(__file__).resolve().parents[2]
PAGE, FOLDER = ROOT / "docs" / "gallery.md", ROOT / "docs" / "gallery"
_ROW = 3

_HEAD = """# What the phone shows

Each kind of message as the sandbox's phone page draws it; the real Telegram has other fonts. Drawn by
`make pictures`, from a whole monitor on virtual time. What the commands are is in [chat.md](chat.md).
"""


def written(scenes: Sequence[Scene]) -> str:
    """The page: three pictures beside each other, their captions below."""
    parts = [_HEAD]
    for part, of_it in groupby(scenes, key=lambda scene: scene.part):
        every = list(of_it)
        rows = [every[at : at + _ROW] for at in range(0, len(every), _ROW)]
        parts += [f"## {part}\n", *(_table(row) for row in rows)]
    return "\n".join(parts)


def _table(row: Sequence[Scene]) -> str:
    pictures = " | ".join(f"![{scene.name}](gallery/{scene.name}.png)" for scene in row)
    captions = " | ".join(scene.caption for scene in row)
    return f"| {pictures} |\n|{'---|' * len(row)}\n| {captions} |\n"
