"""Supabase's own endpoints of the sandbox: what happened, and the strings to pull, for another process.

- ``GET /sandbox/state``: calls of the REST API, open sockets, channels and how many of them are live.
- ``POST /sandbox/faults``: ``{"arm": "fail", "status": 503, "times": 2}`` calls a method of `Faults` with
  the other fields; ``{"realtime": {"silent": true}}`` sets fields of `RealtimeFaults`; ``{"max_rows": 10}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.levers import assign, one_of
from sandbox.strict_json import parse

if TYPE_CHECKING:
    from sandbox.supabase.faults import Faults
    from sandbox.supabase.realtime import RealtimeRoom
    from sandbox.supabase.rest import RestRoom

_ARMS = (
    "clear", "close", "crash_channels", "cut", "drop", "empty", "end_channels", "fail", "hang", "lose_reply",
    "say_database_error", "slow",
)  # fmt: skip


def mount_control(app: web.Application, rest: RestRoom, realtime: RealtimeRoom, faults: Faults) -> None:
    """Serve the endpoints above."""

    async def state(_request: web.Request) -> web.Response:
        """What happened."""
        channels = [channel.topic for channel in realtime.channels]
        told = {"calls": rest.calls, "sockets": realtime.sockets, "channels": channels, "live": realtime.live}
        return web.json_response(told)

    async def arm(request: web.Request) -> web.Response:
        """Arm something."""
        try:
            _pull(faults, dict(parse(await request.read())))
        except (TypeError, ValueError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({"armed": faults.armed})

    app.router.add_get("/sandbox/state", state)
    app.router.add_post("/sandbox/faults", arm)


def _pull(faults: Faults, asked: dict[str, Any]) -> None:
    assign(faults.realtime, asked.pop("realtime", {}))
    assign(faults, {"max_rows": asked.pop("max_rows", faults.max_rows)}, ("max_rows",))
    if "arm" in asked:
        getattr(faults, one_of(asked.pop("arm"), _ARMS))(**asked)
    elif asked:
        one_of(next(iter(asked)), ("arm", "max_rows", "realtime"))
