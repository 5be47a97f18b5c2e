"""The phone page: static files, and a WebSocket that carries taps in and messages out.

The page is for loopback only. Because any website could try to reach a loopback port from the
owner's browser, the socket opens only for a page that came from this very server.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from sandbox.telegram_json import message_json
from sandbox.telegram_phone import Phone
from sandbox.telegram_state import Event, Message, TelegramState

_FILES = Path(__file__).parent / "phone"
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_ASSETS = {"": "text/html"} | {
    file.name: _TYPES[file.suffix] for file in _FILES.iterdir() if file.suffix in _TYPES
}
#: The names of this machine; a website may let its own name point here.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_SHOWN = 300


class PhonePage:
    """Serves the page and keeps every open one up to date."""

    def __init__(self, state: TelegramState, phone: Phone) -> None:
        self._state = state
        self._phone = phone
        self._sockets: dict[web.WebSocketResponse, _Viewer] = {}

    def routes(self) -> list[web.RouteDef]:
        """List the HTTP routes."""
        return [
            web.get("/", self._to_phone),
            web.get("/phone", self._to_phone),
            web.get("/phone/ws", self._socket),
            web.get("/phone/file/{file_id}", self._file),
            web.get("/phone/{asset:.*}", self._asset),
        ]

    async def close(self) -> None:
        """Hang up on every page; each will try to come back."""
        for socket in list(self._sockets):
            await socket.close(code=1001, message=b"the sandbox stops")

    def show(self, event: Event) -> None:
        """Pass a change on to the pages that look at its chat."""
        for viewer in self._sockets.values():
            viewer.show(event)

    async def _to_phone(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/phone/")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["asset"]
        mime = _ASSETS.get(name)
        if mime is None:
            raise web.HTTPNotFound
        body = await asyncio.to_thread((_FILES / (name or "index.html")).read_bytes)
        return web.Response(body=body, content_type=mime, charset="utf-8", headers=_HEADERS)

    async def _file(self, request: web.Request) -> web.Response:
        upload = self._state.uploads.get(request.match_info["file_id"])
        if upload is None:
            raise web.HTTPNotFound
        name = "".join(char for char in upload.name if char.isascii() and char.isprintable() and char != '"')
        kind = "inline" if upload.width else "attachment"
        headers = _HEADERS | {"Content-Disposition": f'{kind}; filename="{name}"'}
        mime = upload.mime if upload.width else "application/octet-stream"
        return web.Response(body=upload.content, content_type=mime, headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        origin = urlsplit(request.headers.get("Origin", "")).netloc
        # The name is checked as well: a website may let its own name point to 127.0.0.1.
        if (origin and origin != request.host) or request.url.host not in LOOPBACK:
            raise web.HTTPForbidden(text="the phone's socket is for its own page")
        viewer = _Viewer(self._state, self._phone, _integer(request, "user"), _integer(request, "chat"))
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=64 * 1024)
        await socket.prepare(request)
        self._sockets[socket] = viewer
        viewer.greet()
        writing = asyncio.create_task(viewer.write(socket), name="phone page writer")
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    viewer.act(frame.json())
        finally:
            del self._sockets[socket]
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
        return socket


class _Viewer:
    """One open page: whose phone it is, and what it still has to be shown."""

    def __init__(self, state: TelegramState, phone: Phone, user_id: int, chat_id: int) -> None:
        self._state = state
        self._phone = phone
        self._user = phone.person(user_id or phone.owner_id)
        home = phone.chat_id if self._user.id == phone.owner_id else self._user.id
        self._chat = state.chats.get(chat_id) or state.chats[home]
        self._out: asyncio.Queue[Event] = asyncio.Queue()

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Send what is queued, until cancelled or the page is gone."""
        with suppress(ConnectionError):
            while True:
                await socket.send_json(await self._out.get())

    def greet(self) -> None:
        """Queue everything a fresh page needs."""
        here = [m for m in self._state.messages.values() if m.chat_id == self._chat.id and not m.deleted]
        self._out.put_nowait({
            "type": "hello",
            "now_s": self._state.now(),
            "bot": {"name": self._state.bot.first_name, "username": self._state.bot.username},
            "me": {"id": self._user.id, "name": self._user.first_name},
            "chat": {"id": self._chat.id, "title": self._chat.title, "private": self._chat.private},
            "about": self._state.short_description,
            "commands": self._state.commands_for(self._chat.id, self._user.id),
            "pinned": self._chat.pinned,
            "messages": [self._message(message) for message in here[-_SHOWN:]],
        })  # fmt: skip

    def show(self, event: Event) -> None:
        """Queue one change, if it is for this phone."""
        kind, message = event["type"], event.get("message")
        if message is not None:
            if message.chat_id == self._chat.id:
                self._out.put_nowait({"type": "message", "message": self._message(message)})
        elif kind == "commands":
            commands = self._state.commands_for(self._chat.id, self._user.id)
            self._out.put_nowait({"type": "commands", "commands": commands})
        elif kind == "about":
            self._out.put_nowait({"type": "about", "about": self._state.short_description})
        elif event.get("chat_id") == self._chat.id and event.get("user", self._user.id) == self._user.id:
            self._out.put_nowait({key: value for key, value in event.items() if key != "message"})

    def _message(self, message: Message) -> dict[str, Any]:
        return message_json(self._state, message) | {
            "own": message.sender_id == self._user.id,
            "silent": message.silent,
            "deleted": message.deleted,
            "reactions": list(message.reactions),
        }

    def act(self, wish: dict[str, Any]) -> None:
        """Do what the person did on the page."""
        try:
            if wish["type"] == "send":
                self._phone.send(str(wish["text"]), user=self._user.id, chat=self._chat.id)
            elif wish["type"] == "edit":
                self._phone.edit(int(wish["message_id"]), str(wish["text"]))
            elif wish["type"] == "tap":
                query = self._phone.tap(int(wish["message_id"]), str(wish["data"]), user=self._user.id)
                self._out.put_nowait({"type": "tapped", "ref": wish.get("ref"), "query": query.id})
        except (LookupError, TypeError, ValueError) as error:
            self._out.put_nowait({"type": "problem", "ref": wish.get("ref"), "text": str(error)})


def _integer(request: web.Request, name: str) -> int:
    try:
        return int(request.query.get(name, "0"))
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} is a Telegram id: a whole number") from None
