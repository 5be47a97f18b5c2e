"""A restart while the lease's place is away: what is left of the dead process's lease, not a moment more."""

from __future__ import annotations

import asyncio

import pytest

from engine.effects import ClaimLease
from engine.errors import Declined, Unreachable
from engine.io.ports import Holder
from engine.io.stores.inherited_lease import InheritedLease

FIRST = ClaimLease(0, (), 0)
HEIR = ClaimLease(0, ("here:1:aa",), 1)
A, B = "here:1:aa", "here:2:bb"


class Place:
    """A lease's place that can be away."""

    def __init__(self):
        self.away, self.owner, self.fence, self.released = False, "", 0, []
        self.declines = ""

    async def acquire(self, account, owner, ttl_s, claim):
        self._knock()
        if self.owner in {"", owner, *claim.heirs}:
            self.owner, self.fence = owner, max(self.fence, claim.above) + 1
        return Holder(self.owner == owner, self.owner, self.fence)

    async def renew(self, account, owner, ttl_s, fence):
        self._knock()
        return Holder(self.owner == owner and self.fence == fence, self.owner, self.fence)

    async def release(self, account, owner, fence):
        self._knock()
        self.owner = ""
        self.released.append(owner)

    def _knock(self):
        if self.declines:
            raise Declined(self.declines)
        if self.away:
            raise Unreachable("away")


class World:
    """The place, this host's memory, and the time."""

    def __init__(self, path):
        self.place, self.path, self.now_s = Place(), path, 1_000.0

    def process(self):
        """A process that has just started."""
        return InheritedLease(self.place, self.path, lambda: self.now_s)


@pytest.fixture
def world(tmp_path):
    """A host whose first process has had the lease for 100 s, 40 s ago."""
    return World(tmp_path / "lease.json")


async def test_an_heir_goes_on_until_the_end_of_the_lease_and_then_takes_it_over(world):
    """Under the same fence for what is left; once the place is back under a fence of its own."""
    await world.process().acquire("a", A, 100, FIRST)
    world.now_s += 40
    world.place.away = True
    heir = world.process()
    assert await heir.acquire("a", B, 100, HEIR) == Holder(True, B, 1, 60.0)
    with pytest.raises(Unreachable):
        await heir.renew("a", B, 100, 1)
    world.place.away = False
    assert await heir.renew("a", B, 100, 1) == Holder(True, B, 2)
    assert await heir.renew("a", B, 100, 2) == Holder(True, B, 2)


async def test_the_heir_of_an_heir_inherits_too(world):
    """Two crashes in one outage: what the place knows is the first name, and that is let go of in the end."""
    await world.process().acquire("a", A, 100, FIRST)
    world.place.away = True
    await world.process().acquire("a", B, 100, HEIR)
    third, claim = world.process(), ClaimLease(0, (B,), 1)
    assert (await third.acquire("a", "here:3:cc", 100, claim)).left_s == 100.0
    world.place.away = False
    await third.release("a", "here:3:cc", 1)
    assert world.place.released == ["here:3:cc"]
    assert world.place.owner == ""


async def test_the_heir_of_an_heir_takes_it_from_the_name_that_the_place_knows(world):
    """The place is back when the third process starts."""
    await world.process().acquire("a", A, 100, FIRST)
    world.place.away = True
    await world.process().acquire("a", B, 100, HEIR)
    world.place.away = False
    third = world.process()
    assert await third.acquire("a", "here:3:cc", 100, ClaimLease(0, (B,), 1)) == Holder(True, "here:3:cc", 2)


async def test_an_orderly_end_in_an_outage_leaves_the_rest_of_the_lease_to_the_next_start(world):
    """The service is restarted while the database is away: its successor goes on with a running exit."""
    first = world.process()
    await first.acquire("a", A, 100, FIRST)
    world.place.away = True
    with pytest.raises(Unreachable):
        await first.renew("a", A, 100, 1)
    with pytest.raises(Unreachable):
        await first.release("a", A, 1)
    world.now_s += 40
    assert await world.process().acquire("a", B, 100, HEIR) == Holder(True, B, 1, 60.0)


async def test_a_place_that_never_ends_its_answer_is_away(world, monkeypatch):
    """It takes the question and drips: what is left of the lease counts, as with one that is gone."""
    monkeypatch.setattr("engine.io.stores.inherited_lease.PATIENCE_S", 0.05)
    await world.process().acquire("a", A, 100, FIRST)

    async def drips(*_question):
        await asyncio.get_running_loop().create_future()

    world.place.acquire = drips
    assert (await world.process().acquire("a", B, 100, HEIR)).ours


REASONS = ["too late", "a stranger", "another account", "let go of", "taken", "unreadable"]


@pytest.mark.parametrize("why", REASONS)
async def test_nothing_is_inherited_without_proof(world, why):
    """After its end, by somebody who is no heir, of another account, of one let go of: an error."""
    first = world.process()
    await first.acquire("a", A, 100, FIRST)
    if why == "let go of":
        await first.release("a", A, 1)
    if why == "taken":
        world.place.owner, world.place.fence = "there:3:cc", 7
        assert not (await first.renew("a", A, 100, 1)).ours
    if why == "unreadable":
        world.path.write_text('{"owner":')
    world.now_s += 100 if why == "too late" else 1
    world.place.away = True
    claim = FIRST if why == "a stranger" else HEIR
    with pytest.raises(Unreachable):
        await world.process().acquire("b" if why == "another account" else "a", B, 100, claim)


async def test_a_renewal_moves_the_end_that_is_remembered(world):
    """What counts is the last answer."""
    first = world.process()
    await first.acquire("a", A, 100, FIRST)
    world.now_s += 90
    await first.renew("a", A, 100, 1)
    world.now_s += 50
    world.place.away = True
    assert (await world.process().acquire("a", B, 100, HEIR)).left_s == 50.0


async def test_an_heir_of_an_older_version_does_not_go_on_by_its_memory(tmp_path):
    """The place has answered: what is left of the lease is a newer version's."""
    place = Place()
    lease = InheritedLease(place, tmp_path / "lease.json")
    await lease.acquire("a", A, 30, FIRST)
    place.declines = "its last owner was of a newer version"
    with pytest.raises(Declined):
        await lease.acquire("a", B, 30, HEIR)
