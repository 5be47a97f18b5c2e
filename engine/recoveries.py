"""Which alert says that which trouble is over: pairs of topics, read in both directions. Pure."""

from __future__ import annotations

__all__ = ["ends", "tells_an_end"]

#: The topic of a recovery, and the topics of the troubles that it ends. A name that ends in ``*`` stands
#: for all that begin so; ``{}`` is the same words on both sides.
_PAIRS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("prices-back", ("prices-silent",)),
    ("prices-on-time", ("prices-late",)),
    ("keeps-up", ("falls-behind",)),
    ("journal-back", ("journal",)),
    ("broker-back", ("blind",)),
    ("feed-back", ("feed",)),
    ("feed-has-room", ("feed-full",)),
    ("order-updates-back", ("order-updates",)),
    ("trade-store-back", ("trade-store",)),
    ("store-writer-back", ("store-writer",)),
    ("redis-back", ("redis",)),
    ("killed-over", ("killed", "killed-unknown")),
    ("lease-ours", ("lease:*",)),
    ("bearings-found", ("reconcile:*",)),
    ("agree:{}", ("mismatch:{}:*",)),
    ("watched:{}", ("mismatch:{}:*",)),
    ("after all:{}", ("stuck:{}",)),
    ("account {} up", ("account {} down",)),
    ("chat/{}/over", ("chat/{}",)),
    ("{}-over", ("{}:*",)),
)


def tells_an_end(topic: str) -> bool:
    """Whether an alert of this topic says that some trouble is over."""
    return any(_fits(pattern, topic) is not None for pattern, _ in _PAIRS)


def ends(recovery: str, trouble: str) -> bool:
    """Whether an alert of the first topic says that one of the second is over."""
    for pattern, troubles in _PAIRS:
        words = _fits(pattern, recovery)
        if words is not None:
            return any(_is(one.replace("{}", words), trouble) for one in troubles)
    return False


def _fits(pattern: str, topic: str) -> str | None:
    """The words that stand for ``{}``; empty where there is none, None = another topic."""
    before, hole, after = pattern.partition("{}")
    if not hole:
        return "" if topic == pattern else None
    fits = topic.startswith(before) and topic.endswith(after) and len(topic) > len(before) + len(after)
    return topic[len(before) : len(topic) - len(after)] if fits else None


def _is(pattern: str, topic: str) -> bool:
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern
