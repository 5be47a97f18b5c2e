"""The Bot API over HTTP: ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``.

Parameters come in the query, as a form, as multipart or as JSON; the answer's HTTP status is its
error code. A token that is not ours gets 401 when it looks like one, else 404, as at Telegram.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import telegram_chats, telegram_media, telegram_messages
from sandbox.telegram_call import ApiError, File, Method, Params, bad_request
from sandbox.telegram_faults import Fault, FaultKind, Faults, Flood
from sandbox.telegram_state import TelegramState
from sandbox.telegram_updates import Superseded, UpdateQueue

_TOKEN = re.compile(r"\d+:[\w-]+")
_POLL_LIMIT_S = 50
_CALLS_KEPT = 20_000
_CONFLICT = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)

_METHODS: dict[str, tuple[str, Method]] = {
    name.lower(): (name, method)
    for table in (telegram_chats.METHODS, telegram_media.METHODS, telegram_messages.METHODS)
    for name, method in table.items()
}
_UPDATE_METHODS = {
    name.lower(): name for name in ("getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo")
}

#: Not counted by the flood model, though they begin like sends.
_FREE = frozenset({"sendchataction", "sendmessagedraft"})


@dataclass(slots=True)
class Call:
    """One call of the Bot API as the server saw it.

    Attributes:
        fields: the text parameters; nested ones JSON-encoded.
        status: HTTP status of the answer; 0 while there is none, or when it never got out.
        words: the description of an error answer.
    """

    at_s: float
    method: str
    fields: dict[str, str]
    status: int = 0
    words: str = ""

    @property
    def ok(self) -> bool:
        """True when the answer said so."""
        return self.status == 200


class BotApi:
    """Answers a bot's calls, through the faults and limits that are switched on."""

    def __init__(self, token: str, state: TelegramState, updates: UpdateQueue, faults: Faults) -> None:
        self.flood: Flood | None = None
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self._token = token
        self._state = state
        self._updates = updates
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """List the HTTP routes."""
        return [
            web.route("*", "/bot{token}/{method}", self._call),
            web.get("/file/bot{token}/files/{file_id}/{name}", self._download),
            web.route("*", "/{below:(file/)?bot.*}", self._nowhere),
        ]

    @staticmethod
    async def _nowhere(_request: web.Request) -> web.Response:
        return _refusal(ApiError(404, "Not Found"))

    def _check_token(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise ApiError(401, "Unauthorized") if _TOKEN.fullmatch(token) else ApiError(404, "Not Found")

    async def _call(self, request: web.Request) -> web.Response:
        wanted = request.match_info["method"].lower()
        call = Call(self._state.now(), _METHODS.get(wanted, (_UPDATE_METHODS.get(wanted, wanted),))[0], {})
        try:
            self._check_token(request)
            params = await _read(request)
            call.fields = params.fields
            self.calls.append(call)
            self._state.tell("call")
            result = await self._perform(request, wanted, params)
            call.status = 200
            return web.json_response({"ok": True, "result": result})
        except ApiError as error:
            call.status, call.words = error.code, error.description
            return _refusal(error)
        except _NoAnswer as fault:
            return fault.response
        finally:
            self._state.tell("call")

    async def _perform(self, request: web.Request, wanted: str, params: Params) -> Any:
        fault = self._faults.take(wanted)
        if fault is not None and fault.kind is not FaultKind.LOSE_REPLY:
            await self._suffer(request, fault)
        self._limit(wanted, params)
        if wanted in _UPDATE_METHODS:
            result = await self._about_updates(wanted, params)
        elif wanted not in _METHODS or (wanted == "sendrichmessage" and not self._state.rich):
            raise ApiError(404, "Not Found: method not found")
        else:
            result = _METHODS[wanted][1](self._state, params)
        if fault is not None:
            raise _hung_up(request)
        return result

    async def _suffer(self, request: web.Request, fault: Fault) -> None:
        if fault.kind is FaultKind.HANG:
            await self._faults.released()
        if fault.kind is not FaultKind.FAIL:
            raise _hung_up(request)
        if fault.page:
            raise _NoAnswer(web.Response(status=fault.code, text=fault.page, content_type="text/html"))
        raise ApiError(fault.code, fault.description, fault.parameters)

    def _limit(self, wanted: str, params: Params) -> None:
        if self.flood is None or wanted in _FREE or not wanted.startswith(("send", "edit")):
            return
        wait_s = self.flood.wait_s(params.integer("chat_id"), self._state.now())
        if wait_s:
            raise ApiError(429, f"Too Many Requests: retry after {wait_s}", {"retry_after": wait_s})

    async def _about_updates(self, wanted: str, params: Params) -> Any:
        if wanted == "getupdates":
            return await self._get_updates(params)
        if wanted in ("setwebhook", "deletewebhook"):
            self._updates.webhook = _webhook(params) if wanted == "setwebhook" else ""
            if params.flag("drop_pending_updates"):
                self._updates.drop_all()
            return True
        url = self._updates.webhook
        info = {"url": url, "has_custom_certificate": False, "pending_update_count": len(self._updates)}
        return info | ({"allowed_updates": self._updates.allowed} if self._updates.allowed else {})

    async def _get_updates(self, params: Params) -> list[dict[str, Any]]:
        if self._updates.webhook:
            raise ApiError(409, _WEBHOOK)
        if params.text("allowed_updates"):
            self._updates.allowed = _kinds(params)
        limit = min(max(params.integer("limit", 100), 1), 100)
        timeout_s = min(max(params.integer("timeout"), 0), _POLL_LIMIT_S)
        try:
            return await self._updates.fetch(params.integer("offset"), limit, timeout_s)
        except Superseded:
            raise ApiError(409, _CONFLICT) from None

    async def _download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request)
        except ApiError as error:
            return _refusal(error)
        upload = self._state.uploads.get(request.match_info["file_id"])
        if upload is None:
            return _refusal(ApiError(404, "Not Found"))
        return web.Response(body=upload.content, content_type="application/octet-stream")


class _NoAnswer(Exception):
    """The caller gets something that is no Bot API answer, or nothing."""

    def __init__(self, response: web.Response) -> None:
        self.response = response
        super().__init__()


def _hung_up(request: web.Request) -> _NoAnswer:
    """Cut the connection; the response that aiohttp wants from us has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return _NoAnswer(web.Response())


def _refusal(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.code)


def _webhook(params: Params) -> str:
    """Read the address of a webhook. Nothing is ever delivered there; it only ends the polling."""
    url = params.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    return url


def _kinds(params: Params) -> list[str]:
    kinds = params.nested("allowed_updates")
    if not isinstance(kinds, list):
        raise bad_request("expected an Array of String as allowed_updates")
    return [str(kind) for kind in kinds]


async def _read(request: web.Request) -> Params:
    """Read a call's parameters. Raises ApiError 400 for a body that is none of the three kinds."""
    try:
        if not request.can_read_body:
            return Params(dict(request.query))
        if request.content_type == "application/json":
            return Params(dict(request.query) | _json_fields(await request.json()))
        form = await request.post()
    except (ValueError, LookupError):
        kind = "JSON object" if request.content_type == "application/json" else "request body"
        raise bad_request(f"can't parse {kind}") from None
    fields, files = dict(request.query), {}
    for name, value in form.items():
        if isinstance(value, web.FileField):
            files[name] = File(value.filename, value.content_type, value.file.read())
        else:
            fields[name] = str(value)
    return Params(fields, files)


def _json_fields(body: Any) -> dict[str, str]:
    """Spell a JSON body as a form would have; null means left out."""
    if not isinstance(body, dict):
        raise bad_request("can't parse JSON object")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in body.items()
        if value is not None
    }
