"""What a live socket of Realtime must show, over and over: it answers, a row comes back, it is not old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from engine.io.stores.realtime_session import Kind, Session

#: The one end that is no failure.
RECYCLED = "it is recycled"
_NEVER = float("inf")


class Timings(NamedTuple):
    """How patient the watch is, in seconds.

    Attributes:
        live_s: from the handshake to the word that changes flow; a project that slept takes its time.
        ping_s, answer_s: how often a push is made, and how soon its answer must come.
        canary_s, echo_s: how often a row is written, and how soon it must come back as an event.
        age_s: a socket's life; keys and tokens end after a day, and a socket has the one it began with.
        pause_s, longest_pause_s: before the next socket; the pause doubles from one to the other.
    """

    live_s: float = 30.0
    ping_s: float = 15.0
    answer_s: float = 5.0
    canary_s: float = 60.0
    echo_s: float = 10.0
    age_s: float = 20 * 3_600.0
    pause_s: float = 1.0
    longest_pause_s: float = 30.0


USUAL = Timings()


class Vigil:
    """Looks after one live socket.

    Args:
        timings: how patient it is.
        session: the socket.
        canary: writes a row that must come back, and gives its number; None = it could not be written,
            which says nothing of the socket.
        look: called when something has changed.
        heard: called with an empty text for each event.
    """

    def __init__(
        self,
        timings: Timings,
        session: Session,
        canary: Callable[[], Awaitable[int | None]],
        look: Callable[[bool], None],
        heard: Callable[[str], None],
    ) -> None:
        """Begin now, with a canary."""
        self._timings, self._session, self._canary, self._look = timings, session, canary, look
        self._tell_heard = heard
        self._now_s = asyncio.get_running_loop().time
        now_s = self._now_s()
        self._ends_s, self._ping_s, self._canary_s = now_s + timings.age_s, now_s + timings.ping_s, now_s
        self._answer_s = self._echo_s = _NEVER
        self._heard = self._wanted = 0

    async def keep(self) -> str:
        """Watch until it must be given up; why."""
        while True:
            why = await self._due()
            if why:
                return why
            next_s = min(self._ends_s, self._ping_s, self._canary_s, self._answer_s, self._echo_s)
            try:
                async with asyncio.timeout_at(next_s):
                    news = await self._session.news.get()
            except TimeoutError:
                continue
            if news.kind is Kind.ENDED:
                return news.detail
            if news.kind is Kind.ANSWER:
                self._answer_s, self._ping_s = _NEVER, self._now_s() + self._timings.ping_s
            elif news.kind is Kind.BEAT:
                self._tell_heard("")
                self._heard = max(self._heard, news.beat)
                self._come_back()
            elif news.kind is Kind.CHANGE:
                self._tell_heard("")
                self._look(False)

    async def _due(self) -> str:
        """Do what it is time for; why the socket must be given up, empty = it need not."""
        now_s, timings = self._now_s(), self._timings
        if now_s >= self._answer_s:
            return "a push was not answered"
        if now_s >= self._echo_s:
            return "a row that was written did not come back"
        if now_s >= self._ends_s:
            return RECYCLED
        if now_s >= self._ping_s:
            self._ping_s, self._answer_s = _NEVER, now_s + timings.answer_s
            await self._session.ping()
        if now_s >= self._canary_s:
            self._wanted = await self._canary() or self._heard
            self._canary_s, self._echo_s = _NEVER, self._now_s() + timings.echo_s
            self._come_back()  # its event may have been faster than the answer
        return ""

    def _come_back(self) -> None:
        if self._heard >= self._wanted:
            self._echo_s, self._canary_s = _NEVER, self._now_s() + self._timings.canary_s
