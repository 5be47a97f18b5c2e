"""What of a picture is worth telling anew: whether a message that shows one is out of date. Pure.

A living message is edited when something material has changed since what it shows, and never because time
went by. P&L is compared with what is *shown*, not with the last look: a value that swings about a threshold
stays inside the step and tells nothing. Ages have two limits for the same reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.preflight import Light

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.messages import FeedState
    from engine.model import Action, Mode, PositionId, Urgency
    from engine.view import MonitorView, PositionState, PositionView, ThresholdView

__all__ = [
    "House", "Shown", "house_changed", "house_of", "house_turned", "position_changed", "position_turned",
    "shown_of", "step_paise",
]  # fmt: skip

#: A P&L has moved when it has covered this share of the way to the nearest stop or target.
WAY_SHARE = 0.1
#: No smaller move is told, however near the threshold is, paise.
LEAST_STEP_PAISE = 100_00
#: The step where no rule waits for a P&L, paise.
USUAL_STEP_PAISE = 500_00
#: Prices older than this are called old, seconds.
OLD_DATA_S = 10.0
#: A message that calls them young is changed above the first age, one that calls them old below the second.
_SURELY_OLD_S, _SURELY_YOUNG_S = 30.0, 5.0
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message says of one position, as far as it matters. Amounts in paise; None = unknown.

    Attributes:
        way_paise: to the nearest stop or target, positive; None = no rule waits for a P&L, or it is met.
        units: of each leg, signed: a fill changes them.
        rules: name, availability and threshold of each rule; no threshold for one that moves by itself.
        words: what else is said in sentences: the part, what differs, why an exit would be refused.
        age_s: of the oldest price; None = a leg has none.
        suspect: what is wrong with the price of a leg; empty = nothing.
        feed: how prices come; None = the market is closed, none is awaited.
    """

    id: PositionId
    state: PositionState
    action: Action
    urgency: Urgency
    pnl_paise: int | None
    closing_pnl_paise: int | None
    peak_paise: int | None
    way_paise: int | None
    units: tuple[int, ...]
    rules: tuple[tuple[str, bool, int | str | None], ...]
    words: tuple[str, ...]
    dte: int | None
    unprotected: bool
    age_s: float | None
    suspect: str
    feed: FeedState | None


@dataclass(frozen=True, slots=True)
class House:
    """What a message says of one account: how it stands, and its positions in the order shown.

    Attributes:
        pnl_paise: of all its positions; None = none is known.
        troubles: how many there are beside those that have fields of their own.
        count: of all positions; ``positions`` are those with a line of their own.
    """

    name: str
    mode: Mode
    halted: bool
    degraded: str
    down: bool
    feed: FeedState
    session_open: bool
    troubles: int
    pnl_paise: int | None
    count: int
    positions: tuple[Shown, ...]


def step_paise(way_paise: int | None) -> int:
    """How far a P&L has to move to be told, by how far the nearest stop or target is."""
    if way_paise is None:
        return USUAL_STEP_PAISE
    return max(round(way_paise * WAY_SHARE), LEAST_STEP_PAISE)


def shown_of(position: PositionView, view: MonitorView) -> Shown:
    """What a message shows of a position; out of session no price is old, none is awaited."""
    session_open = view.session_open
    ways = [abs(t.distance_paise) for t in position.thresholds if t.available and t.distance_paise]
    ages = [leg.age_s for leg in position.legs]
    known = [age for age in ages if age is not None]
    ready = position.ready
    refused = ready.text if ready is not None and ready.light is Light.RED else ""
    return Shown(
        id=position.id,
        state=position.state,
        action=position.action,
        urgency=position.urgency,
        pnl_paise=position.pnl_paise,
        closing_pnl_paise=position.closing_pnl_paise,
        peak_paise=position.peak_paise,
        way_paise=min(ways, default=None),
        units=tuple(leg.quantity for leg in position.legs),
        rules=tuple(_rule(t) for t in position.thresholds),
        words=(_said(position.part), _said(position.differs), _said(refused), position.snooze),
        dte=position.dte,
        unprotected=position.unprotected,
        age_s=0.0 if not session_open else max(known) if len(known) == len(ages) and known else None,
        suspect=next((_said(leg.fault) for leg in position.legs if leg.fault), ""),
        feed=view.feed if session_open else None,
    )


def _said(text: str) -> str:
    """A sentence without its numbers: ages and counts in it change by themselves."""
    return _DIGITS.sub("#", text)


def _rule(threshold: ThresholdView) -> tuple[str, bool, int | str | None]:
    """A rule as somebody set it; what a ratchet has risen to is told by the peak."""
    if threshold.ratchet:
        return threshold.rule, threshold.available, None
    paise = threshold.threshold_paise
    return threshold.rule, threshold.available, threshold.text if paise is None else paise


def position_turned(shown: Shown, now: Shown) -> bool:
    """Whether something else than amounts and ages has changed: that is worth telling sooner."""
    return _facts(shown) != _facts(now)


def _facts(shown: Shown) -> tuple[object, ...]:
    s = shown
    return (
        s.id,
        s.state,
        s.action,
        s.urgency,
        s.units,
        s.rules,
        s.words,
        s.dte,
        s.unprotected,
        s.suspect,
        s.feed,
    )


def position_changed(shown: Shown | None, now: Shown) -> bool:
    """Whether a message that shows this has to be changed.

    Args:
        shown: what it shows; None = nothing that is known.
        now: what it would show.
    """
    if shown is None or position_turned(shown, now):
        return True
    step = step_paise(shown.way_paise)
    return (
        _moved(shown.pnl_paise, now.pnl_paise, step)
        or _moved(shown.closing_pnl_paise, now.closing_pnl_paise, step)
        or _moved(shown.peak_paise, now.peak_paise, step)
        or _priced_or_not(shown, now)
        or _aged(shown.age_s, now.age_s)
    )


def _moved(shown_paise: int | None, now_paise: int | None, step: int) -> bool:
    """Whether an amount is a step away; one that comes and goes is no move."""
    if shown_paise is None or now_paise is None:
        return False
    return abs(now_paise - shown_paise) >= step


def _priced_or_not(shown: Shown, now: Shown) -> bool:
    """Whether the P&L is known at last, or has not been for longer than a quiet contract is quiet."""
    if now.pnl_paise is not None:
        return shown.pnl_paise is None
    return shown.pnl_paise is not None and (now.age_s is None or now.age_s > _SURELY_OLD_S)


def _aged(shown_s: float | None, now_s: float | None) -> bool:
    """Whether prices have become old, or young again; one that is not there is told by the P&L."""
    if shown_s is None or now_s is None:
        return False
    return now_s < _SURELY_YOUNG_S if shown_s > OLD_DATA_S else now_s > _SURELY_OLD_S


def house_of(name: str, view: MonitorView, listed: Iterable[PositionView]) -> House:
    """What a message shows of an account; ``listed`` are the positions that have a line in it."""
    return House(
        name=name,
        mode=view.mode,
        halted=view.halted,
        degraded=_said(view.degraded),
        down=view.down,
        feed=view.feed,
        session_open=view.session_open,
        troubles=len(view.troubles),
        pnl_paise=view.pnl_paise,
        count=len(view.positions),
        positions=tuple(shown_of(p, view) for p in listed),
    )


def house_turned(shown: House, now: House) -> bool:
    """Whether something else than amounts and ages has changed, in how the account or a position stands."""
    facts = [
        (h.name, h.mode, h.halted, h.degraded, h.down, h.feed, h.session_open, h.troubles, h.count)
        for h in (shown, now)
    ]
    if facts[0] != facts[1] or len(shown.positions) != len(now.positions):
        return True
    return any(map(position_turned, shown.positions, now.positions))


def house_changed(shown: House | None, now: House) -> bool:
    """Whether a message that shows this account has to be changed.

    The sum may move although no position has covered its own step: it is told after the largest of them.
    """
    if shown is None or house_turned(shown, now):
        return True
    step = max((step_paise(p.way_paise) for p in shown.positions), default=USUAL_STEP_PAISE)
    return _moved(shown.pnl_paise, now.pnl_paise, step) or any(
        map(position_changed, shown.positions, now.positions)
    )
