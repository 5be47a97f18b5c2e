"""Every row of the table of outcomes: HTTP status x body shape x exception x command."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
import urllib3
from requests import exceptions

from engine.io.dhan import outcomes
from engine.io.dhan.http import Reply, ReplyHTTP
from engine.io.dhan.outcomes import outcome_of
from engine.messages import Accepted, Refused, Unknown, Verb

P, M, C = Verb.PLACE, Verb.MODIFY, Verb.CANCEL
ORDERS, CHANGES = (P, M, C), (M, C)
ARM, DISARM, KILL, OUT = Verb.ARM, Verb.DISARM, Verb.KILL, Verb.EXIT_ALL
NETS = (ARM, DISARM, KILL)
ALL = (*ORDERS, *NETS, OUT)

#: The shapes of a body that people have met (facts on Dhan's API), by the letters used there.
BODIES: dict[str, Any] = {
    "empty": b"",
    "blank": b" \n",
    "cut": b'{"orderId":"75250',
    "page": b"<html><h1>502 Bad Gateway</h1></html>",
    "null": None,
    "text": "fine",
    "list": [],
    "order": {"orderId": "752502167405", "orderStatus": "TRANSIT"},
    "order in a list": [{"orderId": "752502167405", "orderStatus": "PENDING"}],
    "two orders": [{"orderId": "1"}, {"orderId": "2"}],
    "no id": {"orderStatus": "TRANSIT"},
    "odd id": {"orderId": "../positions", "orderStatus": "TRANSIT"},
    "rejected": {"orderId": "1", "orderStatus": "REJECTED", "omsErrorDescription": "RMS: no"},
    "success": {"status": "success"},
    "exited": {"status": "SUCCESS", "message": "All orders and positions exited successfully"},
    "half exited": {"status": "ERROR", "message": "Some positions could not be exited"},
    "armed": {"pnlExitStatus": "ACTIVE", "message": "P&L based exit configured successfully"},
    "disarmed": {"pnlExitStatus": "DISABLED", "message": "P&L based exit stopped successfully"},
    "not armed": {"pnlExitStatus": "INACTIVE"},
    "killed": {"dhanClientId": "1", "killSwitchStatus": "Kill Switch has been successfully activated"},
    "kill on": {"dhanClientId": "1", "killSwitchStatus": "ACTIVATE"},
    "kill undone": {"dhanClientId": "1", "killSwitchStatus": "Kill Switch has been successfully deactivated"},
    "kill off": {"dhanClientId": "1", "killSwitchStatus": "DEACTIVATE"},
    "A": {"errorType": "Order_Error", "errorCode": "DH-906", "errorMessage": "Market is Closed!"},
    "A with id": {"errorCode": "DH-906", "errorMessage": "late", "orderId": "1"},
    "B": {"status": "failed", "data": {"805": "Too many requests"}},
    "C": {"status": "failure", "remarks": "no"},
    "D": {"errorCode": "NONE", "httpStatus": "BAD_REQUEST", "internalErrorCode": "RS-9005"},
    "E": {"timestamp": 1737794954581, "status": 404, "error": "Not Found", "path": "/v2/x"},
    "F": {"status": "error", "message": "Invalid TOTP"},
    "DH-908": {"errorCode": "DH-908", "errorMessage": "Internal_Server_Error"},
    "DH-909": {"errorCode": "DH-909", "errorMessage": "Network_Error"},
    "DH-910": {"errorCode": "DH-910", "errorMessage": "Others"},
    "800": {"status": "failed", "data": {"800": "Internal Server Error"}},
}  # fmt: skip
ERRORS = ("A", "B", "C", "D", "F")
LOST = ("DH-908", "DH-909", "DH-910", "800")
CONTROL = ("exited", "armed", "disarmed", "killed")
UNCLEAR = ("cut", "page", "null", "text", "list", "two orders", "no id", "odd id")


class Row(NamedTuple):
    """Which line of the table decides, for which answers, and what it says."""

    line: str
    statuses: tuple[int, ...]
    bodies: tuple[str, ...]
    verbs: tuple[Verb, ...]
    outcome: type


ROWS = [
    Row("HTTP 5xx, 3xx, 408, 425, 499", (301, 302, 307, 408, 425, 499, 500, 502, 503, 504),
        (*ERRORS, *UNCLEAR, *CONTROL, "empty", "order", "success", "rejected"), ALL, Unknown),
    Row("error body with DH-908, 909, 910 or 800", (200, 202, 400, 404, 429, 500), LOST, ALL, Unknown),
    Row("HTTP 429", (429,), (*ERRORS, *UNCLEAR, "empty", "E"), ALL, Refused),
    Row("any other HTTP 4xx", (400, 401, 403, 404, 405, 409, 422),
        (*ERRORS, *UNCLEAR, "empty", "E"), ALL, Refused),
    Row("HTTP 2xx, orderStatus REJECTED", (200, 201, 202), ("rejected",), ALL, Refused),
    Row("HTTP 2xx, error body that names an order all the same", (200, 202), ("A with id",), ALL, Unknown),
    Row("HTTP 2xx, error body, exit all", (200, 202), (*ERRORS, "half exited"), (OUT,), Unknown),
    Row("HTTP 2xx, error body", (200, 202), ERRORS, (*ORDERS, *NETS), Refused),
    Row("HTTP 2xx, the status word that was asked for, account", (200, 202), ("armed",), (ARM,), Accepted),
    Row("HTTP 2xx, the status word that was asked for, account", (200, 202),
        ("disarmed", "not armed"), (DISARM,), Accepted),
    Row("HTTP 2xx, the status word that was asked for, account", (200, 202),
        ("killed", "kill on"), (KILL,), Accepted),
    Row("HTTP 2xx, order id (letters and digits) in the body", (200, 201, 202),
        ("order", "order in a list"), ORDERS, Accepted),
    Row("HTTP 2xx, empty body or a bare success, modify / cancel", (200, 202),
        ("empty", "blank", "success"), CHANGES, Accepted),
    Row("HTTP 2xx, empty body or a bare success, exit all", (200, 202),
        ("empty", "blank", "success", "exited"), (OUT,), Accepted),
    Row("HTTP 2xx, anything else", (200, 202), ("empty", "blank", "success"), (P, *NETS), Unknown),
    Row("HTTP 2xx, anything else", (200, 202), ("order", "order in a list", "exited"), NETS, Unknown),
    Row("HTTP 2xx, anything else", (200, 202), ("order", "order in a list"), (OUT,), Unknown),
    Row("HTTP 2xx, anything else", (200, 202),
        ("disarmed", "not armed", "killed", "kill undone"), (ARM,), Unknown),
    Row("HTTP 2xx, anything else", (200, 202), ("armed", "killed", "kill off"), (DISARM, OUT), Unknown),
    Row("HTTP 2xx, anything else", (200, 202), ("armed", "kill undone", "kill off"), (KILL,), Unknown),
    Row("HTTP 2xx, anything else", (200, 201, 202), (*UNCLEAR, "E"), ALL, Unknown),
]  # fmt: skip

#: What is raised when sending, the line that decides, and the outcome.
RAISED = [
    (exceptions.ConnectTimeout(), "no connection was ever made", Refused),
    (exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(
        None, "", urllib3.exceptions.NewConnectionError(None, "refused"))),
        "no connection was ever made", Refused),
    (exceptions.InvalidURL(), "no connection was ever made", Refused),
    (exceptions.InvalidHeader(), "no connection was ever made", Refused),
    (exceptions.ReadTimeout(), "timeout, reset, cut body: no whole answer", Unknown),
    (exceptions.ConnectionError("reset by peer"), "timeout, reset, cut body: no whole answer", Unknown),
    (exceptions.SSLError(), "timeout, reset, cut body: no whole answer", Unknown),
    (exceptions.ChunkedEncodingError(), "timeout, reset, cut body: no whole answer", Unknown),
    (exceptions.ContentDecodingError(), "timeout, reset, cut body: no whole answer", Unknown),
    (urllib3.exceptions.ProtocolError("cut"), "timeout, reset, cut body: no whole answer", Unknown),
    (urllib3.exceptions.IncompleteRead(1, 2), "timeout, reset, cut body: no whole answer", Unknown),
    (TimeoutError(), "timeout, reset, cut body: no whole answer", Unknown),
    (BrokenPipeError(), "timeout, reset, cut body: no whole answer", Unknown),
    (ValueError("broken"), "timeout, reset, cut body: no whole answer", Unknown),
]  # fmt: skip


def cases():
    for row in ROWS:
        for status in row.statuses:
            for body in row.bodies:
                for verb in row.verbs:
                    yield pytest.param(row, status, body, verb, id=f"{verb} {status} {body}")


@pytest.mark.parametrize(("row", "status", "body", "verb"), list(cases()))
def test_every_answer_has_the_outcome_of_its_row(row: Row, status: int, body: str, verb: Verb):
    """A definite yes, a definite no, or nobody knows; a modify or cancel is about the order we named."""
    raw = BODIES[body] if isinstance(BODIES[body], bytes) else json.dumps(BODIES[body]).encode()
    said = outcome_of(verb, Reply(status, raw), "77")
    assert type(said) is row.outcome
    if isinstance(said, Accepted):
        assert said.order_id == {P: "752502167405", M: "77", C: "77"}.get(verb, "")


@pytest.mark.parametrize("verb", ALL)
@pytest.mark.parametrize(
    ("problem", "outcome"), [(raised, outcome) for raised, _, outcome in RAISED], ids=repr
)
def test_every_exception_of_the_http_layer_has_its_outcome(verb: Verb, problem: Exception, outcome: type):
    """Only when there was never a connection is it sure that nobody has acted on it."""
    http = ReplyHTTP("1000000001", lambda: "canary", "http://127.0.0.1:9/v2")

    def request(*_args: object, **_more: object) -> object:
        raise problem

    http.session.request = request
    said = outcome_of(verb, http.post("/orders", {"quantity": 65}), "77")
    assert type(said) is outcome


def test_the_table_in_the_documentation_has_these_rows_and_no_others():
    """A row that is written there is tested here, and the other way round."""
    table = (outcomes.__doc__ or "").split("::")[1].split("Error bodies")[0]
    written = [line.strip().rsplit("  ", 1)[0].strip() for line in table.splitlines() if line.strip()]
    assert set(written) == {row.line for row in ROWS} | {line for _, line, _ in RAISED}


def test_no_answer_stands_in_two_rows():
    """Status, shape and command lead to one row only."""
    seen = [(status, body, verb) for row in ROWS for status in row.statuses for body in row.bodies
            for verb in row.verbs]  # fmt: skip
    assert len(seen) == len(set(seen))
