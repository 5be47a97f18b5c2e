"""The page of the card's Tighten button: stops nearer than the nearest one, as commands to press. Pure.

A press is the same /set that a person would write: the core compares it with the rules that stand, shows what
changes and asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.layout import Button, Page, escape
from bot.position_card import name_of
from bot.rules_view import usage_page
from engine.money import signed_rupees

if TYPE_CHECKING:
    from engine.view import PositionView

#: Offered are stops at these shares of the way from the nearest one to where the P&L stands.
_SHARES = (0.25, 0.5, 0.75)
#: Amounts are whole tens of rupees, which a thumb and an eye can check.
_ROUND_PAISE = 10_00


def tighten_page(position: PositionView, account: str = "") -> Page:
    """Offer up to three nearer stops in rupees; where none can be worked out, say how /set is written.

    ``account``: what stands before the id, where there are several.
    """
    stop = nearest_stop_paise(position)
    losses = [] if stop is None or position.pnl_paise is None else nearer_paise(stop, position.pnl_paise)
    if stop is None or not losses:
        return usage_page(position.strategy_id)
    words = " ".join(filter(None, [account, str(position.strategy_id)]))
    rows = tuple(
        (
            Button(
                f"Stop at {signed_rupees(-loss).partition('.')[0]}",
                f"x:/set {words} stop_loss_rupees {loss // 100}",
            ),
        )
        for loss in losses
    )
    lines = [
        f"<b>Tighten the stop of {escape(name_of(position))}</b>",
        f"Now at {signed_rupees(stop)}, P&amp;L {signed_rupees(position.pnl_paise or 0)}.",
        "Each button shows what changes, and asks. Any other rule:",
        f"<code>/set {escape(words)} RULE VALUE</code>",
    ]
    return Page("\n".join(lines), rows)


def nearest_stop_paise(position: PositionView) -> int | None:
    """The highest P&L at which a loss rule fires; None = none waits for one."""
    stops = [
        t.threshold_paise
        for t in position.thresholds
        if t.available and t.threshold_paise is not None and t.rule.startswith("stop_")
    ]
    return max(stops, default=None)


def nearer_paise(stop_paise: int, pnl_paise: int) -> list[int]:
    """Losses as positive amounts, the furthest first: all smaller than the stop's, none met already."""
    found = []
    for share in _SHARES:
        level = stop_paise + share * (pnl_paise - stop_paise)
        loss = int(-level // _ROUND_PAISE) * _ROUND_PAISE
        if 0 < loss < -stop_paise and -loss < pnl_paise and loss not in found:
            found.append(loss)
    return found
