"""Several accounts as one page of text for the terminal: each for itself, and then all of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.money import signed_rupees
from engine.table import terminal_table
from engine.view import MonitorView, PositionState

__all__ = ["terminal_page", "total_lines"]


def terminal_page(views: Mapping[str, MonitorView]) -> str:
    """The table of each account under its name, then the totals; of one account its table alone."""
    if len(views) == 1:
        return terminal_table(next(iter(views.values())))
    parts = [f"══ {name} {'═' * (76 - len(name))}\n{terminal_table(view)}" for name, view in views.items()]
    return "\n\n".join([*parts, "\n".join(total_lines(views))])


def total_lines(views: Mapping[str, MonitorView]) -> list[str]:
    """One line for each account and one for all: P&L, and what is not in it."""
    lines = [f"{name:<16} {_total([view])}" for name, view in views.items()]
    return [*lines, f"{'All accounts':<16} {_total(list(views.values()))}"]


def _total(views: Sequence[MonitorView]) -> str:
    """A sum never passes for more than it is: what it lacks is said beside it."""
    held = [p for view in views for p in view.positions if p.state is not PositionState.FLAT]
    known = [p.pnl_paise for p in held if p.pnl_paise is not None]
    down = [view for view in views if view.down]
    text = signed_rupees(sum(known)) if known else "unknown" if held or down else "no positions"
    if missing := len(held) - len(known):
        text += f", without {missing} of {len(held)} (unknown)"
    if down:
        text += f", without {len(down)} of {len(views)} accounts (down)" if len(views) > 1 else " (down)"
    return text
