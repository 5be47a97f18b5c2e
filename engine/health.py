"""The minute's look at the house: written down always, told when a trouble begins and when it ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from engine.effects import Alert, Audit
from engine.idle import awake
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import FeedState
    from engine.monitor import Monitor

__all__ = ["Health", "HealthWatch", "health_of"]

#: In session, so long without any price is told.
SILENT_S = 60.0
#: The same while the underlyings rest: then only options are quoted, and quiet ones may say nothing for long.
RESTING_SILENT_S = 180.0
#: Prices that arrive while the newest trade they tell of is older than this are late: the feed lags,
#: or the clock of this machine is ahead.
LATE_S = 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """What the machine knows of itself at one moment.

    Attributes:
        in_session: prices are expected now.
        resting: but not of underlyings: their closing auction is on, or over.
        data_age_s: since the last price of any instrument; None = there was none.
        trade_age_s: since the newest trade that any price tells of; None = none is known.
        prices, subscribed: instruments with a price, and instruments asked for.
        hit_ratio: share of price lookups that found one, since the start; None before the first.
        suspects: prices so far that could not be true and were not taken.
        positions, exits, live_orders: watched, running, and orders that may still trade.
        degraded: why the machine only alerts; empty = it is whole.
        cache_lag_s: how old shared prices were when they got to Redis, or from there to us; None = unknown.
        cache_failed: why Redis is of no use now; empty = it is, or there is none.
        token_left_s: how long the access token lives on, negative once it has ended; None = unknown.
        asked, found: price lookups since the start, and those that found one.
        halted: /stop was given.
        awake: a session is on or near, or may be; False = the house rests (`engine.idle`).
    """

    in_session: bool
    resting: bool
    feed: FeedState
    data_age_s: float | None
    trade_age_s: float | None
    prices: int
    subscribed: int
    hit_ratio: float | None
    suspects: int
    positions: int
    exits: int
    live_orders: int
    degraded: str
    token_left_s: float | None = None
    cache_lag_s: float | None = None
    cache_failed: str = ""
    asked: int = 0
    found: int = 0
    halted: bool = False
    awake: bool = True

    @property
    def patience_s(self) -> float:
        """How long no price at all may come."""
        return RESTING_SILENT_S if self.resting else SILENT_S

    @property
    def silent(self) -> bool:
        """Prices are expected and none come."""
        silent = self.data_age_s is None or self.data_age_s > self.patience_s
        return self.in_session and self.subscribed > 0 and silent

    @property
    def late(self) -> bool:
        """Prices come, and they are old news; of resting underlyings there is no other."""
        fresh = self.data_age_s is not None and self.data_age_s <= SILENT_S
        old = self.trade_age_s is not None and self.trade_age_s > LATE_S
        return self.in_session and not self.resting and fresh and old


class HealthWatch:
    """Remembers what has been told, so that each trouble is told when it begins and when it ends."""

    def __init__(self) -> None:
        self._silent = False
        self._late = False

    def look(self, health: Health) -> list[Effect]:
        """Write the state down, and tell of what has changed."""
        effects: list[Effect] = [Audit("health", asdict(health))]
        if health.silent and not self._silent:
            text = (
                f"No price of any instrument for {health.patience_s:.0f} s or more. "
                "Stops cannot act without prices."
            )
            effects.append(Alert(Urgency.HIGH, "prices-silent", "No prices arrive", text))
        elif self._silent and not health.silent:
            effects.append(Alert(Urgency.MEDIUM, "prices-back", "Prices arrive again", "Rules act again."))
        if health.late and not self._late:
            text = (
                f"The newest trade that they tell of is {health.trade_age_s:.0f} s old: the feed lags, "
                "or the clock of this machine is ahead."
            )
            effects.append(Alert(Urgency.MEDIUM, "prices-late", "Prices are late", text))
        elif self._late and not health.late:
            effects.append(
                Alert(Urgency.MEDIUM, "prices-on-time", "Prices are on time again", "Rules act again.")
            )
        self._silent, self._late = health.silent, health.late
        return effects


def health_of(monitor: Monitor, now_s: float) -> Health:
    """What the machine knows of itself at this moment."""
    helm, book, calendar = monitor.helm, monitor.watch.book, monitor.helm.calendar
    return Health(
        in_session=calendar.is_open(now_s),
        resting=calendar.spot_rests(now_s),
        feed=monitor.feed,
        data_age_s=None if book.data_s is None else now_s - book.data_s,
        trade_age_s=None if book.newest_trade_s is None else now_s - book.newest_trade_s,
        prices=len(book),
        subscribed=len(monitor.holdings.subscribed),
        hit_ratio=book.hit_ratio,
        suspects=book.suspects,
        positions=len(monitor.holdings.positions),
        exits=sum(1 for _ in monitor.desk.live()),
        live_orders=len(monitor.desk.blotter.live()),
        degraded=helm.degraded(now_s),
        token_left_s=monitor.access.left_s(now_s),
        cache_lag_s=monitor.cached.lag_s,
        cache_failed=monitor.cached.failed,
        asked=book.asked,
        found=book.found,
        halted=helm.halted,
        awake=awake(calendar, now_s),
    )
