"""What /status says of the exits, through real sockets: ready, or refused before any stop fires."""

from __future__ import annotations

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, monitor, sandbox, text_of

pytestmark = pytest.mark.timeout(90)


async def test_status_says_that_every_exit_is_ready(tmp_path):
    """All four of the demo."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.SEMI_AUTO, rules=""):
        await says(world.telegram, "Exits ready: 4")


async def test_status_says_that_no_order_is_taken_from_here(tmp_path):
    """A foreign address refuses them all, and nobody has to find out by a stop."""
    async with sandbox() as world:
        world.dhan.faults.wrong_ip = True
        async with monitor(world, tmp_path, Mode.EXECUTE, rules=""):
            await world.telegram.wait_for(text_of("Dhan takes no orders from this address"), WAIT_S)
            await says(world.telegram, "Exit would be refused: 3359, 3360, 3361, 3362")


async def says(phone, words):
    """Ask until /status says it: the first answers come while the house is starting."""
    for _ in range(50):
        before = len(phone.sent())
        phone.phone.send("/status")
        await phone.wait_for(lambda s, before=before: len(s.sent()) > before, WAIT_S)
        page = await phone.wait_for(text_of(words), 1.0) if words in phone.sent()[-1].text else None
        if page:
            return
    raise AssertionError(f"{words!r} was never said; last {phone.sent()[-1].text!r}")
