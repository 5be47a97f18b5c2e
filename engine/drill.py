"""The drill before the open: is everything there that an exit needs? One line each, one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.effects import Alert, Audit, Say
from engine.messages import FeedState
from engine.model import Urgency
from engine.preflight import Check, Light, access_checks, plan_check, worst
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Effect
    from engine.messages import Actor
    from engine.monitor import Monitor

__all__ = ["Drilled", "Drills", "drill_lines", "drill_now", "drill_of", "drill_told"]


_WORDS = {Light.GREEN: "ok  ", Light.AMBER: "note", Light.RED: "RED "}


class Drilled(NamedTuple):
    """A drill that was held."""

    at_s: float
    checks: tuple[Check, ...]


class Drills:
    """Whose drill waits for the broker's word on how we stand, and the last one that was held.

    Attributes:
        due: the morning's; its outcome is told to everybody.
        last: None = none was held in this life.
    """

    def __init__(self) -> None:
        self.due = False
        self.last: Drilled | None = None
        self._for: list[Actor] = []

    @property
    def waiting(self) -> bool:
        """One waits for the broker's word already."""
        return self.due or bool(self._for)

    def wanted(self, by: Actor) -> Effect:
        """A person wants one; they alone are answered."""
        self._for.append(by)
        return Audit("drill wanted", {"by": by.name, "user": by.user_id})

    def held(self, monitor: Monitor, now_s: float) -> list[Effect]:
        """Hold the one that waits, if there is one."""
        if not self.waiting:
            return []
        self.last = Drilled(now_s, tuple(drill_of(monitor, now_s)))
        effects = drill_told(self.last.checks, now_s) if self.due else []
        effects += [Say(by, _words(self.last.checks)) for by in self._for]
        self.due, self._for = False, []
        return effects


def drill_now(monitor: Monitor, _now_s: float) -> Drilled | None:
    """The last drill that was held; None = none was in this life."""
    return monitor.drills.last


def drill_lines(checks: Sequence[Check]) -> list[str]:
    """One line for each check."""
    width = max((len(check.name) for check in checks), default=0)
    return [f"{_WORDS[check.light]}  {check.name:<{width}}  {check.text}" for check in checks]


def drill_of(monitor: Monitor, now_s: float) -> list[Check]:
    """The running machine's own drill; the chat's is that its outcome arrives."""
    helm, held = monitor.helm, monitor.holdings
    touch = helm.touch if helm.calendar.is_open(now_s) else None
    checks = access_checks(monitor.access.state, helm.calendar, now_s)
    checks += monitor.nets.checks(now_s)
    down = monitor.feed in {FeedState.DOWN, FeedState.STOPPED}
    checks.append(Check("feed", Light.RED if down else Light.GREEN, monitor.feed_detail or str(monitor.feed)))
    stopped = monitor.broker.updates_stopped
    checks.append(
        Check("order socket", Light.AMBER if stopped else Light.GREEN, stopped or "no trouble is known")
    )
    plan = helm.starts.plan
    checks += [plan_check(position, plan(position, None), touch) for position in held.positions.values()]
    checks += [Check(f"plan {bad.strategy_id} {bad.symbol}", Light.RED, bad.why) for bad in held.invalid]
    degraded = helm.degraded(now_s)
    checks.append(
        Check("books", Light.RED if degraded else Light.GREEN, degraded or "journal and broker's books agree")
    )
    checks.append(
        Check(
            "trade store",
            Light.RED if monitor.stored.fault else Light.GREEN,
            monitor.stored.fault or "it can be read",
        )
    )
    return checks


def drill_told(checks: Sequence[Check], now_s: float) -> list[Effect]:
    """The outcome: a silent message when nothing is red, else a loud one that begins with what is."""
    light, day = worst(checks), ist_date(now_s)
    audit = Audit("drill", {"light": light.name, "checks": [[c.name, c.light.name, c.text] for c in checks]})
    ranked = sorted(checks, key=lambda check: -check.light)
    if light is Light.RED:
        red = [f"{check.name}: {check.text}" for check in ranked if check.light is not Light.GREEN]
        title = "The drill before the open has failed"
        return [audit, Alert(Urgency.HIGH, f"drill:{day}", title, "\n".join(red))]
    notes = [f"{check.name}: {check.text}" for check in ranked if check.light is Light.AMBER]
    text = "\n".join([f"{len(checks)} things are ready.", *notes])
    return [audit, Alert(Urgency.NORMAL, f"drill:{day}", "Ready for the session", text)]


def _words(checks: Sequence[Check]) -> str:
    """The outcome for the person who wanted it."""
    bad = sorted((c for c in checks if c.light is not Light.GREEN), key=lambda check: -check.light)
    head = "The drill has failed." if worst(checks) is Light.RED else "Ready."
    lines = [f"{'RED' if c.light is Light.RED else 'note'} · {c.name}: {c.text}" for c in bad]
    return "\n".join([f"{head} {len(checks)} things were looked at. /drill has each of them.", *lines])
