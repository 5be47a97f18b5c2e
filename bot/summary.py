"""The page of the pinned summary: every account that the chat may see, each position in one line. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import COLUMNS, Page, cut, escape, pair, table
from bot.status import IST, amount, calm, clock_words, feed_words, mode_words, stopped_words, sum_of
from engine.model import DEFAULT_ACCOUNT, Urgency
from engine.money import signed_rupees
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.view import MonitorView, PositionView

#: So many positions have a line, of all accounts together; the loudest of each come first.
LISTED = 24
#: Each account has so many at least.
_LEAST = 3
#: A summary that says less often than this that it is alive is dead; written at the end of it.
ALIVE_MIN = 15
_LOUD = {Urgency.HIGH: "🔴 ", Urgency.MEDIUM: "🟠 ", Urgency.NORMAL: ""}
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
    loud = max((p.urgency for view in views.values() for p in listed(view, 1)), default=Urgency.NORMAL)
    total = _total(list(views.values()))
    # the pinned bar of a phone shows the first words alone
    first = f"{len(views)} accounts" if several else "".join(mode_words(view) for view in views.values())
    head = [stopped_words(at)] if stopped else []
    head.append(f"{_LOUD[loud]}{total} · {first}")
    parts = [
        part for name, view in views.items() for part in _account(name if several else "", view, len(views))
    ]
    ago = f'<tg-time unix="{wall_s:.0f}" format="r">{datetime.fromtimestamp(at, IST):%-d %b}</tg-time>'
    foot = f"As of {clock_words(at)}, {ago}."
    foot += "" if stopped else f" Over {ALIVE_MIN} min old: nobody watches."
    return Page("\n".join([*head, *parts, f"<i>{foot}</i>"]))


def _total(views: Sequence[MonitorView]) -> str:
    """What everything has brought; ``unknown`` where nothing is known, and marked where not all is."""
    known = sum_of([view.pnl_paise for view in views])
    held = [p for view in views for p in view.positions if p.state is not PositionState.FLAT]
    if known is None:
        return "<b>P&amp;L unknown</b>" if held else "<b>No positions</b>"
    missing = any(p.pnl_paise is None for p in held) or any(view.down for view in views)
    return f"<b>{signed_rupees(known)}</b>{' without some' if missing else ''}"


def listed(view: MonitorView, accounts: int) -> tuple[PositionView, ...]:
    """The positions that have a line: the loudest first, what is flat is none of them."""
    open_ = [p for p in view.positions if p.state is not PositionState.FLAT]
    ordered = sorted(open_, key=lambda p: (-p.urgency, calm(p), p.account, p.strategy_id))
    return tuple(ordered[: max(LISTED // accounts, _LEAST)])


def _account(name: str, view: MonitorView, accounts: int) -> list[str]:
    title = f"<b>{escape(name)}</b> · " if name else ""
    if view.down:
        return [f"{title}⚠️ {escape(cut(view.degraded, 200))}"]
    lines = [f"{title}{mode_words(view)} · {_total([view])}"] if name else []
    lines += [health_words(view), *_closing(view)]
    shown = listed(view, accounts)
    rows = [text for position in shown for text in _line(position)]
    rest = sum(p.state is not PositionState.FLAT for p in view.positions) - len(shown)
    flat = sum(p.state is PositionState.FLAT for p in view.positions)
    if rest > 0:
        rows.append(f"  and {rest} more")
    if flat:
        rows.append(f"  {flat} flat")
    return [*lines, table(rows)] if rows else lines


def _closing(view: MonitorView) -> list[str]:
    """What closing all of it now would leave, where that is known of each."""
    held = [p for p in view.positions if p.state is not PositionState.FLAT]
    if not held or any(p.closing_pnl_paise is None for p in held):
        return []
    return [f"Closed now {signed_rupees(view.closing_pnl_paise or 0)} after charges"]


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
    closed = [] if view.session_open else ["market closed"]
    words = " · ".join([*closed, feed_words(view), *wrong])
    words = words[:1].upper() + words[1:]
    return f"⚠️ {words}: <code>/status</code>" if wrong else words


def _line(position: PositionView) -> list[str]:
    """Urgency, id, what it is at unless it is watched, underlying; the P&L at the right edge."""
    account = "" if position.account == DEFAULT_ACCOUNT else position.account
    state = "" if position.state is PositionState.WATCHING else f" {position.state.upper()}"
    mark, id_ = _MARK[position.urgency], f"{position.strategy_id}{state}"
    name = f"{account}/{id_}" if account else id_
    right = "unknown" if position.pnl_paise is None else amount(position.pnl_paise)
    if len(mark) + len(name) + len(right) < COLUMNS - 1:  # beside them a space, and a sign that more is cut
        return [pair(f"{mark}{name} {position.symbol}", right)]
    above = (
        [f"{mark}{account}", f"  {id_}"] if account else [f"{mark}{id_}"]
    )  # neither id nor state gives way
    return [*above, pair("", right)]
