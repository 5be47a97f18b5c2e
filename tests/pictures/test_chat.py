"""The pictures that docs/chat.md shows are those that the chat draws."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.pictures.chat import FOLDER, SHOWN, drawn


@pytest.mark.parametrize("name", SHOWN)
def test_what_the_page_shows_is_what_the_chat_draws(name: str):
    """`make pictures` writes them; another zlib may pack them otherwise, so pixels are compared."""
    kept = FOLDER / f"{name}.png"
    assert kept.stat().st_size < 60_000
    one = Image.open(kept).convert("RGB")
    other = Image.open(io.BytesIO(drawn(name))).convert("RGB")
    assert one.size == other.size
    assert max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 0.5


def test_the_page_shows_all_of_them_and_no_other():
    """Each file is mentioned."""
    page = (FOLDER.parent / "chat.md").read_text(encoding="utf-8")
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(SHOWN)
    assert all(f"chat/{name}.png" in page for name in SHOWN)
