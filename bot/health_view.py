"""The pages of /health and /drill: one line for each thing the house stands on, the red first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Button, Page, cut, escape, folded, span, stacked
from engine.preflight import Check, Light, worst
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.rooms import ChatHealth
    from engine.drill import Drilled
    from engine.view import MonitorView

_WORDS = {Light.RED: "RED ", Light.AMBER: "note", Light.GREEN: "ok  "}
_MARKS = {Light.RED: "🔴 needs you", Light.AMBER: "🟠 works, with notes", Light.GREEN: "all is well"}
_TEXT_COLUMNS = 180
#: A healthy poll is answered within 25 s.
POLL_OLD_S = 40.0
#: The line of an account that does not run: of the rest nothing is known.
DOWN = "account"
#: What stands here only where it is in use.
_OPTIONAL = ("Realtime", "Redis")


def health_pages(checks: Sequence[Check], at_s: float, title: str = "") -> tuple[Page, ...]:
    """Everything, one thing each, the red first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    head = f"{escape(title)}<b>Health</b> · {_MARKS[worst(checks)]} · {ist(at_s):%H:%M:%S} IST"
    names = {check.name for check in checks}
    unused = [] if DOWN in names else [name for name in _OPTIONAL if name not in names]
    foot = f"Not in use: {', '.join(unused)}." if unused else ""
    return stacked(head, _lines(checks), "things", foot=foot)


def down_check(view: MonitorView) -> Check:
    """An account whose house does not run."""
    return Check(DOWN, Light.RED, view.degraded)


def chat_check(health: ChatHealth) -> Check:
    """How the way to Telegram is; who reads this has it at least now and then."""
    if health.faults:
        return Check("Telegram", Light.AMBER, "; ".join(health.faults))
    if not health.durable:
        return Check("Telegram", Light.AMBER, "the chat's memory cannot be written")
    if health.poll_age_s is None or health.poll_age_s > POLL_OLD_S:
        age = "never" if health.poll_age_s is None else f"{span(health.poll_age_s)} ago"
        return Check("Telegram", Light.AMBER, f"last heard {age}")
    if health.unseen:
        noun = "alert waits" if health.unseen == 1 else "alerts wait"
        return Check("Telegram", Light.AMBER, f"{health.unseen} {noun} to be seen")
    waiting = (
        f"{health.waiting} message{'s' * (health.waiting != 1)} waiting" if health.waiting else "answers"
    )
    return Check("Telegram", Light.GREEN, waiting)


def drill_page(drilled: Drilled | None, at_s: float, of: str = "", title: str = "") -> Page:
    """The last drill, and the button that has it held now.

    ``of``: the account as the command names it, ``HUF ``; empty when there is one alone.
    """
    run = ((Button("Hold the drill now", f"x:/drill {of}run"),),)
    if drilled is None:
        text = (
            "Not held since the start. It asks the broker and plans every exit; nothing is sent or changed."
        )
        return Page(f"{escape(title)}<b>Drill</b>\n{text}", run)
    when = f"{ist(drilled.at_s):%d %b, %H:%M:%S} IST ({span(max(at_s - drilled.at_s, 0))} ago)"
    head = f"{escape(title)}<b>Drill</b> · {_MARKS[worst(drilled.checks)]} · {when}"
    [page] = stacked(head, _lines(drilled.checks), "things", most=1)
    return Page(page.html, run)


def _lines(checks: Sequence[Check]) -> list[list[str]]:
    return [_line(check) for check in sorted(checks, key=lambda check: -check.light)]


def _line(check: Check) -> list[str]:
    """A light and a name; what is well in one line if it fits, else folded below."""
    first = f"{_WORDS[check.light]} {check.name}"
    one = f"{first}: {check.text}"
    if len(one) <= 32:
        return [one]
    return [cut(first, 32), *folded(cut(check.text, _TEXT_COLUMNS), "     ", lines=7)]
