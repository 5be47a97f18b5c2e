"""The machine as others may see it: `MonitorView`, made on demand from the live state."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from engine.access import token_words
from engine.intents import IntentState, Part
from engine.model import Action, Urgency
from engine.rules_page import page_of
from engine.sessions import ending_text, ist, session_text
from engine.view import (
    LegView,
    MonitorView,
    Outline,
    PositionBrief,
    PositionState,
    PositionView,
    ThresholdView,
)  # fmt: skip
from engine.watch.family import Forwards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.model import Position, PositionId
    from engine.monitor import Monitor
    from engine.rules_page import RulesPage
    from engine.sessions import Calendar
    from engine.stored import Stored
    from engine.trades import InvalidPosition

__all__ = [
    "RulesNow", "beside", "flat", "held_now", "in_brief", "in_full", "invalid", "named", "outline",
    "rules_now", "state_of",
]  # fmt: skip


_IN_ORDER = attrgetter("account", "strategy_id")


@dataclass(frozen=True, slots=True)
class RulesNow:
    """One position with its rules as they stand; without a page where nothing guards it any more, or yet."""

    position: PositionView
    page: RulesPage | None


def rules_now(monitor: Monitor, strategy_id: int, now_s: float) -> tuple[RulesNow, ...]:
    """The rules of every position of that strategy id, in whatever account and state; none = unknown."""
    held, watch, forwards = monitor.holdings, monitor.watch, Forwards(now_s)
    found = []
    for position in held.positions.values():
        if position.strategy_id == strategy_id:
            seen = watch.seen(position.id, forwards)
            page = page_of(position, seen.payoff, watch.guard(position.id), seen.thresholds)
            found.append(RulesNow(in_full(monitor, position, forwards), page))
    rest = [*(flat(monitor, p) for p in held.flat.values()), *map(invalid, held.invalid)]
    return (*found, *(RulesNow(one, None) for one in rest if one.strategy_id == strategy_id))


def outline(monitor: Monitor, now_s: float) -> Outline:
    """Draw what needs no figures of positions: 1,000 of them take a quarter of a second in `picture`."""
    return Outline(
        mode=monitor.helm.mode,
        halted=monitor.helm.halted,
        session_open=monitor.helm.calendar.is_open(now_s),
        held=tuple((each.strategy_id, each.symbol) for each in _everything(monitor)),
        code_of=monitor.dialogue.keys.awaited,
    )


def held_now(monitor: Monitor, _now_s: float) -> tuple[tuple[PositionId, str], ...]:
    """Every position whose automation is held, and why; by account and strategy id, without a figure."""
    held, stirred = monitor.holdings.positions, named(monitor)
    broken = monitor.watch.broken()
    asked = [p for name, p in held.items() if name in broken or name in stirred]
    stands = [
        (p.id, *state_of(monitor, p, broken.get(p.id, "")))
        for p in sorted(asked, key=lambda p: (p.account, p.strategy_id))
    ]
    return tuple((name, reason) for name, state, reason in stands if state is PositionState.HELD)


def _everything(monitor: Monitor) -> Iterator[Position | InvalidPosition]:
    held = monitor.holdings
    return chain(held.positions.values(), held.flat.values(), held.invalid)


def beside(monitor: Monitor, positions: Iterable[PositionBrief], now_s: float) -> MonitorView:
    """The house around these positions, whatever order they are in."""
    book, held = monitor.watch.book, monitor.holdings
    in_session = monitor.helm.calendar.is_open(now_s)
    return MonitorView(
        at_s=now_s,
        mode=monitor.helm.mode,
        sandbox=monitor.helm.config.sandbox,
        halted=monitor.helm.halted,
        degraded=monitor.helm.degraded(now_s),
        feed=monitor.feed,
        feed_detail=monitor.feed_detail,
        data_age_s=None if book.data_s is None else now_s - book.data_s,
        cached_prices=len(book),
        subscribed=len(held.subscribed),
        session_open=in_session,
        session_text=_session(monitor.helm.calendar, now_s),
        positions=tuple(sorted(positions, key=_IN_ORDER)),
        accounts=monitor.limits.views(now_s),
        access=token_words(monitor.access.state, now_s),
        troubles=(
            *monitor.access.troubles(now_s),
            *monitor.dialogue.offers.troubles(),
            *filter(None, _of_the_store(monitor.stored, now_s, in_session=in_session)),
            *filter(None, [monitor.feed_surplus, monitor.overload.words]),
        ),
        cache=monitor.cached.words,
        store=monitor.stored.rows_words,
        realtime=monitor.stored.realtime_words(now_s),
        nets=monitor.nets.words(now_s),
        code_of=monitor.dialogue.keys.awaited,
    )


def _of_the_store(stored: Stored, now_s: float, *, in_session: bool) -> tuple[str, str]:
    return stored.trouble(now_s, in_session=in_session), stored.unwritten()


def _session(calendar: Calendar, now_s: float) -> str:
    """Whether the market is open, and what else there is to know of the calendar."""
    return "; ".join(filter(None, (session_text(calendar, now_s), ending_text(calendar, now_s))))


def in_brief(monitor: Monitor, positions: Sequence[Position], now_s: float) -> list[PositionBrief]:
    """Draw these as far as sums, lists and warnings go, in their order."""
    seen = monitor.watch.briefs([position.id for position in positions], now_s)
    return [
        PositionBrief(
            id=position.id,
            account=position.account,
            strategy_id=position.strategy_id,
            symbol=position.symbol,
            strategy=position.strategy,
            state=state_of(monitor, position, brief.broken)[0],
            pnl_paise=brief.pnl_paise,
            value_paise=brief.value_paise,
            closing_pnl_paise=brief.closing_pnl_paise,
            urgency=brief.urgency,
            unprotected=brief.unprotected,
            ready=monitor.readiness.of(position.id, now_s),
        )
        for position, brief in zip(positions, seen, strict=True)
    ]


def in_full(monitor: Monitor, position: Position, forwards: Forwards) -> PositionView:
    """Draw one with all its figures."""
    figures = monitor.watch.seen(position.id, forwards)
    state, reason = state_of(monitor, position, figures.broken)
    return PositionView(
        id=position.id,
        account=position.account,
        strategy_id=position.strategy_id,
        symbol=position.symbol,
        strategy=position.strategy,
        state=state,
        legs=figures.legs,
        pnl_paise=figures.pnl_paise,
        pnl_pct=figures.pnl_pct,
        value_paise=figures.value_paise,
        action=figures.action,
        urgency=figures.urgency,
        reason=reason or figures.reason,
        thresholds=figures.thresholds,
        unprotected=figures.unprotected,
        profit_exit=figures.profit_exit,
        dte=figures.dte,
        closing_pnl_paise=figures.closing_pnl_paise,
        closing_charges_paise=figures.closing_charges_paise,
        peak_paise=figures.peak_paise,
        greeks=figures.greeks,
        ready=monitor.readiness.of(position.id, forwards.now_s),
        snooze=monitor.helm.leashes.words(position.id),
        part=Part(0, *figures.shares).done_text if figures.shares[0] < figures.shares[1] else "",
        differs=" ".join(
            filter(
                None,
                (monitor.helm.differences.shown(position.id), monitor.holdings.expired(position.id)),
            )
        ),
    )


def named(monitor: Monitor) -> set[PositionId]:
    """Whoever may stand otherwise than watched; all others need not be asked, but for a broken rule."""
    helm, asked = monitor.helm, monitor.dialogue.questions.pending()
    return {
        *monitor.desk.positions(), *helm.differences.positions(), *monitor.holdings.changed, *helm.snoozed,
        *(name for each in asked for name in each.positions),
    }  # fmt: skip


def state_of(monitor: Monitor, position: Position, broken: str) -> tuple[PositionState, str]:
    """Where a held position stands with us, and why; ``broken``: which rule of it has failed."""
    intent = monitor.desk.of(position.id)
    if intent is not None:
        return PositionState.EXITING, intent.verdict.reason
    last = monitor.desk.last_of(position.id)
    if last is not None and last.state is IntentState.STUCK:
        return PositionState.STUCK, last.note
    if monitor.helm.differences.unwatched(position.id):
        return (
            PositionState.UNWATCHED,
            f"You stopped watching it. {monitor.helm.differences.told(position.id)}",
        )
    if monitor.dialogue.questions.held(position.id):
        return PositionState.HELD, "waiting for your answer"
    if why := monitor.helm.held_out(position.id)[1]:
        return PositionState.HELD, why
    if position.id in monitor.helm.snoozed:
        return PositionState.HELD, f"left alone until {ist(monitor.helm.snoozed[position.id].until_s):%H:%M}"
    return (PositionState.HELD, broken) if broken else (PositionState.WATCHING, "")


def flat(monitor: Monitor, position: Position) -> PositionView:
    """Draw one that has ended."""
    legs = tuple(
        LegView(leg.instrument.display, 0, leg.entry_price_paise, None, None) for leg in position.legs
    )
    last = monitor.desk.last_of(position.id)
    outside = last is not None and last.state is IntentState.CLOSED_OUTSIDE
    reason = "closed by somebody else" if outside else "verified flat"
    return _bare(position, PositionState.FLAT, reason, legs)


def _bare(position: Position, state: PositionState, reason: str, legs: tuple[LegView, ...]) -> PositionView:
    return PositionView(
        id=position.id, account=position.account, strategy_id=position.strategy_id,
        symbol=position.symbol, strategy=position.strategy, state=state, legs=legs, pnl_paise=None,
        pnl_pct=None, value_paise=None, action=Action.MONITOR, urgency=Urgency.NORMAL, reason=reason,
        thresholds=(),
    )  # fmt: skip


def invalid(bad: InvalidPosition) -> PositionView:
    """Draw one whose rows cannot be understood: nothing guards it."""
    return PositionView(
        id=bad.id, account=bad.account, strategy_id=bad.strategy_id, symbol=bad.symbol,
        strategy=bad.strategy, state=PositionState.INVALID, legs=(), pnl_paise=None, pnl_pct=None,
        value_paise=None, action=Action.MONITOR, urgency=Urgency.HIGH, reason=bad.why,
        thresholds=(ThresholdView("none", None, "nothing guards it", available=False),), unprotected=True,
    )  # fmt: skip
