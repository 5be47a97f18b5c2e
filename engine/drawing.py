"""A picture of the whole house, drawn a few positions at a time while the house goes on in between.

A page, a summary and a list show some positions, and sums and warnings of all. So all are drawn in brief, and
in full, which is five times the work, only those that somebody will show. Where there are few, all are.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING

from engine.picture import beside, flat, in_brief, in_full, invalid, named, state_of
from engine.view import PositionState, PositionView
from engine.watch.family import Forwards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engine.model import Position, PositionId
    from engine.monitor import Monitor
    from engine.trades import InvalidPosition
    from engine.view import MonitorView, PositionBrief

__all__ = ["BRIEF_AT_ONCE", "FULL_AT_ONCE", "LOUDEST", "Drawing", "picture"]

#: So many positions are drawn in one piece of some 0.3 ms.
FULL_AT_ONCE, BRIEF_AT_ONCE, FLAT_AT_ONCE = 2, 8, 32
#: So many positions have all their figures in every picture: no page and no summary shows more.
LOUDEST = 64
_NOBODY = (None, None)
_IN_ORDER = attrgetter("account", "strategy_id")


def _rank(view: PositionBrief) -> tuple[int, int]:
    return view.calm, -view.urgency


def picture(monitor: Monitor, now_s: float, strategy_id: int | None = None) -> MonitorView:
    """Draw the house at one moment, in one piece and in full; nothing in it changes afterwards.

    ``strategy_id``: of the positions only those of this id are drawn; None = all.
    """
    drawing = Drawing(monitor, strategy_id)
    while (seen := drawing.go_on(now_s)) is None:
        pass
    return seen


class Drawing:
    """One picture, from its first piece to the last.

    The figures of every position are those of when its turn came; its state and all the rest are as they are
    at the end. What has come meanwhile is in it, and what has gone is not.

    Args:
        monitor: the machine.
        strategy_id: of the positions only those of this id are drawn; None = all.
        wanted: in full are drawn these and the loudest; None = all are.
    """

    def __init__(
        self,
        monitor: Monitor,
        strategy_id: int | None = None,
        wanted: Collection[PositionId] | None = None,
    ) -> None:
        self._monitor, self._strategy_id = monitor, strategy_id
        self._wanted = wanted if len(monitor.holdings.positions) > LOUDEST else None
        self._drawn: dict[PositionId, tuple[Position, PositionBrief]] = {}
        self._flat: dict[PositionId, tuple[Position, PositionView]] = {}
        self._waiting: list[Position] = []
        self._ranks: dict[tuple[int, int], dict[PositionId, None]] = {}
        self._full, self._most = self._wanted is None, FULL_AT_ONCE
        self._forwards = Forwards(-inf)

    def go_on(self, now_s: float, most: int | None = None) -> MonitorView | None:
        """Draw so many more; the picture once there are no more.

        Args:
            now_s: this moment; it may be another one each time.
            most: how many positions are drawn in this piece; None = as many as take 0.3 ms.
        """
        held = self._monitor.holdings.positions
        self._waiting = self._waiting or self._next(held)
        most = most or self._most
        turn, self._waiting = self._waiting[:most], self._waiting[most:]
        self._draw([held[p.id] for p in turn if p.id in held], now_s)  # the others have ended
        ended = self._monitor.holdings.flat
        for position in [ended[p.id] for p in turn if p.id in ended]:
            self._flat[position.id] = position, flat(self._monitor, position)
        if self._waiting:
            return None
        self._waiting = self._next(held)
        return None if self._waiting else self._whole(now_s)

    def _next(self, held: Mapping[PositionId, Position]) -> list[Position]:
        """Whoever has to be drawn now: all that are not, then in full those who are to be; none = done."""
        if missing := self._missing(held, self._drawn):
            self._full = self._wanted is None
            self._most = FULL_AT_ONCE if self._full else BRIEF_AT_ONCE
            return sorted(missing, key=_IN_ORDER)  # as they are shown
        if ended := self._missing(self._monitor.holdings.flat, self._flat):
            self._most = FLAT_AT_ONCE
            return ended
        self._full, self._most = True, FULL_AT_ONCE
        if self._wanted is None:
            return []
        return [held[name] for name in self._chosen(held) if name in held and not self._is_full(name)]

    def _draw(self, positions: list[Position], now_s: float) -> None:
        if self._full:
            if self._forwards.now_s != now_s:
                self._forwards = Forwards(now_s)
            views: Iterable[PositionBrief] = (in_full(self._monitor, p, self._forwards) for p in positions)
        else:
            views = in_brief(self._monitor, positions, now_s)
        for position, view in zip(positions, views, strict=True):
            before = self._drawn.get(position.id)
            if before is not None and _rank(before[1]) != _rank(view):
                del self._ranks[_rank(before[1])][position.id]
            self._drawn[position.id] = position, view
            self._ranks.setdefault(_rank(view), {})[position.id] = None

    def _chosen(self, held: Mapping[PositionId, Position]) -> Iterable[PositionId]:
        """Who has to be drawn in full: who is asked for, and the first of both the orders that pages have."""
        troubled, urgent = sorted(self._ranks), sorted(self._ranks, key=lambda rank: rank[::-1])
        chosen = dict.fromkeys(self._wanted or ())
        for ranks in (troubled, urgent):
            names = (name for rank in ranks for name in self._ranks[rank] if name in held)
            chosen.update(dict.fromkeys(islice(names, LOUDEST)))  # who has gone meanwhile takes no place
        return chosen

    def _is_full(self, name: PositionId) -> bool:
        return isinstance(self._drawn[name][1], PositionView)

    def _meant(self, each: Position | InvalidPosition) -> bool:
        return self._strategy_id is None or each.strategy_id == self._strategy_id

    def _missing(
        self, known: Mapping[PositionId, Position], drawn: Mapping[PositionId, tuple[Position, PositionBrief]]
    ) -> list[Position]:
        """Those that are meant and were not drawn, or another one was that had its name."""
        other = [p for p in known.values() if drawn.get(p.id, _NOBODY)[0] is not p]  # mostly none of 1,000
        return [p for p in other if self._meant(p) and (p.id not in drawn or drawn[p.id][0] != p)]

    def _held(self) -> dict[PositionId, PositionBrief]:
        """As they were drawn, but for the state: who has begun to exit must not be shown as watched."""
        held, watch = self._monitor.holdings.positions, self._monitor.watch
        views = {name: drawn[1] for name, drawn in self._drawn.items() if name in held}
        broken, watching = watch.broken(), PositionState.WATCHING
        stirred = named(self._monitor).union(broken, (n for n, v in views.items() if v.state is not watching))
        for name in stirred & views.keys():
            view = views[name]
            state, reason = state_of(self._monitor, held[name], broken.get(name, ""))
            if view.state is not state and isinstance(view, PositionView):
                views[name] = replace(view, state=state, reason=reason)
            elif view.state is not state:
                views[name] = replace(view, state=state)
        return views

    def _whole(self, now_s: float) -> MonitorView:
        """The positions with all that is beside them."""
        held = self._monitor.holdings
        positions = list(self._held().values())
        positions += [self._flat[name][1] for name in held.flat if name in self._flat]
        positions += [invalid(bad) for bad in held.invalid if self._meant(bad)]
        return beside(self._monitor, positions, now_s)
