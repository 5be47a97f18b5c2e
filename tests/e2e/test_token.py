"""A token that dies in the middle of an exit: nothing is lost, and a new one brings it to its end."""

from __future__ import annotations

import asyncio

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, held, monitor, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(120)

STRANGLE = 3360
NEW = "a-new-token-of-the-owner"
FLAT = text_of("Verified flat: 3360 BANKNIFTY Short Strangle")


@pytest.mark.parametrize("as_order_error", [False, True])
async def test_a_token_that_dies_mid_exit_is_told_and_a_new_one_in_the_file_ends_the_exit(
    tmp_path, as_order_error
):
    """Over sockets, without a restart: refused as documented (401) or as seen (400 DH-906)."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.EXECUTE):
        world.dhan.faults.token_as_order_error = as_order_error
        async with asyncio.timeout(WAIT_S):
            await world.dhan.until(lambda: bool(orders_of(world, STRANGLE)))
        world.dhan.exchange.account().token = NEW
        await world.telegram.wait_for(text_of("Dhan does not let us in"), WAIT_S)
        assert FLAT(world.telegram) is None
        file = tmp_path / "token"
        file.touch(0o600)
        file.write_text(NEW)
        await world.telegram.wait_for(FLAT, 2 * WAIT_S)
        await world.telegram.wait_for(text_of("The access token is good"), WAIT_S)
        assert set(held(world, STRANGLE).values()) == {0}
