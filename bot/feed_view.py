"""The page of /feed: how prices come, of what, and what is old. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.layout import Page, both, count, cut, escape, folded, span, stacked
from engine.messages import FeedState
from engine.sessions import ist

if TYPE_CHECKING:
    from engine.feed_page import FeedNow, GroupNow
    from engine.io.wiring import Traffic

#: So many groups are listed, the oldest first.
GROUPS = 12
_MISSING = 4
_DETAIL_COLUMNS = 200


class Rate(NamedTuple):
    """What came in so many seconds, and what is there since the start."""

    before: Traffic
    after: Traffic
    seconds: float

    @property
    def per_s(self) -> float:
        """Prices a second."""
        return (self.after.received - self.before.received) / self.seconds


def feed_pages(feed: FeedNow, rate: Rate, title: str = "") -> tuple[Page, ...]:
    """State, traffic, then ages by group, the oldest first.

    ``title``: the account, ``HUF · ``; empty when there is one alone.
    """
    state = f"{escape(title)}<b>Feed</b> {escape(str(feed.state))} · {ist(feed.at_s):%H:%M:%S} IST"
    detail = "" if feed.state is FeedState.LIVE else feed.detail
    said = [text for text in (detail, feed.surplus) if text]
    head = "\n".join([state, *(f"{escape(cut(text, _DETAIL_COLUMNS))}." for text in said)])
    groups = [_group(group) for group in feed.groups[:GROUPS]]
    rest = len(feed.groups) - len(groups)
    more = [[f"… and {rest} younger groups"]] if rest > 0 else []
    return stacked(head, [_traffic(feed, rate), *_extremes(feed), *groups, *more], "groups", most=1)


def _traffic(feed: FeedNow, rate: Rate) -> list[str]:
    lost = f"{len(feed.lost_s)}, last {ist(feed.lost_s[-1]):%H:%M:%S}" if feed.lost_s else "none"
    priced = f"{count(feed.wanted - len(feed.missing))} priced" if feed.missing else "all priced"
    return [
        *both("subscribed", f"{count(feed.wanted)}, {priced}"),
        *both("last price", "never" if feed.data_age_s is None else _age(feed.data_age_s)),
        *both(f"prices/s, over {rate.seconds:.0f} s", f"{rate.per_s:.0f}"),
        *both("prices since start", count(rate.after.received)),
        *both("conflated", count(rate.after.conflated)),
        *both("waiting now", count(rate.after.waiting)),
        *both("not believed", count(feed.suspects)),
        *both("outages today", lost),
        "",
    ]


def _extremes(feed: FeedNow) -> list[list[str]]:
    """The instrument that has been quiet longest, and those of which no price came yet."""
    found: list[list[str]] = []
    if feed.oldest is not None:
        name, age_s = feed.oldest
        found.append(["oldest price", *both(f"  {cut(name, 30)}", _age(age_s))])
    if feed.missing:
        rest = len(feed.missing) - _MISSING
        names = [line for name in feed.missing[:_MISSING] for line in folded(cut(name, 30), "  ")]
        found.append(["without a price", *names, *([f"  … and {rest} more"] if rest > 0 else [])])
    return found


def _group(group: GroupNow) -> list[str]:
    many = f"{group.priced}/{group.wanted}" if group.priced < group.wanted else str(group.wanted)
    if group.youngest_s is None or group.oldest_s is None:
        return both(f"{group.name} {many}", "no price")
    young, old = _age(group.youngest_s), _age(group.oldest_s)
    name = group.name if group.wanted == 1 else f"{group.name} {many}"
    return both(name, old if young == old else f"{young} - {old}")


def _age(seconds: float) -> str:
    return f"{max(seconds, 0):.1f} s" if seconds < 10 else span(seconds)
