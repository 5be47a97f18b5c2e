"""Entities over plain text: what Telegram's server does with them after parsing.

Offsets and lengths are in UTF-16 code units. Code shows its text as it is, so other styles are cut
out of it; quotes do not nest; commands and links that nobody marked up are found; the text is trimmed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Entity = dict[str, Any]

_VERBATIM = frozenset({"code", "pre"})
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,32}(?:@\w{3,32})?(?!\w))"
    r"|(?P<url>https?://[^\s<>]*[^\s<>.,;:!?)'\"])"
)


@dataclass(frozen=True, slots=True)
class Formatted:
    """Plain text and the entities that lie over it, sorted by offset, outer before inner."""

    text: str = ""
    entities: tuple[Entity, ...] = ()


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units: an emoji beyond the basic plane counts two."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def plain(text: str) -> Formatted:
    """Text without markup, as a person types it: trimmed, commands and links found."""
    return settled(text, [])


def settled(text: str, entities: list[Entity]) -> Formatted:
    """Do what the server does after parsing: split around code, find commands, trim.

    Leading space inside an entity stays: a table's first column may start with it.
    """
    styled = _outside_code(entities)
    found = [*styled, *_detected(text, styled)]
    first = min((entity["offset"] for entity in found), default=utf16_length(text))
    lead = min(len(text) - len(text.lstrip()), first)  # white space is one code unit each
    kept = text[lead:].rstrip()
    settled = [clipped for entity in found if (clipped := _clip(entity, lead, utf16_length(kept)))]
    return Formatted(kept, tuple(sorted(settled, key=lambda e: (e["offset"], -e["length"]))))


def _clip(entity: Entity, lead: int, total: int) -> Entity | None:
    start = max(entity["offset"] - lead, 0)
    end = min(entity["offset"] + entity["length"] - lead, total)
    return {**entity, "offset": start, "length": end - start} if end > start else None


def _outside_code(entities: list[Entity]) -> list[Entity]:
    """Cut other styles out of code; drop a quote in a quote."""
    holes = _ranges(entities, _VERBATIM)
    quotes = _ranges(entities, _QUOTES)
    result: list[Entity] = []
    for entity in entities:
        if entity["type"] in _QUOTES:
            if not any(_within(entity, other) for other in entities if other["type"] in _QUOTES):
                result.append(entity)
        elif entity["type"] in _VERBATIM:
            if not any(_within(entity, other) for other in entities if other["type"] in _VERBATIM):
                result.append(_without_language(entity))
        else:
            pieces = [cut for piece in _pieces(entity, holes) for cut in _cut_at(piece, quotes)]
            result += [{**entity, "offset": start, "length": end - start} for start, end in pieces]
    return result


def _without_language(entity: Entity) -> Entity:
    """Only a block has a language; inline code that names one outside ``<pre>`` loses it."""
    return {key: value for key, value in entity.items() if entity["type"] == "pre" or key != "language"}


def _within(inner: Entity, outer: Entity) -> bool:
    starts, ends = inner["offset"], inner["offset"] + inner["length"]
    return (
        inner is not outer
        and outer["offset"] <= starts
        and ends <= outer["offset"] + outer["length"]
        and (inner["length"] < outer["length"] or inner["type"] != "pre")
    )


def _ranges(entities: list[Entity], kinds: frozenset[str]) -> list[tuple[int, int]]:
    return sorted((e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in kinds)


def _cut_at(piece: tuple[int, int], quotes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut a piece at the edge of a quote that it only half covers, so that entities still nest."""
    start, end = piece
    for quote_start, quote_end in quotes:
        for edge in (quote_start, quote_end):
            half = quote_start < start or end < quote_end
            if start < edge < end and half:
                return [(start, edge), *_cut_at((edge, end), quotes)]
    return [piece]


def _pieces(entity: Entity, holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    at, end = entity["offset"], entity["offset"] + entity["length"]
    pieces = []
    for hole_start, hole_end in holes:
        if hole_start < end and hole_end > at:
            if hole_start > at:
                pieces.append((at, hole_start))
            at = max(at, hole_end)
    return [*pieces, (at, end)] if at < end else pieces


def _detected(text: str, entities: list[Entity]) -> list[Entity]:
    """Find commands and links that nobody marked up; not inside code or a link, nor half in a style."""
    found: list[Entity] = []
    for match in _FOUND.finditer(text):
        offset, length = utf16_length(text[: match.start()]), utf16_length(match.group())
        if not any(_in_the_way(entity, offset, offset + length) for entity in entities):
            found.append({"type": match.lastgroup, "offset": offset, "length": length})
    return found


def _in_the_way(entity: Entity, start: int, end: int) -> bool:
    opens, closes = entity["offset"], entity["offset"] + entity["length"]
    if closes <= start or end <= opens:
        return False
    exclusive = entity["type"] in _VERBATIM or entity["type"] == "text_link"
    return exclusive or opens < start < closes < end or start < opens < end < closes
