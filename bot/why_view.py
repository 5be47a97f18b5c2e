"""The page of /why: what the rules of a position did lately, and how far each is now. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.layout import MESSAGE_LIMIT, Button, Page, cut, escape
from engine.rules.base import in_words
from engine.why_story import story, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.io.whys import Found
    from engine.view import MonitorView

#: So many moments of the story; `python -m engine why` has more.
MOMENTS = 8
_LINE_COLUMNS = 300
_MOMENT = re.compile(r"(?:(\w{3} \d\d \w{3}) )?(\d\d:\d\d:\d\d) (.*)", re.DOTALL)
_NAME = re.compile(r"[a-z]+(?:_[a-z]+)+")
_ACTIONS = {
    "CLOSE_IMMEDIATELY": "says close now",
    "CLOSE_POSITION": "says close",
    "SCALE_OUT": "says take a part off",
    "ALERT": "says",
}
_ACTION = re.compile("|".join(_ACTIONS))


def why_page(found: Found, view: MonitorView, of: str = "") -> Page:
    """The story of one position, the newest moment last, and the rules at the latest look.

    ``of``: the account's mark for the button.
    """
    name = found.position.removeprefix("default/")
    known = next((p for p in view.positions if p.id == found.position), None)
    title = name if known is None else f"{name} {known.symbol} {known.strategy}"
    moments = [line for text in story(found.kept, MOMENTS) for line in _moment(text)]
    head, *rest = why_not(found.latest, view.at_s)
    now = [f"<b>{escape(head)}</b>", *(f"• {_rule(line.strip())}" for line in rest)]
    lines = [f"<b>Why</b> · {escape(title)}", "", *(moments or ["Nothing came near a threshold."]), "", *now]
    return Page("\n".join(_fitting(lines)), ((Button("Rules", f"r:{of}{name.rpartition('/')[2]}"),),))


def _moment(text: str) -> list[str]:
    """One moment, with its day where a new one begins."""
    read = _MOMENT.fullmatch(text)
    if read is None:
        return [escape(text)]
    day, clock, what = read.groups()
    return [
        *([f"<b>{day}</b>"] if day else []),
        f"<code>{clock}</code> {escape(cut(_spelt(what), _LINE_COLUMNS))}",
    ]


def _rule(line: str) -> str:
    name, colon, rest = line.partition(": ")
    if not colon or not _NAME.fullmatch(name):
        return escape(cut(_spelt(line), _LINE_COLUMNS))
    return f"<b>{in_words(name)}</b>: {escape(cut(_spelt(rest), _LINE_COLUMNS))}"


def _spelt(text: str) -> str:
    """Names of rules and actions as people say them."""
    text = _ACTION.sub(lambda found: _ACTIONS[found[0]], text)
    return _NAME.sub(lambda found: in_words(found[0]), text)


def _fitting(lines: Sequence[str]) -> list[str]:
    """As many lines as one message holds."""
    fit: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > MESSAGE_LIMIT:
            return [*fit, "…"]
        fit.append(line)
    return fit
