"""Telegram's own endpoints of the sandbox: what happened, and the strings to pull, for another process.

- ``GET /sandbox/state``: the messages with their edits and buttons, and the latest calls of the Bot API.
- ``POST /sandbox/faults``: ``{"arm": "fail", "code": 502, "times": 3, "method": "sendMessage"}`` calls a
  method of `Faults` (``fail``, ``drop``, ``hang``, ``lose_reply``, ``clear``) with the other fields;
  ``{"flood": {"private_calls": 10}}`` sets the flood limits, ``{"flood": null}`` lifts them.
- ``POST /sandbox/phone``: ``{"do": "send", "text": "/status"}`` does what a person does, by a method of
  `Phone` (``send``, ``edit``, ``tap``, ``forge``, ``block``, ``unblock``, ``invite``).

For loopback and JSON only: a website open in the owner's browser can send neither.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.telegram_faults import Flood
from sandbox.telegram_page import LOOPBACK
from sandbox.telegram_state import Message, Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.telegram_api import BotApi
    from sandbox.telegram_faults import Faults
    from sandbox.telegram_phone import Phone
    from sandbox.telegram_state import TelegramState

_ARMS = ("clear", "drop", "fail", "hang", "lose_reply")
_DEEDS = ("block", "edit", "forge", "invite", "send", "tap", "unblock")
_CALLS_SHOWN = 200


class Control:
    """The endpoints above."""

    def __init__(self, api: BotApi, state: TelegramState, faults: Faults, phone: Phone) -> None:
        self._api = api
        self._state = state
        self._faults = faults
        self._phone = phone

    def routes(self) -> list[web.RouteDef]:
        """List the HTTP routes."""
        return [
            web.get("/sandbox/state", self._show),
            web.post("/sandbox/faults", _wish(self._arm)),
            web.post("/sandbox/phone", _wish(self._do)),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        _only_here(request)
        calls = [asdict(call) for call in list(self._api.calls)[-_CALLS_SHOWN:]]
        messages = [_message(message) for message in self._state.messages.values()]
        return web.json_response({"messages": messages, "calls": calls})

    def _arm(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "flood" in wish:
            self._api.flood = None if wish["flood"] is None else Flood(**wish["flood"])
        if "arm" in wish:
            name = wish.pop("arm")
            if name not in _ARMS:
                raise ValueError(f"read arm={name!r}; expected one of {', '.join(_ARMS)}")
            getattr(self._faults, name)(**wish)
        return {"armed": self._faults.armed}

    def _do(self, wish: dict[str, Any]) -> dict[str, Any]:
        name = wish.pop("do", None)
        if name not in _DEEDS:
            raise ValueError(f"read do={name!r}; expected one of {', '.join(_DEEDS)}")
        match getattr(self._phone, name)(**wish):
            case Message() as message:
                return {"message_id": message.id}
            case Query() as query:
                return {"query_id": query.id}
            case _:
                return {}


def _wish(
    fulfil: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Serve a wish that comes as a JSON object; what cannot be done is 400 with the reason."""

    async def handle(request: web.Request) -> web.Response:
        _only_here(request)
        if request.content_type != "application/json":
            return web.json_response({"error": "expected application/json"}, status=400)
        try:
            return web.json_response(fulfil(dict(await request.json())))
        except (TypeError, ValueError, LookupError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)

    return handle


def _only_here(request: web.Request) -> None:
    if request.url.host not in LOOPBACK:
        raise web.HTTPForbidden(text="the sandbox's strings are for this machine")


def _message(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "chat_id": message.chat_id,
        "from_id": message.sender_id,
        "date": message.date_s,
        "text": message.text,
        "edits": message.edits,
        "buttons": message.buttons,
        "silent": message.silent,
        "deleted": message.deleted,
    }
