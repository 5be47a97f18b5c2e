"""What chat, terminal and reports may see: immutable pictures of the machine at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.messages import FeedState
    from engine.model import Action, Mode, PositionId, Urgency
    from engine.readiness import Ready


class PositionState(StrEnum):
    """Where a position stands with us."""

    WATCHING = "watching"
    EXITING = "exiting"
    HELD = "held"
    UNWATCHED = "unwatched"
    FLAT = "flat"
    STUCK = "stuck"
    INVALID = "invalid"


#: States in which somebody should look.
TROUBLED = (PositionState.STUCK, PositionState.INVALID, PositionState.HELD, PositionState.UNWATCHED)


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg: signed units, entry and mark in paise per unit (None = unknown), quote age.

    Attributes:
        exit_paise: what closing it now would average, through the shown depth; None = unknown.
        covered: how many of its units the depth takes; None = there is no young, believable quote.
        fault: why its newest price is suspect; empty = it is not.
        suspects: how many of its prices were suspect so far.
        from_before: mark and age are of a price from before the start, by which nothing is done.
    """

    name: str
    quantity: int
    entry_paise: int | None
    mark_paise: int | None
    age_s: float | None
    exit_paise: int | None = None
    covered: int | None = None
    fault: str = ""
    suspects: int = 0
    from_before: bool = False


@dataclass(frozen=True, slots=True)
class GreeksView:
    """How a whole position moves, by the model (`engine.sensitivity`).

    Attributes:
        delta: rupees of P&L per point of the underlying.
        gamma: delta per point of the underlying.
        theta_paise: P&L of one calendar day.
        vega_paise: P&L of one percentage point of volatility.
    """

    delta: float
    gamma: float
    theta_paise: float
    vega_paise: float


@dataclass(frozen=True, slots=True)
class ThresholdView:
    """One armed rule: the P&L at which it fires (None for clock rules) and a line about it.

    Attributes:
        distance_paise: how far the P&L is from it: what has to be gained, negative what has to be
            lost; None = unknown, or the rule goes by something else.
        points: how far the underlying is from it, in rupees and signed; None = unknown.
        underlying_paise: where the underlying would be then; None also where only its forward is known.
        met: it is met by the prices of this moment, confirmed or not.
        near: most of the way to it is gone (`engine.why.Way.near`).
        silent_paise: the P&L is at or below this floor, where the rule is silent; None = it is not.
        ratchet: its threshold rises with the peak by itself; any other stands until somebody changes it.
    """

    rule: str
    threshold_paise: int | None
    text: str
    available: bool = True
    distance_paise: int | None = None
    points: float | None = None
    underlying_paise: int | None = None
    met: bool = False
    near: bool = False
    silent_paise: int | None = None
    ratchet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBrief:
    """One position as far as sums, lists and warnings of all of them go; amounts in paise, None = unknown.

    Attributes:
        pnl_paise: gross mark P&L, realised included; None = a leg cannot be priced.
        value_paise: what the open legs are worth at mark (long positive).
        closing_pnl_paise: the P&L if all legs were closed now, through the shown depth and after the
            charges of these orders, realised included; None also = the depth shows too little.
        unprotected: no loss rule guards this position.
        ready: whether its exit could go now; None = it runs, there is none, or nobody has looked yet.
    """

    id: PositionId
    account: str
    strategy_id: int
    symbol: str
    strategy: str
    state: PositionState
    pnl_paise: int | None
    value_paise: int | None
    closing_pnl_paise: int | None = None
    urgency: Urgency
    unprotected: bool = False
    ready: Ready | None = None

    @property
    def unknown(self) -> bool:
        """A position that is flat has no P&L any more; any other without one is unknown, never zero."""
        return self.pnl_paise is None and self.state is not PositionState.FLAT

    @property
    def calm(self) -> int:
        """0 = somebody should look, 1 = watched and well, 2 = done."""
        if self.state is PositionState.FLAT:
            return 2
        return int(self.state not in TROUBLED and not self.unprotected and not self.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView(PositionBrief):
    """One position as a person looks at it.

    Attributes:
        pnl_pct: P&L in per cent of the absolute net premium; None = unknown.
        closing_charges_paise: of the orders that would close it, within ``closing_pnl_paise``.
        peak_paise: the highest P&L that has lasted, realised included; None = there was none yet.
        greeks: how it moves; None = a leg has no believable mark, or no volatility explains it.
        reason: one sentence.
        profit_exit: a rule takes its profit; False: only time, a loss or a person ends it.
        part: how much of it partial exits have closed, e.g. ``closed 1 of 4, 3 open``; empty = none.
        snooze: until when little is told of it, in words; empty = it is not snoozed.
        differs: what the broker holds otherwise while the rules go on; empty = nothing that is known.
    """

    legs: tuple[LegView, ...]
    pnl_pct: float | None
    action: Action
    reason: str
    thresholds: tuple[ThresholdView, ...]
    profit_exit: bool = True
    dte: int | None = None
    closing_charges_paise: int | None = None
    peak_paise: int | None = None
    greeks: GreeksView | None = None
    part: str = ""
    differs: str = ""
    snooze: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account's day beside its limits; amounts in paise, None = unknown, or no such limit.

    Attributes:
        day_paise: P&L since the last session, what was closed today included.
        blind: positions that cannot be priced, so that the day is not known.
        loss_paise: positive.
        trailing_paise: the level below which the day ends; None also while it is not activated.
        fired: the limit that has spoken today; empty = none.
    """

    name: str
    day_paise: int | None
    blind: tuple[PositionId, ...]
    loss_paise: int | None
    profit_paise: int | None
    trailing_paise: int | None
    fired: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The house without a figure of any position: what costs nothing, however many there are.

    Attributes:
        held: strategy id and symbol of each position, in whatever state, as `MonitorView.positions` has them.
        halted, session_open, code_of: as in `MonitorView`.
    """

    mode: Mode
    halted: bool
    session_open: bool
    held: tuple[tuple[int, str], ...]
    code_of: int | None = None


@dataclass(frozen=True, slots=True)
class MonitorView:
    """The whole house at one moment.

    Attributes:
        positions: all of them, by account and strategy id; those that nobody will show, in brief.
        halted: /stop was given: no automatic exits until /resume.
        degraded: why the machine works below its mode (reconciliation failed, ...), else empty.
        data_age_s: since the last market data of any kind; None = never.
        accounts: those that have a day limit.
        access: until when the access token lives; empty = unknown.
        nets: how the broker's own P&L-based exit stands; empty = it is not wanted.
        troubles: what is wrong with token, address, rights or clock, what of the broker's nobody watches
            yet, and what no socket has room for; a sentence each.
        cache: how the prices shared over Redis stand, e.g. ``price mirror, 0.1 s behind``; empty = no Redis.
        store: of when the trade store's rows are, e.g. ``rows of 10:15:30``; empty = not read yet.
        realtime: whether changes of them are told at once, e.g. ``live, last event 12 s ago``; empty = there
            is no Realtime, or nothing was heard of it yet.
        down: there is no house behind it: its positions are not none, they are not known.
        code_of: the user whose typed code is waited for; None = nobody's.
        positions: all of them, or those of the one strategy id that was asked for.
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
    positions: tuple[PositionBrief, ...]
    accounts: tuple[AccountView, ...] = ()
    access: str = ""
    troubles: tuple[str, ...] = ()
    cache: str = ""
    store: str = ""
    realtime: str = ""
    nets: str = ""
    down: bool = False
    code_of: int | None = None

    @property
    def full(self) -> tuple[PositionView, ...]:
        """The positions that are drawn with all their figures; all of them where there are few."""
        return tuple(p for p in self.positions if isinstance(p, PositionView))

    @property
    def pnl_paise(self) -> int | None:
        """Sum of all known P&Ls; None when none is known."""
        known = [p.pnl_paise for p in self.positions if p.pnl_paise is not None]
        return sum(known) if known else None

    @property
    def closing_pnl_paise(self) -> int | None:
        """Sum of all known P&Ls that closing now would leave; None when none is known."""
        known = [p.closing_pnl_paise for p in self.positions if p.closing_pnl_paise is not None]
        return sum(known) if known else None

    @property
    def value_paise(self) -> int | None:
        """Sum of all known mark values; None when none is known."""
        known = [p.value_paise for p in self.positions if p.value_paise is not None]
        return sum(known) if known else None
