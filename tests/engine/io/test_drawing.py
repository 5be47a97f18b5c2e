"""Pictures of one house: how many are drawn when many ask, and what is in them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from engine import drawing
from engine.io.drawing import Easel
from engine.messages import Wish
from engine.model import Mode, PositionId
from engine.view import PositionState
from tests.engine.makers import condor
from tests.support.rig import Rig

#: More than one piece of a picture.
POSITIONS = 10


class Turns:
    """The rig's time, whose sleep is one turn of the loop."""

    def __init__(self, rig):
        self.rig = rig

    def now_s(self):
        return self.rig.now_s

    async def sleep(self, _seconds):
        await asyncio.sleep(0)


class Watched(Rig):
    """Some positions; ``looked`` are those whose figures were asked for, ``begun`` that some were."""

    def __init__(self):
        super().__init__(
            Mode.EXECUTE, *(replace(condor(), strategy_id=number) for number in range(1, POSITIONS + 1))
        )
        self.looked, self.begun = [], asyncio.Event()

    def look(self, seen, name, forwards):
        """Note it, and look."""
        self.looked.append(name)
        self.begun.set()
        return seen(name, forwards)


@pytest.fixture
def rig(monkeypatch):
    """A monitor of them."""
    rig = Watched()
    monkeypatch.setattr(rig.monitor.watch, "seen", partial(rig.look, rig.monitor.watch.seen))
    return rig


async def test_many_who_ask_at_once_cost_no_more_than_two(rig):
    """The first one's is begun before the others ask; they all have one and the same."""
    easel = Easel(rig.monitor, Turns(rig))
    first, *others = await asyncio.gather(*(easel.glance() for _ in range(7)))
    assert [each is others[0] for each in others] == [True] * 6
    assert len(first.positions) == len(others[0].positions) == POSITIONS
    assert len(rig.looked) == 2 * POSITIONS


async def test_who_asks_while_a_picture_is_drawn_has_the_next_one(rig):
    """Nothing in a picture is from before it was asked for, and those who came meanwhile share one."""
    easel = Easel(rig.monitor, Turns(rig))
    early = asyncio.create_task(easel.glance())
    await rig.begun.wait()
    rig.command(Wish.EXIT, 1, confirmed=True)
    late = await asyncio.gather(easel.glance(), easel.glance())
    assert late[0] is late[1] is not early.result()
    assert len(rig.looked) == 2 * POSITIONS
    assert late[0].positions[0].state is PositionState.EXITING


async def test_pictures_are_drawn_one_after_the_other(rig):
    """Two under way would take twice as much of the loop: one has seen all before the other begins."""
    easel = Easel(rig.monitor, Turns(rig))
    early = asyncio.create_task(easel.glance())
    await rig.begun.wait()
    await asyncio.gather(early, easel.glance())
    assert rig.looked[:POSITIONS] == rig.looked[POSITIONS:]


async def test_one_position_does_not_wait_for_a_page_of_all(rig):
    """A card is there while the whole house is still being drawn."""
    easel = Easel(rig.monitor, Turns(rig))
    page = asyncio.create_task(easel.glance())
    await rig.begun.wait()
    [card] = (await easel.draw(3)).positions
    assert (card.strategy_id, page.done()) == (3, False)
    await page


async def test_who_goes_away_leaves_the_others_their_picture(rig):
    """It was this one's picture that was drawn; the next who waits has one drawn anew."""
    easel = Easel(rig.monitor, Turns(rig))
    gone, stays = asyncio.create_task(easel.glance()), asyncio.create_task(easel.glance())
    await rig.begun.wait()
    gone.cancel()
    view = await stays
    assert gone.cancelled()
    assert [each.state for each in view.positions] == [PositionState.WATCHING] * POSITIONS


async def test_one_drawing_has_in_full_what_everybody_wants_who_waits_for_it(rig, monkeypatch):
    """Who has it begun and goes away takes nobody else's wishes along."""
    monkeypatch.setattr(drawing, "LOUDEST", 1)
    easel = Easel(rig.monitor, Turns(rig))
    first = asyncio.create_task(easel.glance())
    await rig.begun.wait()
    begins, *waits = (asyncio.create_task(easel.glance([PositionId(f"default/{n}")])) for n in (8, 5, 7))
    await first
    await asyncio.sleep(0)
    begins.cancel()
    views = await asyncio.gather(*waits)
    assert views[0] is views[1]
    assert [each.strategy_id for each in views[0].full] == [1, 5, 7]
    assert [each.strategy_id for each in views[0].positions] == list(range(1, POSITIONS + 1))
    assert begins.cancelled()


async def test_a_picture_is_not_kept_when_all_have_it(rig):
    """Two of them at once are enough objects to start the garbage collector, which holds the loop."""
    easel = Easel(rig.monitor, Turns(rig))
    first, second = await asyncio.gather(easel.glance(), easel.glance())
    assert first is not second
    assert all(each is not first and each is not second for each in vars(easel).values())
