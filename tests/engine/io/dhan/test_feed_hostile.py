"""The feed client against servers that break the rules of websockets themselves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.io.dhan.connection import CONNECTION_LIMIT
from engine.messages import FeedState
from tests.engine.io.dhan.feed_house import DOWN, LIVE, PRICE, STALE, House, contract
from tests.engine.io.dhan.peers import PATIENCE_S, running
from tests.support.clock import settle

pytestmark = pytest.mark.usefixtures("client")

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_peer(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A TCP server that follows a script with each client and then holds still until the end."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
            await over.wait()
        except OSError:
            pass  # the client has gone
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listener:
        yield f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        over.set()
        await settle()


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the websocket handshake, by hand."""
    request = await reader.readuntil(b"\r\n\r\n")
    (key,) = (ln[19:] for ln in request.split(b"\r\n") if ln.lower().startswith(b"sec-websocket-key: "))
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - the protocol's hash
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def frame(payload: bytes, opcode: int = 2) -> bytes:
    """A whole websocket frame as a server sends it, its length written as short as it can be."""
    if len(payload) < 126:
        return struct.pack(">BB", 0x80 | opcode, len(payload)) + payload
    if len(payload) < 65_536:
        return struct.pack(">BBH", 0x80 | opcode, 126, len(payload)) + payload
    return struct.pack(">BBQ", 0x80 | opcode, 127, len(payload)) + payload


async def test_half_a_frame_is_silence():
    """A frame that never ends keeps its socket alive, and delivers no price: stale."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(frame(PRICE) + frame(PRICE)[:-1])

    async with raw_peer(script) as url:
        house = House(url, stale_s=30.0)
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until_state(LIVE)
            assert await house.pass_until(lambda: house.ear.state is STALE, limit_s=40) >= 29
    assert len(house.ear.ticks) == 1


async def test_broken_websocket_frames_cost_the_connection_only():
    """Reserved bits, text that is no text and a frame beyond all size: down, and back again."""
    for broken in (b"\xff" * 40, frame(b"\xff\xfe", 1), frame(PRICE * 100_000)):

        async def script(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broken: bytes = broken
        ) -> None:
            await shake_hands(reader, writer)
            writer.write(frame(PRICE) + broken)
            while b"\x88" not in await reader.read(4096):
                pass  # until the client sends its close frame
            raise ConnectionAbortedError

        async with raw_peer(script) as url:
            house = House(url)
            house.feed.subscribe([contract(1)])
            async with running(house.feed.run):
                await house.ear.until_state(DOWN)
                await house.clock.advance(2.0)
                await house.ear.until_state(LIVE)
            assert len(house.ear.ticks) == 2


async def test_a_server_that_does_not_listen_is_left_in_time():
    """With 12,000 subscriptions nobody reads and a close nobody answers, the end still comes soon."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(frame(PRICE))
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own transports can

    async with raw_peer(script) as url:
        house = House(url)
        house.feed.subscribe([contract(number) for number in range(1, 12_001)])
        task = asyncio.ensure_future(house.feed.run())
        await house.ear.until(lambda: len(house.ear.ticks) == 12_000 // CONNECTION_LIMIT + 1)
        task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({task})
        assert task.cancelled()


async def test_an_end_in_the_middle_of_connecting():
    """While a handshake stays unanswered the feed can be ended at once."""
    heard = asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        heard.set()

    async with raw_peer(script) as url:
        house = House(url)
        house.feed.subscribe([contract(1)])
        task = asyncio.ensure_future(house.feed.run())
        await heard.wait()
        task.cancel()
        async with asyncio.timeout(0.5):
            await asyncio.wait({task})
        assert task.cancelled()
        assert house.ear.state is FeedState.CONNECTING


async def test_a_flood_reaches_the_ear_whole_and_in_order():
    """Ten thousand frames written at once arrive one by one, none lost, none out of turn."""
    frames = b"".join(frame(PRICE[:12] + struct.pack("<I", 1_770_090_600 + n)) for n in range(10_000))

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(frames)
        await writer.drain()

    async with raw_peer(script) as url:
        house = House(url)
        house.feed.subscribe([contract(1)])
        async with running(house.feed.run):
            await house.ear.until(lambda: len(house.ear.ticks) == 10_000)
    assert [tick.ltt_s for tick in house.ear.ticks] == list(range(1_770_070_800, 1_770_080_800))
