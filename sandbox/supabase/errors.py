"""What is refused, in PostgREST's words: one exception, and the HTTP status of every SQLSTATE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import asyncpg

# The longest prefix that fits counts; what fits none is 400.
_STATUS = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "23503": 409, "23505": 409, "25006": 405, "25": 500,
    "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500, "40": 500, "53": 503, "53400": 500, "54": 500,
    "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0001": 400, "P0": 500, "XX": 500, "42883": 404,
    "42P01": 404, "42P17": 500, "42501": 403,
}  # fmt: skip
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class ApiFault(Exception):
    """A request is refused with this status and body."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        details: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.hint = details, hint

    def answer(self) -> web.Response:
        """The refusal; without a code it comes from the gateway, in its own shape."""
        body = {"message": self.message, "hint": self.hint}
        if self.code is not None:
            body |= {"code": self.code, "details": self.details}
        return web.Response(status=self.status, text=json.dumps(body), content_type="application/json")


def from_database(error: asyncpg.PostgresError, role: str) -> ApiFault:
    """What the database refused."""
    state = error.sqlstate or "XX000"
    if state.startswith("PT") and state[2:].isdigit():
        status = int(state[2:])
    else:
        fitting = (prefix for prefix in (state, state[:2]) if prefix in _STATUS)
        status = _STATUS.get(next(fitting, ""), 400)
    if status == _FORBIDDEN and state == "42501" and role == "anon":
        status = _UNAUTHORIZED
    return ApiFault(status, state, str(error.message), details=error.detail, hint=error.hint)
