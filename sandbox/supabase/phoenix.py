"""One socket of Realtime and its channels: joins, heartbeats, tokens, events, and ways to fail."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.misbehaviour import reset
from sandbox.supabase.changes import Wish
from sandbox.supabase.errors import ApiFault

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from sandbox.supabase.changes import Changes
    from sandbox.supabase.keys import Caller
    from sandbox.supabase.realtime import RealtimeRoom
    from sandbox.supabase.wal import Change

#: Phoenix closes a socket that says nothing for so long.
IDLE_S = 60.0
_AS_ARRAYS = "2.0.0"
_FIELDS = ("join_ref", "ref", "topic", "event", "payload")
_SUBSCRIBED = "Subscribed to PostgreSQL"


class Socket:
    """What one client has joined."""

    def __init__(self, room: RealtimeRoom, request: web.Request, caller: Caller) -> None:
        """Nothing yet. ``caller`` is whom the key of the handshake stands for."""
        self.room, self.caller = room, caller
        self.channels: dict[str, Channel] = {}
        self._request = request
        self._arrays = request.query.get("vsn") == _AS_ARRAYS
        self._ws = web.WebSocketResponse(autoping=False, compress=False)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> web.StreamResponse:
        """Shake hands, then live until either side ends it."""
        await self._ws.prepare(self._request)
        try:
            with suppress(ConnectionError, TimeoutError, ValueError):  # nonsense ends a socket too
                await self._listen()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._ws

    async def _listen(self) -> None:
        while True:
            message = await self._ws.receive(timeout=IDLE_S)
            await self.room.until(lambda: not self.room.faults.realtime.frozen)
            if message.type is WSMsgType.PING:
                await self._ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                await self._hear(self._read(message.data))
            elif message.type is not WSMsgType.PONG:
                return
            self.room.changed()

    def send(self, topic: str, event: str, payload: Any, ref: str | None = None) -> None:
        """Send a frame soon; ``payload`` may be JSON text."""
        if self.room.faults.realtime.frozen:
            return
        body = payload if isinstance(payload, str) else json.dumps(payload)
        if self._arrays:
            self.start(self._put(f"{json.dumps([None, ref, topic, event])[:-1]}, {body}]"))
        else:
            named = json.dumps({"topic": topic, "event": event, "ref": ref})
            self.start(self._put(f'{named[:-1]}, "payload": {body}}}'))

    def reply(self, message: Mapping[str, Any], response: Mapping[str, Any], status: str = "ok") -> None:
        """Answer a push."""
        payload = {"status": status, "response": response}
        self.send(message["topic"], "phx_reply", payload, message.get("ref"))

    def start(self, deed: Coroutine[Any, Any, None]) -> None:
        """Do something that ends with the socket."""
        task = asyncio.get_running_loop().create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def suffer(self, deed: str, words: Mapping[str, Any]) -> None:
        """Something happens at once: see `sandbox.supabase.faults.Faults`."""
        if deed == "cut":
            reset(self._request)
        elif deed == "close":
            self.start(self._close(words["code"]))
        for channel in list(self.channels.values()):
            if deed == "crash":
                channel.crash()
            elif deed == "end":
                channel.end(words["message"])
            elif deed == "database":
                channel.system("error", words["message"])

    def _read(self, text: str) -> dict[str, Any]:
        """A frame by its fields. Raises ValueError when it is none."""
        frame = json.loads(text)
        if self._arrays and isinstance(frame, list) and len(frame) == len(_FIELDS):
            frame = dict(zip(_FIELDS, frame, strict=True))
        if not isinstance(frame, dict) or not {"topic", "event", "payload"} <= frame.keys():
            raise ValueError("no frame of Phoenix")
        return frame

    async def _hear(self, message: dict[str, Any]) -> None:
        topic, event = message["topic"], message["event"]
        deaf = self.room.faults.realtime.no_heartbeats
        channel = self.channels.get(topic)
        if event == "phx_join":
            self.start(self._join(message))
        elif deaf:
            return
        elif topic == "phoenix" and event == "heartbeat":
            self.reply(message, {})
        elif channel is None:
            self.reply(message, {"reason": "unmatched topic"}, "error")
        elif event == "access_token":
            channel.take_token(message["payload"].get("access_token") or "")
        elif event == "phx_leave":
            del self.channels[topic]
            self.reply(message, {})
            self.send(topic, "phx_close", {}, channel.join_ref)
        elif event == "broadcast" and channel.acknowledges:
            self.reply(message, {})

    async def _join(self, message: dict[str, Any]) -> None:
        told = self.room.faults.realtime
        if told.join_delay_s:
            await asyncio.sleep(told.join_delay_s)
        if told.refuse_join > 0:
            told.refuse_join -= 1
            self.reply(message, {"reason": told.refuse_reason}, "error")
            return
        channel = Channel(self, message)
        try:
            channel.caller = self._caller_of(message["payload"].get("access_token") or "")
        except ApiFault as refused:
            self.reply(message, {"reason": f"InvalidJWTToken: {refused.message}"}, "error")
            return
        before = self.channels.pop(message["topic"], None)
        self.channels[message["topic"]] = channel
        subscriptions = [
            {"id": wish.id, "event": wish.event, "schema": wish.schema, "table": wish.table}
            | ({"filter": wish.filter} if wish.filter else {})
            for wish in channel.wishes
        ]
        self.reply(message, {"postgres_changes": subscriptions})
        if before is not None:  # Phoenix ends the older join after it has answered the newer one
            self.send(message["topic"], "phx_close", {}, before.join_ref)
        await channel.subscribe()

    def _caller_of(self, token: str) -> Caller:
        """A key that is no token is not looked at: the handshake's counts."""
        return self.caller if not token or token.startswith("sb_") else self.room.keys.of_token(token)

    async def _put(self, text: str) -> None:
        with suppress(ConnectionError):
            await self._ws.send_str(text)

    async def _close(self, code: int) -> None:
        with suppress(ConnectionError):
            await self._ws.close(code=code)


class Channel:
    """One joined topic and what it wants of the database.

    Attributes:
        live: changes are told from now on.
        unchecked: it waits for the reader to look whether its wishes can be met.
    """

    def __init__(self, socket: Socket, message: Mapping[str, Any]) -> None:
        """Joined, not yet subscribed."""
        config = message["payload"].get("config") or {}
        self.topic: str = message["topic"]
        self.join_ref: str | None = message.get("join_ref") or message.get("ref")
        self.acknowledges = bool((config.get("broadcast") or {}).get("ack"))
        self.wishes = [_wish(each, socket.room.next_id()) for each in config.get("postgres_changes") or []]
        self.caller = socket.caller
        self.live = False
        self.unchecked = False
        self._socket, self._room = socket, socket.room
        self._fault = ""

    async def subscribe(self) -> None:
        """Go live, or say why not. What is committed before the word is not told."""
        told = self._room.faults.realtime
        if not self.wishes or told.never_live:
            return
        self.unchecked = True
        await self._room.drained()
        fault = told.database_error or self._fault
        if fault:
            self.system("error", fault)
            return
        self.live = True
        self.system("ok", _SUBSCRIBED)

    async def check(self, source: Changes) -> None:
        """Whether every wish can be met; the reader asks, in its own time."""
        for wish in self.wishes:
            if fault := await source.fault(wish):
                self._fault = (
                    f"Unable to subscribe to changes with given parameters. {fault} for the given connect "
                    f"parameters: [event: {wish.event}, schema: {wish.schema}, table: {wish.table}, "
                    f"filters: [{wish.filter}]]"
                )
        self.unchecked = False

    async def tell(self, source: Changes, change: Change) -> None:
        """Tell a change if it is wanted and this listener may see it."""
        wishes = [wish for wish in self.wishes if self.live and wish.wants(change)]
        if not wishes:
            return
        told = self._room.faults.realtime
        data = [(wish, text) for wish in wishes if (text := await source.told(change, wish, self.caller))]
        if not data or told.silent:
            return
        if told.lose_events > 0:
            told.lose_events -= 1
            return
        payload = f'{{"ids": {[wish.id for wish, _ in data]}, "data": {data[0][1]}}}'
        send = partial(self._socket.send, self.topic, "postgres_changes", payload)
        if told.lag_s:
            asyncio.get_running_loop().call_later(told.lag_s, send)
        else:
            send()

    def system(self, status: str, message: str, extension: str = "postgres_changes") -> None:
        """A word of the system about this channel."""
        payload = {
            "extension": extension,
            "status": status,
            "message": message,
            "channel": self.topic.removeprefix("realtime:"),
        }
        self._socket.send(self.topic, "system", payload)
        self._room.changed()

    def crash(self) -> None:
        """The channel's process dies."""
        self._socket.channels.pop(self.topic, None)
        self._socket.send(self.topic, "phx_error", {"reason": "channel_crash"}, self.join_ref)

    def end(self, message: str) -> None:
        """The server ends the channel: a system error, then the close."""
        self._socket.channels.pop(self.topic, None)
        self.system("error", message, "system")
        self._socket.send(self.topic, "phx_close", {}, self.join_ref)

    def take_token(self, token: str) -> None:
        """A new token for this channel; a bad one ends it."""
        if token.startswith("sb_"):
            return
        try:
            self.caller = self._room.keys.of_token(token)
        except ApiFault as refused:
            self.end(f"Token is invalid: {refused.message}")

    def check_token(self) -> None:
        """End the channel when its token has expired."""
        ends_s = self.caller.expires_s
        if ends_s is not None and ends_s <= self._room.now_s():
            self.end(f"Token has expired {self._room.now_s() - ends_s:.0f} seconds ago")


def _wish(entry: Mapping[str, Any], number: int) -> Wish:
    return Wish(
        number,
        entry.get("event", "*"),
        entry.get("schema", "public"),
        entry.get("table") or "*",
        entry.get("filter") or "",
    )
