"""One WebSocket of a client: sending with every fault armed, pings, hanging up politely or not."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from sandbox.misbehaviour import reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.dhan_rest import World
    from sandbox.faults import Socket, SocketFaults

Frame = bytes | str

_RESET_S = 0.01
_GARBAGE = bytes(range(60, 120))
_HEARTBEAT = bytes((0, 8, 0, 0, 0, 0, 0, 0))
_GARBAGE_TEXT = "429 too many requests"


class Session:
    """Sends what ``take`` yields whenever it is nudged; a slow client delays nobody but itself."""

    def __init__(
        self,
        world: World,
        kind: Socket,
        request: web.Request,
        take: Callable[[], list[Frame]],
        *,
        delay_s: float = 0.0,
    ) -> None:
        """``delay_s``: how long every frame is on its way, faults apart."""
        self._world = world
        self._kind = kind
        self._request = request
        self._take = take
        self._delay_s = delay_s
        self._ws = web.WebSocketResponse(autoping=False, compress=False)
        self._wake = asyncio.Event()
        self._ready: deque[Frame] = deque()
        self._held: Frame | None = None
        self._last_words: bytes | None = None
        self._heard_s = 0.0

    async def run(self, hear: Callable[[str], None]) -> web.StreamResponse:
        """Shake hands, then live until either side ends it; ``hear`` gets every text message."""
        await self._ws.prepare(self._request)
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        helpers = [loop.create_task(self._send()), loop.create_task(self._keep_alive())]
        try:
            async for message in self._ws:
                self._heard_s = loop.time() if message.type is WSMsgType.PONG else self._heard_s
                if message.type is WSMsgType.PING:
                    await self._ws.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    hear(message.data)
        except ConnectionError:
            pass  # the client is gone, and that is all there is to it
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        return self._ws

    def nudge(self) -> None:
        """There is something to send."""
        self._wake.set()

    def hang_up(self, last_words: bytes = b"") -> None:
        """Send this and close."""
        self._last_words = last_words
        self._wake.set()

    def reset(self) -> None:
        """Cut the connection without a close frame."""
        reset(self._request)

    def reset_soon(self) -> None:
        """Cut it some milliseconds from now, as Dhan does with tokens it does not like."""
        asyncio.get_running_loop().call_later(_RESET_S, self.reset)

    @property
    def _faults(self) -> SocketFaults:
        return self._world.faults.sockets[self._kind]

    async def _send(self) -> None:
        with suppress(ConnectionError):
            while self._last_words is None:
                await self._wake.wait()
                self._wake.clear()
                self._collect()
                while self._ready:
                    await self._put(self._ready.popleft())
            if self._last_words:
                await self._put(self._last_words)
            await self._ws.close()

    def _collect(self) -> None:
        frames = self._spoil(self._take())
        delay_s = self._delay_s + self._faults.lag_s
        if self._faults.silent or not frames:
            return
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._release, frames)
        else:
            self._ready.extend(frames)

    def _release(self, frames: list[Frame]) -> None:
        self._ready.extend(frames)
        self._wake.set()

    def _spoil(self, frames: list[Frame]) -> list[Frame]:
        faults, out = self._faults, list[Frame]()
        for frame in frames:
            if self._held is not None:
                out += [frame, self._held]
                self._held = None
            elif faults.reorder > 0:
                faults.reorder -= 1
                self._held = frame
            elif faults.truncate > 0:
                faults.truncate -= 1
                out.append(frame[: len(frame) // 2])
            elif faults.garbage > 0:
                faults.garbage -= 1
                out += [_GARBAGE if isinstance(frame, bytes) else _GARBAGE_TEXT, frame]
            elif faults.heartbeat > 0 and isinstance(frame, bytes):
                faults.heartbeat -= 1
                out += [_HEARTBEAT, frame]
            elif faults.duplicate > 0:
                faults.duplicate -= 1
                out += [frame, frame]
            else:
                out.append(frame)
        return out

    async def _put(self, frame: Frame) -> None:
        if isinstance(frame, bytes):
            await self._ws.send_bytes(frame)
        else:
            await self._ws.send_str(frame)

    async def _keep_alive(self) -> None:
        habits = self._world.habits
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while loop.time() - self._heard_s < habits.pong_within_s:
                await asyncio.sleep(habits.ping_s)
                await self._ws.ping()
            self.reset()
