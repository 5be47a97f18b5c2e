"""A watched position in figures, for people: chat, terminal and reports read nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from engine.liquidation import Exit, walk
from engine.model import Action, Urgency
from engine.pnl import Marks, last_mark
from engine.rules.alerts import ALERT_FROM
from engine.rules.base import Kind
from engine.rules.expiries import nearest_expiry
from engine.sessions import dte
from engine.view import GreeksView, LegView
from engine.watch.distances import thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.charges import Rates
    from engine.messages import Tick
    from engine.model import Verdict
    from engine.payoff import Payoff
    from engine.pnl import Price
    from engine.prices import PriceBook
    from engine.rules.base import Snapshot
    from engine.sensitivity import Sensitivity
    from engine.view import ThresholdView
    from engine.watch.armed import Armed
    from engine.watch.family import Forwards
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
        liquidation_paise: what closing them now would give, walked through the shown depth for the
            quantity of each leg, before charges; also None when the depth shows less than that.
        closing_pnl_paise: the P&L that closing now would leave: the same after the charges of these
            orders, entry and realised counted.
        closing_charges_paise: those charges.
        greeks: how it moves by the model; None = a leg has no believable mark, or nothing explains it.
        loss_fraction: the loss as a share of what the nearest loss rule allows; None without one.
        dte: calendar days to the nearest expiry.
        unprotected: no loss rule guards the position.
        profit_exit: a rule takes its profit.
        broken: which rule has failed, so that none of them exits any more; empty = none.
        shares: open combinations, and those at entry.
    """

    pnl_paise: int | None
    pnl_pct: float | None
    last_pnl_paise: int | None
    value_paise: int | None
    liquidation_paise: int | None
    closing_pnl_paise: int | None
    closing_charges_paise: int | None
    greeks: GreeksView | None
    legs: tuple[LegView, ...]
    action: Action
    urgency: Urgency
    reason: str
    loss_fraction: float | None
    thresholds: tuple[ThresholdView, ...]
    notes: tuple[RuleNote, ...]
    payoff: Payoff
    unprotected: bool
    profit_exit: bool
    broken: str
    dte: int | None
    peak_paise: int | None
    trough_paise: int | None
    shares: tuple[int, int]

    @property
    def net_premium_paise(self) -> int:
        """Received (> 0) or paid (< 0) for the open legs."""
        return self.payoff.net_premium_paise


@dataclass(frozen=True, slots=True)
class Brief:
    """Of these figures what sums, lists and warnings need; the same to the paisa, for a fifth of the work."""

    pnl_paise: int | None
    value_paise: int | None
    closing_pnl_paise: int | None
    urgency: Urgency
    unprotected: bool
    broken: str


def brief(watched: Watched, now_s: float, *, in_session: bool, book: PriceBook, rates: Rates | None) -> Brief:
    """Look at a position without touching it, as `figures` does, without its legs, rules and model.

    ``rates``: what closing costs on this day; None = not known.
    """
    snapshot, life = watched.snapshot(now_s), watched.life
    marked = snapshot.marked_paise if in_session else watched.holding.pnl(now_s, last_mark)
    closing, _ = _closing(watched, [_exit(m, q, now_s, book, rates) for q, m in watched.holding.legs])
    urgency = Urgency.NORMAL
    if in_session:
        near = _near(watched, snapshot)
        met = {armed: armed.look(snapshot) for armed in watched.armed}
        _, urgency, _ = _state(watched, snapshot, met, near or 0.0)
    return Brief(
        pnl_paise=_plus(marked, life.realised_paise),
        value_paise=_plus(marked, watched.holding.cost_paise),
        closing_pnl_paise=_plus(closing, life.realised_paise),
        urgency=urgency,
        unprotected=watched.unprotected,
        broken=watched.broken,
    )


def figures(
    watched: Watched, forwards: Forwards, *, in_session: bool, book: PriceBook, rates: Rates | None
) -> Figures:
    """Look at a position without touching it.

    Out of session no quote is young, so the last believable marks stand; their ages are shown.

    Args:
        watched: the position.
        forwards: of the moment; whoever looks at several positions gives all the same.
        in_session: the market is open.
        book: where the newest quotes with their depth are.
        rates: what closing costs on this day; None = not known.
    """
    now_s = forwards.now_s
    snapshot, life = watched.snapshot(now_s), watched.life
    mark = Marks.mark if in_session else last_mark
    last = watched.holding.pnl(now_s, last_mark)
    marked = snapshot.marked_paise if in_session else last
    gross = _plus(marked, life.realised_paise)
    premium = abs(watched.payoff.net_premium_paise)
    near = _near(watched, snapshot)
    met = {armed: armed.look(snapshot) for armed in watched.armed}
    action, loudness, reason = _state(watched, snapshot, met, near or 0.0)
    expiry = nearest_expiry(watched.position)
    exits = [_exit(marks, quantity, now_s, book, rates) for quantity, marks in watched.holding.legs]
    value = _sum(None if way is None else way.value_paise for way in exits)
    closing, costs = _closing(watched, exits)
    model = watched.scale.ask(forwards)
    return Figures(
        pnl_paise=gross,
        pnl_pct=100 * gross / premium if gross is not None and premium else None,
        last_pnl_paise=_plus(last, life.realised_paise),
        value_paise=_plus(marked, watched.holding.cost_paise),
        liquidation_paise=value,
        closing_pnl_paise=_plus(closing, life.realised_paise),
        closing_charges_paise=costs,
        greeks=_greeks(model),
        legs=tuple(_legs(watched, now_s, mark, exits, book)),
        action=action if in_session else Action.MONITOR,
        urgency=loudness if in_session else Urgency.NORMAL,
        reason=reason if in_session else QUIET,
        loss_fraction=near,
        thresholds=thresholds(watched, snapshot, model, met),
        notes=watched.notes,
        payoff=watched.payoff,
        unprotected=watched.unprotected,
        profit_exit=any(armed.rule.kind is Kind.PROFIT for armed in watched.armed),
        broken=watched.broken,
        dte=None if expiry is None else dte(now_s, expiry),
        peak_paise=life.peak_paise,
        trough_paise=life.trough_paise,
        shares=life.share,
    )


def _near(watched: Watched, snapshot: Snapshot) -> float | None:
    """The loss as a share of what the nearest loss rule allows; None = unknown, or there is none."""
    if snapshot.guarded_paise is None:
        return None
    nearest = watched.alarms.ladder.nearest(snapshot.guarded_paise)
    return nearest[1] if nearest else None


def _closing(watched: Watched, exits: Sequence[Exit | None]) -> tuple[int | None, int | None]:
    """What closing the legs would leave after charges, nothing realised before, and these charges."""
    paise, charges = -watched.holding.cost_paise, 0
    for way in exits:
        if way is None or way.value_paise is None or way.charges_paise is None:
            return None, None
        paise += way.value_paise - way.charges_paise
        charges += way.charges_paise
    return paise, charges


def _state(
    watched: Watched, snapshot: Snapshot, met: Mapping[Armed, Verdict | None], loss: float
) -> tuple[Action, Urgency, str]:
    """What the position calls for now, and why: the highest rule that is met, else how near a stop is.

    Args:
        watched: the position.
        snapshot: at this moment.
        met: what each armed rule says of it, the highest first.
        loss: the loss as a share of what the nearest loss rule allows.
    """
    if snapshot.guarded_paise is None:
        legs = ", ".join(watched.holding.blind(snapshot.now_s))
        return (
            Action.MONITOR,
            Urgency.MEDIUM if watched.alarms.unpriced else Urgency.NORMAL,
            f"No usable quote: {legs}",
        )
    if watched.broken:
        return Action.ALERT, Urgency.HIGH, watched.broken
    for verdict in filter(None, met.values()):
        return verdict.action, verdict.urgency, verdict.reason
    faults = [f"{m.instrument.display} {m.fault}" for q, m in watched.holding.legs if q and m.fault]
    if faults:
        return Action.MONITOR, Urgency.NORMAL, f"Suspect price: {'; '.join(faults)}"
    alert = watched.alarms.ladder.alert(snapshot.guarded_paise) if loss >= ALERT_FROM else None
    if alert is None:
        return Action.MONITOR, Urgency.NORMAL, QUIET
    return alert.action, alert.urgency, alert.reason


def _legs(
    watched: Watched, now_s: float, mark: Price, exits: Sequence[Exit | None], book: PriceBook
) -> Iterator[LegView]:
    """Each leg, as far as it is left: mark, way out, age of its newest quote, and what is wrong with that."""
    for leg, (quantity, marks), way in zip(watched.position.legs, watched.holding.legs, exits, strict=True):
        mark_paise, arrived_s = mark(marks, quantity or leg.quantity, now_s), marks.arrived_s
        before = None if isfinite(arrived_s) else book.before(leg.key)
        if before is not None:
            mark_paise, arrived_s = _was(before[0], marks), before[1]
        yield LegView(
            name=leg.instrument.display,
            quantity=quantity,
            entry_paise=leg.entry_price_paise,
            mark_paise=mark_paise,
            age_s=now_s - arrived_s if isfinite(arrived_s) else None,
            exit_paise=None if way is None or not quantity else way.average_paise(quantity),
            covered=None if way is None else way.covered,
            fault=marks.fault,
            suspects=marks.suspects,
            from_before=before is not None,
        )


def _was(tick: Tick, marks: Marks) -> int | None:
    """The mid of a price from before the start; None = its book gave none."""
    shown = marks.shown(tick)
    return None if shown is None else shown.both_paise // 2


def _exit(marks: Marks, quantity: int, now_s: float, book: PriceBook, rates: Rates | None) -> Exit | None:
    """Closing one leg on its newest quote, unless that is old, suspect or not there."""
    if not quantity:
        return Exit(0, 0, 0)
    tick = book.peek(marks.instrument.key)
    if tick is None or marks.fault or now_s > marks.fresh_until_s:
        return None
    return walk(tick, quantity, marks.instrument, rates)


def _greeks(model: Sensitivity | None) -> GreeksView | None:
    if model is None or model.delta is None or model.gamma is None:
        return None
    if model.theta_paise is None or model.vega_paise is None:
        return None
    return GreeksView(model.delta, model.gamma, model.theta_paise, model.vega_paise)


def _sum(parts: Iterable[int | None]) -> int | None:
    """All of them together; None = one is unknown."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


def _plus(paise: int | None, more_paise: int) -> int | None:
    return None if paise is None else paise + more_paise
