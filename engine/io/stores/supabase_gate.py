"""The one way to a Supabase project's REST API: the unmodified client, and what its errors mean in words.

The key is in headers alone; no text made here quotes a header, an address or a body of a request.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import httpx
from postgrest import APIError, APIResponse
from supabase import AsyncClient, AsyncClientOptions

from engine.errors import AuthFailed, Declined, RateLimited, SourceError, Unreachable

if TYPE_CHECKING:
    from engine.words import Secret

_TIMEOUT = httpx.Timeout(8.0, connect=3.0)
#: How long to wait when the gateway limits us and does not say for how long.
_WAIT_S = 30.0
_TOO_MANY, _PAUSED = 429, 540
#: HTTP status and Retry-After of the answer to this task's question; the client keeps them to itself.
_answered: ContextVar[list[tuple[int, str]]] = ContextVar("answered")

_MIGRATE = "apply the files of deploy/supabase/migrations (docs/supabase.md)"
#: What a code means and what to do; PostgREST's own words follow.
_LACKS = {
    "PGRST205": f"a table is missing: {_MIGRATE}",
    "42P01": f"a table is missing: {_MIGRATE}",
    "PGRST204": f"a column is missing: {_MIGRATE}",
    "42703": f"a column is missing: {_MIGRATE}",
    "PGRST202": f"a function is missing or of another version: {_MIGRATE}",
    "42883": f"a function is missing or of another version: {_MIGRATE}",
    "57014": "the database took too long (statement timeout)",
}
_REFUSED = {
    "42501": "the key may not do this: use the secret key, and apply 20261128090400_access.sql",
    "PGRST301": "the key is refused",
    "PGRST302": "the key is refused",
    "PGRST303": "the key has expired",
    "28000": "the key is refused",
    "401": "the key is refused",
    "403": "the key is refused",
}


class Conflict(SourceError):
    """The database refused because somebody else was faster; ``detail`` is what stands there (JSON text)."""

    def __init__(self, text: str, detail: str) -> None:
        """Keep what stands there."""
        self.detail = detail
        super().__init__(text)


class Answer(NamedTuple):
    """JSON of an answer, and how many rows there are if that was asked; None = it does not say."""

    data: Any
    total: int | None


class _Asks(Protocol):
    """A question of the client's, ready to be sent."""

    async def execute(self) -> APIResponse: ...


class Gate:
    """One HTTP client for everything that is asked of the project.

    Args:
        url: the project's address.
        key: the secret key, or a legacy one.
        timeout: of each question.

    Attributes:
        sees_all: False = row level security may hide rows from this key, without an error.
    """

    def __init__(
        self, url: str, key: Secret, *, sees_all: bool = True, timeout: httpx.Timeout = _TIMEOUT
    ) -> None:
        """Connects to nothing before the first question."""
        self.url, self.key, self.sees_all = url, key, sees_all
        # The authorities take 20 ms to read, and loopback speaks plain HTTP.
        context = httpx.create_ssl_context() if url.startswith("https") else _plain()
        self._http = httpx.AsyncClient(
            http2=False,
            timeout=timeout,
            verify=context,
            event_hooks={"response": [_note]},
            limits=httpx.Limits(max_connections=8, keepalive_expiry=15.0),
        )
        options = AsyncClientOptions(
            httpx_client=self._http,
            postgrest_client_retry=False,
            auto_refresh_token=False,
            persist_session=False,
        )
        self._client = AsyncClient(url, key.reveal(), options)

    async def ask(self, make: Callable[[AsyncClient], _Asks]) -> Answer:
        """Send one question, once.

        Raises:
            Conflict: a function refused with PT409.
            AuthFailed: the key is refused, or lacks a right.
            RateLimited: asked too often.
            Declined: it is there and does not do this: something is missing, or the question is wrong to it.
            Unreachable: no answer, or not an understandable one.
        """
        answered: list[tuple[int, str]] = []
        _answered.set(answered)
        try:
            said = await make(self._client).execute()
        except APIError as error:
            status, after = answered[-1] if answered else (0, "")
            raise _in_words(error, status, after) from None
        except httpx.TimeoutException:
            raise Unreachable("Supabase: no answer in time") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"Supabase cannot be reached ({type(error).__name__})") from None
        except ValueError:  # of JSON, and of the client's own models
            raise Unreachable("Supabase: the answer cannot be understood") from None
        data: Any = said.data
        if isinstance(data, str):  # a gateway's page: the client takes what is no JSON for text
            raise Unreachable("Supabase: the answer cannot be understood")
        return Answer(data, said.count)

    async def call(self, name: str, **arguments: Any) -> Any:
        """Call a function of the database, in one transaction; its JSON. Raises as `ask` does."""
        given = {f"p_{each}": value for each, value in arguments.items()}
        return (await self.ask(lambda client: client.rpc(name, given))).data

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


async def _note(response: httpx.Response) -> None:
    _answered.get([]).append((response.status_code, response.headers.get("Retry-After", "")))


def _plain() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _in_words(error: APIError, status: int, retry_after: str) -> SourceError:
    """The error as one of ours, with what to do about it."""
    code, said = error.code or str(status), _short(error.message)
    if code == "PT409":
        return Conflict(said, str(error.details or ""))
    if status == _TOO_MANY:
        wait_s = float(retry_after) if retry_after.isdecimal() else _WAIT_S
        return RateLimited("Supabase: asked too often", wait_s)
    if status == _PAUSED:
        return Unreachable("the Supabase project is paused: restore it in the dashboard")
    if code in _LACKS:
        return Declined(f"Supabase: {_LACKS[code]} ({said})")
    if code in _REFUSED or str(status) in _REFUSED:
        return AuthFailed(f"Supabase: {_REFUSED.get(code) or _REFUSED[str(status)]} ({said})")
    kind = Declined if 400 <= status < 500 else Unreachable
    return kind(f"Supabase answers {status or 'nothing'} ({code}: {said})")


def _short(message: str | None) -> str:
    return " ".join((message or "no words").split())[:200]
