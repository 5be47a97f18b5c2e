"""How the prices come: of what, how old, what is missing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model import InstrumentKind

if TYPE_CHECKING:
    from engine.messages import FeedState
    from engine.model import Instrument
    from engine.monitor import Monitor

__all__ = ["FeedNow", "GroupNow", "feed_now"]

_KINDS = {
    InstrumentKind.INDEX: "index",
    InstrumentKind.EQUITY: "share",
    InstrumentKind.FUTURE: "futures",
    InstrumentKind.OPTION: "options",
}


@dataclass(frozen=True, slots=True)
class GroupNow:
    """The instruments of one kind on one underlying.

    Attributes:
        wanted, priced: how many the feed was asked for, and how many have a price.
        youngest_s, oldest_s: ages of their prices; None = none has one.
    """

    name: str
    wanted: int
    priced: int
    youngest_s: float | None
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class FeedNow:
    """The feed at one moment.

    Attributes:
        groups: those without any price first, then those with the oldest.
        oldest: the instrument whose price is the oldest, and its age; None = there is no price.
        missing: instruments that were asked for and have no price.
        suspects: prices so far that could not be true and were not taken.
        lost_s: each time that the feed ceased to be live today.
    """

    at_s: float
    state: FeedState
    detail: str
    surplus: str
    in_session: bool
    data_age_s: float | None
    groups: tuple[GroupNow, ...]
    oldest: tuple[str, float] | None
    missing: tuple[str, ...]
    suspects: int
    lost_s: tuple[float, ...]

    @property
    def wanted(self) -> int:
        """How many instruments the feed was asked for."""
        return sum(group.wanted for group in self.groups)


def feed_now(monitor: Monitor, now_s: float) -> FeedNow:
    """The feed as the machine sees it: some 1 ms for a thousand instruments."""
    book = monitor.watch.book
    grouped: dict[str, list[float | None]] = {}
    oldest: tuple[str, float] | None = None
    missing: list[str] = []
    for instrument in monitor.holdings.wished:
        arrived_s = book.arrived_s(instrument.key)
        age_s = None if arrived_s is None else now_s - arrived_s
        grouped.setdefault(_group(instrument), []).append(age_s)
        if age_s is None:
            missing.append(instrument.display)
        elif oldest is None or age_s > oldest[1]:
            oldest = instrument.display, age_s
    groups = sorted((_aged(name, ages) for name, ages in grouped.items()), key=_worst_first)
    return FeedNow(
        now_s, monitor.feed, monitor.feed_detail, monitor.feed_surplus,
        monitor.helm.calendar.is_open(now_s), None if book.data_s is None else now_s - book.data_s,
        tuple(groups), oldest, tuple(missing), book.suspects, tuple(monitor.feed_lost_s),
    )  # fmt: skip


def _group(instrument: Instrument) -> str:
    return f"{instrument.symbol} {_KINDS[instrument.kind]}"


def _aged(name: str, ages: list[float | None]) -> GroupNow:
    known = [age for age in ages if age is not None]
    return GroupNow(name, len(ages), len(known), min(known, default=None), max(known, default=None))


def _worst_first(group: GroupNow) -> tuple[bool, float, str]:
    return group.oldest_s is not None, -(group.oldest_s or 0.0), group.name
