"""The pages about several accounts: /accounts, and /status of all of them together. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import Page, escape, packed
from bot.status import IST, day_line, feed_words, in_order, mode_words, pages, total_lines, warnings
from engine.money import signed_rupees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.view import MonitorView


def accounts_pages(views: Mapping[str, MonitorView]) -> tuple[Page, ...]:
    """List the accounts: mode, P&L, token, and what keeps each from being calm."""
    return tuple(
        Page(text)
        for text in packed(
            _block(account, view, [f"P&amp;L <b>{_pnl(view)}</b> · {_count(view)}", *_access(view)])
            for account, view in views.items()
        )
    )


def all_status_pages(views: Mapping[str, MonitorView]) -> tuple[Page, ...]:
    """Show how everything stands: together, per account, then all positions, the urgent first."""
    first = next(iter(views.values()))
    at = datetime.fromtimestamp(max(view.at_s for view in views.values()), IST)
    together = [
        f"<b>{len(views)} accounts</b> · {at:%H:%M:%S} IST",
        escape(first.session_text[:1].upper() + first.session_text[1:]),
        *total_lines(list(views.values()), "together "),
    ]
    if down := sum(view.down for view in views.values()):
        together.append(f"⚠️ without {down} of {len(views)} accounts, which do not run")
    blocks = [_block(account, view, total_lines([view])) for account, view in views.items()]
    *full, head = packed(["\n".join(together), *blocks])
    lines = in_order({f"{account}/": view for account, view in views.items()})
    count = sum(len(view.positions) for view in views.values())
    return (*(Page(text) for text in full), *pages(head, lines, count))


def _block(account: str, view: MonitorView, lines: list[str]) -> str:
    """One account: its name and mode, these lines, its limits of the day, what keeps it from being calm."""
    head = f"<b>{escape(account)}</b> · {mode_words(view)} · {feed_words(view)}"
    return "\n".join([head, *lines, *(day_line(day) for day in view.accounts), *warnings(view)])


def _access(view: MonitorView) -> list[str]:
    return [escape(text) for text in (view.access, view.nets) if text]


def _pnl(view: MonitorView) -> str:
    return "unknown" if view.pnl_paise is None else signed_rupees(view.pnl_paise)


def _count(view: MonitorView) -> str:
    if view.down:
        return "positions unknown"
    count = len(view.positions)
    return f"{count} position{'' if count == 1 else 's'}"
