"""Dhan's recorded answers, each read the way the house reads that address."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AuthFailed, RateLimited, SourceError, Unreachable
from engine.io.dhan.http import Reply
from engine.io.dhan.outcomes import answer_of, outcome_of, rows_of
from engine.messages import Accepted, Refused, Verb
from engine.wire import parse_order_row, parse_profile, parse_quotes, parse_trade_row

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "dhan" / "recorded_rest.jsonl"


def recorded(method: str, end: str) -> list[tuple[int, Reply]]:
    """What was answered to calls of this kind: the status and the answer."""
    if not RECORDED.exists():
        pytest.skip(f"recorded data not here: {RECORDED.name}")
    found = []
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        real = row["provenance"].startswith("recorded")
        if real and row["method"] == method and end in row["url"]:
            found.append((row["status"], Reply(row["status"], json.dumps(row["response"]).encode())))
    assert found, "no such recording"
    return found


def failures(replies: list[tuple[int, Reply]]) -> set[tuple[int, type[SourceError]]]:
    """How the failed reads among them are sorted."""
    seen = set()
    for status, reply in replies:
        try:
            answer_of(reply)
        except SourceError as problem:
            seen.add((status, type(problem)))
    return seen


@pytest.mark.parametrize(
    ("end", "parse"), [("/orders", parse_order_row), ("/trades", parse_trade_row), ("/positions", None)]
)
def test_recorded_books(end: str, parse: Callable[[object], Any] | None):
    """Every recorded row of a book that was answered is understood; failed reads give no rows."""
    for status, reply in recorded("GET", end):
        if "/trades/" in end or status != 200:
            continue
        rows = rows_of(reply)
        if parse is None:
            assert rows == []
            continue
        for row in rows:
            if isinstance(row, dict) and row.get("exchangeTradeId") != "0":  # history has no trade ids
                assert parse(row).order_id


def test_recorded_commands():
    """A recorded new order is accepted under its number, an empty and a late one refused in Dhan's words."""
    empty, placed = [outcome_of(Verb.PLACE, reply) for _, reply in recorded("POST", "/v2/orders")]
    assert placed == Accepted("752502167405")
    assert isinstance(empty, Refused)
    assert empty.code == "DH-905"
    ((_, changed),) = recorded("PUT", "/v2/orders")
    refused = outcome_of(Verb.MODIFY, changed, "952502167319")
    assert isinstance(refused, Refused)
    assert (refused.code, "Market is Closed" in refused.reason) == ("DH-906", True)


def test_recorded_failures():
    """A dead token under the order error's code is the token's fault, 429 a limit, the rest no answer."""
    assert failures(recorded("POST", "/charts/historical")) == {(400, AuthFailed)}
    assert failures(recorded("POST", "/charts/intraday")) == {(400, Unreachable), (500, Unreachable)}
    assert failures(recorded("POST", "/marketfeed")) == {(200, AuthFailed), (429, RateLimited)}
    assert failures(recorded("GET", "endpoint")) == {(404, Unreachable)}


def test_recorded_quotes_and_profiles():
    """Quotes of contracts long dead are zeros or nothing, never an error; the profile has its times."""
    for status, reply in recorded("POST", "/marketfeed/quote"):
        if status == 200:
            assert {tick.ltp_paise for tick in parse_quotes(answer_of(reply), {})} <= {0}
    for _, reply in recorded("GET", "/profile"):
        assert parse_profile(answer_of(reply)).token_valid_until_s
