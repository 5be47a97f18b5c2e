"""SIGKILL in the worst moment: the exchange has the order, the monitor has no answer."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.outside import AT_ONCE, WAIT_S, environment, held, orders_of, process, sandbox, text_of

pytestmark = pytest.mark.timeout(150)


def first_order(exchange) -> asyncio.Event:
    """An event that is set once the exchange has taken an order in."""
    accepted, enter = asyncio.Event(), exchange.enter

    def entered(*args, **more):
        order = enter(*args, **more)
        accepted.set()
        return order

    exchange.enter = entered
    return accepted


@pytest.mark.parametrize(("arm", "loop"), [("stall", "asyncio"), ("reset", "asyncio"), ("stall", "auto")])
async def test_killed_between_acceptance_and_acknowledgement_the_exit_fills_exactly_once(tmp_path, arm, loop):
    """The first order is accepted and its answer lost; the process dies; its successor ends flat.

    Each leg has exactly one order, its fills add up to the position, and the position is zero: in Python's
    own event loop, and in uvloop.
    """
    async with sandbox() as world:
        env = await environment(world, tmp_path, AT_ONCE, EVENT_LOOP=loop)
        getattr(world.dhan.faults, arm)()
        accepted = first_order(world.dhan.exchange)
        before = held(world, 3360)
        async with process(env, "--execute"):
            async with asyncio.timeout(WAIT_S):
                await accepted.wait()
        assert len(orders_of(world, 3360)) >= 1
        async with process(env, "--execute"):
            await world.telegram.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), 90.0)
        orders = orders_of(world, 3360)
        assert set(held(world, 3360).values()) == {0}
        assert sorted(o.ticket.instrument.security_id for o in orders) == sorted(before)
        traded = {o.ticket.instrument.security_id: sum(f.quantity for f in _fills(world, o)) for o in orders}
        assert traded == {key: abs(units) for key, units in before.items()}


async def test_killed_while_it_flattens_the_successor_reads_before_it_sends(tmp_path):
    """Killed when the kill switch is taken, its answer still to come: the successor looks, and is done."""
    async with sandbox() as world:
        env = await environment(world, tmp_path, KILL_SWITCH_AFTER_FLAT="on")
        account, phone = world.dhan.exchange.account(), world.telegram
        world.dhan.faults.stall(verb="POST", path="/killswitch")
        async with process(env, "--execute"):
            await phone.wait_for(text_of("of the way to"), WAIT_S)
            phone.phone.send("/flatten everything")
            question = await phone.wait_for(text_of("Flatten everything?"), WAIT_S)
            phone.phone.tap(question.id, "Flatten everything")
            async with asyncio.timeout(2 * WAIT_S):
                await world.dhan.until(lambda: account.killed)
        world.dhan.faults.error(verb="POST", path="/killswitch", times=99)
        async with process(env, "--execute"):
            await phone.wait_for(text_of("Flat: the whole account"), WAIT_S)
        assert account.killed
        assert not any(account.net().values())
        assert [fault.times for fault in world.dhan.faults.rest if fault.times] == [
            99
        ]  # nobody sent it again


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
async def test_a_stop_in_the_middle_of_an_exit_says_what_it_leaves_behind(tmp_path, loop):
    """SIGTERM while an order is under way: the process ends cleanly and names the unfinished exit."""
    async with sandbox() as world:
        env = await environment(world, tmp_path, AT_ONCE, EVENT_LOOP=loop)
        world.dhan.faults.stall()
        accepted = first_order(world.dhan.exchange)
        async with process(env, "--execute") as child:
            async with asyncio.timeout(WAIT_S):
                await accepted.wait()
            child.terminate()
            said = (await child.communicate())[0].decode()
        assert child.returncode == 0
        assert "Traceback" not in said
        assert "the exit of BANKNIFTY Short Strangle is not finished" in said


def _fills(world, order):
    return [t for t in world.dhan.exchange.account().trades if t.order_id == order.order_id]
