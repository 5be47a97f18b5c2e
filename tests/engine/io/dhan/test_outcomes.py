"""The table that turns HTTP answers into outcomes and errors, line by line."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AuthFailed, RateLimited, SourceError, Unreachable
from engine.io.dhan.http import Reply
from engine.io.dhan.outcomes import answer_of, outcome_of, rows_of
from engine.io.interpreter import shared_fairly
from engine.messages import Accepted, Refused, Unknown, Verb
from engine.refusals import Remedy, remedy

CHANGES = [Verb.MODIFY, Verb.CANCEL]


def reply(status: int, body: Any = None, **more: Any) -> Reply:
    """An HTTP answer with a JSON body, or with raw bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, raw, **more)


DH_906 = {"errorType": "Order_Error", "errorCode": "DH-906", "errorMessage": "Market is Closed!"}
SHAPE_B = {"status": "failed", "data": {"805": "Too many requests."}}
SHAPE_D = {"errorCode": "NONE", "httpStatus": "BAD_REQUEST", "internalErrorCode": "RS-9005"}
SHAPE_E = {"timestamp": 1737794954581, "status": 404, "error": "Not Found", "path": "/v2/x"}


def test_while_a_long_answer_is_read_other_threads_have_their_turns():
    """The loop's is one of them: in one piece three thousand quotes hold it for 40 ms."""
    rows = [{"depth": [{"price": n / 20, "quantity": n}] * 10} for n in range(3_000)]
    long, begun, over, turns = reply(200, rows), threading.Event(), threading.Event(), []

    def other() -> None:
        while not over.wait(1e-6):  # gives the interpreter away each time
            turns.append(1)
            begun.set()

    with shared_fairly():
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait()
        turns.clear()
        read = answer_of(long)
        had = len(turns)
        over.set()
        thread.join()
    assert read == rows
    assert had >= 5


@pytest.mark.parametrize("verb", [Verb.PLACE, *CHANGES])
def test_an_order_id_is_acceptance(verb: Verb):
    """A success with an order id was taken; the id of a changed order is the one we asked about."""
    outcome = outcome_of(verb, reply(200, {"orderId": "752502167405", "orderStatus": "TRANSIT"}), "7525")
    assert outcome == Accepted("752502167405" if verb is Verb.PLACE else "7525")
    assert isinstance(outcome_of(verb, reply(201, [{"orderId": 5, "orderStatus": "PENDING"}]), "5"), Accepted)


@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize("answer", [Reply(202), Reply(200, b"  "), reply(200, {"status": "success"})])
def test_changes_may_be_accepted_without_a_body(verb: Verb, answer: Reply):
    """Cancel and modify are answered 202 with nothing by one of Dhan's two documentations."""
    assert outcome_of(verb, answer, "7") == Accepted("7")


@pytest.mark.parametrize(
    "answer",
    [
        Reply(202),
        Reply(200),
        reply(200, {"status": "success"}),
        reply(200, {"orderId": ""}),
        reply(200, {"orderId": "0"}),
        reply(200, {"orderId": "NA"}),
        reply(200, {"orderId": "../positions"}),
        reply(200, {"orderId": True}),
        reply(200, {"orderId": {"id": "7"}}),
        reply(200, [{"orderId": "7"}, {"orderId": "8"}]),
        reply(200, []),
    ],
    ids=str,
)
def test_a_new_order_without_an_id_is_unknown(answer: Reply):
    """A success that names no order does not say that there is one, nor that there is none."""
    assert isinstance(outcome_of(Verb.PLACE, answer), Unknown)


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize(
    "answer",
    [
        Reply(None, failure="ReadTimeout"),
        Reply(200, b'{"orderId":"75250'),
        Reply(200, b"<html>"),
        reply(200, "fine"),
        reply(200, None),
        Reply(500, b'{"orderId":"1"}'),
        Reply(502, b"<html>Bad Gateway</html>"),
        reply(503, DH_906),
        Reply(302),
        Reply(408, b"<html>"),
        reply(400, DH_906 | {"errorCode": "DH-908"}),
        reply(200, DH_906 | {"errorCode": "DH-909"}),
        reply(200, DH_906 | {"orderId": "752502167405", "orderStatus": "TRANSIT"}),
        reply(200, {"status": "failed", "orderId": "752502167405"}),
    ],
    ids=str,
)
def test_what_nobody_knows_is_unknown(verb: Verb, answer: Reply):
    """Silence, cut bodies, gateways and Dhan losing track of itself are unknown, for every command."""
    assert isinstance(outcome_of(verb, answer, "7"), Unknown)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.EXIT_ALL])
@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (Reply(None, failure="NewConnection", sent=False), Refused("NOT-SENT", "not sent: NewConnection")),
        (reply(400, DH_906), Refused("DH-906", "Market is Closed!")),
        (reply(200, DH_906), Refused("DH-906", "Market is Closed!")),
        (reply(200, SHAPE_B), Refused("805", "Too many requests.")),
        (reply(400, SHAPE_D), Refused("RS-9005", "no words given")),
        (reply(200, {"status": "error", "message": "no"}), Refused("FAILED", "no")),
        (
            reply(429, DH_906 | {"errorCode": "DH-904", "errorMessage": "slow"}),
            Refused("DH-904", "slow"),
        ),
        (Reply(429, b""), Refused("HTTP-429", "empty body")),
        (Reply(403, b"<html>no</html>"), Refused("HTTP-403", "a web page instead of data: no")),
        (reply(404, SHAPE_E), Refused("HTTP-404", json.dumps(SHAPE_E))),
        (
            reply(200, {"orderId": "1", "orderStatus": "REJECTED", "omsErrorDescription": "RMS"}),
            Refused("REJECTED", "RMS"),
        ),
    ],
    ids=str,
)
def test_what_was_definitely_not_taken_is_refused(verb: Verb, answer: Reply, refused: Refused):
    """Refusals keep Dhan's code and words, whatever their shape and HTTP status."""
    assert outcome_of(verb, answer, "7") == refused


@pytest.mark.parametrize(
    "answer", [Reply(None, failure="ConnectTimeout", sent=False), Reply(429), reply(200, SHAPE_B)], ids=str
)
def test_passing_refusals_do_not_end_an_exit(answer: Reply):
    """What was never sent, or came too often, is tried again in a moment."""
    outcome = outcome_of(Verb.PLACE, answer)
    assert isinstance(outcome, Refused)
    assert remedy(outcome.code, outcome.reason) is Remedy.WAIT


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(None, failure="ReadTimeout"), Unreachable),
        (Reply(200), Unreachable),
        (Reply(200, b'[{"orderId"'), Unreachable),
        (Reply(502, b"<html>"), Unreachable),
        (reply(400, DH_906), Unreachable),
        (reply(200, {"errorCode": 806, "errorMessage": "Data APIs not subscribed"}), AuthFailed),
        (reply(401, {"errorCode": "DH-901", "errorMessage": "expired"}), AuthFailed),
        (reply(400, {"errorCode": "DH-906", "errorMessage": "Invalid Token"}), AuthFailed),
        (reply(400, {"errorCode": "DH-905", "errorMessage": "Invalid IP"}), AuthFailed),
        (reply(429, {"errorCode": "DH-904", "errorMessage": "slow"}), RateLimited),
        (reply(200, SHAPE_B), RateLimited),
        (Reply(429, b""), RateLimited),
    ],
    ids=str,
)
def test_failed_reads_say_what_the_caller_can_do(answer: Reply, error: type[SourceError]):
    """A read never gives an empty list for a failure: it raises by what can be done about it."""
    with pytest.raises(error):
        rows_of(answer)


def test_a_gateway_s_page_is_told_in_its_words_and_not_in_its_tags():
    """What ends up in a message on the phone can be read there."""
    page = b"<!doctype html>\n<html><style>p {color: red}</style><h1>502 Bad\nGateway</h1></html>"
    with pytest.raises(
        Unreachable, match=r"HTTP 502, HTTP-502: a web page instead of data: 502 Bad Gateway$"
    ):
        rows_of(Reply(502, page))


def test_how_long_to_wait():
    """The server's wish counts up to five minutes; without one a 429 waits a second and 805 a minute."""
    waits = []
    endless = Reply(429, b"", retry_after_s=float("inf"))
    for answer in (Reply(429, b"", retry_after_s=7.0), Reply(429, b""), reply(200, SHAPE_B), endless):
        with pytest.raises(RateLimited) as caught:
            answer_of(answer)
        waits.append(caught.value.retry_after_s)
    assert waits == [7.0, 1.0, 60.0, 300.0]


def test_rows_may_come_bare_or_in_a_list():
    """One order is a list of one on the wire and an object in the documentation."""
    assert rows_of(reply(200, [])) == []
    assert rows_of(reply(200, [{"orderId": "1"}])) == rows_of(reply(200, {"orderId": "1"}))
    neither: list[Any] = [{"data": []}, None, "[]", 5]
    for body in neither:
        with pytest.raises(Unreachable):
            rows_of(reply(200, body))


@given(
    verb=st.sampled_from(Verb),
    status=st.none() | st.integers(100, 599),
    body=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["orderId", "status", "errorCode", "data", "orderStatus"]), inner
            )
        ),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_every_answer_has_an_outcome(verb: Verb, status: int | None, body: bytes):
    """Any status and any body give one of three outcomes, and only a success is ever acceptance."""
    outcome = outcome_of(verb, Reply(status, body), "7")
    assert isinstance(outcome, (Accepted, Refused, Unknown))
    if isinstance(outcome, Accepted):
        assert status is not None
        assert 200 <= status < 300


def test_half_a_character_in_a_refusal_can_be_kept():
    """Its words go into alerts and files, and no encoding has a lone surrogate."""
    said = outcome_of(Verb.PLACE, reply(400, DH_906 | {"errorMessage": "Order \ud83d refused"}))
    assert said == Refused("DH-906", "Order ? refused")
