"""The connection to Redis: RESP3, patience of half a second, and errors as people may read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnection
from redis.exceptions import TimeoutError as RedisTimeout
from redis.maint_notifications import MaintNotificationsConfig

from engine.errors import AuthFailed, SourceError, Unreachable
from engine.words import Secret

#: How long an answer may take, connecting included.
PATIENCE_S = 0.5
#: How long looking through all names may take, which are many answers.
SCAN_PATIENCE_S = 5.0


class Link:
    """One client; it connects when it is first used, and again after a failure."""

    def __init__(self, url: Secret) -> None:
        self._client = Redis.from_url(
            url.reveal(),
            protocol=3,
            socket_timeout=None,  # `_do` has it: theirs, wait_for of Python 3.11, loses cancellations
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,  # two round trips less at each connection
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._scripts: dict[str, AsyncScript] = {}

    async def close(self) -> None:
        """Drop all connections; the next command makes a new one."""
        with _words():
            await self._client.aclose()

    async def run(self, script: str, keys: Sequence[str], args: Sequence[bytes | str | int]) -> list[Any]:
        """Let Redis run a script; its answer. Raises SourceError."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        return cast(list[Any], await self._do(self._scripts[script](keys=keys, args=args)))

    async def ask(self, *command: str | int) -> Any:
        """One command, its answer as it comes. Raises SourceError."""
        return await self._do(self._client.execute_command(*command))  # type: ignore[no-untyped-call]

    async def scan(self, pattern: str) -> list[str]:
        """The names of all keys like that, sorted. Raises SourceError."""
        with _words():
            async with asyncio.timeout(SCAN_PATIENCE_S):
                return sorted([key.decode() async for key in self._client.scan_iter(pattern, count=1_000)])

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[PubSub]:
        """Subscribed to a channel for as long as this lasts. Raises SourceError."""
        ear = self._client.pubsub(ignore_subscribe_messages=True)
        try:
            await self._do(ear.subscribe(channel))
            yield ear
        finally:
            with _words():
                await ear.aclose()  # type: ignore[no-untyped-call]

    async def hear(self, ear: PubSub, wait_s: float) -> bytes | None:
        """The next message of the channel; None = none came in that time. Raises SourceError."""
        with _words():
            message = await ear.get_message(timeout=wait_s)
        data = message["data"] if message else None
        return data if isinstance(data, bytes) else None

    async def _do(self, answer: Any) -> Any:
        with _words():
            async with asyncio.timeout(PATIENCE_S):
                return await answer


@contextmanager
def _words() -> Iterator[None]:
    """The client's errors as ours; none of their texts is passed on that could hold the address."""
    try:
        yield
    except (RedisError, OSError) as error:  # TimeoutError is one of the latter
        raise _sorted(error) from error


def _sorted(error: RedisError | OSError) -> SourceError:
    # what goes wrong while connecting comes wrapped as a lost connection
    causes = (error, error.__context__)
    if any(isinstance(each, TimeoutError | RedisTimeout) for each in causes):
        return Unreachable("Redis does not answer")
    if any(isinstance(each, AuthenticationError) for each in causes):
        return AuthFailed("Redis refuses the login in REDIS_URL")
    if is_full(str(error)):
        return Unreachable(FULL)
    if isinstance(error, RedisConnection | OSError):
        return Unreachable("Redis cannot be reached")
    return Unreachable(f"Redis cannot be used ({type(error).__name__})")


#: What is said of a Redis at its limit.
FULL = "Redis is full (maxmemory)"


def is_full(text: str) -> bool:
    """Whether an error of Redis says that it has no room."""
    return "OOM command not allowed" in text
