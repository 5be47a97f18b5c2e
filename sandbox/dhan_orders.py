"""The order-update socket: a login message, then every change of every order of the account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox import rows
from sandbox.faults import Socket
from sandbox.session import Frame, Session
from sandbox.strict_json import parse

if TYPE_CHECKING:
    from sandbox.dhan_rest import World
    from sandbox.exchange import Update

_LOGIN = 42


class UpdateRoom:
    """All order-update connections."""

    def __init__(self, world: World) -> None:
        """Nobody is connected."""
        self._world = world
        self._open: list[_Listener] = []
        world.faults.on_cut(Socket.ORDERS, self.cut)

    @property
    def listeners(self) -> int:
        """How many sockets are open and logged in."""
        return sum(1 for each in self._open if each.client_id)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One client's connection, from handshake to end."""
        faults = self._world.faults.updates
        if faults.upgrade_429 > 0:
            faults.upgrade_429 -= 1
            return web.Response(status=429, text="Too Many Requests")
        listener = _Listener(self._world, request)
        self._open.append(listener)
        try:
            return await listener.session.run(listener.hear)
        finally:
            self._open.remove(listener)
            self._world.bell.ring()

    def publish(self, update: Update) -> None:
        """An order changed. Nobody connected, nobody told: there is no replay."""
        data = rows.pascal(update.data) if self._world.habits.pascal_updates else update.data
        frame = json.dumps({"Data": data, "Type": "order_alert"})
        for listener in self._open:
            if listener.client_id != update.client_id:
                continue
            if listener.welcome():
                listener.post(frame)
            else:
                listener.session.reset()

    def cut(self) -> None:
        """Reset every connection."""
        for listener in self._open:
            listener.session.reset()


class _Listener:
    def __init__(self, world: World, request: web.Request) -> None:
        self.client_id = ""
        self._token: object = None
        self.session = Session(world, Socket.ORDERS, request, self._take, delay_s=world.habits.update_s)
        self._world = world
        self._queue: list[str] = []

    def hear(self, text: str) -> None:
        """A login; there is no answer to it. A wrong one is let in, then reset."""
        try:
            login = parse(text)["LoginReq"]
            code, client_id, token = login["MsgCode"], str(login["ClientId"]), login.get("Token")
        except (ValueError, KeyError, TypeError):
            return
        self.client_id, self._token = client_id, token
        if code == _LOGIN and self.welcome():
            self._world.bell.ring()
        else:
            self.client_id = ""
            self.session.reset_soon()

    def welcome(self) -> bool:
        """Whether the token of the login is good (still)."""
        account = self._world.exchange.accounts.get(self.client_id)
        if account is None or account.token != self._token or self._world.faults.refuse_tokens:
            return False
        return self._world.now_s() < account.token_expires_s

    def post(self, frame: str) -> None:
        """Send a frame when it is this client's turn."""
        self._queue.append(frame)
        self.session.nudge()

    def _take(self) -> list[Frame]:
        queue, self._queue = self._queue, []
        stack = max(1, self._world.habits.stack_updates)
        return ["".join(queue[n : n + stack]) for n in range(0, len(queue), stack)]
