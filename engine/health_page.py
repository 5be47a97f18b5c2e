"""Everything the house stands on, one line each with a light, as it is at this moment. Pure.

It is looked at, not asked: the drill asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.health import health_of
from engine.messages import FeedState
from engine.model import Mode
from engine.preflight import Check, Light, access_checks
from engine.sessions import ist

if TYPE_CHECKING:
    from engine.monitor import Monitor

__all__ = ["health_now"]

_DOWN = frozenset({FeedState.DOWN, FeedState.STOPPED})


def health_now(monitor: Monitor, now_s: float) -> tuple[Check, ...]:
    """Every line, in the order in which an exit depends on it; what is not in use has none."""
    checks = (
        _rules(monitor, now_s),
        _feed(monitor, now_s),
        _updates(monitor),
        _books(monitor),
        *access_checks(monitor.access.state, monitor.helm.calendar, now_s),
        *monitor.nets.checks(now_s),
        _lease(monitor, now_s),
        _journal(monitor),
        _store(monitor, now_s),
        _realtime(monitor, now_s),
        _redis(monitor),
    )
    return tuple(check for check in checks if check is not None)


def _rules(monitor: Monitor, now_s: float) -> Check:
    helm = monitor.helm
    if why := helm.degraded(now_s):
        return Check("rules", Light.RED, f"only alerts: {why}")
    if helm.halted:
        return Check("rules", Light.AMBER, "halted: no automatic exits until /resume")
    return Check("rules", Light.GREEN, f"act, mode {helm.mode}")


def _feed(monitor: Monitor, now_s: float) -> Check:
    health = health_of(monitor, now_s)
    age = "no price yet" if health.data_age_s is None else f"last price {health.data_age_s:.1f} s ago"
    words = f"{health.feed}, {age}"
    detail = f"{words}: {monitor.feed_detail}" if monitor.feed_detail else words
    if health.silent or (health.in_session and health.feed in _DOWN):
        return Check("feed", Light.RED, detail)
    if health.late:
        return Check("feed", Light.AMBER, f"{words}, and trades are {health.trade_age_s:.0f} s old")
    if monitor.overload.words:
        return Check("feed", Light.AMBER, f"{words}. {monitor.overload.words}")
    if monitor.feed_surplus:
        return Check("feed", Light.AMBER, monitor.feed_surplus)
    if health.feed is FeedState.LIVE or not health.in_session or not health.subscribed:
        return Check("feed", Light.GREEN, words)
    return Check("feed", Light.AMBER, detail)


def _updates(monitor: Monitor) -> Check:
    if monitor.helm.mode is Mode.SIMULATE:
        return Check("order updates", Light.GREEN, "not needed: orders are on paper")
    stopped = monitor.broker.updates_stopped
    return Check("order updates", Light.AMBER if stopped else Light.GREEN, stopped or "no trouble is known")


def _books(monitor: Monitor) -> Check:
    if why := monitor.helm.bearings.no_books():
        return Check("broker's books", Light.RED, why)
    if blind := monitor.broker.blindness.why:
        return Check("broker's books", Light.RED, f"cannot be read: {blind}")
    report = monitor.desk.blotter.ledger.report
    read = "read" if report is None else f"of {ist(report.began_s):%H:%M:%S}"
    return Check("broker's books", Light.GREEN, read)


def _lease(monitor: Monitor, now_s: float) -> Check:
    tenure = monitor.helm.tenure
    if not tenure.needed:
        return Check("lease", Light.GREEN, "not needed: nothing is sent from here")
    if why := tenure.why(now_s):
        return Check("lease", Light.RED, why)
    return Check("lease", Light.GREEN, f"ours, fence {tenure.fence}")


def _journal(monitor: Monitor) -> Check:
    trouble = monitor.helm.trouble
    return Check("journal", Light.RED if trouble else Light.GREEN, trouble or "it can be written")


def _store(monitor: Monitor, now_s: float) -> Check:
    stored = monitor.stored
    in_session = monitor.helm.calendar.is_open(now_s)
    if red := stored.fault or stored.trouble(now_s, in_session=in_session):
        return Check("trade store", Light.RED, red)
    if waiting := stored.unwritten():
        return Check("trade store", Light.AMBER, waiting)
    words = stored.rows_words
    return Check("trade store", Light.GREEN if words else Light.AMBER, words or "not read yet")


def _realtime(monitor: Monitor, now_s: float) -> Check | None:
    words = monitor.stored.realtime_words(now_s)
    light = Light.AMBER if monitor.stored.realtime_away else Light.GREEN
    return Check("Realtime", light, words) if words else None


def _redis(monitor: Monitor) -> Check | None:
    words = monitor.cached.words
    light = Light.AMBER if monitor.cached.failed else Light.GREEN
    return Check("Redis", light, words) if words else None
