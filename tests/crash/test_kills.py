"""No exit is lost, none is filled twice, wherever the house is killed: at every label and at random."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.crash.child import LABELS, Aim
from tests.crash.story import ACCEPTED, LATE, MOVED, REPLACED, STILL, Scene, Story, tell

#: How many stories are told for each label; a label that only a changing price has needs its scene.
TIMES = 12
_CHANGES = {"before PUT": MOVED, "after PUT": MOVED, "before DELETE": REPLACED, "after DELETE": REPLACED}
LABELLED = [(_CHANGES.get(label, STILL), label) for label in (*LABELS, ACCEPTED)] + [(LATE, ACCEPTED)]
#: Stories killed at any moment, per scene.
ANY_MOMENT = 12
#: No life takes longer before its exit is flat, on a machine that does nothing else.
FLAT_S = 3.0
#: Houses that live at the same time.
AT_ONCE = 4

_unkilled: dict[Scene, Story] = {}


async def unkilled(home, scene: Scene) -> Story:
    """How the scene ends when nobody is killed."""
    if scene not in _unkilled:
        _unkilled[scene] = await tell(home / "unkilled", scene, [])
    return _unkilled[scene]


async def all_of(home, scene: Scene, aims) -> list[Story]:
    """Tell these stories, some at once; each must end as if nobody had been killed."""
    expected = (await unkilled(home, scene)).end
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number, lives) -> Story:
        async with room:
            story = await tell(home / str(number), scene, lives)
        assert story.end == expected, f"killed at {story.kills}"
        return story

    return await asyncio.gather(*(one(number, lives) for number, lives in enumerate(aims)))


def drawn(chance: Random, label: str, passages: int) -> list[Aim | float]:
    """One kill at a passage of this label, every other time one more at any moment of the next life."""
    first = Aim(label, chance.randint(1, passages))
    return [first, chance.uniform(0.2, FLAT_S)] if chance.random() < 0.5 else [first]


@pytest.mark.timeout(60)
async def test_an_exit_that_is_killed_at_a_few_points_ends_as_if_it_had_not_been(tmp_path):
    """Six lives die: with a decision on disk, an order accepted or answered, rows closed, a book or none."""
    aims = [Aim("after a commit", 1), Aim(ACCEPTED, 2), Aim("after POST", 3), Aim("after rows close", 1)]
    aims += [Aim("before a book", 1), Aim("after a book", 1)]
    stories = await all_of(tmp_path, STILL, [[aim] for aim in aims])
    assert [story.kills for story in stories] == [[str(aim)] for aim in aims]


async def test_the_unkilled_exit_is_what_the_others_are_held_against(tmp_path):
    """One order a leg, all of it filled, nothing held or live, one exit, four rows closed at a price."""
    end = (await unkilled(tmp_path, STILL)).end
    assert list(end.orders.values()) == [1] * 4
    assert sorted(end.filled.values()) == [-130, -130, 130, 130]
    assert set(end.nets.values()) == {0}
    assert (end.live, end.intents) == (0, ["flat"])
    assert (end.books, end.booked) == ([("flat", 1)], end.filled)
    assert [(row[2], bool(row[3])) for row in end.rows] == [("CLOSED", True)] * 4


def test_there_are_two_hundred_kills_and_more():
    """At every label together and at any moment, without those that hit a second life."""
    assert len(LABELLED) * TIMES + 3 * ANY_MOMENT >= 200


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("scene", "label"), LABELLED, ids=[f"{label}, {scene.name}" for scene, label in LABELLED]
)
async def test_an_exit_that_is_killed_at_a_label_ends_as_if_it_had_not_been(tmp_path, scene, label):
    """Many passages of one label, many with a second kill in the next life; the label must be hit each time.

    A passage that this life has not reached is no kill: another, earlier one is taken in its place.
    """
    passages = (await unkilled(tmp_path, scene)).passages[label]
    assert passages, f"an unkilled exit never passes {label!r}"
    chance = Random(label)
    hit, tried = 0, 0
    while hit < TIMES:
        aims = [drawn(chance, label, passages) for _ in range(TIMES - hit)]
        (tmp_path / str(tried)).mkdir()
        stories = await all_of(tmp_path / str(tried), scene, aims)
        hit += sum(str(lives[0]) in story.kills for lives, story in zip(aims, stories, strict=True))
        tried += 1
        assert tried <= 3, f"{label!r} was hit {hit} times only"


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", [STILL, MOVED, REPLACED], ids=lambda scene: scene.name)
async def test_an_exit_that_is_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path, scene):
    """Three lives in a row die after some hundred milliseconds each, between start and flat."""
    chance = Random(scene.name)
    aims = [[chance.uniform(0.1, FLAT_S) for _ in range(3)] for _ in range(ANY_MOMENT)]
    stories = await all_of(tmp_path, scene, aims)
    assert sum(len(story.kills) for story in stories) >= ANY_MOMENT
