"""The price feed's socket: subscriptions in JSON, prices in binary, five connections a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.model import SEGMENT_CODE, InstrumentKey, Segment, key_parts
from sandbox import packets
from sandbox.faults import Socket
from sandbox.instruments import read_key
from sandbox.session import Frame, Session
from sandbox.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.account import Account
    from sandbox.dhan_rest import World
    from sandbox.quotes import Quote

MOST_CONNECTIONS = 5
MOST_INSTRUMENTS = 5_000
MOST_PER_MESSAGE = 100

TICKER, QUOTE, FULL = 15, 17, 21
_HANG_UP = 12
_WITH_INTEREST = (Segment.NSE_FNO, Segment.BSE_FNO)
_TOO_MANY_INSTRUMENTS = 804
_TOO_MANY_CONNECTIONS = 805
_NO_DATA_PLAN = 806
_EXPIRED = 807
_BAD_TOKEN = 809


class FeedRoom:
    """All feed connections."""

    def __init__(self, world: World) -> None:
        """Nobody is connected."""
        self._world = world
        self._open: list[_Connection] = []
        self._was_open: bool | None = None
        world.faults.on_cut(Socket.FEED, self.cut)

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    @property
    def subscribed(self) -> dict[InstrumentKey, int]:
        """What all sockets together want, with the request code (15, 17 or 21)."""
        return {key: code for each in self._open for key, code in each.wanted.items()}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One client's connection, from handshake to end."""
        world = self._world
        if world.faults.feed.upgrade_429 > 0:
            world.faults.feed.upgrade_429 -= 1
            return web.Response(status=429, text="Too Many Requests")
        account = next(
            (a for a in world.exchange.accounts.values() if a.token == request.query.get("token")), None
        )
        connection = _Connection(world, request, account)
        if refused := connection.refusal(request.query.get("clientId", "")):
            connection.refuse(refused)
        else:
            self._admit(connection)
        try:
            return await connection.session.run(connection.hear)
        finally:
            if connection in self._open:
                self._open.remove(connection)
            world.bell.ring()

    def publish(self, changed: Iterable[InstrumentKey]) -> None:
        """Prices changed; also ends connections whose token died, and tells of opening and close."""
        keys = set(changed)
        opened = self._world.exchange.is_open(self._world.now_s())
        for connection in list(self._open):
            if code := connection.refusal():
                connection.refuse(code)
                self._open.remove(connection)
                continue
            if self._was_open is not None and opened is not self._was_open:
                connection.tell_status()
            connection.mark(keys)
        self._was_open = opened

    def cut(self) -> None:
        """Reset every connection."""
        for connection in self._open:
            connection.session.reset()

    def _admit(self, connection: _Connection) -> None:
        mine = [c for c in self._open if c.account is connection.account]
        if len(mine) >= MOST_CONNECTIONS:
            mine[0].session.hang_up(packets.disconnect(_TOO_MANY_CONNECTIONS))
            self._open.remove(mine[0])
        self._open.append(connection)


class _Connection:
    """What one socket wants and what of it has changed since it was last sent."""

    def __init__(self, world: World, request: web.Request, account: Account | None) -> None:
        self.account = account
        self.session = Session(world, Socket.FEED, request, self._take)
        self._world = world
        self._token = request.query.get("token", "")
        self.wanted: dict[InstrumentKey, int] = {}
        self._dirty: dict[InstrumentKey, None] = {}
        self._extra: list[bytes] = []

    def refusal(self, client_id: str | None = None) -> int:
        """The code with which this connection may not live (on); 0 = it may."""
        account = self.account
        if account is None or self._world.faults.refuse_tokens or account.token != self._token:
            return _BAD_TOKEN
        if client_id is not None and client_id != account.client_id:
            return _BAD_TOKEN
        if self._world.faults.no_data_plan:
            return _NO_DATA_PLAN
        return _EXPIRED if self._world.now_s() >= account.token_expires_s else 0

    def refuse(self, code: int) -> None:
        """End it: with a reason if that is the habit, usually with a bare reset."""
        if self._world.faults.feed_says_why:
            self.session.hang_up(packets.disconnect(code))
        else:
            self._extra.clear()
            self.session.reset_soon()

    def hear(self, text: str) -> None:
        """A subscription, or nonsense, which is ignored without a word."""
        try:
            message = parse(text)
            code = int(message["RequestCode"])
        except (ValueError, KeyError, TypeError):
            return
        if code == _HANG_UP:
            self.session.hang_up()
            return
        keys = _keys(message)
        if len(keys) > MOST_PER_MESSAGE:
            return
        if code in {TICKER, QUOTE, FULL}:
            self._subscribe(code, keys)
        elif code - 1 in {TICKER, QUOTE, FULL}:
            for key in keys:
                if self.wanted.get(key) == code - 1:
                    del self.wanted[key]

    def mark(self, changed: set[InstrumentKey]) -> None:
        """These contracts have new quotes."""
        self._dirty.update(dict.fromkeys(changed & self.wanted.keys()))
        if self._dirty or self._extra:
            self.session.nudge()

    def tell_status(self) -> None:
        """The market opened or closed."""
        self._extra.append(packets.market_status(SEGMENT_CODE[Segment.NSE_FNO]))

    def _subscribe(self, code: int, keys: list[InstrumentKey]) -> None:
        source = self._world.exchange.source
        if len(self.wanted.keys() | set(keys)) > MOST_INSTRUMENTS:
            self.session.hang_up(packets.disconnect(_TOO_MANY_INSTRUMENTS))
            return
        for key in keys:
            # What is not listed takes a place like anything else; it just never has a price.
            self.wanted[key] = code
            self._dirty[key] = None
            quote = source.quote(key)
            if quote is not None and code != FULL and key_parts(key)[0] is Segment.IDX_I:
                self._extra.append(packets.previous_close(quote))
        self.session.nudge()
        self._world.bell.ring()

    def _take(self) -> list[Frame]:
        out, self._extra = self._extra, []
        dirty, self._dirty = self._dirty, {}
        for key in dirty:
            quote = self._world.exchange.source.quote(key)
            if quote is not None and key in self.wanted:
                out += _BUILD[self.wanted[key]](quote)
        stack = max(1, self._world.habits.stack)
        return [b"".join(out[n : n + stack]) for n in range(0, len(out), stack)]


def _keys(message: dict[str, Any]) -> list[InstrumentKey]:
    """The instruments of a message; those that mean nothing are left out without a word."""
    keys: list[InstrumentKey] = []
    listed = message.get("InstrumentList")
    for item in listed if isinstance(listed, list) else ():
        try:
            keys.append(read_key(item["ExchangeSegment"], item["SecurityId"]))
        except (KeyError, ValueError, TypeError):
            continue
    return keys


def _full(quote: Quote) -> list[bytes]:
    # An index in Full mode was seen to deliver nothing at all.
    return [] if key_parts(quote.key)[0] is Segment.IDX_I else [packets.full(quote)]


def _quote(quote: Quote) -> list[bytes]:
    beside = [packets.open_interest(quote)] if key_parts(quote.key)[0] in _WITH_INTEREST else []
    return [packets.quote_packet(quote), *beside]


_BUILD: dict[int, Callable[[Quote], list[bytes]]] = {
    TICKER: lambda quote: [packets.ticker(quote)],
    QUOTE: _quote,
    FULL: _full,
}
