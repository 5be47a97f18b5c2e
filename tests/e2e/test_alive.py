"""A whole monitor under somebody who watches as systemd does."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager, suppress

import pytest

from engine.io.hatch import ask
from engine.io.inbox import Inbox
from engine.model import Mode
from tests.e2e.outside import WAIT_S, environment, monitor, process, sandbox, text_of

pytestmark = pytest.mark.timeout(90)

WATCHDOG_S = 3.0


class Systemd:
    """The other end of NOTIFY_SOCKET: hears datagrams."""

    def __init__(self, out):
        self._out = out

    async def hears(self, within_s=WAIT_S):
        """The next one."""
        async with asyncio.timeout(within_s):
            return (await asyncio.get_running_loop().sock_recv(self._out, 1000)).decode()

    def forget(self):
        """What was sent until now."""
        with suppress(BlockingIOError):
            while self._out.recv(1000):
                pass

    async def hears_nothing(self, for_s):
        """Nobody feeds the watchdog for as long as it is patient."""
        with pytest.raises(TimeoutError):
            raise AssertionError(f"heard {await self.hears(for_s)}")


@contextmanager
def systemd(tmp_path):
    """A datagram socket of this test, and the environment that names it."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
        out.bind(path)
        yield Systemd(out), {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}


async def test_a_loop_that_freezes_is_not_reported_alive(tmp_path, monkeypatch):
    """The event loop goes on, the chat too, and nobody takes messages out of the inbox any more."""
    frozen, get = asyncio.Event(), Inbox.get

    async def stands(inbox):
        if frozen.is_set():
            await asyncio.Event().wait()
        return await get(inbox)

    with systemd(tmp_path) as (heard, environ):
        for name, word in environ.items():
            monkeypatch.setenv(name, word)
        monkeypatch.setattr(Inbox, "get", stands)
        async with sandbox() as world, monitor(world, tmp_path / "home", Mode.ALERT_ONLY):
            assert (await heard.hears()).startswith("READY=1")
            assert await heard.hears() == "WATCHDOG=1"
            frozen.set()
            await world.telegram.wait_for(text_of("stands still"), WAIT_S)
            heard.forget()
            await heard.hears_nothing(WATCHDOG_S)
        assert await heard.hears() == "STOPPING=1"


async def test_a_process_tells_its_start_its_life_and_its_end(tmp_path):
    """``python -m bot`` as the unit starts it, ended as systemd ends it."""
    with systemd(tmp_path) as (heard, environ):
        async with sandbox() as world:
            env = await environment(world, tmp_path / "home") | environ
            async with process(env, "--alert-only") as child:
                assert (await heard.hears()).startswith("READY=1")
                assert await heard.hears() == "WATCHDOG=1"
                told = await asyncio.to_thread(ask, tmp_path / "home", {"ask": "health"})
                (loop, mode, *_) = told["accounts"]["default"]
                assert (loop["text"], mode["text"]) == ("goes round", "as chosen")
                await asyncio.to_thread(ask, tmp_path / "home", {"ask": "stop", "now": True})
                await world.telegram.wait_for(text_of("by the host"), WAIT_S)
                child.terminate()
                while (news := await heard.hears()) == "WATCHDOG=1":
                    pass
                assert news == "STOPPING=1"
                assert await child.wait() == 0
