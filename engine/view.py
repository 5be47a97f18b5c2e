"""What chat, terminal and reports may see: immutable pictures of the machine at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.messages import FeedState
    from engine.model import Action, Mode, PositionId, Urgency


class PositionState(StrEnum):
    """Where a position stands with us."""

    WATCHING = "watching"
    EXITING = "exiting"
    HELD = "held"
    FLAT = "flat"
    STUCK = "stuck"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg: signed units, entry and mark in paise per unit (None = unknown), quote age."""

    name: str
    quantity: int
    entry_paise: int | None
    mark_paise: int | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class ThresholdView:
    """One armed rule: the P&L at which it fires (None for clock rules) and a line about it."""

    rule: str
    threshold_paise: int | None
    text: str
    available: bool = True


@dataclass(frozen=True, slots=True)
class PositionView:
    """One position as a person looks at it.

    Attributes:
        pnl_paise: gross mark P&L, realised included; None = unknown (a leg cannot be priced).
        pnl_pct: P&L in per cent of the absolute net premium; None = unknown.
        value_paise: what the open legs are worth at mark (long positive); None = unknown.
        reason: one sentence.
        unprotected: no loss rule guards this position.
        part: how much of it partial exits have closed, e.g. ``closed 1 of 4, 3 open``; empty = none.
    """

    id: PositionId
    account: str
    strategy_id: int
    symbol: str
    strategy: str
    state: PositionState
    legs: tuple[LegView, ...]
    pnl_paise: int | None
    pnl_pct: float | None
    value_paise: int | None
    action: Action
    urgency: Urgency
    reason: str
    thresholds: tuple[ThresholdView, ...]
    unprotected: bool = False
    dte: int | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class MonitorView:
    """The whole house at one moment.

    Attributes:
        halted: /stop was given: no automatic exits until /resume.
        degraded: why the machine works below its mode (reconciliation failed, ...), else empty.
        data_age_s: since the last market data of any kind; None = never.
    """

    at_s: float
    mode: Mode
    sandbox: bool
    halted: bool
    degraded: str
    feed: FeedState
    feed_detail: str
    data_age_s: float | None
    cached_prices: int
    subscribed: int
    session_open: bool
    session_text: str
    positions: tuple[PositionView, ...]

    @property
    def pnl_paise(self) -> int | None:
        """Sum of all known P&Ls; None when none is known."""
        known = [p.pnl_paise for p in self.positions if p.pnl_paise is not None]
        return sum(known) if known else None

    @property
    def value_paise(self) -> int | None:
        """Sum of all known mark values; None when none is known."""
        known = [p.value_paise for p in self.positions if p.value_paise is not None]
        return sum(known) if known else None
