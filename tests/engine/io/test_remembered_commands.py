"""A new process goes on counting where its predecessor died: Dhan does not begin anew with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.budget import moments_s, spent
from engine.effects import Record
from engine.io.clock import SystemClock
from engine.io.dhan.limits import Rank
from engine.io.house import House
from engine.io.journal import Journal
from engine.io.plot import Plot
from engine.io.storage import Storage
from engine.io.token_file import TokenFile
from engine.model import Mode
from engine.orders import Order
from engine.pricing import Touch
from engine.settings import Settings
from tests.engine.makers import leg, position
from tests.support.broker import Fill, ModelBroker, World

if TYPE_CHECKING:
    from pathlib import Path


def resting() -> World:
    """An exit of one leg whose order nobody fills, in a market that has run away twice."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.touches = dict.fromkeys(world.broker.net, Touch(1000, 1010, 1005))
    world.exit()
    for _ in range(20):
        world.step()
        for key, touch in world.touches.items():
            world.touches[key] = replace(
                touch, bid_paise=touch.bid_paise + 20, ask_paise=touch.ask_paise + 20
            )
    return world


def test_every_command_of_an_order_has_its_moment():
    """The order itself, its changes and its cancels: as many as the budget counts, none younger than now."""
    world = resting()
    for effect in world.desk.stop(world.now_s):
        world.do(effect)
    (order,) = world.intent.orders
    assert order.modifies > 1
    assert order.cancels == 1
    sent_s = moments_s([order.to_json()])
    assert len(sent_s) == spent([order]) == 2 + order.modifies
    assert sent_s[0] == order.sent_s
    assert sent_s[-1] == order.cancel_sent_s
    assert sent_s == sorted(sent_s)


def test_cancels_count_after_a_restart():
    """The journal keeps how often a cancel was sent; a row of an older version has none."""
    world = resting()
    for effect in world.desk.stop(world.now_s):
        world.do(effect)
    (order,) = world.intent.orders
    row = order.to_json()
    assert spent([Order.from_json(row)]) == spent([order])
    old = {name: value for name, value in row.items() if name not in {"cancels", "cancel_sent_s"}}
    assert spent([Order.from_json(old)]) == spent([order]) - 1
    assert len(moments_s([old])) == spent([order]) - 1


def test_a_cancel_counts_too_when_a_restart_has_forgotten_its_moment():
    """A second start reads how often the first one cancelled, but not when; it must not stumble over that."""
    world = resting()
    for effect in world.desk.stop(world.now_s):
        world.do(effect)
    (order,) = world.intent.orders
    row = order.to_json() | {"cancel_sent_s": None}
    assert len(moments_s([row])) == spent([order])
    assert max(moments_s([row])) == row["priced_s"]


async def test_a_crash_loop_has_no_more_turns_than_one_process(tmp_path: Path):
    """The journal shows a day's worth of orders of an hour ago: the new process has no turn for another."""
    settings = Settings.parse({"DATA_DIR": str(tmp_path)})
    journal = Journal(tmp_path / "journal.sqlite3")
    (order,) = resting().intent.orders
    with ThreadPoolExecutor(1) as executor:
        storage = Storage(settings)
        token, clock = TokenFile(tmp_path, "", lambda _secret: None), SystemClock(None)
        plot = Plot(settings, Mode.EXECUTE, True, 1.0, None, lambda _secret: None)
        for sends, goes in ((6_599, True), (6_601, False)):
            row = {**order.to_json(), "modifies": 0}
            house = House(plot, journal, executor, token, clock, None, storage)
            hour_ago_s = clock.now_s() - 3_700.0
            rows = [Record("order", f"{n}", {**row, "sent_s": hour_ago_s}) for n in range(sends)]
            journal.commit(rows, hour_ago_s)
            house = House(plot, journal, executor, token, clock, None, storage)
            assert await house.dhan.rest._order_lane.turn(Rank.PLACE, 0.0) is goes
            house.dhan.rest.close()
    journal.close()
