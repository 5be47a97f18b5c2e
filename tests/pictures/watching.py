"""Replays the recorded days once, and notes at every snapshot what a rule saw and what it waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.io.replays import ACCOUNT, ReplayRequest, run_replay
from engine.model import Mode, position_id
from engine.rules.base import Limits
from engine.watch.sightings import sight
from tests.engine.replay.every_rule import EXAMPLES, RULES, recording, strategies
from tests.pictures.picks import PICKS

if TYPE_CHECKING:
    from engine.monitor import Monitor
    from engine.replay.story import Story
    from engine.watch.watched import Watched
    from tests.pictures.picks import Pick


@dataclass(frozen=True, slots=True)
class Point:
    """A rule at one snapshot; None = unknown, or there is no such thing.

    Attributes:
        pnl_paise: the P&L as the rule counts it, once an exit runs with its fills.
        limit: P&L in paise, or else in the unit of ``measured``, at which the rule fires.
        measured: what a rule looks at that does not go by P&L.
    """

    at_s: float
    pnl_paise: int | None
    limit: float | None = None
    measured: float | None = None


@dataclass(slots=True)
class Scene:
    """What a picture shows.

    Attributes:
        positions: of the replay's result.
        members: the P&L of each position by itself, where there are several.
    """

    pick: Pick
    points: list[Point] = field(default_factory=list)
    members: dict[int, list[Point]] = field(default_factory=dict)
    positions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Of its first position; those of an account's day are alike."""
        return [event for event in self.positions[0]["events"] if event["kind"] == "verdict"]

    @property
    def measured(self) -> float:
        """What a rule that does not go by P&L saw when it fired."""
        fired_s = seconds(self.verdicts[-1])
        return next(p.measured for p in reversed(self.points) if p.at_s <= fired_s and p.measured is not None)

    @property
    def flat(self) -> dict[str, Any]:
        """The event that ended it: of several positions the last."""
        ends = [e for p in self.positions for e in p["events"] if e["kind"] == "flat"]
        return max(ends, key=lambda event: event["at"])

    @property
    def final_paise(self) -> int:
        """What all of it came to."""
        return sum(round(position["final_pnl_gross"] * 100) for position in self.positions)


class Watcher:
    """Looks on at a replay of one day for its scenes."""

    def __init__(self, scenes: list[Scene], accounts: dict[int, str]) -> None:
        self._scenes = scenes
        self._ids = {number: position_id(account, number) for number, account in accounts.items()}
        self._accounts = accounts

    def __call__(self, monitor: Monitor, story: Story, now_s: float) -> None:
        """Note what there is to see after a snapshot."""
        for scene in self._scenes:
            ids = [self._ids[number] for number in scene.pick.numbers]
            if any(name not in story.lives for name in ids):
                continue
            if not all(story.lives[name].ended for name in ids):
                look = self._account if scene.pick.of_account else self._position
                look(scene, monitor, story, now_s)

    def _account(self, scene: Scene, monitor: Monitor, story: Story, now_s: float) -> None:
        numbers = scene.pick.numbers
        for number in numbers if len(numbers) > 1 else ():
            name = self._ids[number]
            if not story.lives[name].ended:
                point = Point(now_s, story.pnl_paise(name, now_s))
                scene.members.setdefault(number, []).append(point)
        [view] = [v for v in monitor.limits.views(now_s) if v.name == self._accounts[numbers[0]]]
        loss = None if view.loss_paise is None else -view.loss_paise
        limits = {"day_loss_rupees": loss, "day_profit_rupees": view.profit_paise}
        scene.points.append(Point(now_s, view.day_paise, limits.get(scene.pick.rule, view.trailing_paise)))

    def _position(self, scene: Scene, monitor: Monitor, story: Story, now_s: float) -> None:
        [name] = [self._ids[number] for number in scene.pick.numbers]
        watched = monitor.watch._positions[name]
        pnl, limit, measured = story.pnl_paise(name, now_s), None, None
        if scene.pick.unit != "pnl":
            measured, limit = _measured(watched, scene.pick.rule, now_s)
        elif scene.pick.limit:
            rules = [rule for rule in sight(watched, now_s).rules if rule.rule == scene.pick.rule]
            known = [rule.threshold_paise for rule in rules if rule.threshold_paise is not None]
            limit = min(known, default=None)
            if (
                scene.pick.rule == "profit_scaling"
            ):  # it judges what is open, and goes on when a part is closed
                pnl = watched.snapshot(now_s).marked_paise
        scene.points.append(Point(now_s, pnl, limit, measured))


def _measured(watched: Watched, name: str, now_s: float) -> tuple[float | None, float | None]:
    """What a rule looks at now, and its upper limit; of a price the last that is not beyond it."""
    [armed] = [armed for armed in watched.armed if armed.rule.name == name]
    assert armed.rule.measure is not None
    assert isinstance(armed.params, Limits)
    limit = armed.params.high
    beyond = 1 if name == "stop_underlying" and limit is not None else 0
    return armed.rule.measure(watched.snapshot(now_s), armed.params), limit and limit - beyond


def scenes() -> list[Scene]:
    """Every pick, replayed."""
    found = {pick: Scene(pick) for pick in PICKS}
    for day in sorted({pick.day for pick in PICKS}):
        _replay(day, [scene for pick, scene in found.items() if pick.day == day])
    return list(found.values())


def _replay(day: str, wanted: list[Scene]) -> None:
    trades = EXAMPLES / f"trades_every_rule_{day}.csv"
    request = ReplayRequest((recording(day),), trades, RULES, Mode.EXECUTE)
    accounts = {number: rows[0]["account"] or ACCOUNT for number, rows in strategies(day).items()}
    watcher = Watcher(wanted, accounts)
    positions = {p["strategy_id"]: p for p in run_replay(request, watcher)["positions"]}
    for scene in wanted:
        scene.positions = [positions[number] for number in scene.pick.numbers]


def seconds(event: dict[str, Any]) -> float:
    """The moment of an event."""
    return datetime.fromisoformat(event["at"]).timestamp()
