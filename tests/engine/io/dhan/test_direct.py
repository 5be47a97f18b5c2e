"""Orders by connections that stand ready: what was surely not sent, what is unknown, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.io.clock import SystemClock
from engine.io.dhan import dials as dials_module
from engine.io.dhan import direct as direct_module
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Refused, Unknown
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import client
from tests.engine.io.dhan.test_rest_turns import KEY
from tests.support.order_desk import answer, order_desk, taken
from tests.support.proxy import proxy
from tests.support.tls import certificate, serving
from tests.support.turns import until

_ROOT = Path(__file__).parents[4]
FIRST, SECOND = limit_order(KEY, 9_000), limit_order(KEY, 9_005)


@pytest.fixture
async def warm(desk, make, monkeypatch):
    """A client of the desk whose connections are kept ready, looked after at every breath."""
    monkeypatch.setattr(direct_module, "_LOOK_S", 0.01)
    monkeypatch.setattr(dials_module, "_PAUSE_S", 0.01)
    monkeypatch.setattr(dials_module, "_ROUND_S", 0.0)
    rest = make(desk.port)
    keeping = asyncio.create_task(rest.keep_warm(lambda _now_s: True))
    await until(lambda: ready(rest) == direct_module.KEPT)
    yield rest
    keeping.cancel()
    await asyncio.wait({keeping})


def ready(rest: DhanRest) -> int:
    return rest._direct.ready


# ------------------------------------------------------------------------------------ the words


async def test_both_ways_send_the_same_request(desk, executor):
    """Place, modify and cancel by dhanhq and by our own connection differ in nothing but packed answers."""
    for direct in (False, True):
        rest = client(f"http://127.0.0.1:{desk.port}/v2", executor, direct=direct)
        assert isinstance(await rest.place(FIRST), Accepted)
        assert isinstance(await rest.modify("7", SECOND), Accepted)
        assert await rest.cancel("7") == Accepted("7")
        rest.close()
    said = []
    for asked in desk.asked:
        assert asked.headers.pop("accept-encoding")
        body = json.loads(asked.body) if asked.body else None
        said.append((asked.method, asked.target, asked.headers, body))
    assert [one[:2] for one in said[:3]] == [
        ("POST", "/v2/orders"), ("PUT", "/v2/orders/7"), ("DELETE", "/v2/orders/7"),
    ]  # fmt: skip
    assert said[:3] == said[3:]


async def test_a_token_that_is_no_header_sends_nothing(desk, executor):
    """A line end in the token file is a fault of ours, found before a byte leaves."""
    rest = client(f"http://127.0.0.1:{desk.port}/v2", executor, lambda: "one\r\ntwo", direct=True)
    assert await rest.place(FIRST) == Refused("NOT-SENT", "not sent: InvalidHeader")
    rest.close()
    assert desk.opened == 0


# ------------------------------------------------------------------------------- standing ready


async def test_an_order_takes_a_connection_that_stands_ready(desk, warm):
    """Four orders at once open nothing new, and the connections are there for the next four."""
    for _ in range(2):
        said = await asyncio.gather(*(warm.place(FIRST) for _ in range(4)))
        assert all(isinstance(one, Accepted) for one in said)
    assert desk.opened == direct_module.KEPT
    assert len(desk.asked) == 8


async def test_without_one_that_is_ready_an_order_opens_its_own(desk, make):
    """Nobody has kept anything warm: the order goes all the same, and its connection stays for the next."""
    rest = make(desk.port)
    assert isinstance(await rest.place(FIRST), Accepted)
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 1


async def test_connections_that_the_other_side_closes_are_replaced(desk, warm):
    """A server that hangs up on idle callers finds them again, and no order lost its way."""
    desk.hang_up()
    await desk.until(lambda: desk.opened == 2 * direct_module.KEPT)
    assert isinstance(await warm.place(FIRST), Accepted)
    await until(lambda: ready(warm) == direct_module.KEPT)
    assert desk.opened == 2 * direct_module.KEPT


async def test_while_no_orders_are_wanted_nothing_is_kept_open(desk, make, monkeypatch):
    """Outside the session the connections are closed; they are back when it opens."""
    monkeypatch.setattr(direct_module, "_LOOK_S", 0.01)
    monkeypatch.setattr(dials_module, "_ROUND_S", 0.0)
    rest, session = make(desk.port), asyncio.Event()
    session.set()
    keeping = asyncio.create_task(rest.keep_warm(lambda _now_s: session.is_set()))
    await until(lambda: ready(rest) == direct_module.KEPT)
    session.clear()
    await desk.until(lambda: not desk.writers)
    assert ready(rest) == 0
    session.set()
    await until(lambda: ready(rest) == direct_module.KEPT)
    keeping.cancel()
    await asyncio.wait({keeping})
    await desk.until(lambda: not desk.writers)


async def test_idle_connections_are_renewed_before_the_other_side_may_tire_of_them(desk, warm):
    """Who hung up after a while is not left idle for that long again."""
    warm._direct._life_s = 0.05
    await desk.until(lambda: desk.opened >= 3 * direct_module.KEPT)
    assert isinstance(await warm.place(FIRST), Accepted)
    assert len(desk.writers) <= direct_module.MOST_IDLE


async def test_a_server_that_is_away_is_called_ever_more_slowly(make, monkeypatch):
    """A closed port is tried again with growing pauses, and an order to it was surely not sent."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        rest, slept = make(closed.getsockname()[1]), []
        enough = asyncio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 6:
                enough.set()
                await asyncio.Event().wait()

        monkeypatch.setattr(rest._direct._clock, "sleep", sleep)
        keeping = asyncio.create_task(rest.keep_warm(lambda _now_s: True))
        await asyncio.wait_for(enough.wait(), 10.0)
        assert slept == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
        assert await rest.place(FIRST) == Refused("NOT-SENT", "not sent: ConnectionError")
        keeping.cancel()
        await asyncio.wait({keeping})


async def test_a_server_that_hangs_up_on_everybody_is_called_ever_more_slowly(make, monkeypatch):
    """It takes the call and ends it: four at once count as one time, and it is not besieged."""
    monkeypatch.setattr(direct_module, "_LOOK_S", 0.01)
    monkeypatch.setattr(dials_module, "_ROUND_S", 0.0)
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with listener:
        rest, slept, enough = make(listener.sockets[0].getsockname()[1]), [], asyncio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if seconds == 15.0:
                enough.set()
                await asyncio.Event().wait()

        monkeypatch.setattr(rest._direct._clock, "sleep", sleep)
        keeping = asyncio.create_task(rest.keep_warm(lambda _now_s: True))
        await asyncio.wait_for(enough.wait(), 10.0)
        assert sorted(set(slept)) == [1.0, 2.0, 4.0, 8.0, 15.0]
        assert slept == sorted(slept)
        keeping.cancel()
        await asyncio.wait({keeping})


# --------------------------------------------------------------------- surely not sent, or unknown


async def test_a_connection_closed_while_nobody_looked_carries_no_order(desk, make):
    """The other side's farewell has arrived and the loop has not come to it: the order takes another way."""
    rest = make(desk.port)
    assert isinstance(await rest.place(FIRST), Accepted)
    (kept,) = rest._direct._idle
    rest._direct._idle[0]._loop.remove_reader(kept._sock.fileno())  # as if the loop were busy
    desk.hang_up()
    await desk.until(lambda: not desk.writers)
    assert not kept.closed
    assert isinstance(await rest.place(SECOND), Accepted)
    assert kept.closed
    assert (desk.opened, len(desk.asked)) == (2, 2)


async def test_what_nobody_asked_for_is_never_the_answer_to_an_order(desk, make):
    """A 408 said to an idle caller ends the connection; the order after it gets an answer of its own."""
    rest = make(desk.port)
    assert isinstance(await rest.place(FIRST), Accepted)
    desk.writers[0].write(answer(b"{}", "408 Request Timeout"))
    await desk.until(lambda: not desk.writers)
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 2


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + b'{"orderId":"75',
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        answer(b"{}", "408 Request Timeout"),
    ],
    ids=["hang up", "half", "only go on", "no length", "tired"],
)
async def test_an_order_that_was_written_and_not_answered_is_unknown_and_never_sent_again(desk, make, reply):
    """Whether the desk has taken it nobody can say; the next order goes by a connection of its own."""
    rest = make(desk.port)
    assert isinstance(await rest.place(FIRST), Accepted)
    desk.replies = [reply]
    assert isinstance(await rest.place(SECOND), Unknown)
    assert [asked.name for asked in desk.asked] == ["t-9000", "t-9005"]
    assert isinstance(await rest.place(FIRST), Accepted)


async def test_a_connection_reset_with_the_order_on_it_leaves_it_unknown(desk, make):
    """The desk breaks the connection when the order has come."""
    rest = make(desk.port)
    desk._told = lambda _asked: desk.reset()
    assert isinstance(await rest.place(FIRST), Unknown)
    assert len(desk.asked) == 1


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_order_s(desk, make):
    """The first order is unknown; the second has its own number, whatever arrives for the first."""
    rest = make(desk.port)
    desk.gate.clear()
    assert await rest.place(FIRST) == Unknown("ReadTimeout")
    desk.replies = [taken(1), taken(2)]
    desk.gate.set()
    assert await rest.place(SECOND) == Accepted("2")
    assert desk.opened == 2


async def test_two_answers_at_once_end_the_connection(desk, make):
    """More than was asked for came with the answer: it counts, the connection is not trusted again."""
    rest = make(desk.port)
    desk.replies = [taken(1) + taken(2), taken(3)]
    assert await rest.place(FIRST) == Accepted("1")
    assert await rest.place(SECOND) == Accepted("3")
    assert desk.opened == 2


async def test_go_on_first_and_an_answer_in_pieces_are_an_answer(desk, make):
    """An interim answer says nothing; pieces are joined, and the connection goes on."""
    rest = make(desk.port)
    body = b'{"orderId":"7","orderStatus":"TRANSIT"}'
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    desk.replies = [head + pieces]
    assert await rest.place(FIRST) == Accepted("7")
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == 1


async def test_a_server_that_says_close_is_not_used_again(desk, make):
    """The answer counts, and the next order opens a connection."""
    rest = make(desk.port)
    desk.replies = [answer(b'{"orderId":"7"}', more="Connection: close\r\n")]
    assert await rest.place(FIRST) == Accepted("7")
    assert ready(rest) == 0
    assert isinstance(await rest.place(SECOND), Accepted)


async def test_a_stopped_server_leaves_an_order_unknown_and_takes_it_once_when_it_wakes(make):
    """SIGSTOP: the kernel takes the bytes and nobody answers. Woken, the desk reads it: once, not twice."""
    desk = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.order_desk", stdout=subprocess.PIPE, cwd=_ROOT
    )
    try:
        rest = make(int(await desk.stdout.readline()))
        assert isinstance(await rest.place(FIRST), Accepted)
        desk.send_signal(signal.SIGSTOP)
        assert await rest.place(SECOND) == Unknown("ReadTimeout")
        desk.send_signal(signal.SIGCONT)
        assert isinstance(await rest.place(limit_order(KEY, 9_010)), Accepted)
        names = [json.loads(await desk.stdout.readline()) for _ in range(3)]
        assert sorted(names) == ["t-9000", "t-9005", "t-9010"]
    finally:
        desk.kill()
        await desk.communicate()


async def test_a_cancelled_command_takes_its_connection_along(desk, make):
    """At the end of the house nobody waits for an answer, and nobody else may get it."""
    rest = make(desk.port)
    desk.gate.clear()
    work = asyncio.create_task(rest.place(FIRST))
    await desk.until(lambda: bool(desk.asked))
    work.cancel()
    await asyncio.wait({work})
    assert ready(rest) == 0
    assert not rest._direct._busy


# ------------------------------------------------------------------------------------- last look


async def test_the_last_look_is_right_before_the_bytes(desk, make):
    """What ends while a connection is opened stops the order, and the connection is as good as new."""
    why, looks = "the lease of the account has run out", []

    def why_not() -> str:
        looks.append(desk.opened)
        return why if len(looks) == 2 else ""

    rest = make(desk.port, passes=lambda: why_not)
    assert await rest.place(FIRST) == Refused("NOT-SENT", f"not sent: {why}")
    assert ready(rest) == 1
    assert isinstance(await rest.place(SECOND), Accepted)
    assert [asked.name for asked in desk.asked] == ["t-9005"]
    assert (desk.opened, len(looks)) == (1, 3)


async def test_whoever_may_not_send_opens_no_connection(desk, make):
    """What is known before costs the desk not even a handshake."""
    rest = make(desk.port, passes=lambda: lambda: "the lease of the account is not ours any more")
    assert isinstance(await rest.place(FIRST), Refused)
    assert desk.opened == 0


# ------------------------------------------------------------------------------------ TLS, proxy


@pytest.fixture
async def vault(tmp_path):
    """An order desk behind TLS, and the file that vouches for it."""
    written, kept = certificate(tmp_path)
    async with order_desk(serving(written, kept)) as made:
        yield made, str(written)


async def test_orders_go_by_tls_to_whom_is_vouched_for(vault, make):
    """The certificate is looked at; the second order finds the connection open."""
    desk, written = vault
    rest = make(desk.port, "https")
    assert isinstance(await rest.place(FIRST), Refused)
    assert not desk.asked
    rest = make(desk.port, "https")
    rest._http.session.verify = written
    assert isinstance(await rest.place(FIRST), Accepted)
    before = desk.opened
    assert isinstance(await rest.place(SECOND), Accepted)
    assert desk.opened == before


async def test_a_tls_connection_closed_meanwhile_carries_no_order(vault, make):
    """A farewell inside TLS is a farewell."""
    desk, written = vault
    rest = make(desk.port, "https")
    rest._http.session.verify = written
    assert isinstance(await rest.place(FIRST), Accepted)
    desk.hang_up()
    await until(lambda: ready(rest) == 0)
    assert isinstance(await rest.place(SECOND), Accepted)
    assert len(desk.asked) == 2


async def test_a_door_that_never_opens_its_tls_gets_no_order(make):
    """A stopped server's kernel connects, but nobody shakes hands: nothing of the order was written."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        rest = make(deaf.getsockname()[1], "https")
        assert await rest.place(FIRST) == Refused("NOT-SENT", "not sent: ConnectTimeout")


async def test_orders_go_through_the_tunnel_of_an_account_s_proxy(vault, executor):
    """The account's own address: with its password, and TLS to Dhan inside."""
    desk, written = vault
    async with proxy() as way:
        rest = DhanRest(
            client_id="1000000001", access_token=lambda: "t", base_url=f"https://127.0.0.1:{desk.port}/v2",
            executor=executor, clock=SystemClock(), proxy=f"http://huf:word@{way.address}", direct=True,
        )  # fmt: skip
        rest._http.session.verify = written
        assert isinstance(await rest.place(FIRST), Accepted)
        rest.close()
    assert [method for method, _ in way.asked] == ["CONNECT"]
    assert len(way.keys) == 1


async def test_a_proxy_of_another_kind_is_left_to_dhanhq(desk, executor):
    """Without TLS a proxy carries whole requests: they go by requests on a thread, as before."""
    async with proxy() as way:
        rest = DhanRest(
            client_id="1000000001", access_token=lambda: "t", base_url=f"http://127.0.0.1:{desk.port}/v2",
            executor=executor, clock=SystemClock(), proxy=f"http://{way.address}", direct=True,
        )  # fmt: skip
        assert isinstance(await rest.place(FIRST), Accepted)
        rest.close()
    assert [method for method, _ in way.asked] == ["POST"]


async def test_an_idle_connection_asks_for_signs_of_life(desk, make):
    """A peer that went without a word is found by the kernel, before an order is lost on it."""
    rest = make(desk.port)
    await rest.place(FIRST)
    (kept,) = rest._direct._idle
    assert kept._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert kept._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < direct_module.LIFE_S
