"""Messages, keyboards and alarms as JSON, for the chat's store."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bot.layout import Button, Keyboard, Page
from bot.queue import Outgoing, Rank
from engine.effects import Alert
from engine.escalation import Alarm
from engine.messages import Wish
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def alert_to_body(alert: Alert, of: str = "") -> dict[str, Any]:
    """Write an alert down as plain values; ``of``: its account's mark."""
    return {**asdict(alert), "of": of}


def alerts_kept(bodies: Iterable[Mapping[str, Any]]) -> list[tuple[Alert, str]]:
    """Read alerts back, each with its account's mark; one that another version wrote is left out."""
    alerts = []
    for body in bodies:
        try:
            rest = {name: body[name] for name in ("topic", "title", "text", "position")}
            choices = tuple(Wish(word) for word in body["choices"])
            alerts.append((Alert(Urgency(body["urgency"]), choices=choices, **rest), body["of"]))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("an alert kept by another version cannot be read and is dropped: %s", error)
    return alerts


def alarms_kept(bodies: Iterable[Mapping[str, Any]]) -> list[Alarm]:
    """Read alarms back; one that another version wrote is left out, with a line in the log."""
    alarms = []
    for body in bodies:
        try:
            alarms.append(Alarm.from_json(body))
        except TypeError as error:
            log.warning("an alarm kept by another version cannot be read and is dropped: %s", error)
    return alarms


def keyboard_to_text(keyboard: Keyboard) -> str:
    """Write a keyboard down as JSON."""
    return json.dumps([[asdict(button) for button in row] for row in keyboard], ensure_ascii=False)


def keyboard_from_text(text: str) -> Keyboard:
    """Read a keyboard back; the empty text is the empty keyboard."""
    return _keyboard(json.loads(text)) if text else ()


def _keyboard(rows: list[list[dict[str, str]]]) -> Keyboard:
    return tuple(tuple(Button(**button) for button in row) for row in rows)
