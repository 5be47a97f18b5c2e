"""The audit as a person reads it: when, who, what, and what came of it. Pure.

Every line of the audit is an event and its data; here each kind that people look for has words, the others
are told by their own names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.money import signed_rupees
from engine.rules.base import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["UNTOLD", "AuditLine", "AuditNow", "story_of", "who"]

#: What the house writes down each minute: true, and of no use on a phone.
UNTOLD = frozenset({"health"})
_TEXT_COLUMNS = 160
_QUOTED = re.compile(r"='([^']*)'")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the audit."""

    line: int
    at_s: float
    event: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditNow:
    """The end of an audit.

    Attributes:
        lines: the last ones that are told here, the newest first.
        total: how many lines there are, those that are not told here included.
        checked: of how many of the last ones the chain was verified.
        broken: what is wrong with the chain; empty = nothing that was looked at.
    """

    lines: tuple[AuditLine, ...]
    total: int
    checked: int
    broken: str


def who(line: AuditLine) -> str:
    """The person, or the house itself."""
    return str(line.data.get("by") or "Prahari")


def story_of(line: AuditLine) -> str:
    """What was done and what came of it, in a few words."""
    tell = _STORIES.get(line.event)
    text = tell(line.data) if tell is not None else f"{line.event}: {_plain(line.data)}".removesuffix(": ")
    return text if len(text) <= _TEXT_COLUMNS else f"{text[: _TEXT_COLUMNS - 1]}…"


def _command(data: Mapping[str, Any]) -> str:
    words = (data.get("wish"), data.get("strategy"), data.get("rule"), data.get("value"))
    return f"asked: {' '.join(str(word) for word in words if word not in (None, ''))}"


def _tap(data: Mapping[str, Any]) -> str:
    return f"said {'yes' if data.get('yes') else 'no'} to question {data.get('nonce')}"


def _price(data: Mapping[str, Any]) -> str:
    return f"yes to drawing {data.get('edition')} of question {data.get('nonce')}: {data.get('ruling')}"


def _mode(data: Mapping[str, Any]) -> str:
    return f"mode {data.get('to')}, before {data.get('from')}"


def _two_keys(data: Mapping[str, Any]) -> str:
    return f"two keys, {data.get('what')}: {data.get('change')}"


def _turned_away(data: Mapping[str, Any]) -> str:
    more = f", {data['more']} times more" if data.get("more") else ""
    return f"turned away: {data.get('what')} ({data.get('why')}; user {data.get('user')}){more}"


def _verdict(data: Mapping[str, Any]) -> str:
    pnl = data.get("pnl")
    amount = "" if pnl is None else f" at {signed_rupees(pnl)}"
    action = str(data.get("action")).lower().replace("_", " ")
    return f"{_place(data)}{in_words(str(data.get('rule')))}: {action}{amount}"


def _intent(data: Mapping[str, Any]) -> str:
    return f"exit {data.get('id')} of {_place(data)}{data.get('title')} begins"


def _order(data: Mapping[str, Any]) -> str:
    why = f" ({data['reason']})" if data.get("reason") else ""
    return f"order {data.get('order')}: {data.get('state')}, {data.get('filled')} filled{why}"


def _outcome(data: Mapping[str, Any]) -> str:
    return f"{data.get('verb')} {data.get('order')}: {_said(str(data.get('said')))}"


def _drill(data: Mapping[str, Any]) -> str:
    return f"drill: {str(data.get('light')).lower()}, {len(data.get('checks', ()))} things"


def _feed(data: Mapping[str, Any]) -> str:
    detail = f" ({data['detail']})" if data.get("detail") else ""
    return f"feed {data.get('state')}{detail}"


def _said(text: str) -> str:
    """The broker's answer without the trimmings of Python: ``Refused(code='DH-905', ...)``."""
    name, _, rest = text.partition("(")
    return " ".join([name.lower(), *(word for word in _QUOTED.findall(rest) if word)])


def _place(data: Mapping[str, Any]) -> str:
    position = str(data.get("position") or "")
    return f"{position.removeprefix('default/')} " if position else ""


def _plain(data: Mapping[str, Any]) -> str:
    """Any other event's data, but for who did it."""
    known = {name: value for name, value in data.items() if name not in ("by", "user")}
    return ", ".join(f"{name} {_value(value)}" for name, value in known.items() if value not in ("", None))


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).removeprefix("default/")


_STORIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "command": _command,
    "tap": _tap,
    "price": _price,
    "mode": _mode,
    "two keys": _two_keys,
    "turned away": _turned_away,
    "verdict": _verdict,
    "day limit": _verdict,
    "intent": _intent,
    "order": _order,
    "outcome": _outcome,
    "drill": _drill,
    "feed": _feed,
}
