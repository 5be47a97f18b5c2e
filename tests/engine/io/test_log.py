"""The log: canaries are driven through every way out, and none may come through."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import threading
import warnings
from io import StringIO
from threading import Event
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import websockets
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import InvalidToken

from engine.io.log import SPEAKER, TAIL_LINES, Redactor, _process, _Terminal, configure_logging, log_to

JWT = "eyJhbGciOiJIUzUxMiJ9.eyJjYW5hcnkiOiJjYW5hcnktY2FuYXJ5In0.Y2FuYXJ5LWNhbmFyeS1jYW5hcnk_-A"
BOT = "123456789:canary-canary-canary-canary-12345"
PASSWORD = "canary-pass/word"

log = logging.getLogger("tests.birds")


def contents(directory) -> str:
    """Everything in the log's files."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted((directory / "logs").iterdir()))


def lines(directory, file="monitor") -> list[dict[str, Any]]:
    """The lines of one of them, read."""
    text = (directory / "logs" / f"{file}.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def logging_here(tmp_path):
    """The log at DEBUG in this test's directory, knowing the canaries."""
    with log_to(tmp_path, level="DEBUG", secrets=[JWT, BOT, PASSWORD]):
        yield tmp_path


def assert_clean(directory, capsys) -> str:
    """No canary in the file or on the terminal; the file's text."""
    text = contents(directory)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Terminal):  # it prints by a thread
            assert handler._printer.flush()
    terminal = capsys.readouterr()
    for where in (text, terminal.out, terminal.err):
        for canary in (
            JWT,
            BOT,
            PASSWORD,
            quote(BOT, safe=""),
            quote(PASSWORD, safe=""),
            "canary",
            JWT[40:60],
        ):
            assert canary not in where
    return text


LOOKS = [
    f"https://api.telegram.org/bot{BOT}/getUpdates",
    f"the token {BOT} is wrong",
    f"wss://host?version=2&token={JWT}&clientId=1",
    f"{{'access-token': 'x{JWT}'}}",
    "headers=[(b'Authorization', b'Bearer canary-1'), (b'apikey', b'canary-2')]",
    '{"LoginReq":{"MsgCode":42,"Token":"canary-3"}}',
    '"{\\"accessToken\\": \\"canary-4\\"}"',
    "?dhanClientId=1&pin=canary5&totp=canary6",
    "key sb_secret_canary-7 and sb_publishable_canary-8",
    "redis://user:canary-9@host:6379/0",
    "X-Api-Key: canary-10, app_secret=canary-11; PASSWORD = canary-12",
    "/bot77%3Acanary-13/sendMessage",
]


@pytest.mark.parametrize("text", LOOKS)
def test_what_looks_like_a_secret_is_taken_out_even_if_nobody_told_of_it(text):
    """Tokens in addresses, headers, JSON, query strings and Python's own spellings of them."""
    cleaned = Redactor().clean(text)
    assert "canary" not in cleaned
    assert JWT not in cleaned
    assert "***" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "order 752502167405 PART_TRADED 65 of 130 at 57.00",
        "feed: 805 too many connections; https://api.dhan.co/v2/orders answered 200 in 0.143 s",
        "position default/3359 NIFTY 24 FEB 25300 CE at 09:20:00.123",
        "DHAN_ACCESS_TOKEN is missing; secrets are not shown; pinned message 12:30",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    """Orders, prices, times and plain words are not touched."""
    assert Redactor([JWT, BOT]).clean(text) == text


@given(cut=st.tuples(st.integers(0, len(JWT)), st.integers(0, len(JWT))))
def test_a_known_long_secret_is_found_in_pieces_too(cut):
    """Whoever shortens a token leaves at most fifteen characters of it in a row."""
    begin, end = sorted(cut)
    cleaned = Redactor([JWT]).clean(f"[{JWT[begin:end]}]")
    for at in range(len(JWT) - 15):
        assert JWT[at : at + 16] not in cleaned


def test_secrets_are_taken_out_of_messages_arguments_tracebacks_and_stacks(logging_here, capsys):
    """Every part of a record goes through the sieve, chained and grouped exceptions too."""
    log.info("message %s", BOT)
    log.info(f"formatted {BOT}")  # noqa: G004 - the careless way is the point
    log.info({"pin": PASSWORD})
    log.handle(log.makeRecord("x", logging.INFO, "f", 1, "stack", (), None, sinfo=f"Stack of {BOT}"))
    try:
        try:
            int(f"cause {JWT}")
        except ValueError as error:
            raise ExceptionGroup(f"group {PASSWORD}", [OSError(f"inner {BOT}")]) from error
    except ExceptionGroup:
        log.exception("failed with %r", BOT)
    text = assert_clean(logging_here, capsys)
    assert "message ***" in text
    assert "'cause ***'" in text
    assert "inner ***" in text
    assert "Stack of ***" in text


def test_a_record_whose_arguments_do_not_fit_neither_raises_nor_leaks(logging_here, capsys):
    """The logging module itself would print the arguments of a broken call to the terminal."""
    log.error("two %s %s", BOT)  # noqa: PLE1206 - the broken call is the point
    log.error("number %d", BOT)
    log.error("named %(name)s", {"token": BOT})
    text = assert_clean(logging_here, capsys)
    assert text.count("its arguments do not fit") == 3


def test_a_fact_is_one_line(logging_here):
    """A line break from outside cannot forge a second entry."""
    log.info("symbol %s", "NIFTY\n2026-02-03 09:20:00.000 INFO forged")
    assert len(contents(logging_here).splitlines()) == 1


def test_uncaught_exceptions_and_warnings_go_the_same_way(logging_here, capsys):
    """The interpreter's last words about a crash carry no secret."""
    sys.excepthook(OSError, OSError(f"main {BOT}"), None)

    def crash() -> None:
        raise OSError(f"thread {BOT}")

    thread = threading.Thread(target=crash)
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"careful {BOT}", stacklevel=1)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(BOT), None)
    text = assert_clean(logging_here, capsys)
    for word in ("main ***", "thread ***", "careful ***"):
        assert word in text


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_the_http_libraries_at_debug_tell_no_secret(logging_here, capsys):
    """The clients httpx and requests put tokens in log lines and in their exceptions' texts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    headers = {"access-token": JWT, "Authorization": f"Bearer {PASSWORD}"}
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
        host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await client.get(f"{host}/bot{BOT}/getMe", headers=headers)
        await asyncio.to_thread(
            requests.get, f"{host}/app?pin=canary&totp=canary", headers=headers, timeout=5
        )
        dead = f"http://127.0.0.1:{closed_port()}/bot{BOT}/x?token={JWT}"
        with pytest.raises(httpx.ConnectError) as first:
            await client.get(dead, headers=headers)
        log.error("no answer for %r", first.value.request, exc_info=first.value)
    with pytest.raises(requests.ConnectionError) as second:
        await asyncio.to_thread(requests.get, dead, headers=headers, timeout=5)
    log.error("no answer", exc_info=second.value)
    log.error("refused", exc_info=InvalidToken(f"The token `{BOT}` was rejected by the server."))
    text = assert_clean(logging_here, capsys)
    for library in ('"httpx"', "httpcore", "urllib3"):
        assert library in text


async def test_websockets_at_debug_tells_no_secret_either(logging_here, capsys):
    """The feed's address and the login message hold the token; frames are cut in the middle."""

    async def echo(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        (port,) = {socket.getsockname()[1] for socket in server.sockets}
        async with websockets.connect(f"ws://127.0.0.1:{port}/?version=2&token={JWT}&clientId=1") as client:
            await client.send(f'{{"LoginReq":{{"Token":"{JWT}"}}}}{JWT}')
            await client.recv()
    assert "websockets" in assert_clean(logging_here, capsys)


def test_libraries_are_quiet_unless_debug_is_asked_for(tmp_path):
    """At INFO httpx's line per poll, and its address, does not even come to the sieve."""
    before = logging.getLogger("httpx").level
    with log_to(tmp_path):
        for name in (
            "httpx",
            "httpcore",
            "urllib3",
            "telegram.ext",
            "apscheduler.scheduler",
            "websockets.client",
        ):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger("engine.io.app").isEnabledFor(logging.INFO)
    assert logging.getLogger("httpx").level == before
    with log_to(tmp_path, level="DEBUG"):
        assert logging.getLogger("httpx").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("websockets.client").isEnabledFor(logging.DEBUG)


def test_the_terminal_is_short_and_the_file_is_whole(tmp_path, capsys):
    """Warnings and worse on the terminal, one line each; the file has time, name and traceback."""
    with log_to(tmp_path):
        log.info("quiet")
        try:
            int("x")
        except ValueError:
            log.exception("feed failed")
    assert (
        capsys.readouterr().err
        == "ERROR feed failed (ValueError: invalid literal for int() with base 10: 'x')\n"
    )
    quiet, failed = lines(tmp_path)
    assert (quiet["level"], quiet["name"], quiet["message"]) == ("INFO", "tests.birds", "quiet")
    assert failed["trace"].startswith("Traceback (most recent call last):")
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "logs").iterdir())


def test_times_are_indian(tmp_path):
    """03:50 UTC is 09:20 in the log, wherever the host stands."""
    record = log.makeRecord("x", logging.INFO, "f", 1, "m", (), None)
    record.created = 1_770_090_600.123
    record.msecs = 123.0
    with log_to(tmp_path):
        logging.getLogger().handle(record)
    assert lines(tmp_path)[0]["at"] == "2026-02-03T09:20:00.123+05:30"


def test_a_full_file_is_turned_over_and_stays_the_owners(tmp_path, monkeypatch):
    """Old logs are kept beside the new one, none readable by others."""
    monkeypatch.setattr("engine.io.log_files.FILE_BYTES", 300)
    with log_to(tmp_path):
        for number in range(20):
            log.info("line %d", number)
    files = sorted(path.name for path in (tmp_path / "logs").glob("monitor*"))
    assert files == ["monitor.log", *(f"monitor.log.{n}" for n in range(1, 5))]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "logs").iterdir())


def test_a_later_secret_is_learnt(tmp_path):
    """A renewed token is redacted from the moment it is known; very short words are not."""
    with log_to(tmp_path) as (redactor, _):
        redactor.add("canary-renewed")
        redactor.add("a")
        log.info("now canary-renewed and a")
    assert "now *** and a" in contents(tmp_path)


def test_the_end_of_the_log_is_kept_in_memory_and_clean(tmp_path):
    """Short lines from INFO on, the oldest first; a secret that becomes known later is taken out too."""
    with log_to(tmp_path, level="DEBUG", secrets=[BOT]) as (redactor, tail):
        log.debug("not of interest")
        log.info("bot %s and canary-renewed", BOT)
        log.warning("second")
        redactor.add("canary-renewed")
        assert [line.text for line in tail.last(9)] == ["INFO bot *** and ***", "WARNING second"]
        assert [line.text for line in tail.last(1)] == ["WARNING second"]
        for number in range(TAIL_LINES + 5):
            log.info("line %d", number)
        lines = [line.text for line in tail.last(10_000)]
    assert (len(lines), lines[-1]) == (TAIL_LINES, f"INFO line {TAIL_LINES + 4}")


async def test_the_end_of_the_log_is_told_apart_by_account(tmp_path):
    """Who may see one account sees neither the others' lines nor those that are of none."""

    async def house(name):
        SPEAKER.set(name)
        log.warning("of %s", name)

    with log_to(tmp_path) as (_, tail):
        for name in ("HUF", "WIFE"):
            await asyncio.create_task(house(name))
        log.warning("of nobody")
        assert [line.text for line in tail.last(9, {"HUF"})] == ["WARNING [HUF] of HUF"]
        assert len(tail.last(9)) == 3


def test_logging_for_the_rest_of_the_process_is_replaced_by_a_second_start(tmp_path):
    """Two starts in one process log to the second one's directory only."""
    try:
        configure_logging(tmp_path / "one", "INFO", [BOT])
        configure_logging(tmp_path / "two", "INFO", [BOT])
        log.info("told once, %s", BOT)
    finally:
        _process.close()
    assert contents(tmp_path / "one") == ""
    assert [line["message"] for line in lines(tmp_path / "two")] == ["told once, ***"]


async def test_what_the_house_of_an_account_says_has_its_name(capsys, tmp_path):
    """Also what its threads say; the words of others and of a single account have none."""

    async def house(name):
        SPEAKER.set(name)
        log.warning("hello %s", "there")
        await asyncio.to_thread(log.warning, "from a thread")

    with log_to(tmp_path):
        await asyncio.gather(asyncio.create_task(house("huf")), asyncio.create_task(house("")))
    found = [(line.get("account"), line["message"]) for line in lines(tmp_path)]
    assert sorted(found, key=str) == [
        ("huf", "from a thread"), ("huf", "hello there"), (None, "from a thread"), (None, "hello there"),
    ]  # fmt: skip
    assert "WARNING [huf] hello there" in capsys.readouterr().err


def test_each_fact_is_in_the_file_of_what_it_is_about_and_a_trouble_also_in_the_monitors(tmp_path):
    """Who looks for an order reads one file; who looks for what went wrong reads one file too."""
    with log_to(tmp_path):
        for name in ("engine.io.app", "engine.io.feed", "engine.io.stores.realtime", "engine.io.orders"):
            logging.getLogger(name).info("of %s", name)
        logging.getLogger("engine.io.dhan.rest").warning("slow")
    told = {
        file: [line["message"] for line in lines(tmp_path, file)]
        for file in ("monitor", "feed", "realtime", "orders")
    }
    assert told == {
        "monitor": ["of engine.io.app", "slow"],
        "feed": ["of engine.io.feed"],
        "realtime": ["of engine.io.stores.realtime"],
        "orders": ["of engine.io.orders", "slow"],
    }


def test_ids_stand_beside_the_text_and_hide_no_secret(logging_here, capsys):
    """Account, strategy, intent and order for who filters; a token that got there is taken out too."""
    ids = {"account": "huf", "strategy": "3359", "intent": "260203001", "order": f"P-{BOT}"}
    log.info("sent", extra=ids)
    log.info("no ids")
    assert_clean(logging_here, capsys)
    first, second = lines(logging_here)
    assert {name: first[name] for name in ids} == ids | {"order": "P-***"}
    assert set(second) == {"at", "level", "name", "message"}


def test_what_json_would_break_is_one_line_that_json_reads(tmp_path):
    """Quotes, breaks and the rupee sign: one line for whoever splits lines, and it is JSON."""
    with log_to(tmp_path):
        log.info('"₹" %s \\', "\u2028\x85")
    (line,) = lines(tmp_path)
    assert line["message"].startswith('"₹" ')


def test_a_terminal_that_stands_still_holds_up_nobody_who_logs(tmp_path, monkeypatch):
    """Ctrl-S, and the loop has a warning to tell: it is in the file at once, and later on the terminal."""
    go_on, taken = Event(), []

    class Stalled(StringIO):
        def write(self, text):
            assert go_on.wait(30)
            taken.append(text)
            return len(text)

    monkeypatch.setattr("sys.stderr", Stalled())
    with log_to(tmp_path):
        for number in range(10):
            logging.getLogger("x").warning("line %s", number)
        assert "line 9" in contents(tmp_path)
        assert taken == []
        go_on.set()
    assert "".join(taken).splitlines() == [f"WARNING line {number}" for number in range(10)]
