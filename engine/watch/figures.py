"""A watched position in figures, for people: chat, terminal and reports read nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from engine.model import Action, Urgency
from engine.pnl import Marks, last_mark
from engine.rules.alerts import ALERT_FROM
from engine.rules.base import Amount
from engine.rules.expiries import nearest_expiry
from engine.sessions import dte
from engine.view import LegView, ThresholdView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.payoff import Payoff
    from engine.pnl import Price
    from engine.rules.base import Snapshot
    from engine.watch.nouns import RuleNote
    from engine.watch.watched import Watched

QUIET = "No exit conditions triggered"


@dataclass(frozen=True, slots=True)
class Figures:
    """One position at one moment. Amounts are paise; None = unknown.

    Attributes:
        pnl_paise: gross P&L at mark, realised included.
        pnl_pct: the same in per cent of the absolute net premium.
        last_pnl_paise: the same at the last believable marks, however old.
        value_paise: what the open legs are worth at mark.
        liquidation_paise: what closing them now would give, at the best price of each side.
        loss_fraction: the loss as a share of what the nearest loss rule allows; None without one.
        dte: calendar days to the nearest expiry.
        unprotected: no loss rule guards the position.
        shares: open combinations, and those at entry.
    """

    pnl_paise: int | None
    pnl_pct: float | None
    last_pnl_paise: int | None
    value_paise: int | None
    liquidation_paise: int | None
    legs: tuple[LegView, ...]
    action: Action
    urgency: Urgency
    reason: str
    loss_fraction: float | None
    thresholds: tuple[ThresholdView, ...]
    notes: tuple[RuleNote, ...]
    payoff: Payoff
    unprotected: bool
    dte: int | None
    peak_paise: int | None
    trough_paise: int | None
    shares: tuple[int, int]

    @property
    def net_premium_paise(self) -> int:
        """Received (> 0) or paid (< 0) for the open legs."""
        return self.payoff.net_premium_paise


def figures(watched: Watched, now_s: float, *, in_session: bool) -> Figures:
    """Look at a position without touching it.

    Out of session no quote is young, so the last believable marks stand; their ages are shown.
    """
    snapshot = watched.snapshot(now_s)
    memory = watched.memory
    mark = Marks.mark if in_session else last_mark
    gross = _plus(watched.holding.pnl(now_s, mark), memory.realised_paise)
    premium = abs(watched.payoff.net_premium_paise)
    near = None if snapshot.guarded_paise is None else watched.ladder.nearest(snapshot.guarded_paise)
    action, loudness, reason = _state(watched, snapshot)
    expiry = nearest_expiry(watched.position)
    return Figures(
        pnl_paise=gross,
        pnl_pct=100 * gross / premium if gross is not None and premium else None,
        last_pnl_paise=_plus(watched.holding.pnl(now_s, last_mark), memory.realised_paise),
        value_paise=watched.holding.worth(now_s, mark),
        liquidation_paise=watched.holding.worth(now_s, Marks.exit_price),
        legs=tuple(_legs(watched, now_s, mark)),
        action=action if in_session else Action.MONITOR,
        urgency=loudness if in_session else Urgency.NORMAL,
        reason=reason if in_session else QUIET,
        loss_fraction=near[1] if near else None,
        thresholds=_thresholds(watched),
        notes=watched.notes,
        payoff=watched.payoff,
        unprotected=not watched.ladder.stops,
        dte=None if expiry is None else dte(now_s, expiry),
        peak_paise=memory.peak_paise,
        trough_paise=memory.trough_paise,
        shares=watched.shares,
    )


def _state(watched: Watched, snapshot: Snapshot) -> tuple[Action, Urgency, str]:
    """What the position calls for now, and why: the highest rule that is met, else how near a stop is."""
    if snapshot.guarded_paise is None:
        legs = ", ".join(watched.holding.blind(snapshot.now_s))
        return (
            Action.MONITOR,
            Urgency.MEDIUM if watched.unpriced else Urgency.NORMAL,
            f"No usable quote: {legs}",
        )
    for armed in watched.armed:
        verdict = armed.rule.judge(snapshot, armed.params)
        if verdict is not None:
            return verdict.action, verdict.urgency, verdict.reason
    alert = watched.ladder.alert(snapshot.guarded_paise)
    if alert is None or alert.fraction < ALERT_FROM:
        return Action.MONITOR, Urgency.NORMAL, QUIET
    return alert.action, alert.urgency, alert.reason


def _legs(watched: Watched, now_s: float, mark: Price) -> Iterator[LegView]:
    """Each leg with its mark, and how old its newest quote is."""
    for leg, (quantity, marks) in zip(watched.position.legs, watched.holding.legs, strict=True):
        yield LegView(
            name=leg.instrument.display,
            quantity=quantity,
            entry_paise=leg.entry_price_paise,
            mark_paise=mark(marks, quantity, now_s),
            age_s=now_s - marks.arrived_s if isfinite(marks.arrived_s) else None,
        )


def _thresholds(watched: Watched) -> tuple[ThresholdView, ...]:
    """All rules: the armed ones with what they wait for, the others with why they do not."""
    return (
        *(
            ThresholdView(
                armed.rule.name,
                armed.params.threshold_paise if isinstance(armed.params, Amount) else None,
                armed.params.text,
            )
            for armed in watched.armed
        ),
        *(ThresholdView(note.rule, None, note.text, available=False) for note in watched.notes),
    )


def _plus(paise: int | None, more_paise: int) -> int | None:
    return None if paise is None else paise + more_paise
