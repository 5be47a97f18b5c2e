"""The page of /version: what runs, and since when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Page, both, escape, span, table
from engine.sessions import ist

if TYPE_CHECKING:
    from engine.io.process import Version


def version_page(version: Version, began_s: float, wall_s: float) -> Page:
    """Version, commit, Python, libraries and schemas; moments are the host's."""
    head = f"<b>Prahari</b> {escape(version.name)}"
    since = f"Up {span(wall_s - began_s)}, since {ist(began_s):%d %b, %H:%M} IST"
    parts = [("commit", version.commit or "not known"), ("Python", version.python), *version.libraries]
    lines = [line for name, number in parts for line in both(name, number)]
    schemas = [line for name, number in version.schemas for line in both(f"schema, {name}", number)]
    return Page(f"{head}\n{since}\n{table([*lines, *schemas])}")
