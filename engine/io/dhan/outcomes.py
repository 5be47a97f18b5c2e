"""What an HTTP answer of Dhan's means: for a command one of three outcomes, for a read rows or an error.

For commands (of an order: place, modify, cancel; of the whole account: arm and disarm its P&L-based
exit, its kill switch, exit all), first line that fits::

    no connection was ever made                              refused, NOT-SENT
    timeout, reset, cut body: no whole answer                unknown
    HTTP 5xx, 3xx, 408, 425, 499                             unknown: a gateway speaks, not Dhan's order desk
    error body with DH-908, 909, 910 or 800                  unknown: Dhan itself lost track
    HTTP 429                                                 refused
    any other HTTP 4xx                                       refused, with the body's code and words
    HTTP 2xx, orderStatus REJECTED                           refused
    HTTP 2xx, error body that names an order all the same    unknown
    HTTP 2xx, error body, exit all                           unknown: some of it may be done
    HTTP 2xx, error body                                     refused
    HTTP 2xx, the status word that was asked for, account    accepted
    HTTP 2xx, order id (letters and digits) in the body      accepted
    HTTP 2xx, empty body or a bare success, modify / cancel  accepted (202 has no body)
    HTTP 2xx, empty body or a bare success, exit all         accepted (likewise)
    HTTP 2xx, anything else                                  unknown: nothing says that an order exists

Error bodies come in several shapes: ``errorCode`` with ``errorMessage``; ``status: failed`` with a
map of codes in ``data``; charts put the code in ``internalErrorCode``; the auth host has ``message``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import AuthFailed, RateLimited, SourceError, Unreachable, WireError
from engine.messages import Accepted, Outcome, Refused, Unknown, Verb
from engine.wire import identifier, sound

if TYPE_CHECKING:
    from engine.io.dhan.http import Reply

#: Codes by which Dhan says that something broke on its side, after we were heard.
_LOST_INSIDE = frozenset({"DH-908", "DH-909", "DH-910", "800"})
_AUTH_CODES = frozenset({"DH-901", "DH-902", "DH-903", "DH-911", "806", "807", "808", "809", "810"})
_AUTH_WORDS = ("invalid token", "invalid ip")
_LIMIT_CODES = frozenset({"DH-904", "805"})
_NO_SUCH_ORDER = frozenset({"DH-905", "DH-906", "DH-907"})
_NOT_THE_DESK = frozenset({408, 425, 499})
_FAILED = frozenset({"failed", "failure", "error"})
_REJECTED = "REJECTED"
#: Where a command of the account finds its answer, and the words that mean yes.
_STATUS_WORDS = {
    Verb.ARM: ("pnlExitStatus", frozenset({"active"})),
    Verb.DISARM: ("pnlExitStatus", frozenset({"disabled", "inactive"})),
    Verb.KILL: ("killSwitchStatus", frozenset({"activate", "kill switch has been successfully activated"})),
}

_RETRY_AFTER_S = 1.0
#: 805 threatens to block the user, so it earns a longer pause than a mere 429.
_RETRY_AFTER_805_S = 60.0
#: No wish of a server keeps us away for longer: it is the longest ban seen.
_RETRY_AFTER_LONGEST_S = 300.0
#: What a web page holds besides its words.
_TAGS = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_PAGE_LIMIT = 4_000
_WORDS_LIMIT = 200


class _NotJson:
    """Stands for a body that is not JSON, which null is."""


_NOT_JSON = _NotJson()
#: A longer answer is read in steps: in one, a thousand quotes hold the interpreter for 12 ms, on any thread.
_LONG_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error body: Dhan's code and words."""

    code: str
    words: str


def outcome_of(verb: Verb, reply: Reply, order_id: str = "") -> Outcome:
    """Decide what became of a command; see the table above.

    Args:
        verb: which command it was.
        reply: what came back.
        order_id: the order a modify or cancel was about.
    """
    if reply.status is None:
        return Unknown(reply.failure) if reply.sent else Refused("NOT-SENT", f"not sent: {reply.failure}")
    body = _json(reply.body)
    refusal = _refusal(body)
    if refusal is not None and refusal.code in _LOST_INSIDE:
        return Unknown(f"HTTP {reply.status}, {refusal.code}: {refusal.words}")
    if 400 <= reply.status < 500 and reply.status not in _NOT_THE_DESK:
        refusal = refusal or Refusal(f"HTTP-{reply.status}", _start_of(reply.body))
        return Refused(refusal.code, refusal.words)
    if not 200 <= reply.status < 300:
        return Unknown(f"HTTP {reply.status}: {_start_of(reply.body)}")
    return _success(verb, reply, refusal, order_id)


def answer_of(reply: Reply) -> object:
    """Return the JSON body of a read that worked.

    Raises:
        AuthFailed: the token, the plan or the address is refused.
        RateLimited: asked too often.
        Unreachable: no answer, or none that can be understood. An empty body is not an empty list.
    """
    if reply.status is None:
        msg = f"no answer from Dhan ({reply.failure})"
        raise Unreachable(msg)
    body = _json(reply.body)
    refusal = _refusal(body)
    if 200 <= reply.status < 300 and refusal is None and not isinstance(body, _NotJson):
        return body
    raise _source_error(reply, refusal or Refusal(f"HTTP-{reply.status}", _start_of(reply.body)))


def rows_of(reply: Reply) -> list[object]:
    """Return the rows of a read; Dhan answers some single rows bare and some in a list.

    Raises:
        SourceError: as `answer_of`; also when the body is neither a list nor one row.
    """
    body = answer_of(reply)
    if isinstance(body, list):
        return body
    if isinstance(body, dict) and body.get("orderId"):
        return [body]
    msg = f"Dhan answered {_start_of(reply.body)!r}, expected a list"
    raise Unreachable(msg)


def finds_nothing(reply: Reply) -> bool:
    """Whether Dhan says that it knows no order of that name: HTTP 400 or 404 with a code of its own."""
    refusal = _refusal(_json(reply.body))
    if refusal is None or reply.status not in {400, 404} or refusal.code not in _NO_SUCH_ORDER:
        return False
    return not any(word in refusal.words.casefold() for word in _AUTH_WORDS)


def _success(verb: Verb, reply: Reply, refusal: Refusal | None, order_id: str) -> Outcome:
    """Decide a 2xx, which may hold an error body all the same."""
    body = _json(reply.body)
    row = body[0] if isinstance(body, list) and len(body) == 1 else body
    fields: dict[str, Any] = row if isinstance(row, dict) else {}
    if str(fields.get("orderStatus")).upper() == _REJECTED:
        return Refused(_REJECTED, str(fields.get("omsErrorDescription") or "rejected at once"))
    named = _order_id(fields)
    unclear = Unknown(f"HTTP {reply.status}: {_start_of(reply.body)}")
    if refusal is not None:
        partly = named or verb is Verb.EXIT_ALL
        return unclear if partly else Refused(refusal.code, refusal.words)
    if verb in _STATUS_WORDS:
        name, words = _STATUS_WORDS[verb]
        return Accepted("") if _word(fields, name) in words else unclear
    if verb is Verb.PLACE:
        return Accepted(named) if named else unclear
    bare = _word(fields, "status") == "success" or not reply.body.strip()
    if verb is Verb.EXIT_ALL:
        return Accepted("") if bare else unclear
    return Accepted(order_id) if named or bare else unclear


def _word(fields: dict[str, Any], name: str) -> str:
    """A status word, in small letters; empty when there is none."""
    return str(fields.get(name) or "").strip().casefold()


def _order_id(fields: dict[str, Any]) -> str:
    """Find the order's number; empty when there is none that could be one."""
    try:
        return identifier(fields, "orderId")
    except WireError:
        return ""


def _refusal(body: object) -> Refusal | None:
    """Recognise an error body in any of its shapes; None when it is none."""
    if not isinstance(body, dict):
        return None
    code = body.get("internalErrorCode") or body.get("errorCode")
    if code:
        return Refusal(str(code), _words(body))
    if str(body.get("status") or "").casefold() not in _FAILED:
        return None
    data = body.get("data")
    if isinstance(data, dict) and data:
        number, words = next(iter(data.items()))
        return Refusal(str(number), str(words)[:_WORDS_LIMIT])
    return Refusal("FAILED", _words(body))


def _words(body: dict[str, Any]) -> str:
    """Find the sentence of an error body."""
    names = ("errorMessage", "internalErrorMessage", "message", "remarks")
    return next((str(body[name])[:_WORDS_LIMIT] for name in names if body.get(name)), "no words given")


def _source_error(reply: Reply, refusal: Refusal) -> SourceError:
    """Sort a failed read by what the caller can do about it."""
    text = f"Dhan answered HTTP {reply.status}, {refusal.code}: {refusal.words}"
    said = refusal.words.casefold()
    if reply.status == 429 or refusal.code in _LIMIT_CODES:
        default_s = _RETRY_AFTER_805_S if refusal.code == "805" else _RETRY_AFTER_S
        return RateLimited(text, min(reply.retry_after_s or default_s, _RETRY_AFTER_LONGEST_S))
    if reply.status in {401, 403} or refusal.code in _AUTH_CODES or any(w in said for w in _AUTH_WORDS):
        return AuthFailed(text)
    return Unreachable(text)


def _step(found: dict[str, object]) -> dict[str, object]:
    """Nothing but a call: before each another thread has its turn if it wants it."""
    return found


def _json(body: bytes) -> object:
    """Decode a body; `_NOT_JSON` for one that is not JSON."""
    try:
        value = json.loads(body, object_hook=_step if len(body) > _LONG_BYTES else None)
        return sound(value) if b"\\u" in body else value
    except (ValueError, RecursionError):
        return _NOT_JSON


def _start_of(body: bytes) -> str:
    """Show the beginning of a body in one line; of a gateway's page only its words."""
    text = body[:_PAGE_LIMIT].decode(errors="replace").strip()
    if text.startswith("<"):
        text = f"a web page instead of data: {_TAGS.sub(' ', text)}"
    return " ".join(text.split())[:_WORDS_LIMIT] or "empty body"
