"""Where a setting comes from, and which of two settings of one key counts.

The sources of a position's rules are layers. A key counts as the highest layer that has it says;
within a layer the later table wins. Nothing else about the order of sources is decided anywhere.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Layer(IntEnum):
    """The sources, the weakest first."""

    SHIPPED = 0
    DEFAULT = 1
    SET = 2
    SYMBOL = 3
    STRATEGY = 4
    ROW = 5
    OVERRIDE = 6


class Entry(NamedTuple):
    """One key of one source.

    Attributes:
        value: the setting as its reader made it; None = the rule is off.
        origin: the source in words, e.g. ``[default] line 3 of rules.toml``.
        written: the value as its source has it, for people.
    """

    value: Any
    layer: Layer
    origin: str
    written: str


class Unheeded(NamedTuple):
    """Something a source asks for that cannot be had: what, and the sentence why."""

    what: str
    why: str


Table = dict[str, Entry]
"""Checked keys of one source, or of several laid over each other: setting or rule -> entry."""


def lay(*tables: Mapping[str, Entry]) -> Table:
    """Lay tables over each other, key by key: the higher layer wins, then the later table."""
    merged: Table = {}
    for table in tables:
        for key, entry in table.items():
            if key not in merged or entry.layer >= merged[key].layer:
                merged[key] = entry
    return merged
