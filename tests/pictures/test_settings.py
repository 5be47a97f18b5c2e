"""The page of all settings is what the code says."""

from __future__ import annotations

from engine.expected import EXPECTED, SECRETS
from tests.pictures.settings import EXAMPLE, PAGE, page, sections


def test_the_page_is_what_the_example_and_the_code_make_of_it():
    """`make pictures` writes it; whoever adds a setting is reminded here."""
    assert PAGE.read_text(encoding="utf-8") == page(EXAMPLE.read_text(encoding="utf-8"))


def test_every_setting_of_the_code_is_on_the_page_once():
    """And nothing that the code does not read."""
    names = [
        name for section in sections(EXAMPLE.read_text(encoding="utf-8")) for name, _ in section.settings
    ]
    assert sorted(names) == sorted(EXPECTED)


def test_secrets_are_marked():
    """A reader sees which ones are never shown."""
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"**`{name}`** · **secret**" in text for name in SECRETS)
