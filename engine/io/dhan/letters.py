"""Order commands as dhanhq writes them, before anybody has sent them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dhanhq import DhanContext, DhanHTTP, dhanhq

__all__ = ["Letter", "letters"]


class Letter(NamedTuple):
    """One request, not yet sent.

    Attributes:
        method: HTTP's word.
        endpoint: the path after the base URL, with its slash.
        payload: the JSON body without the client id; None or empty = none.
    """

    method: str
    endpoint: str
    payload: Mapping[str, Any] | None


class _LetterHTTP(DhanHTTP):  # type: ignore[misc]  # dhanhq has no types
    """dhanhq's HTTP class that hands back what it is to send."""

    def _send_request(
        self, method: DhanHTTP.HttpMethods, endpoint: str, payload: Mapping[str, Any] | None = None
    ) -> Letter:
        return Letter(method.value, endpoint, payload)


def letters(client_id: str) -> dhanhq:
    """The API of dhanhq, of which each method returns its `Letter` and sends nothing."""
    context = DhanContext(client_id, "")
    context.dhan_http = _LetterHTTP(client_id, "")
    return dhanhq(context)
