"""The HTTP layer under `dhanhq`: it keeps what dhanhq's own throws away.

dhanhq 2.3.0 folds refusals, timeouts, resets and broken bodies into one "failure" and drops the HTTP
status. Its API methods hand through whatever this layer returns, so ours returns a `Reply`, and
`engine.io.dhan.outcomes` decides what it means. Nothing is retried here, nothing is logged, and no
exception object leaves: those of requests hold the request and with it the access token.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from dhanhq import DhanHTTP
from requests import exceptions

from engine.io.dhan.last_look import LastLook, LookingAdapter, NotLeft
from engine.io.dhan.sockets import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0
#: For the whole answer: the read timeout starts again with every piece of it.
ANSWER_DEADLINE_S = 6.0
_PIECE_BYTES = 1 << 16

#: Raised before a single byte leaves: the address or a header cannot be used.
_UNUSABLE = (
    exceptions.InvalidHeader,
    exceptions.InvalidSchema,
    exceptions.InvalidURL,
    exceptions.MissingSchema,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one HTTP request.

    Attributes:
        status: the HTTP status; None = no whole answer arrived.
        body: the body as received; empty without an answer.
        failure: what went wrong when there is no answer, in a few words without addresses.
        sent: False only when no connection was ever made, or the last look held it back, so that nobody can
            have acted on it.
        retry_after_s: the server's wish, None when it has none.
        date_s: the server's clock when it answered, epoch seconds, whole; None when it does not say.
        took_s: from sending to the end of the answer.
    """

    status: int | None
    body: bytes = b""
    failure: str = ""
    sent: bool = True
    retry_after_s: float | None = None
    date_s: float | None = None
    took_s: float = 0.0


class ReplyHTTP(DhanHTTP):  # type: ignore[misc]  # dhanhq has no types
    """dhanhq's HTTP class with `Reply` objects for answers and the token read for every call.

    Attributes:
        look: by it a thread has all looked at that it sends.
    """

    def __init__(
        self, client_id: str, access_token: Callable[[], str], base_url: str, proxy: str | None = None
    ) -> None:
        """Prepare one session; ``access_token`` is called on the threads that send.

        ``proxy``: the way to Dhan, and then no other; None = as the environment says.
        """
        super().__init__(client_id, "")
        self.base_url = base_url.rstrip("/")
        self.timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        self._access_token = access_token
        # The sandbox is on this host: a proxy of the environment would carry its calls away.
        self.session.trust_env = not is_loopback(base_url)
        if proxy is not None:  # the account's registered address: never go round it
            self.session.trust_env = False
            self.session.proxies = {"http": proxy, "https": proxy}
        self.look = LastLook()
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, LookingAdapter(self.look, pool_maxsize=4))

    def headers(self) -> dict[str, str]:
        """What each request says of us, with the token of this moment."""
        own: dict[str, str] = self.header
        return own | {"access-token": self._access_token(), "dhanClientId": self.client_id}

    def body(self, payload: Mapping[str, Any] | None) -> str | None:
        """The JSON of a request; None when it has none."""
        return json.dumps({**payload, "dhanClientId": self.client_id}) if payload else None

    def _send_request(
        self, method: DhanHTTP.HttpMethods, endpoint: str, payload: Mapping[str, Any] | None = None
    ) -> Reply:
        """Send once and keep everything; never raises for what the network does."""
        body, headers = self.body(payload), self.headers()
        began_s = time.monotonic()
        until_s = began_s + ANSWER_DEADLINE_S
        try:
            with self.session.request(
                method.value,
                self.base_url + endpoint,
                data=body,
                headers=headers,
                timeout=self.timeout,
                # A redirected POST is sent again as a GET: an answer to something never asked.
                allow_redirects=False,
                stream=True,
            ) as response:
                whole = b"".join(pieces(response, until_s))
        except NotLeft as held_back:
            return Reply(None, failure=str(held_back), sent=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            return Reply(None, failure=type(problem).__name__, sent=not _never_connected(problem))
        return Reply(
            response.status_code,
            whole,
            retry_after_s=retry_after_s(response.headers.get("Retry-After", "")),
            date_s=date_s(response.headers.get("Date", "")),
            took_s=time.monotonic() - began_s,
        )


def pieces(response: requests.Response, until_s: float) -> Iterator[bytes]:
    """Yield a streamed body as it comes in, until this moment of the monotonic clock.

    Raises:
        TimeoutError: it was not complete by then.
        urllib3.exceptions.HTTPError: it broke off, or came too slowly.
    """
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        yield piece
        if time.monotonic() > until_s:
            raise TimeoutError


def _never_connected(problem: Exception) -> bool:
    """Tell whether the failure came before there was a connection to send anything on."""
    if isinstance(problem, (exceptions.ConnectTimeout, *_UNUSABLE)):
        return True
    cause = problem.args[0] if problem.args else None
    # of a proxy only as long as it has not let us through, so that nothing can have gone on to Dhan
    never = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ProxyError)
    return isinstance(getattr(cause, "reason", None), never)


def date_s(words: str) -> float | None:
    """Read a Date header, which every server should send; epoch seconds."""
    try:
        return parsedate_to_datetime(words).timestamp()
    except (ValueError, OverflowError, IndexError):  # a year or a zone beyond all calendars
        return None


def retry_after_s(words: str) -> float | None:
    """Read a Retry-After header in its form of whole seconds."""
    return float(words) if words.isascii() and words.isdigit() else None
