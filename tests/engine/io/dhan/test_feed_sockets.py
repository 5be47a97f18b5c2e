"""One socket of the feed, by either client: whole messages come in, the end comes in words."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from picows import WSTransport

from engine.io.dhan import feed_sockets, picows_socket
from engine.io.dhan.backoff import Why
from engine.io.dhan.feed_sockets import FeedSocket, NoSocket, by_websockets, open_feed
from engine.io.dhan.picows_socket import Listener, by_picows
from tests.engine.io.dhan.peers import PATIENCE_S, listening
from tests.engine.io.dhan.test_feed_hostile import Script, frame, raw_peer, shake_hands
from tests.engine.wire import packets as build

Opening = Callable[[str], AbstractAsyncContextManager[FeedSocket]]
PRICE = build.ticker(2, 1, 100.05, 1_770_090_600)
FULL = build.full((2, 1), 100.05, 1_770_090_600, 1, 1, (1.0,) * 5, bytes(100))


@pytest.fixture(params=[by_picows, by_websockets], ids=["picows", "websockets"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """How to open a socket by each client."""
    return request.param


class Reader:
    """Takes frames until it has as many as it wants."""

    def __init__(self, wanted: int = 1_000) -> None:
        self.frames: list[bytes] = []
        self.texts = 0
        self._wanted = wanted

    def take(self, frames: list[bytes]) -> bool:
        self.frames += frames
        return len(self.frames) >= self._wanted

    def text(self) -> None:
        self.texts += 1


async def heard(opening: Opening, url: str, reader: Reader) -> str:
    """Read until the end, and how that was called."""
    async with asyncio.timeout(PATIENCE_S), opening(url) as socket:
        return await socket.read(reader.take, reader.text)


def says(*sent: bytes, goodbye: bytes = b"") -> Script:
    """A server that sends these bytes, and a reset or its goodbye."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(b"".join(sent) + goodbye)
        await writer.drain()
        while (heard := await reader.read(4096)) and b"\x88" not in heard:
            pass
        raise ConnectionAbortedError

    return script


def piece(payload: bytes, opcode: int) -> bytes:
    """A frame that is not the last of its message."""
    return struct.pack(">BB", opcode, len(payload)) + payload


async def test_what_comes_with_the_answer_to_the_handshake_is_not_lost(opening: Opening):
    """Server and handshake in one segment: all frames are there, in order, then nothing more is wanted."""
    async with raw_peer(says(frame(PRICE), frame(FULL), frame(PRICE))) as url:
        reader = Reader(wanted=3)
        assert not await heard(opening, url, reader)
    assert reader.frames == [PRICE, FULL, PRICE]


async def test_a_message_in_pieces_is_one(opening: Opening):
    """Three pieces with a ping between them are put together; what follows comes after it."""
    pieces = piece(FULL[:60], 2) + frame(b"are you there", 9) + piece(FULL[60:100], 0) + frame(FULL[100:], 0)
    async with raw_peer(says(pieces, frame(PRICE))) as url:
        reader = Reader(wanted=2)
        assert not await heard(opening, url, reader)
    assert reader.frames == [FULL, PRICE]


async def test_text_is_counted_and_not_read(opening: Opening):
    """Texts, whole and in pieces, are no prices; an empty message is one and holds nothing."""
    sent = (
        frame(b"hello", 1)
        + piece("₹".encode()[:1], 1)
        + frame("₹".encode()[1:], 0)
        + frame(b"")
        + frame(PRICE)
    )
    async with raw_peer(says(sent)) as url:
        reader = Reader(wanted=2)
        assert not await heard(opening, url, reader)
    assert (reader.frames, reader.texts) == ([b"", PRICE], 2)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x03\xe8bye", "closed"),
        (b"\x03\xe9", "closed"),
        (b"", "closed"),
        (b"\x03\xf0policy", "closed with code 1008"),
        (b"\x0f\xa1", "closed with code 4001"),
    ],
    ids=["1000", "1001", "none", "1008", "4001"],
)
async def test_a_close_is_answered_and_told(opening: Opening, payload: bytes, said: str):
    """Goodbye without a reason is just closed; a code is told, also one of the server's own."""
    async with raw_peer(says(frame(PRICE), goodbye=frame(payload, 8))) as url:
        reader = Reader()
        assert await heard(opening, url, reader) == said
    assert reader.frames == [PRICE]


@pytest.mark.parametrize(
    "broken",
    [
        frame(PRICE, 0),
        piece(PRICE, 2) + frame(PRICE),
        frame(b"\xff\xfe", 1),
        piece(b"\xe2\x82", 1) + frame(b"\x28", 0),
        frame(PRICE, 3),
        piece(bytes(100), 2) + frame(bytes(2**20), 0),
        struct.pack(">BBQ", 0x82, 127, 2**40),
    ],
    ids=["piece of nothing", "two at once", "no text", "no text in pieces", "opcode 3", "large", "endless"],
)
async def test_what_breaks_the_protocol_ends_the_connection(opening: Opening, broken: bytes):
    """The price before it counts; then the connection is as good as reset."""
    async with raw_peer(says(frame(PRICE), broken)) as url:
        reader = Reader()
        assert await heard(opening, url, reader) == "reset"
    assert reader.frames == [PRICE]


async def test_a_cut_in_the_middle_of_a_frame_is_a_reset(opening: Opening):
    """Half a frame is no frame."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(frame(PRICE) + frame(FULL)[:90])
        await writer.drain()
        raise ConnectionAbortedError

    async with raw_peer(script) as url:
        reader = Reader()
        assert await heard(opening, url, reader) == "reset"
    assert reader.frames in ([PRICE], [])  # a reset may overtake what was on its way


async def test_what_goes_wrong_with_a_price_is_not_hidden(opening: Opening):
    """An error in whoever takes the frames comes out of the reading, as it is."""

    def take(_frames: list[bytes]) -> bool:
        raise ZeroDivisionError

    async with raw_peer(says(frame(FULL))) as url, asyncio.timeout(PATIENCE_S):
        with pytest.raises(ZeroDivisionError):
            async with opening(url) as socket:
                await socket.read(take, lambda: None)


@pytest.mark.parametrize(
    ("status", "why"), [(401, Why.REFUSED), (429, Why.BUSY), (503, Why.LOST), (302, Why.LOST)]
)
async def test_a_refused_handshake_says_why(opening: Opening, status: int, why: Why):
    """The status sorts it, and a redirect is not followed: the address holds the token."""
    async with listening() as peer:
        peer.refusals = [status]
        with pytest.raises(NoSocket) as caught:
            await heard(opening, f"{peer.url}/?token=canary", Reader())
    assert (caught.value.cut.why, len(peer.paths)) == (why, 1)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 101 Yes\r\n\r\n"], ids=repr)
async def test_a_server_that_is_none_is_a_lost_connection(opening: Opening, answer: bytes):
    """Silence and an end, another protocol, a handshake without its answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        raise ConnectionAbortedError

    async with raw_peer(script) as url:
        with pytest.raises(NoSocket) as caught:
            await heard(opening, url, Reader())
    assert caught.value.cut.why is Why.LOST


async def test_an_address_that_is_none_is_refused(opening: Opening):
    """Nothing mends that but the settings."""
    with pytest.raises(NoSocket) as caught:
        await heard(opening, "http://127.0.0.1:9/?token=canary", Reader())
    assert caught.value.cut.why is Why.REFUSED
    assert "canary" not in str(caught.value)


async def test_a_peer_that_answers_no_ping_is_left(monkeypatch: pytest.MonkeyPatch):
    """The socket's own pings notice a dead peer, whatever it sent before."""
    monkeypatch.setattr(picows_socket, "_PING_EVERY_S", 0.05)
    monkeypatch.setattr(picows_socket, "_PONG_WITHIN_S", 0.05)
    async with raw_peer(says(frame(PRICE))) as url:
        assert await heard(by_picows, url, Reader()) == "reset"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for localhost that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    made = tmp_path / "localhost.pem"
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return made


@pytest.mark.parametrize("when", ["before the answer", "with the answer"])
async def test_a_connection_nobody_waits_for_any_more_is_ended(when: str, monkeypatch: pytest.MonkeyPatch):
    """Given up while the server thinks, or while its answer is read: no socket lives on without an owner."""
    asked, answer, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader, request = asyncio.StreamReader(), reader
        reader.feed_data(await request.readuntil(b"\r\n\r\n"))
        asked.set()
        await answer.wait()
        await shake_hands(reader, writer)
        writer.write(frame(PRICE))
        with suppress(ConnectionResetError):
            await request.read()
        gone.set()

    async def opened() -> None:
        async with by_picows(url):
            pass

    def read_answer(listener: Listener, transport: WSTransport) -> None:
        real(listener, transport)
        attempt.cancel()

    real = Listener.on_ws_connected
    monkeypatch.setattr(Listener, "on_ws_connected", read_answer)
    async with raw_peer(script) as url, asyncio.timeout(PATIENCE_S):
        attempt = asyncio.create_task(opened())
        await asked.wait()
        if when == "before the answer":
            attempt.cancel()
            await asyncio.wait([attempt])
        answer.set()
        await asyncio.wait([attempt])
        assert attempt.cancelled()
        await gone.wait()


@pytest.mark.parametrize("silent", ["after the request", "after the request over TLS", "before TLS"])
async def test_a_handshake_that_nobody_answers_ends_with_whoever_waited(
    silent: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """A server that accepts and says nothing: given up, the connection is closed at once, not in a while."""
    monkeypatch.setattr(picows_socket, "_OPEN_S", 10 * PATIENCE_S)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x16" if silent == "before TLS" else b"\r\n\r\n")
        asked.set()
        with suppress(ConnectionResetError):
            await reader.read()
        gone.set()

    async def opened() -> None:
        async with by_picows(way):
            pass

    tls = context if silent.endswith("over TLS") else None
    async with raw_peer(script, tls) as url, asyncio.timeout(PATIENCE_S):
        way = url.replace("ws://127.0.0.1", "wss://localhost") if "TLS" in silent else url
        attempt = asyncio.create_task(opened())
        await asked.wait()
        attempt.cancel()
        await asyncio.wait([attempt])
        assert attempt.cancelled()
        await gone.wait()


async def test_each_address_of_a_name_is_tried(opening: Opening, monkeypatch: pytest.MonkeyPatch):
    """Where nothing listens on the first of them the second is spoken to, and a refusal is told as one."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def two(host: str, port: int, **terms: int) -> list[tuple[object, ...]]:
        found = await real("127.0.0.1", port, **terms)
        return [(*info[:4], ("127.0.0.2", port)) for info in found] + found

    monkeypatch.setattr(loop, "getaddrinfo", two)
    async with raw_peer(says(frame(PRICE))) as url:
        reader = Reader(wanted=1)
        assert not await heard(opening, url.replace("127.0.0.1", "localhost"), reader)
    assert reader.frames == [PRICE]
    with pytest.raises(NoSocket, match=r"ConnectionRefusedError|OSError"):
        await heard(opening, url.replace("127.0.0.1", "localhost"), Reader())


async def test_an_end_from_our_side_ends_the_reading(opening: Opening):
    """Whoever watches may give the connection up, and sending afterwards is no error."""
    async with raw_peer(says(frame(PRICE))) as url, asyncio.timeout(PATIENCE_S), opening(url) as socket:
        reader = asyncio.create_task(socket.read(Reader().take, lambda: None))
        await asyncio.sleep(0)
        socket.abort()
        assert await reader == "reset"
        await socket.send("nobody hears this")


async def test_a_goodbye_of_ours_is_polite(opening: Opening):
    """It is answered, the reading ends in the same words as after theirs, and it may be said twice."""
    async with listening() as peer:
        peer.greet = [PRICE]
        async with asyncio.timeout(PATIENCE_S), opening(peer.url) as socket:
            reader = asyncio.create_task(socket.read(Reader().take, lambda: None))
            await peer.until(lambda: peer.open)
            await socket.close()
            assert await reader == "closed"
            await socket.close()


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    opening: Opening, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """Over TLS the server must be who it says; one that is known to the host is read as usual."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async with raw_peer(says(frame(FULL)), context) as url:
        secure = url.replace("ws://127.0.0.1", "wss://localhost")
        with pytest.raises(NoSocket, match="SSLCertVerificationError"):
            await heard(opening, secure, Reader())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        reader = Reader(wanted=1)
        assert not await heard(opening, secure, reader)
    assert reader.frames == [FULL]


@pytest.mark.parametrize(
    ("url", "proxy", "environment", "quick"),
    [
        ("wss://feed.test", None, {}, True),
        ("wss://feed.test", "http://127.0.0.1:2", {}, False),
        ("wss://feed.test", None, {"https_proxy": "http://127.0.0.1:2"}, False),
        ("wss://feed.test", None, {"https_proxy": "http://127.0.0.1:2", "no_proxy": "feed.test"}, True),
        ("ws://127.0.0.1:1", None, {"all_proxy": "http://127.0.0.1:2"}, True),
    ],
)
def test_picows_goes_where_no_proxy_is(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None, environment: dict[str, str], quick
):
    """A way through a proxy is websockets'; so is every way where picows is not installed."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    asked = []
    monkeypatch.setattr(feed_sockets, "by_websockets", lambda *way: asked.append(way))
    open_feed(url, proxy)
    assert asked == ([] if quick else [(url, proxy)])
    monkeypatch.setattr(feed_sockets, "find_spec", lambda _name: None)
    open_feed(url, proxy)
    assert asked[-1] == (url, proxy)
