"""The machine as others may see it: `MonitorView`, made on demand from the live state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import TYPE_CHECKING

from engine.access import token_words
from engine.intents import IntentState, Part
from engine.model import Action, Urgency
from engine.rules_page import page_of
from engine.sessions import ending_text, ist, session_text
from engine.view import LegView, MonitorView, Outline, PositionState, PositionView, ThresholdView
from engine.watch.family import Forwards

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from engine.model import Position, PositionId
    from engine.monitor import Monitor
    from engine.rules_page import RulesPage
    from engine.sessions import Calendar
    from engine.stored import Stored
    from engine.trades import InvalidPosition

__all__ = ["DRAWN_AT_ONCE", "Drawing", "RulesNow", "held_now", "outline", "picture", "rules_now"]

#: So many positions are drawn in one piece, a tenth of a millisecond each and more.
DRAWN_AT_ONCE = 4


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
            found.append(RulesNow(_watched(monitor, position, forwards), page))
    rest = [*(_flat(monitor, p) for p in held.flat.values()), *map(_invalid, held.invalid)]
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
    held, named = monitor.holdings.positions, _named(monitor)
    broken = {name: monitor.watch.watched(name).broken for name in held}
    asked = [p for name, p in held.items() if broken[name] or name in named]
    stands = [
        (p.id, *_state(monitor, p, broken[p.id]))
        for p in sorted(asked, key=lambda p: (p.account, p.strategy_id))
    ]
    return tuple((name, reason) for name, state, reason in stands if state is PositionState.HELD)


def _everything(monitor: Monitor) -> Iterator[Position | InvalidPosition]:
    held = monitor.holdings
    return chain(held.positions.values(), held.flat.values(), held.invalid)


def picture(monitor: Monitor, now_s: float, strategy_id: int | None = None) -> MonitorView:
    """Draw the house at one moment, in one piece; nothing in it changes afterwards.

    ``strategy_id``: of the positions only those of this id are drawn; None = all.
    """
    drawing = Drawing(monitor, strategy_id)
    while (seen := drawing.go_on(now_s)) is None:
        pass
    return seen


class Drawing:
    """A picture of the house, drawn a few positions at a time while the house goes on in between.

    The figures of every position are those of when its turn came; its state and all the rest are as they are
    at the end. What has come meanwhile is in it, and what has gone is not.

    Args:
        monitor: the machine.
        strategy_id: of the positions only those of this id are drawn; None = all.
    """

    def __init__(self, monitor: Monitor, strategy_id: int | None = None) -> None:
        self._monitor, self._strategy_id = monitor, strategy_id
        self._drawn: dict[PositionId, tuple[Position, PositionView]] = {}
        self._waiting: list[Position] = []
        self._forwards = Forwards(-inf)

    def go_on(self, now_s: float, most: int = DRAWN_AT_ONCE) -> MonitorView | None:
        """Draw so many more; the picture once there are no more.

        Args:
            now_s: this moment; it may be another one each time.
            most: how many positions are drawn in this piece.
        """
        held = self._monitor.holdings.positions
        if self._forwards.now_s != now_s:
            self._forwards = Forwards(now_s)
        if not self._waiting:
            self._waiting = [p for p in held.values() if self._missing(p)]
            self._waiting.reverse()
        for _ in range(min(most, len(self._waiting))):
            position = held.get(self._waiting.pop().id)
            if position is not None:  # else it has ended meanwhile
                self._drawn[position.id] = position, _watched(self._monitor, position, self._forwards)
        if self._waiting or any(self._missing(p) for p in held.values()):
            return None
        return self._whole(now_s)

    def _meant(self, each: Position | InvalidPosition) -> bool:
        return self._strategy_id is None or each.strategy_id == self._strategy_id

    def _missing(self, position: Position) -> bool:
        """Whether it is meant and was not drawn, or another one was that had its name."""
        if not self._meant(position):
            return False
        drawn = self._drawn.get(position.id)
        return drawn is None or (drawn[0] is not position and drawn[0] != position)

    def _as_it_is(self, position: Position, named: Container[PositionId]) -> PositionView:
        """As it was drawn, but for its state: who has begun to exit must not be shown as watched."""
        view, broken = self._drawn[position.id][1], self._monitor.watch.watched(position.id).broken
        if view.state is PositionState.WATCHING and not broken and position.id not in named:
            return view
        state, reason = _state(self._monitor, position, broken)
        return view if view.state is state else replace(view, state=state, reason=reason)

    def _whole(self, now_s: float) -> MonitorView:
        """The positions with all that is beside them."""
        held, named = self._monitor.holdings, _named(self._monitor)
        positions = [
            self._as_it_is(held.positions[name], named) for name in self._drawn if name in held.positions
        ]
        positions += [_flat(self._monitor, p) for p in held.flat.values() if self._meant(p)]
        positions += [_invalid(bad) for bad in held.invalid if self._meant(bad)]
        return _beside(self._monitor, positions, now_s)


def _beside(monitor: Monitor, positions: Iterable[PositionView], now_s: float) -> MonitorView:
    """The house around these positions."""
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
        positions=tuple(sorted(positions, key=lambda p: (p.account, p.strategy_id))),
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


def _watched(monitor: Monitor, position: Position, forwards: Forwards) -> PositionView:
    figures = monitor.watch.seen(position.id, forwards)
    state, reason = _state(monitor, position, figures.broken)
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


def _named(monitor: Monitor) -> set[PositionId]:
    """Whoever may stand otherwise than watched; all others need not be asked, but for a broken rule."""
    helm, asked = monitor.helm, monitor.dialogue.questions.pending()
    return {
        *monitor.desk.positions(), *helm.differences.positions(), *monitor.holdings.changed, *helm.snoozed,
        *(name for each in asked for name in each.positions),
    }  # fmt: skip


def _state(monitor: Monitor, position: Position, broken: str) -> tuple[PositionState, str]:
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


def _flat(monitor: Monitor, position: Position) -> PositionView:
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


def _invalid(bad: InvalidPosition) -> PositionView:
    return PositionView(
        id=bad.id, account=bad.account, strategy_id=bad.strategy_id, symbol=bad.symbol,
        strategy=bad.strategy, state=PositionState.INVALID, legs=(), pnl_paise=None, pnl_pct=None,
        value_paise=None, action=Action.MONITOR, urgency=Urgency.HIGH, reason=bad.why,
        thresholds=(ThresholdView("none", None, "nothing guards it", available=False),), unprotected=True,
    )  # fmt: skip
