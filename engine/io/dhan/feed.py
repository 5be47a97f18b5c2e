"""The live feed as the port `Feed`: instruments shared out over sockets, gaps filled by REST quotes."""

from __future__ import annotations

import asyncio
from itertools import count, islice
from typing import TYPE_CHECKING

from engine.errors import AuthFailed, RateLimited, SourceError
from engine.io.dhan.connection import CONNECTION_LIMIT, Connection, FeedAccess, FeedPolicy
from engine.io.dhan.limits import QUOTES_LIMIT
from engine.messages import FeedChanged, FeedState, Tick
from engine.model import Segment
from engine.wire import FeedMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.io.ports import Clock, Quotes
    from engine.model import Instrument, InstrumentKey

__all__ = ["DhanFeed", "FeedPolicy"]

#: Sockets a user may have open at once (Dhan's live market feed page); a sixth kills the oldest.
CONNECTIONS = 5
#: Outside the session a failed REST quote is not urgent.
_GLANCE_AGAIN_S = 30.0
#: With all sockets well only each third turn is for what they have no room for: exits ask for quotes too.
_SURPLUS_TURNS = 3

#: Of several connections the one that stands worst tells the state of the feed.
_WORST_FIRST = (FeedState.STOPPED, FeedState.DOWN, FeedState.STALE, FeedState.CONNECTING, FeedState.LIVE)


class DhanFeed:
    """Prices of exactly the instruments wanted, from one to five sockets.

    Options, futures and shares come in Full mode, indices in Quote mode, because Full on an index is
    silent. Every change of state is told once; an alarm is told even when REST quotes still flow.
    """

    def __init__(  # noqa: PLR0913 - everything it needs, nothing it does not
        self,
        *,
        url: str,
        client_id: str,
        access_token: Callable[[], str],
        on_ticks: Callable[[Sequence[Tick]], None],
        on_state: Callable[[FeedChanged], None],
        quotes: Quotes | None,
        clock: Clock,
        jitter: Callable[[], float],
        policy: FeedPolicy,
        proxy: str | None = None,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            url: e.g. ``wss://api-feed.dhan.co``; the login is added to it.
            client_id: Dhan's client id.
            access_token: asked for at every connection.
            on_ticks: gets the prices of each frame, in order, on the loop.
            on_state: gets every change of state.
            quotes: fills gaps; None = nothing does.
            clock: time of every pause and of the watchdog.
            jitter: numbers from 0 up to 1.
            policy: how patient the feed is.
            proxy: the way to Dhan; None = as the environment says.
        """
        self._access = FeedAccess(url, client_id, access_token, proxy)
        self._on_ticks = on_ticks
        self._on_state = on_state
        self._quotes = quotes
        self._clock = clock
        self._jitter = jitter
        self._policy = policy
        self._ticks_paise: dict[InstrumentKey, int] = {}
        self._connections: list[Connection] = []
        self._grown = asyncio.Event()
        self._rest_flows = False
        self._refused = False
        self._asked = 0
        self._glanced: set[InstrumentKey] = set()
        self._surplus: frozenset[InstrumentKey] = frozenset()
        self._told: FeedChanged | None = None

    @property
    def bad_frames(self) -> int:
        """Frames that could not be read since the start."""
        return sum(connection.bad_frames for connection in self._connections)

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Carry exactly these from now on, the most urgent first; those already carried stay on their socket.

        Beyond 25,000 instruments sockets have no room: the rest gets REST quotes in turn, with an alarm.
        """
        room = CONNECTIONS * CONNECTION_LIMIT
        modes = {
            i.key: FeedMode.QUOTE if i.segment is Segment.IDX_I else FeedMode.FULL for i in instruments[:room]
        }
        self._ticks_paise.clear()
        self._ticks_paise.update({instrument.key: instrument.tick_paise for instrument in instruments})
        for number, share in enumerate(self._share_out(modes)):
            self._connection(number).carry(share)
        before, self._surplus = self._surplus, frozenset(i.key for i in instruments[room:])
        if self._surplus and not before:
            state = self._told.state if self._told else FeedState.CONNECTING
            room_text = f"{CONNECTIONS} sockets, {room:,} instruments"
            text = f"{self._by_rest()} ({room_text}). They are the least urgent, of the latest expiries"
            self._say(state, text, alarm=True)
        elif len(self._surplus) != len(before):
            self._tell()

    def _by_rest(self) -> str:
        """What is said of instruments that no socket has room for; empty = there are none."""
        if not self._surplus:
            return ""
        how = "have no prices" if self._quotes is None else "get quotes by REST in turn, which are older"
        return f"{len(self._surplus):,} instruments more than the sockets have room for {how}"

    def _share_out(self, modes: dict[InstrumentKey, FeedMode]) -> list[dict[InstrumentKey, FeedMode]]:
        """Take as many of ``modes`` as there is room for, one share per connection, old places first."""
        shares = [
            {key: modes.pop(key) for key in connection.wanted if key in modes}
            for connection in self._connections
        ]
        for number in range(CONNECTIONS):
            if number == len(shares):
                if not modes:
                    break
                shares.append({})
            room = CONNECTION_LIMIT - len(shares[number])
            shares[number] |= {key: modes.pop(key) for key in list(islice(modes, room))}
        return shares

    async def run(self) -> None:
        """Run until cancelled."""
        started = 0
        async with asyncio.TaskGroup() as group:
            if self._quotes is not None:
                group.create_task(self._fill_gaps(self._quotes), name="feed gaps")
            while True:
                for number in range(started, len(self._connections)):
                    group.create_task(self._connections[number].run(), name=f"feed socket {number + 1}")
                started = len(self._connections)
                self._grown.clear()
                await self._grown.wait()

    def _connection(self, number: int) -> Connection:
        """Return this connection; make it when it is the next one."""
        if number == len(self._connections):
            self._connections.append(
                Connection(
                    self._access,
                    ticks_paise=self._ticks_paise,
                    on_ticks=self._on_ticks,
                    on_change=self._connection_changed,
                    clock=self._clock,
                    jitter=self._jitter,
                    policy=self._policy,
                )
            )
            self._grown.set()
        return self._connections[number]

    def _connection_changed(self, changed: Connection, alarm: bool) -> None:  # noqa: FBT001
        """A connection has news; an alarm is told even while REST quotes flow."""
        if alarm:
            self._say(changed.state, changed.detail, alarm=True)
        else:
            self._tell()

    def _tell(self) -> None:
        """Say how the feed stands as a whole."""
        carrying = [connection for connection in self._connections if connection.wanted]
        if not carrying:
            return
        worst = min(carrying, key=lambda connection: _WORST_FIRST.index(connection.state))
        if worst.state is FeedState.LIVE:
            self._rest_flows = False
        if self._rest_flows:
            # One text for the whole gap: attempts to reconnect are no news while prices flow.
            self._say(FeedState.REST, "the socket is down, quotes come by REST once a second")
        else:
            self._say(worst.state, worst.detail)

    def _say(self, state: FeedState, detail: str, *, alarm: bool = False) -> None:
        """Tell a state once."""
        change = FeedChanged(state, detail, alarm, self._by_rest())
        if change != self._told:
            self._told = change
            self._on_state(change)

    async def _fill_gaps(self, quotes: Quotes) -> None:
        """Ask for quotes by REST while a socket is down: in turn in the session, once outside it."""
        down_since_s: float | None = None
        for turn in count():
            await self._clock.sleep(self._policy.rest_every_s)
            now_s = self._clock.now_s()
            uncovered, in_session = self._uncovered(), self._policy.in_session(now_s)
            if self._rest_flows and not (uncovered and in_session):
                self._rest_flows = False
                self._tell()
            self._glanced &= uncovered  # once carried again a price may have changed
            if not uncovered:
                down_since_s = None
                continue
            if turn % _SURPLUS_TURNS and uncovered == self._surplus:
                continue
            if down_since_s is None:
                down_since_s = now_s
            if now_s - down_since_s >= self._policy.rest_after_s:
                await (self._fill_once(quotes) if in_session else self._glance(quotes))

    async def _fill_once(self, quotes: Quotes) -> None:
        """Ask for the next thousand."""
        keys = sorted(self._uncovered())
        first = self._asked % len(keys)
        self._asked = first + QUOTES_LIMIT if first + QUOTES_LIMIT < len(keys) else 0
        if ticks := await self._ask(quotes, keys[first : first + QUOTES_LIMIT]):
            self._rest_flows = True
            self._tell()
            self._on_ticks(ticks)

    async def _glance(self, quotes: Quotes) -> None:
        """Ask for a thousand prices not asked for yet: outside the session they do not change."""
        keys = sorted(self._uncovered() - self._glanced)[:QUOTES_LIMIT]
        if not keys:
            return
        ticks = await self._ask(quotes, keys)
        if ticks is None:
            await self._clock.sleep(_GLANCE_AGAIN_S)
            return
        self._glanced.update(keys)
        self._on_ticks(ticks)

    async def _ask(self, quotes: Quotes, keys: Sequence[InstrumentKey]) -> list[Tick] | None:
        """Read quotes, what a socket has overtaken meanwhile left out; None after a failure, told."""
        try:
            answer = await quotes.quotes(keys)
        except SourceError as problem:
            self._rest_flows = False
            if isinstance(problem, AuthFailed) and not self._refused:
                self._refused = True
                self._say(FeedState.DOWN, f"REST quotes are refused too: {problem}", alarm=True)
            else:
                self._tell()
            if isinstance(problem, RateLimited):
                await self._clock.sleep(problem.retry_after_s)
            return None
        self._refused = False
        uncovered = self._uncovered()
        return [tick for tick in answer if tick.key in uncovered]

    def _uncovered(self) -> set[InstrumentKey]:
        """Return what no live socket carries."""
        down = (c.wanted for c in self._connections if c.state is not FeedState.LIVE)
        return {key for wanted in down for key in wanted} | self._surplus
