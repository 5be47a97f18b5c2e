"""The page of the pinned summary: every account that the chat may see, each position in one line. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import COLUMNS, Page, cut, escape, pair, table
from bot.status import IST, amount, calm, clock_words, feed_words, mode_words, stopped_words, total_lines
from engine.model import DEFAULT_ACCOUNT, Urgency
from engine.money import signed_rupees
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.view import MonitorView, PositionView

#: So many positions have a line, of all accounts together; the loudest of each come first.
LISTED = 24
#: Each account has so many at least.
_LEAST = 3
#: A summary that says less often than this that it is alive is dead; written at the end of it.
ALIVE_MIN = 15
_MARK = {Urgency.HIGH: "H ", Urgency.MEDIUM: "M ", Urgency.NORMAL: "  "}


def summary_page(views: Mapping[str, MonitorView], wall_s: float, *, stopped: bool = False) -> Page:
    """Everything in one message.

    Args:
        views: by the account's name, those alone that may be seen.
        wall_s: the host's clock now, by which the phone counts how long ago this was written.
        stopped: the monitor ends: nobody will change this message.
    """
    several = len(views) > 1
    at = max((view.at_s for view in views.values()), default=wall_s)
    head = [stopped_words(at)] if stopped else []
    if several:
        head += [f"<b>{len(views)} accounts</b>", *total_lines(list(views.values()), "of all ")]
    parts = [
        part for name, view in views.items() for part in _account(name if several else "", view, len(views))
    ]
    ago = f'<tg-time unix="{wall_s:.0f}" format="r">{datetime.fromtimestamp(at, IST):%-d %b}</tg-time>'
    foot = f"<i>As of {clock_words(at)}, {ago}"
    foot += "</i>" if stopped else f". Over {ALIVE_MIN} min: nobody watches</i>"
    return Page("\n".join([*head, *parts, foot]))


def listed(view: MonitorView, accounts: int) -> tuple[PositionView, ...]:
    """The positions that have a line: the loudest first, what is flat is none of them."""
    open_ = [p for p in view.positions if p.state is not PositionState.FLAT]
    ordered = sorted(open_, key=lambda p: (-p.urgency, calm(p), p.account, p.strategy_id))
    return tuple(ordered[: max(LISTED // accounts, _LEAST)])


def _account(name: str, view: MonitorView, accounts: int) -> list[str]:
    title = f"<b>{escape(name)}</b> · " if name else ""
    if view.down:
        return [f"{title}⚠️ {escape(cut(view.degraded, 200))}"]
    pnl = "" if view.pnl_paise is None or not name else f" · {signed_rupees(view.pnl_paise)}"
    lines = [f"{title}{mode_words(view)}{pnl}", health_words(view), *([] if name else total_lines([view]))]
    shown = listed(view, accounts)
    rows = [text for position in shown for text in _line(position)]
    rest = sum(p.state is not PositionState.FLAT for p in view.positions) - len(shown)
    flat = sum(p.state is PositionState.FLAT for p in view.positions)
    if rest > 0:
        rows.append(f"  and {rest} more")
    if flat:
        rows.append(f"  {flat} flat")
    return [*lines, table(rows) if rows else "No positions are being watched."]


def health_words(view: MonitorView) -> str:
    """Feed and what is wrong, in one line; what that is, /status says."""
    wrong = [
        word
        for word, is_so in (
            ("halted", view.halted),
            ("degraded", bool(view.degraded)),
            (f"{len(view.troubles)} trouble{'s' * (len(view.troubles) != 1)}", bool(view.troubles)),
        )
        if is_so
    ]
    feed = feed_words(view)
    words = " · ".join([feed[:1].upper() + feed[1:], *wrong])
    return f"⚠️ {words}: <code>/status</code>" if wrong else words


def _line(position: PositionView) -> list[str]:
    """Urgency, id, what it is at unless it is watched, underlying; the P&L at the right edge."""
    account = "" if position.account == DEFAULT_ACCOUNT else f"{position.account}/"
    state = "" if position.state is PositionState.WATCHING else f" {position.state.upper()}"
    left = f"{_MARK[position.urgency]}{account}{position.strategy_id}"
    right = "unknown" if position.pnl_paise is None else amount(position.pnl_paise)
    if len(left) + len(state) + len(right) >= COLUMNS:  # neither id nor state gives way
        return [cut(f"{left}{state}", COLUMNS), pair("", right)]
    return [pair(f"{left}{state} {position.symbol}", right)]
