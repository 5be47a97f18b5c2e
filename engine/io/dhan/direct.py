"""Order commands by connections that stand ready: no thread, no handshake between decision and socket.

What `dhanhq` and `requests` do in a thread for the same command takes several times as long and holds the
interpreter against the ticks meanwhile. The words of a command stay dhanhq's (`letters`), its headers those
of the session that sends everything else. Nothing is ever sent twice here.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from engine.io.dhan.dialling import Dialler, Undialled
from engine.io.dhan.http import Reply
from engine.io.dhan.warm import WarmConnection, fields, write

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from concurrent.futures import Executor

    from engine.io.dhan.http import ReplyHTTP
    from engine.io.dhan.letters import Letter
    from engine.io.ports import Clock

__all__ = ["Direct"]

_log = logging.getLogger(__name__)

#: So many stand ready: an exit of four legs, or two exits' shorts.
KEPT = 4
#: More than that stay open after a burst, no longer than they live.
MOST_IDLE = 8
#: Nobody uses one that has been idle for longer: the other side may be hanging up at this moment.
LIFE_S = 50.0
_SHORTEST_LIFE_S = 10.0
#: Of the time after which the other side was seen to hang up, so much is used; it is tried longer and longer.
_SHARE, _LONGER = 0.75, 1.1
#: At this part of its life a new one takes the place of an idle one.
_RENEWED = 0.8
#: How often the ages are looked at.
_LOOK_S = 2.0
#: One that ends sooner than this after it was opened, or cannot be opened, makes the next attempt wait.
_SOON_S = 15.0
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0
#: Names, connecting and TLS together.
DIAL_DEADLINE_S = 4.0


class Direct:
    """The connections of one account's commands; used from the loop's thread only."""

    def __init__(self, http: ReplyHTTP, executor: Executor, clock: Clock) -> None:
        """Open nothing yet.

        Args:
            http: whose address, headers, proxies and patience hold.
            executor: on its threads connections are opened.
            clock: paces the opening.
        """
        self._http = http
        self._executor = executor
        self._clock = clock
        self._dialler: Dialler | None = None
        self._idle: list[WarmConnection] = []
        self._busy: set[WarmConnection] = set()
        self._changed = asyncio.Event()
        self._life_s = LIFE_S
        self._pause_s = 0.0
        self._turned_away = False  # since the last one was opened
        self._closed = False
        self._written_for: tuple[str, dict[str, str]] | None = None
        self._fields, self._path = b"", ""

    @property
    def able(self) -> bool:
        """Whether commands can go this way at all; not through every kind of proxy."""
        return self._dial.able

    @property
    def ready(self) -> int:
        """How many connections stand ready."""
        return len(self._idle)

    async def send(self, letter: Letter, why_not: Callable[[], str]) -> Reply:
        """Send one command, once, on a connection that stands ready, else on one opened for it.

        Args:
            letter: what to send.
            why_not: looked at before a connection is opened and last at the socket; empty = it may leave.
        """
        try:
            request = self._write(letter)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            return Reply(None, failure="InvalidHeader", sent=False)
        connection = self._take()
        if connection is None:
            if why := why_not():
                return Reply(None, failure=why, sent=False)
            try:
                connection = await self._open()
            except Undialled as problem:
                return Reply(None, failure=str(problem), sent=False)
        self._busy.add(connection)
        try:
            return await connection.exchange(request, why_not, self._http.timeout[1])
        finally:
            self._busy.discard(connection)
            self._lay_by(connection)

    async def keep_warm(self, wanted: Callable[[float], bool]) -> None:
        """Keep some open for as long as they are wanted at the moment (epoch seconds); until cancelled.

        Whoever is refused, or hung up on at once, comes back ever more slowly.
        """
        try:
            while True:
                self._changed.clear()
                if not self.able or not wanted(self._clock.now_s()):
                    self._let_go()
                elif self._lacking():
                    await self._refill()
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._changed.wait()
        finally:
            self._let_go()

    def close(self) -> None:
        """Close all connections; a command under way is lost."""
        self._closed = True
        self._let_go()
        for connection in [*self._busy]:
            connection.close()

    # --------------------------------------------------------------------------------- inside

    @property
    def _dial(self) -> Dialler:
        """For the address of now."""
        if self._dialler is None or self._dialler.base_url != self._http.base_url:
            self._dialler = Dialler(self._http.session, self._http.base_url)
        return self._dialler

    def _write(self, letter: Letter) -> bytes:
        """A command as requests writes it, but for answers that are packed.

        Raises:
            h11.LocalProtocolError: the token cannot be a header.
            UnicodeEncodeError: the path is not one.
        """
        base_url, headers = self._http.base_url, self._http.headers()
        if (base_url, headers) != self._written_for:  # another token; else they are as they were
            target = urlsplit(base_url)
            agent = str(self._http.session.headers["User-Agent"])
            first = {"Host": target.netloc, "User-Agent": agent, "Accept-Encoding": "identity"}
            self._fields = fields(first | headers | {"Connection": "keep-alive"})
            self._written_for, self._path = (base_url, headers), target.path
        body = (self._http.body(letter.payload) or "").encode()
        return write(letter.method, self._path + letter.endpoint, self._fields, body)

    def _take(self) -> WarmConnection | None:
        """The one used last of those that still stand, so that the others may grow old."""
        while self._idle:
            connection = self._idle[-1]
            if connection.idle_s() > self._life_s:
                self._drop(connection)
            elif connection.is_there():  # else it has gone, also from here
                return self._idle.pop()
        return None

    def _lay_by(self, connection: WarmConnection) -> None:
        """Keep it for the next, or close what is too many."""
        if connection.closed:
            return
        if self._closed or len(self._idle) >= MOST_IDLE:
            connection.close()
        else:
            self._idle.append(connection)

    async def _open(self) -> WarmConnection:
        """Open one on a thread. A thread that comes too late brings one for those that stand ready.

        Raises:
            Undialled: there is none.
        """
        work = self._executor.submit(self._dial.dial, self._http.timeout[0])
        opened = asyncio.wrap_future(work)
        try:
            async with asyncio.timeout(DIAL_DEADLINE_S):
                return WarmConnection(await asyncio.shield(opened), self._gone)
        except TimeoutError:
            if work.cancel():
                raise Undialled("no thread was free") from None
            opened.add_done_callback(self._late)
            raise Undialled("ConnectTimeout") from None
        except asyncio.CancelledError:
            if not work.cancel():
                opened.add_done_callback(self._late)
            raise

    def _late(self, opened: asyncio.Future[socket.socket]) -> None:
        """Take what a thread brings that nobody waits for any more."""
        if not opened.cancelled() and opened.exception() is None:
            self._lay_by(WarmConnection(opened.result(), self._gone))

    def _gone(self, connection: WarmConnection) -> None:
        """One lay idle and has ended: so long the other side lets them lie."""
        if connection not in self._idle:
            return
        self._idle.remove(connection)
        self._turned_away = self._turned_away or connection.lived_s() < _SOON_S
        self._life_s = max(min(self._life_s, _SHARE * connection.idle_s()), _SHORTEST_LIFE_S)
        self._changed.set()

    def _lacking(self) -> bool:
        """Whether one more is to be opened."""
        return len(self._idle) + len(self._busy) < KEPT or self._oldest_idle_s() > _RENEWED * self._life_s

    def _oldest_idle_s(self) -> float:
        return max((connection.idle_s() for connection in self._idle), default=0.0)

    async def _refill(self) -> None:
        """Open one more, and close one that has grown old."""
        if any(each.lived_s() >= _SOON_S for each in (*self._idle, *self._busy)):
            self._pause_s = 0.0
        elif self._turned_away:
            self._slower()
        self._turned_away = False
        if self._pause_s:
            await self._clock.sleep(self._pause_s)
        try:
            self._idle.append(await self._open())
        except Undialled as problem:
            self._slower()
            _log.info("no connection for orders: %s; again in %g s", problem, self._pause_s)
            return
        if old := [each for each in self._idle if each.idle_s() > _RENEWED * self._life_s]:
            self._drop(old[0])
            self._life_s = min(self._life_s * _LONGER, LIFE_S)

    def _slower(self) -> None:
        self._pause_s = min(max(2 * self._pause_s, _PAUSE_S), _LONGEST_PAUSE_S)

    def _drop(self, connection: WarmConnection) -> None:
        """Close an idle one of ours, which says nothing about the other side."""
        self._idle.remove(connection)
        connection.close()

    def _let_go(self) -> None:
        for connection in [*self._idle]:
            self._drop(connection)
