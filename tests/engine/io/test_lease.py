"""The last look before a command leaves: under this fence, on clocks that nobody sets."""

from __future__ import annotations

import asyncio

import pytest

from engine.effects import ClaimLease
from engine.errors import Unreachable
from engine.io.lease import LeaseKeeper, _Moment, owner_name
from engine.io.ports import Holder
from engine.messages import LeaseState
from engine.tenure import ANSWER_S, GENERATION, MARGIN_S, LeaseTerms, generation_of, host_of
from tests.support.clock import VirtualClock

TTL_S = 30.0
FIRST = ClaimLease(0, (), 0)
OURS = "here:1:aa"


class Place:
    """Where a lease is written down: gives what it is told to give, or fails, or is silent."""

    def __init__(self):
        self.holder = Holder(True, OURS, 1)
        self.error = None
        self.silent = False
        self.asked = []
        self.during = lambda: None

    async def _answer(self, *asked):
        self.asked.append(asked)
        self.during()
        if self.silent:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.holder

    async def acquire(self, account, owner, ttl_s, claim):
        return await self._answer("acquire", owner, claim)

    async def renew(self, account, owner, ttl_s, fence):
        return await self._answer("renew", owner, fence)

    async def release(self, account, owner, fence):
        await self._answer("release", owner, fence)


class Desk:
    """A keeper whose clocks are set by hand."""

    def __init__(self):
        self.place, self.clock = Place(), VirtualClock()
        self.boot_s = self.wall_s = 1_000.0
        self.keeper = LeaseKeeper(
            self.place, "default", LeaseTerms(OURS, TTL_S), self.clock,
            lambda: _Moment(self.boot_s, self.wall_s),
        )  # fmt: skip


async def test_nothing_leaves_before_the_lease_is_taken_and_all_may_after_it():
    """Without a lease every pass says no; with one it says nothing."""
    desk = Desk()
    early = desk.keeper.passes()
    assert early() == "the lease of the account is not ours any more"
    said = await desk.keeper.claim(FIRST)
    assert said == LeaseState(True, 1, desk.clock.now_s() + TTL_S, OURS)
    assert desk.keeper.passes()() == ""
    assert early() == "the lease of the account is not ours any more"


@pytest.mark.parametrize("clock", ["boot_s", "wall_s"])
async def test_it_is_over_when_either_clock_says_so(clock):
    """A stopped process, a host that slept, a wall clock set ahead: the command stays here."""
    desk = Desk()
    await desk.keeper.claim(FIRST)
    may = desk.keeper.passes()
    setattr(desk, clock, 1_000.0 + TTL_S - MARGIN_S - 0.1)
    assert may() == ""
    setattr(desk, clock, 1_000.0 + TTL_S - MARGIN_S)
    assert may() == "the lease of the account has run out"


async def test_its_life_is_counted_from_before_the_question():
    """An answer that took its time does not lengthen it: the place has counted from when it wrote."""
    desk = Desk()

    def slow():
        desk.boot_s += TTL_S

    desk.place.during = slow
    await desk.keeper.claim(FIRST)
    assert desk.keeper.passes()() == "the lease of the account has run out"


async def test_a_command_of_an_older_fence_stays_here_although_the_lease_is_ours_again():
    """Decided, asleep, lost, taken anew: the books have to be read before it may be decided again."""
    desk = Desk()
    await desk.keeper.claim(FIRST)
    old = desk.keeper.passes()
    desk.place.holder = Holder(False, "there:2:bb", 2)
    said = await desk.keeper.claim(ClaimLease(1, (), 1))
    assert said == LeaseState(fence=2, by="there:2:bb")
    assert old()
    desk.place.holder = Holder(True, OURS, 3)
    await desk.keeper.claim(ClaimLease(0, (), 2))
    assert old() == "the lease of the account is not ours any more"
    assert desk.keeper.passes()() == ""


async def test_a_renewal_lets_what_was_decided_before_it_leave():
    """The fence is the same, so nobody else was there."""
    desk = Desk()
    await desk.keeper.claim(FIRST)
    may = desk.keeper.passes()
    desk.boot_s += 20
    await desk.keeper.claim(ClaimLease(1, (), 1))
    desk.boot_s += 20
    assert may() == ""


async def test_a_failed_renewal_leaves_what_is_left_of_the_old_one():
    """The reason comes back; until the end orders may leave."""
    desk = Desk()
    await desk.keeper.claim(FIRST)
    desk.place.error = Unreachable("no route")
    assert await desk.keeper.claim(ClaimLease(1, (), 1)) == LeaseState(failed="no route")
    assert desk.keeper.passes()() == ""


async def test_a_place_that_never_answers_is_given_up(monkeypatch):
    """No answer is told as that; nobody waits for ever."""
    monkeypatch.setattr("engine.io.lease.ANSWER_S", 0.01)
    assert ANSWER_S > 1
    desk = Desk()
    desk.place.silent = True
    assert await desk.keeper.claim(FIRST) == LeaseState(failed="no answer")


async def test_it_is_let_go_of_once_and_nothing_leaves_after_that():
    """The end of a monitor: the next one need not wait."""
    desk = Desk()
    await desk.keeper.release()
    assert not desk.place.asked
    await desk.keeper.claim(FIRST)
    may = desk.keeper.passes()
    await desk.keeper.release()
    await desk.keeper.release()
    assert desk.place.asked[1:] == [("release", OURS, 1)]
    assert may()


def test_an_owner_is_named_after_host_and_process():
    """So that the other monitor can say where to look; and its generation, which an older one yields to."""
    name = owner_name("1f")
    assert host_of(name)
    assert name.split(":")[2:] == ["1f", str(GENERATION)]
    assert generation_of(name) == GENERATION
    assert generation_of("here:1:12") == generation_of("") == 0
