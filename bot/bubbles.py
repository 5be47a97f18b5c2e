"""The messages the monitor speaks by itself: alerts, questions, cards, plain replies. Pure."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2s
from itertools import accumulate
from typing import TYPE_CHECKING

from bot.layout import MESSAGE_LIMIT, Button, Keyboard, Page, cut, escape, span, story
from engine.messages import Wish
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Alert, Ask, Card

_MARK = {Urgency.HIGH: "🔴 ", Urgency.MEDIUM: "🟠 ", Urgency.NORMAL: ""}
#: An exit cannot be undone, so its yes is red; ending a halt is the way back to normal.
_YES_STYLE = {
    Wish.EXIT: "danger",
    Wish.STOP: "danger",
    Wish.RESUME: "success",
    Wish.SET: "primary",
    Wish.GROUP: "success",
    Wish.FLATTEN: "danger",
}
_CHOICE = {
    Wish.ADOPT: "Correct the rows",
    Wish.SHRINK: "Count what is held",
    Wish.UNWATCH: "Stop watching",
    Wish.RESUME: "Take over as it is",
}
_TITLE_LIMIT = 200
_TEXT_LIMIT = MESSAGE_LIMIT - 400
#: So many lines at the end are kept of what is too long: sum, margin, and what happens without an answer.
_END = 4


def seen_button(name: str, count: int = 1) -> Button:
    """The button that ends an alarm, or several."""
    return Button("Seen" if count == 1 else f"Seen, all {count}", f"s:{name}", "primary")


def event_id(topic: str, at_s: float) -> str:
    """Name an alert in five letters, so that a message that arrives twice is seen to be one."""
    digest = blake2s(f"{topic}|{at_s!r}".encode(errors="replace"), digest_size=5).digest()
    return b32encode(digest).decode().lower()[:5]


def alert_page(alert: Alert, at_s: float, of: str = "", seen: str = "") -> Page:
    """Show an alert: what, why, about which position, and its id; when, the phone says by itself.

    ``of``: the account's mark for the buttons; ``seen``: what a Seen button names, empty = there is none.
    """
    about = [alert.position.removeprefix("default/")] if alert.position else []
    foot = " · ".join([*about, f"id {event_id(alert.topic, at_s)}"])
    title, text = escape(cut(alert.title, _TITLE_LIMIT)), escape(cut(alert.text, _TEXT_LIMIT))
    strategy_id = (alert.position or "").rpartition("/")[2]
    keyboard: Keyboard = ((seen_button(seen),),) if seen else ()
    keyboard += tuple((Button(_CHOICE[wish], f"d:{wish}:{of}{strategy_id}"),) for wish in alert.choices)
    return Page(f"{_MARK[alert.urgency]}<b>{title}</b>\n{text}\n<i>{escape(foot)}</i>", keyboard)


def question_page(ask: Ask, expires_wall_s: float, left_s: float) -> Page:
    """Show a question, its preview and two buttons; the phone itself counts down to its end."""
    until = f'<tg-time unix="{expires_wall_s:.0f}" format="r">in {span(left_s)}</tg-time>'
    html = "\n".join(
        part
        for part in (
            f"{_MARK[ask.urgency]}<b>{escape(ask.title)}</b>",
            story(_fitting(ask.lines)),
            f"{ask.until} {until}." + (" One answer counts." if ask.yes else ""),
        )
        if part
    )
    drawn = ask.edition or ""  # so that a press tells which figures it has seen
    style = "danger" if ask.drastic else _YES_STYLE.get(ask.wish, "")
    yes = (Button(ask.yes, f"c:{ask.nonce}:y{drawn}", style),) if ask.yes else ()
    return Page(html, ((*yes, Button(ask.no, f"c:{ask.nonce}:n")),))


def card_page(card: Card) -> Page:
    """Show how far a question or an exit has come."""
    mark = "✅ " if card.done else _MARK[card.urgency] if card.final else "⏳ "
    return Page(f"{mark}<b>{escape(card.title)}</b>\n{story(_fitting(card.lines))}".rstrip())


def _fitting(lines: Sequence[str]) -> tuple[str, ...]:
    """Leave out what one message cannot hold, and say how much: a question must arrive, with its end."""
    if sum(len(line) + 1 for line in lines) <= _TEXT_LIMIT:
        return tuple(lines)
    body, end = lines[:-_END], lines[-_END:]
    room = _TEXT_LIMIT - sum(len(line) + 1 for line in end)
    fit = sum(size <= room for size in accumulate(len(line) + 1 for line in body))
    return (*body[:fit], f"… and {len(body) - fit} more lines", *end)


def reply_page(text: str) -> Page:
    """Show a plain reply."""
    return Page(escape(cut(text, _TEXT_LIMIT)))
