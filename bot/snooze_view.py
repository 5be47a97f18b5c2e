"""The page of /snooze: three sensible ways to hear less of a position, as buttons that are commands. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import Button, Page, escape
from bot.status import IST
from engine.money import rupees

if TYPE_CHECKING:
    from engine.view import MonitorView, PositionView

#: The market's close in India, and what stands in for it when less than half an hour is left, minutes.
_CLOSE_MIN = 15 * 60 + 30
_REST_MIN = 120
#: A leash is about a quarter of the way to the nearest stop, in such steps.
_STEP_PAISE = 500_00


def snooze_page(view: MonitorView, position: PositionView, title: str) -> Page:
    """Offer them; ``title``: the account, ``HUF · ``, which the commands then name."""
    account = title.removesuffix(" · ")
    who = " ".join(filter(None, [account, str(position.strategy_id)]))
    worse = _worse_paise(position)
    leash, said = (f" {worse // 100}", f" or {rupees(worse).partition('.')[0]} worse") if worse else ("", "")
    rest_min = _rest_min(view)
    until = f"{rest_min} min" if rest_min == _REST_MIN else "Until the close"
    choices = [
        ("15 min", f"/snooze {who} 15"),
        (f"60 min{said}", f"/snooze {who} 60{leash}"),
        (f"{until}{said}", f"/snooze {who} {rest_min}{leash}"),
    ]
    if position.snooze:
        choices.append(("End its snooze", f"/snooze {who} off"))
    lines = [
        f"{escape(title)}<b>Snooze {position.strategy_id} {escape(position.symbol)}?</b>",
        *([f"Now {escape(position.snooze)}."] if position.snooze else []),
        "Only HIGH alerts, questions and exits are told of it meanwhile; its rules go on.",
        f"With a level: <code>/snooze {escape(who)} 60 5000 below 24500</code>",
    ]
    return Page("\n".join(lines), tuple((Button(text, f"x:{data}"),) for text, data in choices))


def _worse_paise(position: PositionView) -> int:
    """How much worse it may get unheard: a quarter of the way to the nearest stop; 0 = that is not known."""
    ways = [t.distance_paise or 0 for t in position.thresholds if t.available]
    away = [-way for way in ways if way < 0]
    known = position.pnl_paise is not None and away
    return max(min(away) // 4 // _STEP_PAISE, 1) * _STEP_PAISE if known else 0


def _rest_min(view: MonitorView) -> int:
    at = datetime.fromtimestamp(view.at_s, IST)
    left = _CLOSE_MIN - (at.hour * 60 + at.minute)
    return left if view.session_open and left >= 30 else _REST_MIN
