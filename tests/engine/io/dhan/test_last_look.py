"""The last look before a command leaves is at the socket, not before the way to it was made."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.io.clock import SystemClock
from engine.io.dhan.rest import DhanRest
from engine.messages import Refused
from tests.engine.io.dhan.conftest import both_ways
from tests.engine.io.dhan.http_peers import TOKEN
from tests.engine.io.dhan.test_rest_turns import ORDER

WHY = "the lease of the account has run out"


class Door:
    """A server that nobody serves: connections are made by the kernel, what came is read afterwards."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.inside: socket.socket | None = None
        self.looks = 0

    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v2"

    def connected(self) -> bool:
        """Whether somebody has come as far as the door."""
        if self.inside is None:
            try:
                self.inside, _ = self.listener.accept()
            except BlockingIOError:
                return False
        return True

    def came(self) -> bytes:
        """All that was ever sent; the sender has hung up."""
        assert self.inside is not None
        self.inside.settimeout(5.0)
        with self.inside:
            return b"".join(iter(lambda: self.inside.recv(1 << 16), b""))


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    with made.listener:
        yield made


async def told(door: Door, why_not: Callable[[], str], name: str, *, direct: bool = False) -> object:
    """What becomes of one command under this last look."""
    with ThreadPoolExecutor(4) as executor:
        rest = DhanRest(
            client_id="1000000001", access_token=lambda: TOKEN, base_url=door.url(), executor=executor,
            clock=SystemClock(), passes=lambda: why_not, direct=direct,
        )  # fmt: skip
        rest._http.timeout = (1.0, 0.2)
        try:
            command = {
                "place": lambda: rest.place(ORDER),
                "modify": lambda: rest.modify("7", ORDER),
                "cancel": lambda: rest.cancel("7"),
            }[name]
            return await command()
        finally:
            rest.close()


@both_ways
@pytest.mark.parametrize("name", ["place", "modify", "cancel"])
async def test_what_ends_while_the_way_is_made_stops_the_command(
    door: Door, name: str, *, direct: bool
) -> None:
    """A process stopped between its decision and its socket wakes without a lease: not one byte goes."""
    said = await told(door, lambda: WHY if door.connected() else "", name, direct=direct)
    assert said == Refused("NOT-SENT", f"not sent: {WHY}")
    assert door.came() == b""


@pytest.mark.parametrize("name", ["place", "modify"])
async def test_what_ends_between_head_and_body_leaves_no_whole_command(door: Door, name: str) -> None:
    """The head alone is no order; the answer that never comes is not waited for."""
    looks = iter(["", "", WHY])
    said = await told(door, lambda: next(looks), name)
    assert said == Refused("NOT-SENT", f"not sent: {WHY}")
    assert door.connected()
    assert b"transactionType" not in door.came()


async def test_a_read_is_never_looked_at(door: Door) -> None:
    """Without the lease books are read all the same."""
    with ThreadPoolExecutor(4) as executor:
        rest = DhanRest(
            client_id="1000000001", access_token=lambda: TOKEN, base_url=door.url(), executor=executor,
            clock=SystemClock(), passes=lambda: lambda: WHY,
        )  # fmt: skip
        rest._http.timeout = (1.0, 0.2)
        await rest.ask("/positions")
        rest.close()
    assert door.connected()
    assert door.came().startswith(b"GET /v2/positions ")
