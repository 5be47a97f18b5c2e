"""The page of the pinned summary: every account that the chat may see, each position in one line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import COLUMNS, Page, cut, escape, pair, table
from bot.status import IST, amount, clock_words, feed_words, mode_words, stopped_words, sum_of
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


@dataclass(frozen=True, slots=True)
class Summed:
    """One account as the summary has it; whoever writes it often looks through all positions once.

    Attributes:
        shown: the positions that have a line.
        held, flat: how many are open, and how many are not any more.
        loud: the highest urgency of those that are open.
        pnl_paise: what is known of them together; None = nothing is.
        missing: that is not all of it.
        closing_paise: what closing all of it now would leave; None = that is not known of each.
    """

    view: MonitorView
    shown: tuple[PositionView, ...]
    held: int
    flat: int
    loud: Urgency
    pnl_paise: int | None
    missing: bool
    closing_paise: int | None


def summed(views: Mapping[str, MonitorView]) -> dict[str, Summed]:
    """The accounts that may be seen, by name."""
    return {name: _summed(view, len(views)) for name, view in views.items()}


def _summed(view: MonitorView, accounts: int) -> Summed:
    held = [p for p in view.positions if p.state is not PositionState.FLAT]
    closing = [p.closing_pnl_paise for p in held]
    return Summed(
        view=view,
        shown=listed(view, accounts),
        held=len(held),
        flat=len(view.positions) - len(held),
        loud=max((p.urgency for p in held), default=Urgency.NORMAL),
        pnl_paise=view.pnl_paise,
        missing=view.down or any(p.pnl_paise is None for p in held),
        closing_paise=None if not held or None in closing else sum_of(closing),
    )


def summary_page(accounts: Mapping[str, Summed], wall_s: float, *, stopped: bool = False) -> Page:
    """Everything in one message.

    Args:
        accounts: by their names, see `summed`.
        wall_s: the host's clock now, by which the phone counts how long ago this was written.
        stopped: the monitor ends: nobody will change this message.
    """
    several = len(accounts) > 1
    at = max((one.view.at_s for one in accounts.values()), default=wall_s)
    loud = max((one.loud for one in accounts.values()), default=Urgency.NORMAL)
    total = _total(list(accounts.values()))
    # the pinned bar of a phone shows the first words alone
    first = f"{len(accounts)} accounts" if several else "".join(mode_words(s.view) for s in accounts.values())
    head = [stopped_words(at)] if stopped else []
    head.append(f"{_LOUD[loud]}{total} · {first}")
    parts = [part for name, one in accounts.items() for part in _account(name if several else "", one)]
    ago = f'<tg-time unix="{wall_s:.0f}" format="r">{datetime.fromtimestamp(at, IST):%-d %b}</tg-time>'
    foot = f"As of {clock_words(at)}, {ago}."
    foot += "" if stopped else f" Over {ALIVE_MIN} min old: nobody watches."
    return Page("\n".join([*head, *parts, f"<i>{foot}</i>"]))


def _total(accounts: Sequence[Summed]) -> str:
    """What everything has brought; ``unknown`` where nothing is known, and marked where not all is."""
    known = sum_of([one.pnl_paise for one in accounts])
    if known is None:
        held = any(one.held for one in accounts)
        return "<b>P&amp;L unknown</b>" if held else "<b>No positions</b>"
    missing = any(one.missing for one in accounts)
    return f"<b>{signed_rupees(known)}</b>{' without some' if missing else ''}"


def listed(view: MonitorView, accounts: int) -> tuple[PositionView, ...]:
    """The positions that have a line: the loudest first, what is flat is none of them."""
    open_ = [p for p in view.full if p.state is not PositionState.FLAT]
    ordered = sorted(open_, key=lambda p: (-p.urgency, p.calm, p.account, p.strategy_id))
    return tuple(ordered[: max(LISTED // accounts, _LEAST)])


def _account(name: str, one: Summed) -> list[str]:
    title, view = f"<b>{escape(name)}</b> · " if name else "", one.view
    if view.down:
        return [f"{title}⚠️ {escape(cut(view.degraded, 200))}"]
    lines = [f"{title}{mode_words(view)} · {_total([one])}"] if name else []
    lines.append(health_words(view))
    if one.closing_paise is not None:
        lines.append(f"Closed now {signed_rupees(one.closing_paise)} after charges")
    rows = [text for position in one.shown for text in _line(position)]
    rest = one.held - len(one.shown)
    if rest > 0:
        rows.append(f"  and {rest} more")
    if one.flat:
        rows.append(f"  {one.flat} flat")
    return [*lines, table(rows)] if rows else lines


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
