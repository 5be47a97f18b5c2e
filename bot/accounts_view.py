"""The pages about several accounts: /accounts, and /status of all of them together. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.layout import Page, escape
from bot.status import IST, Line, calm, feed_words, mode_words, pages, total_lines, warnings
from engine.money import signed_rupees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.view import MonitorView


def accounts_page(views: Mapping[str, MonitorView]) -> Page:
    """List the accounts: mode, P&L, token, and what keeps each from being calm."""
    parts = []
    for account, view in views.items():
        lines = [
            f"<b>{escape(account)}</b> · {mode_words(view)}",
            f"P&amp;L <b>{_pnl(view)}</b> · {_count(view)}",
        ]
        lines += [escape(text) for text in (view.access, view.nets) if text]
        parts.append("\n".join([*lines, *warnings(view)]))
    return Page("\n\n".join(parts))


def all_status_pages(views: Mapping[str, MonitorView]) -> tuple[Page, ...]:
    """Show how everything stands: together, per account, then all positions, the urgent first."""
    at_s = max(view.at_s for view in views.values())
    any_view = next(iter(views.values()))
    head = [
        f"<b>{len(views)} accounts</b> · {datetime.fromtimestamp(at_s, IST):%H:%M:%S} IST",
        f"{escape(any_view.session_text[:1].upper() + any_view.session_text[1:])}",
        *total_lines(list(views.values()), "together "),
    ]
    for account, view in views.items():
        head += ["", f"<b>{escape(account)}</b> · {mode_words(view)} · {feed_words(view)}"]
        head += [*total_lines([view]), *warnings(view)]
    lines = [
        Line(view, position, f"{account}/") for account, view in views.items() for position in view.positions
    ]
    return pages(
        "\n".join(head), sorted(lines, key=lambda line: (calm(line.position), -line.position.urgency))
    )


def _pnl(view: MonitorView) -> str:
    return "unknown" if view.pnl_paise is None else signed_rupees(view.pnl_paise)


def _count(view: MonitorView) -> str:
    count = len(view.positions)
    return f"{count} position{'' if count == 1 else 's'}"
