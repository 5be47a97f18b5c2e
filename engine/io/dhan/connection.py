"""One socket of the live feed: it subscribes, reads, watches its own silence, and comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from engine.io.dhan import feed_sockets
from engine.io.dhan.backoff import SETTLED_S, Backoff, Cut, Why, cut_by_code
from engine.io.dhan.feed_sockets import FeedSocket, NoSocket
from engine.io.dhan.sockets import cut_by_close, stay_away
from engine.messages import FeedState, Tick
from engine.wire import FeedDisconnect, FeedMode, decode_frames, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.io.ports import Clock
    from engine.model import InstrumentKey

#: More instruments than this on one socket get it closed (Dhan's live market feed page).
CONNECTION_LIMIT = 5_000
#: How often a feed that rests looks whether the market wakes.
REST_CHECK_S = 5.0
RESTING = "the market is closed: the feed rests until shortly before the next session"


@dataclass(frozen=True, slots=True)
class FeedPolicy:
    """How patient the feed is.

    Attributes:
        in_session: whether prices are expected at a moment (epoch seconds); silence outside the
            session is no fault.
        stale_s: so long without a price, in session, and the connection is given up.
        resting: whether underlyings rest at a moment (their closing auction), so that less is told.
        resting_stale_s: what counts then instead of ``stale_s``; the new connection brings a price of all.
        check_s: how often silence is looked for.
        rest_after_s: how long a gap may be before REST quotes fill it.
        rest_every_s: how often they are asked for then.
        awake: whether a session is on, near or possible at a moment; else no socket is held open.
    """

    in_session: Callable[[float], bool]
    stale_s: float = 30.0
    resting: Callable[[float], bool] = field(default=lambda _now_s: False)
    resting_stale_s: float = 120.0
    check_s: float = 1.0
    rest_after_s: float = 2.0
    rest_every_s: float = 1.0
    awake: Callable[[float], bool] = field(default=lambda _now_s: True)

    def patience_s(self, now_s: float) -> float:
        """How long no price may come, at a moment of the session."""
        return self.resting_stale_s if self.resting(now_s) else self.stale_s


@dataclass(frozen=True, slots=True)
class FeedAccess:
    """Where the feed is and who we are; the token is asked for at every connection."""

    url: str
    client_id: str
    access_token: Callable[[], str]
    proxy: str | None = None

    def address(self, token: str) -> str:
        """The feed's address with the login in its query: never to be logged."""
        login = {"version": 2, "token": token, "clientId": self.client_id, "authType": 2}
        return f"{self.url}?{urlencode(login)}"

    def renewed(self, token: str) -> bool:
        """Whether there is another token by now."""
        return self.access_token() != token


class Connection:
    """Carries a set of instruments over one socket for as long as `run` lasts.

    Attributes:
        wanted: what it shall carry; change it with `carry`.
        state: what it is doing; ``detail`` says more for people.
        bad_frames: frames that could not be read, or not wholly.
    """

    def __init__(
        self,
        access: FeedAccess,
        *,
        ticks_paise: Mapping[InstrumentKey, int],
        on_ticks: Callable[[Sequence[Tick]], None],
        on_change: Callable[[Connection, bool], None],
        clock: Clock,
        jitter: Callable[[], float],
        policy: FeedPolicy,
    ) -> None:
        """Carry nothing yet. ``on_change`` is called with True when a person must act."""
        self.wanted: dict[InstrumentKey, FeedMode] = {}
        self.state = FeedState.CONNECTING
        self.detail = "connecting to Dhan"
        self.bad_frames = 0
        self._access = access
        self._ticks_paise = ticks_paise
        self._on_ticks = on_ticks
        self._on_change = on_change
        self._clock = clock
        self._policy = policy
        self._backoff = Backoff(jitter)
        self._sent: dict[InstrumentKey, FeedMode] = {}
        self._changed = asyncio.Event()
        self._batches = 0
        self._silent = False
        self._goodbye: FeedDisconnect | None = None

    def carry(self, wanted: dict[InstrumentKey, FeedMode]) -> None:
        """Carry exactly these from now on."""
        self.wanted = wanted
        self._changed.set()

    async def run(self) -> None:
        """Stay connected until cancelled; no socket is open without instruments or while the market rests."""
        while True:
            while not self.wanted:
                self._changed.clear()
                await self._changed.wait()
            await self._rest()
            token = self._access.access_token()
            self._tell(FeedState.CONNECTING, "connecting to Dhan")
            cut = await self._live(token)
            if not self._policy.awake(self._clock.now_s()):
                continue
            pause = self._backoff.after(cut)
            down = FeedState.STALE if cut.why is Why.STALE else FeedState.DOWN
            self._tell(FeedState.STOPPED if pause.seconds is None else down, cut.detail, alarm=pause.alarm)
            await stay_away(self._clock, pause, partial(self._access.renewed, token))
            if self._access.renewed(token):
                self._backoff.renewed()

    async def _rest(self) -> None:
        """Hold no socket until the market wakes."""
        if not self._policy.awake(self._clock.now_s()):
            self._tell(FeedState.CONNECTING, RESTING)
        while not self._policy.awake(self._clock.now_s()):
            await self._clock.sleep(REST_CHECK_S)

    async def _live(self, token: str) -> Cut:
        """Lead one connection from handshake to end, and say why it ended."""
        try:
            async with feed_sockets.open_feed(self._access.address(token), self._access.proxy) as socket:
                return await self._converse(socket)
        except NoSocket as problem:
            return problem.cut

    async def _converse(self, socket: FeedSocket) -> Cut:
        """Read until the end while two helpers subscribe and watch."""
        self._sent, self._batches, self._silent, self._goodbye = {}, 0, False, None
        opened_s = self._clock.now_s()
        self._tell(FeedState.CONNECTING, "connected, waiting for prices")
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._keep_subscribed(socket), name="feed subscriptions"),
                group.create_task(self._watch(socket), name="feed watchdog"),
            ]
            try:
                cut = await self._read(socket, opened_s)
            finally:
                for helper in helpers:
                    helper.cancel()
        return cut

    async def _read(self, socket: FeedSocket, opened_s: float) -> Cut:
        """Deliver prices until the connection ends."""
        said = await socket.read(self._take, self._count_bad)
        if (goodbye := self._goodbye) is not None:
            return cut_by_code(goodbye.reason_code, goodbye.text)
        if self._silent:
            return Cut(Why.STALE, f"no prices for {self._policy.patience_s(self._clock.now_s()):.0f} s")
        return cut_by_close(said, self._clock.now_s() - opened_s, heard=self._batches > 0)

    def _count_bad(self) -> None:
        """A frame of text came: prices come in binary only."""
        self.bad_frames += 1

    def _take(self, frames: list[bytes]) -> bool:
        """Deliver the prices of some frames; True when Dhan said goodbye in one of them."""
        ticks, others, broken = decode_frames(frames, self._ticks_paise)
        self.bad_frames += len(broken)
        if ticks:
            self._batches += 1
            if self.state is not FeedState.LIVE:
                self._tell(FeedState.LIVE, "prices arrive")
            self._on_ticks(ticks)
        if others:
            self._goodbye = next((packet for packet in others if isinstance(packet, FeedDisconnect)), None)
        return self._goodbye is not None

    async def _keep_subscribed(self, socket: FeedSocket) -> None:
        """Send what is wanted and not yet subscribed, now and after every change."""
        while True:
            self._changed.clear()
            for text in self._differences():
                await socket.send(text)
            await self._changed.wait()

    def _differences(self) -> list[str]:
        """Write the messages between what this socket carries and what it shall carry."""
        texts = []
        for mode in FeedMode:
            gone = [k for k, m in self._sent.items() if m is mode and self.wanted.get(k) is not mode]
            new = [k for k, m in self.wanted.items() if m is mode and self._sent.get(k) is not mode]
            texts += subscriptions(gone, mode, end=True) + subscriptions(new, mode)
        self._sent = dict(self.wanted)
        return texts

    async def _watch(self, socket: FeedSocket) -> None:
        """Give the connection up when no price came for too long, however alive the socket looks."""
        seen, quiet_since_s = self._batches, self._clock.now_s()
        live_since_s: float | None = None
        while True:
            await self._clock.sleep(self._policy.check_s)
            now_s = self._clock.now_s()
            if not self._policy.awake(now_s):
                await socket.close()
                return
            if self._batches != seen:
                live_since_s = now_s if live_since_s is None else live_since_s
                if now_s - live_since_s >= SETTLED_S:
                    self._backoff.settled()
            if self._batches != seen or not self.wanted or not self._policy.in_session(now_s):
                seen, quiet_since_s = self._batches, now_s
            elif now_s - quiet_since_s >= self._policy.patience_s(now_s):
                # Closing politely would wait for a peer that has long stopped listening.
                self._silent = True
                socket.abort()
                return

    def _tell(self, state: FeedState, detail: str, *, alarm: bool = False) -> None:
        """Note the new state and tell the owner of this connection."""
        self.state, self.detail = state, detail
        self._on_change(self, alarm)
