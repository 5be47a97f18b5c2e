"""Other hands in the middle of an exit, over real sockets: told, nothing flipped, and an honest end."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession

from engine.model import Mode
from tests.e2e.outside import WAIT_S, held, monitor, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(120)

SPREAD = 3361
CALM = "[default]\nprofit_target = 10\n"
#: How long our first order is under way to the exchange: so long there is for the other hand.
UNDER_WAY_S = 3.0


async def pull(world, **asked) -> None:
    """Pull a lever of the sandbox's exchange, as another process would."""
    async with (
        ClientSession() as session,
        session.post(f"{world.dhan.auth_url}/sandbox/exchange", json=asked) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def asked(phone):
    """The question of the exit, asked for again as long as the house is still reading its books."""
    for tries in range(1, 20):
        phone.phone.send(f"/exit {SPREAD}")
        await phone.wait_for(
            lambda server, tries=tries: text_of(f"Exit {SPREAD}")(server) or refusals(server) == tries, WAIT_S
        )
        if question := text_of(f"Exit {SPREAD}")(phone):
            return question
    raise AssertionError("the house never knew the broker's books")


def refusals(server) -> int:
    """How often the house has said that it cannot exit yet."""
    return sum(message.text.startswith("Not now") for message in server.messages.values())


@asynccontextmanager
async def mid_exit(home):
    """A put spread whose exit has just begun: the short's order is under way, the long waits for it."""
    async with sandbox() as world, monitor(world, home, Mode.EXECUTE, CALM):
        phone, names = world.telegram, list(held(world, SPREAD))
        question = await asked(phone)
        await pull(world, latency_s=UNDER_WAY_S)
        phone.phone.tap(question.id, "Exit now")
        await world.dhan.until(lambda: orders_of(world, SPREAD))
        await pull(world, latency_s=0.05)
        yield world, names


def nobodys(world):
    """Orders in the spread's contracts that bear no name of ours."""
    return [order for order in orders_of(world, SPREAD) if not order.ticket.correlation_id]


async def test_a_hand_sells_the_hedge_while_the_short_is_bought_back(tmp_path):
    """The plan follows, no second sale is sent, and the end says that somebody else has closed a part."""
    async with mid_exit(tmp_path) as (world, (_, hedge)):
        await pull(world, hand={"security_id": hedge, "quantity": -held(world, SPREAD)[hedge]})
        await world.telegram.wait_for(text_of(f"Closed by somebody else: {SPREAD}"), 90.0)
        await world.telegram.wait_for(text_of("A position was closed by somebody else"), WAIT_S)
        assert set(held(world, SPREAD).values()) == {0}
        assert len(nobodys(world)) == 1


async def test_the_risk_desk_squares_the_position_off_while_its_exit_runs(tmp_path):
    """Our order is taken back by the broker and told; nothing is traded through zero; closed outside."""
    async with mid_exit(tmp_path) as (world, names):
        for security_id in names:
            await pull(world, square_off={"security_id": security_id})
        await world.telegram.wait_for(text_of("An order was cancelled by somebody else"), WAIT_S)
        await world.telegram.wait_for(text_of(f"Closed by somebody else: {SPREAD}"), 90.0)
        assert set(held(world, SPREAD).values()) == {0}
        assert {o.ticket.correlation_id for o in orders_of(world, SPREAD) if o.filled} == {""}


async def test_a_kill_switch_set_by_hand_is_told_and_the_exit_goes_on_when_it_is_off(tmp_path):
    """What is at the exchange trades; what would follow is refused, with Dhan's reason, and waits."""
    async with mid_exit(tmp_path) as (world, (short, hedge)):
        await pull(world, kill_switch=True)
        alert = await world.telegram.wait_for(text_of("An exit is refused and goes on"), 60.0)
        assert "Kill Switch is active" in alert.text
        assert "only you can end that" in alert.text
        left = held(world, SPREAD)
        assert left[short] == 0
        assert left[hedge] > 0
        await world.telegram.wait_for(text_of("Dhan's kill switch is on"), WAIT_S)
        await pull(world, kill_switch=False)
        await world.telegram.wait_for(text_of(f"Verified flat: {SPREAD}"), 90.0)
