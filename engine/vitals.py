"""The house's figures beside their limits: one line each, with a light.

What was promised is in `LIMITS`; what is shown was measured in the last minutes, and says so when there was
nothing to measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.idle import SYNC_AT_REST_S
from engine.measures import WINDOW_MINUTES
from engine.preflight import Light

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.health import Health
    from engine.measures import Histogram

__all__ = [
    "LIMITS",
    "Reading",
    "Vitals",
    "reading_of",
    "reading_told",
    "readings",
    "vitals_lines",
    "worst_light",
]

#: So many of a hundred must keep the limit of a duration.
SHARE = 0.99
#: Seconds, all bounds of `engine.measures.BOUNDS_S`; the hit ratio is a share.
LIMITS = {"price update": 0.05, "evaluation": 0.1, "order": 2.0, "loop lag": 0.1, "alert": 10.0}
SYNC_S, SYNC_GRACE_S = 30.0, 5.0
HIT_RATIO = 0.95


class Reading(NamedTuple):
    """One thing that was measured.

    ``measured`` and ``limit`` are seconds, or shares; None = there was nothing to measure, or no number.
    """

    name: str
    light: Light
    text: str
    beside: str
    measured: float | None = None
    limit: float | None = None


def reading_told(reading: Reading) -> dict[str, Any]:
    """It for machines."""
    return reading._asdict() | {"light": reading.light.name.lower()}


def reading_of(told: Mapping[str, Any]) -> Reading:
    """What was told, read again."""
    return Reading(**(dict(told) | {"light": Light[told["light"].upper()]}))


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of one account's house.

    Attributes:
        health: None = the house is down.
        turning: its exit loop goes round.
        price_update, evaluation, order: of the last minutes.
        sync_gap_s: between the last two readings of the trade store.
        sync_age_s: since the last one.
        lookups: price lookups of the last minutes, and how many found one; None = it has just begun, and what
            was asked for before its first price says nothing.
    """

    account: str
    health: Health | None
    turning: bool
    price_update: Histogram
    evaluation: Histogram
    order: Histogram
    sync_gap_s: float | None
    sync_age_s: float | None
    lookups: tuple[int, int] | None = None


def readings(house: Vitals) -> list[Reading]:
    """The lines of one account."""
    if house.health is None:
        return [Reading("house", Light.RED, "down, being built again", "up")]
    health = house.health
    loop = Reading("exit loop", Light.GREEN if house.turning else Light.RED,
                   "goes round" if house.turning else "stands still", "goes round")  # fmt: skip
    mode = Reading("mode", Light.GREEN, "as chosen", "as chosen")
    if health.halted:
        mode = Reading("mode", Light.AMBER, "halted, until /resume", "as chosen")
    if health.degraded:
        mode = Reading("mode", Light.RED if health.in_session else Light.AMBER,
                       f"only alerts: {health.degraded}", "as chosen")  # fmt: skip
    return [
        loop,
        mode,
        _feed(health),
        spread("price update", house.price_update),
        spread("evaluation", house.evaluation),
        spread("order", house.order),
        _sync(house),
        _hits(house.lookups, health),
    ]


def spread(name: str, durations: Histogram) -> Reading:
    """A duration beside its limit: red when more than one of a hundred, and more than one, was longer."""
    limit_s = LIMITS[name]
    beside = f"99 % within {_span(limit_s)}"
    share, found_s = durations.share_within(limit_s), durations.percentile_s(SHARE)
    if share is None or found_s is None:
        return Reading(name, Light.GREEN, f"none in {WINDOW_MINUTES} min", beside, None, limit_s)
    late = durations.count * (1 - share)  # one of few says nothing
    light = Light.GREEN if share >= SHARE or late < 2 else Light.RED
    measured = found_s if math.isfinite(found_s) else None
    text = f"99 % within {_span(found_s)}" if measured is not None else "more than it counts to"
    return Reading(name, light, f"{text} ({durations.count:,})", beside, measured, limit_s)


def _feed(health: Health) -> Reading:
    limit_s = health.patience_s
    beside = f"within {_span(limit_s)}"
    if not health.in_session or not health.subscribed:
        why = "market closed" if not health.in_session else "nothing asked for"
        return Reading("feed age", Light.GREEN, why, beside, health.data_age_s, limit_s)
    text = "no price yet" if health.data_age_s is None else _span(health.data_age_s)
    light = Light.RED if health.silent else Light.GREEN
    return Reading("feed age", light, text, beside, health.data_age_s, limit_s)


def _sync(house: Vitals) -> Reading:
    limit_s = SYNC_S if house.health is None or house.health.awake else SYNC_AT_REST_S + SYNC_S
    beside = f"every {limit_s:.0f} s"
    if house.sync_age_s is None:
        return Reading("sync", Light.RED, "the trade store was never read", beside, None, limit_s)
    longest_s = max(house.sync_gap_s or 0.0, house.sync_age_s)
    light = Light.GREEN if longest_s <= limit_s + SYNC_GRACE_S else Light.RED
    return Reading("sync", light, f"longest gap {_span(longest_s)}", beside, longest_s, limit_s)


def _hits(lookups: tuple[int, int] | None, health: Health) -> Reading:
    beside = f"above {100 * HIT_RATIO:.0f} %"
    if lookups is None:
        text = (
            "no lookup yet" if health.hit_ratio is None else f"{100 * health.hit_ratio:.1f} % since the start"
        )
        return Reading("hit ratio", Light.GREEN, text, beside, health.hit_ratio, HIT_RATIO)
    asked, found = lookups
    if not asked:
        return Reading(
            "hit ratio", Light.GREEN, f"no lookup in {WINDOW_MINUTES} min", beside, None, HIT_RATIO
        )
    ratio = found / asked
    light = Light.GREEN if ratio > HIT_RATIO or not health.in_session else Light.RED
    return Reading("hit ratio", light, f"{100 * ratio:.1f} % ({asked:,})", beside, ratio, HIT_RATIO)


def vitals_lines(title: str, found: Sequence[Reading]) -> list[str]:
    """The table of one account, or of what all share."""
    lines = [title]
    lines += [
        f"  {reading.light.name.lower():<6} {reading.name:<13} {reading.text:<34} {reading.beside}"
        for reading in found
    ]
    return lines


def worst_light(found: Iterable[Reading]) -> Light:
    """The light of all together."""
    return max((reading.light for reading in found), default=Light.GREEN)


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{1_000 * seconds:.3g} ms"
    return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
