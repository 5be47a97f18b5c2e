"""The feed socket: what is sent to whom, its limits, its ends, and its faults."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, WSMsgType
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from engine.model import Right, Segment, instrument_key, key_parts
from sandbox.dhan_feed import FULL, QUOTE, TICKER
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.ist import ist, moment_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from engine.model import InstrumentKey
    from sandbox.dhan_server import DhanServer

NIFTY = instrument_key(Segment.IDX_I, 13)


class Ear:
    """A feed client that knows headers and nothing else."""

    def __init__(self, socket: ClientConnection, server: DhanServer) -> None:
        self.socket, self.server = socket, server

    async def subscribe(self, code: int, keys: Iterable[InstrumentKey]) -> None:
        listed = [
            {"ExchangeSegment": str(segment), "SecurityId": str(security_id)}
            for segment, security_id in map(key_parts, keys)
        ]
        message = {"RequestCode": code, "InstrumentCount": len(listed), "InstrumentList": listed}
        await self.socket.send(json.dumps(message))

    async def frame(self) -> bytes:
        frame = await asyncio.wait_for(self.socket.recv(), 10)
        assert isinstance(frame, bytes)
        return frame

    async def codes(self, count: int) -> list[int]:
        return [(await self.frame())[0] for _ in range(count)]

    async def end(self) -> ConnectionClosed:
        """Read to the end of the connection."""
        while True:
            try:
                await self.frame()
            except ConnectionClosed as closed:
                return closed


@asynccontextmanager
async def listen(
    server: DhanServer, token: str = "sandbox-token", client_id: str = DEFAULT_CLIENT
) -> AsyncIterator[Ear]:
    url = f"{server.feed_url}?version=2&token={token}&clientId={client_id}&authType=2"
    before = server.feed_connections
    async with connect(url, compression=None) as socket:
        if token == "sandbox-token" and before < 5:
            await asyncio.wait_for(server.until(lambda: server.feed_connections > before), 10)
        yield Ear(socket, server)


def _price(packet: bytes) -> float:
    return float(round(struct.unpack_from("<f", packet, 8)[0], 2))


# ------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize(("code", "packets"), [(TICKER, [2]), (QUOTE, [4, 5]), (FULL, [8])])
async def test_each_mode_has_its_packets_at_once_and_after_each_change(
    server, market, option, code, packets
) -> None:
    """A snapshot on subscribing, then one set per change; open interest comes beside the quote."""
    async with listen(server) as ear:
        await ear.subscribe(code, [option.key])
        assert await ear.codes(len(packets)) == packets
        market.set_quote(option.key, 35_000, 35_100)
        await server.step()
        frame = await ear.frame()
        assert (frame[0], _price(frame)) == (packets[0], 350.5)


async def test_an_index_brings_its_previous_close_and_is_silent_in_full_mode(server, market) -> None:
    """Ticker and quote work for an index; Full was seen to deliver nothing."""
    async with listen(server) as ear:
        await ear.subscribe(FULL, [NIFTY])
        await asyncio.wait_for(server.until(lambda: NIFTY in server.subscribed), 10)
        market.set_spot("NIFTY", 25_400)
        await server.step()
        await ear.subscribe(QUOTE, [NIFTY])
        assert await ear.codes(2) == [6, 4]


async def test_the_other_exchange_has_its_own_segment(server, market) -> None:
    """A SENSEX option comes as segment 8 with open interest beside its quote, without the day's extremes."""
    option = market.option("SENSEX", 82_500, Right.CALL)
    async with listen(server) as ear:
        await ear.subscribe(QUOTE, [option.key])
        quote, interest = await ear.frame(), await ear.frame()
        assert (quote[3], interest[0], interest[3]) == (8, 5, 8)
        await ear.subscribe(FULL, [option.key])
        full = await ear.frame()
    oi, high, low = struct.unpack_from("<III", full, 34)
    assert (oi > 0, high, low) == (True, 0, 0)


async def test_unsubscribing_ends_it(server, market, option) -> None:
    """The code above the one subscribed with; other contracts go on."""
    other = market.option("NIFTY", 25_400, Right.CALL)
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key, other.key])
        await ear.codes(2)
        await ear.subscribe(TICKER + 1, [option.key])
        await asyncio.wait_for(ear.socket.ping(), 10)
        await asyncio.wait_for(server.until(lambda: option.key not in server.subscribed), 10)
        market.set_quote(option.key, 35_000, 35_100)
        market.set_quote(other.key, 36_000, 36_100)
        await server.step()
        assert _price(await ear.frame()) == 360.5


async def test_changes_between_two_looks_are_one_packet(server, market, option) -> None:
    """The feed is conflated: only the last of several changes is sent."""
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        for bid in (35_000, 36_000, 37_000):
            market.set_quote(option.key, bid, bid + 100)
            await server.step()
        assert _price(await ear.frame()) == 370.5


async def test_packets_can_be_stacked_in_one_frame(server, market, option) -> None:
    """Lengths lead from one packet to the next."""
    server.habits.stack = 10
    keys = [option.key, market.option("NIFTY", 25_400, Right.CALL).key, NIFTY]
    async with listen(server) as ear:
        await ear.subscribe(TICKER, keys)
        frame = await ear.frame()
    codes, offset = [], 0
    while offset < len(frame):
        codes.append(frame[offset])
        offset += struct.unpack_from("<H", frame, offset + 1)[0]
    assert (codes, offset) == ([6, 2, 2, 2], 64)


async def test_opening_and_close_are_told_without_a_value(server, clock, option) -> None:
    """Code 7 is a bare header."""
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        await server.step()
        clock.now = moment_s(ist(clock.now).date(), 15, 30)
        await server.step()
        assert (await ear.frame())[:3] == bytes([7, 8, 0])


async def test_nonsense_is_ignored_without_a_word(server, option) -> None:
    """Broken JSON, unknown codes and segments, dhanhq's binary goodbye: nothing happens."""
    async with listen(server) as ear:
        for message in ("{", "[]", '{"RequestCode": "x"}', '{"RequestCode": 99}', bytes(83)):
            await ear.socket.send(message)
        await ear.socket.send('{"RequestCode": 15, "InstrumentList": [{"ExchangeSegment": "MOON"}, 7]}')
        await ear.subscribe(TICKER, [option.key])
        assert await ear.codes(1) == [2]


# ------------------------------------------------------------------------------ limits


async def test_more_than_a_hundred_in_a_message_are_not_subscribed(server, market) -> None:
    """A hundred are; a hundred and one are none."""
    keys = [key for key in market.instruments if key_parts(key)[0] is Segment.NSE_FNO]
    async with listen(server) as ear:
        await ear.subscribe(TICKER, keys[:101])
        await ear.subscribe(TICKER, keys[200:300])
        await ear.codes(100)
        assert set(server.subscribed) == set(keys[200:300])


async def test_the_sixth_connection_ends_the_oldest_with_805(server, option) -> None:
    """Five are allowed; the newcomer stays."""
    async with AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(listen(server)) for _ in range(6)]
        assert (await ears[0].frame()).hex() == "320a0000000000002503"
        await ears[0].end()
        assert server.feed_connections == 5
        await ears[5].subscribe(TICKER, [option.key])
        assert await ears[5].codes(1) == [2]


async def test_five_thousand_instruments_are_the_most(server, option) -> None:
    """One more ends the connection with 804; contracts that nobody lists count too, as nobody checks."""
    keys = [instrument_key(Segment.NSE_FNO, 100_000 + n) for n in range(5_000)]
    async with listen(server) as ear:
        for first in range(0, 5_000, 100):
            await ear.subscribe(TICKER, keys[first : first + 100])
        await ear.subscribe(FULL, keys[:100])
        await asyncio.wait_for(server.until(lambda: server.subscribed.get(keys[0]) == FULL), 10)
        assert len(server.subscribed) == 5_000
        await ear.subscribe(TICKER, [option.key])
        assert (await ear.frame()).hex() == "320a0000000000002403"
        await ear.end()


async def test_a_client_without_pongs_is_dropped_and_one_with_pongs_stays(server) -> None:
    """The server pings; who does not answer for too long is cut off."""
    server.habits.ping_s, server.habits.pong_within_s = 0.02, 0.1
    url = f"{server.feed_url}?token=sandbox-token&clientId={DEFAULT_CLIENT}"
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        mute = await stack.enter_async_context(session.ws_connect(url, autoping=False))
        ear = await stack.enter_async_context(listen(server))
        async with asyncio.timeout(10):
            heard = [message.type async for message in mute]
            await server.until(lambda: server.feed_connections == 1)
        assert heard.count(WSMsgType.PING) >= 2
        await asyncio.wait_for(await ear.socket.ping(), 10)


# ------------------------------------------------------------------------------ tokens


async def test_a_bad_token_is_let_in_and_reset(server) -> None:
    """The handshake works; then the connection dies without a close frame and without a reason."""
    async with listen(server, token="canary-wrong") as ear:
        ended = await ear.end()
    assert ended.rcvd is None


async def test_a_bad_token_may_be_told_why(server) -> None:
    """By habit a packet 50 with 809."""
    server.faults.feed_says_why = True
    async with listen(server, token="canary-wrong") as ear:
        assert (await ear.frame()).hex() == "320a0000000000002903"


async def test_a_token_that_expires_ends_its_connections(server, clock, option) -> None:
    """807 where reasons are given, and at the next change of prices at the latest."""
    server.faults.feed_says_why = True
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        clock.on(86_400)
        await server.step()
        assert (await ear.frame()).hex() == "320a0000000000002703"


# ------------------------------------------------------------------------------ faults


async def test_too_many_handshakes_get_429(server) -> None:
    """Refused at the upgrade, as often as armed."""
    server.faults.feed.upgrade_429 = 1
    with pytest.raises(InvalidStatus) as refused:
        async with listen(server):
            pass
    assert refused.value.response.status_code == 429
    async with listen(server):
        assert server.feed_connections == 1


async def test_silence_has_no_data_but_a_living_socket(server, market, option) -> None:
    """Pings are answered while nothing comes; afterwards prices flow again."""
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        server.faults.feed.silent = True
        market.set_quote(option.key, 35_000, 35_100)
        await server.step()
        await asyncio.wait_for(await ear.socket.ping(), 10)
        server.faults.feed.silent = False
        market.set_quote(option.key, 36_000, 36_100)
        await server.step()
        assert _price(await ear.frame()) == 360.5


async def test_a_cut_has_no_close_frame(server, option) -> None:
    """Reset in the middle of the session."""
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        server.faults.cut("feed")
        assert (await ear.end()).rcvd is None


async def test_lag_keeps_old_prices_old(server, market, option) -> None:
    """A late frame shows what was true when it was made."""
    async with listen(server) as ear:
        await ear.subscribe(TICKER, [option.key])
        await ear.frame()
        server.faults.feed.lag_s = 0.05
        market.set_quote(option.key, 35_000, 35_100)
        made_s = asyncio.get_running_loop().time()
        await server.step()
        await asyncio.wait_for(await ear.socket.ping(), 10)
        market.set_quote(option.key, 36_000, 36_100)
        assert _price(await ear.frame()) == 350.5
        assert asyncio.get_running_loop().time() - made_s >= 0.05


async def test_frames_can_be_cut_short_or_preceded_by_nonsense(server, option) -> None:
    """Half a packet, then sixty bytes of nothing, then all is well."""
    server.faults.feed.truncate = 1
    async with listen(server) as ear:
        await ear.subscribe(FULL, [option.key])
        assert len(await ear.frame()) == 81
        server.faults.feed.garbage = 1
        await ear.subscribe(FULL, [option.key])
        nonsense, packet = await ear.frame(), await ear.frame()
        assert nonsense[0] not in {2, 4, 5, 6, 7, 8, 50}
        assert len(packet) == 162


async def test_a_disconnect_request_closes_politely(server) -> None:
    """Code 12: the client wants to go."""
    async with listen(server) as ear:
        await ear.socket.send('{"RequestCode": 12}')
        assert (await ear.end()).rcvd is not None
