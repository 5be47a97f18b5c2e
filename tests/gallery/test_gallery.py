"""The gallery's page and its pictures belong together, and no look of the menu is left out."""

from __future__ import annotations

import re

from bot.menu import COMMANDS
from bot.roles import Role
from tests.gallery.page import FOLDER, PAGE

#: A picture of one bubble; a page of them is looked at on a phone too.
MOST_BYTES = 60_000


def test_every_picture_of_the_page_is_there_and_small():
    """And none lies about that no page shows."""
    shown = set(re.findall(r"\(gallery/(\w+\.png)\)", PAGE.read_text(encoding="utf-8")))
    there = {file.name: file.stat().st_size for file in FOLDER.glob("*.png")}
    assert shown == set(there)
    assert max(there.values()) <= MOST_BYTES


def test_every_look_of_the_menu_is_in_the_gallery():
    """A new one is a step in `tests.gallery.scenes`, and `make pictures`."""
    names = {file.stem for file in FOLDER.glob("*.png")}
    assert {entry.word for entry in COMMANDS if entry.needs is Role.VIEWER} <= names
