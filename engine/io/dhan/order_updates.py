"""The order-update socket: every change of every order of the account, as a hint.

Nothing is replayed after a gap, so every new connection asks its owner to read the books by REST.
Silence is normal here; only the socket's own pings tell that it lives.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from engine.io.dhan.backoff import SETTLED_S, Backoff, Cut
from engine.io.dhan.sockets import (
    SOCKET_ERRORS,
    cut_by_close,
    cut_by_error,
    how_it_ended,
    open_socket,
    stay_away,
)
from engine.wire import BrokenFrame, login, parse_order_updates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.asyncio.client import ClientConnection

    from engine.broker_nouns import BrokerOrder
    from engine.io.ports import Clock


class OrderUpdates:
    """Tells of changed orders for as long as `run` lasts.

    Attributes:
        bad_frames: frames that could not be read, or not wholly.
    """

    def __init__(  # noqa: PLR0913 - everything it needs, nothing it does not
        self,
        *,
        url: str,
        client_id: str,
        access_token: Callable[[], str],
        on_order: Callable[[BrokerOrder], None],
        on_gap: Callable[[str], None],
        on_stopped: Callable[[str], None],
        clock: Clock,
        jitter: Callable[[], float],
        proxy: str | None = None,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            url: e.g. ``wss://api-order-update.dhan.co``.
            client_id: Dhan's client id.
            access_token: asked for at every connection.
            on_order: gets each changed order, on the loop.
            on_gap: called when updates may have been missed, after every login, with the reason.
            on_stopped: called with the reason when a person must mend something, and with nothing once the
                socket has stayed open for a while again.
            clock: time of every pause.
            jitter: numbers from 0 up to 1.
            proxy: the way to Dhan; None = as the environment says.
        """
        self.bad_frames = 0
        self._url, self._proxy = url, proxy
        self._client_id = client_id
        self._access_token = access_token
        self._on_order = on_order
        self._on_gap = on_gap
        self._on_stopped = on_stopped
        self._clock = clock
        self._backoff = Backoff(jitter)
        self._after = "connected"
        self._kept_away = False
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            token = self._access_token()
            cut = await self._live(token)
            pause = self._backoff.after(cut)
            self._after = f"reconnected after: {cut.detail}"
            if pause.seconds is None or pause.alarm:
                self._kept_away = True
                self._on_stopped(cut.detail)
            await stay_away(self._clock, pause, partial(self._renewed, token))
            if self._renewed(token):
                self._backoff.renewed()

    def reopen(self) -> None:
        """Give up the connection, if there is one; `run` opens another."""
        if self._socket is not None:
            self._socket.transport.abort()

    def _renewed(self, token: str) -> bool:
        """Whether there is another token by now."""
        return self._access_token() != token

    async def _live(self, token: str) -> Cut:
        """Lead one connection from handshake to end, and say why it ended."""
        try:
            async with open_socket(self._url, self._proxy) as socket:
                await socket.send(login(self._client_id, token))
                self._on_gap(self._after)
                settling = asyncio.create_task(self._settle(), name="order updates settle")
                self._socket = socket
                try:
                    return await self._read(socket)
                finally:
                    self._socket = None
                    settling.cancel()
        except SOCKET_ERRORS as problem:
            return cut_by_error(problem)

    async def _read(self, socket: ClientConnection) -> Cut:
        """Deliver orders until the connection ends."""
        opened_s, heard, end = self._clock.now_s(), False, None
        try:
            async for frame in socket:
                orders = self._orders(frame)
                heard = heard or bool(orders)
                for order in orders:
                    self._on_order(order)
        except ConnectionClosed as closed:
            end = closed
        return cut_by_close(how_it_ended(end), self._clock.now_s() - opened_s, heard=heard)

    async def _settle(self) -> None:
        """A connection that has lasted so long is a good one, though it may have had nothing to say."""
        await self._clock.sleep(SETTLED_S)
        self._backoff.settled()
        if self._kept_away:
            self._kept_away = False
            self._on_stopped("")

    def _orders(self, frame: bytes | str) -> Sequence[BrokerOrder]:
        """Read one frame; what makes no sense is counted and passed over."""
        try:
            return parse_order_updates(frame if isinstance(frame, str) else frame.decode(errors="replace"))
        except BrokenFrame as broken:
            self.bad_frames += 1
            return broken.good  # type: ignore[return-value]  # parse_order_updates puts orders there
