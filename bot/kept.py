"""Messages and keyboards as JSON, for the chat's store."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bot.layout import Button, Keyboard, Page
from bot.queue import Outgoing, Rank

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

#: What a restart makes anew: the row's number is known from the row, the rest belongs to one life.
_OF_ONE_LIFE = ("row", "attempts", "not_before_s", "place", "write")


def to_body(item: Outgoing) -> dict[str, Any]:
    """Write a message down as plain values."""
    # a picture is of its moment: another life sends the words
    body = asdict(replace(item, page=replace(item.page, draw=None)))
    for name in _OF_ONE_LIFE:
        del body[name]
    return body


def from_body(row: int, body: Mapping[str, Any]) -> Outgoing | None:
    """Read a message back; None, and a line in the log, for one that another version wrote."""
    try:
        page = Page(body["page"]["html"], _keyboard(body["page"]["keyboard"]))
        rest = {name: value for name, value in body.items() if name not in {"page", "rank"}}
        return Outgoing(rank=Rank(body["rank"]), page=page, row=row, **rest)
    except (KeyError, TypeError, ValueError) as error:
        log.warning("a message kept by another version cannot be read and is dropped: %s", error)
        return None


def keyboard_to_text(keyboard: Keyboard) -> str:
    """Write a keyboard down as JSON."""
    return json.dumps([[asdict(button) for button in row] for row in keyboard], ensure_ascii=False)


def keyboard_from_text(text: str) -> Keyboard:
    """Read a keyboard back; the empty text is the empty keyboard."""
    return _keyboard(json.loads(text)) if text else ()


def _keyboard(rows: list[list[dict[str, str]]]) -> Keyboard:
    return tuple(tuple(Button(**button) for button in row) for row in rows)
