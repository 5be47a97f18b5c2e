"""Order commands by connections that stand ready: no thread, no handshake between decision and socket.

What `dhanhq` and `requests` do in a thread for the same command takes several times as long and holds the
interpreter against the ticks meanwhile. The words of a command stay dhanhq's (`letters`), its headers those
of the session that sends everything else. Nothing is ever sent twice here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from engine.io.dhan.dialling import Undialled
from engine.io.dhan.dials import Dials, Pace
from engine.io.dhan.http import Reply
from engine.io.dhan.warm import WarmConnection, boot_s, fields, write

if TYPE_CHECKING:
    from collections.abc import Callable

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
#: So long before they are wanted they are opened: an order of the first second finds them.
AHEAD_S = 60.0
#: How often the ages are looked at.
_LOOK_S = 2.0
#: What a request's path may be made of: nothing that ends it, opens a question or goes up.
_PATH = re.compile(r"(?!.*\.\.)[A-Za-z0-9/_.-]+")


class Direct:
    """The connections of one account's commands; used from the loop's thread only."""

    def __init__(self, http: ReplyHTTP, clock: Clock, now_s: Callable[[], float] = boot_s) -> None:
        """Open nothing yet.

        Args:
            http: whose address, headers, proxies and patience hold.
            clock: paces the opening.
            now_s: the clock of the connections' ages.
        """
        self._http = http
        self._clock = clock
        self._now_s = now_s
        self._dials = Dials(http, self._gone, self._late, now_s)
        self._pace = Pace()
        self._idle: list[WarmConnection] = []
        self._busy: set[WarmConnection] = set()
        self._changed = asyncio.Event()
        self._life_s = LIFE_S
        self._turned_away = False  # since the last one was opened
        self._closed = False
        self._written_for: tuple[str, dict[str, str]] | None = None
        self._fields, self._path = b"", ""

    @property
    def able(self) -> bool:
        """Whether commands can go this way at all; not through every kind of proxy."""
        return self._dials.able

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
        if not _PATH.fullmatch(letter.endpoint):
            return Reply(None, failure="InvalidURL", sent=False)
        try:
            request = self._write(letter)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            return Reply(None, failure="InvalidHeader", sent=False)
        connection = self._take()
        if connection is None:
            if why := why_not():
                return Reply(None, failure=why, sent=False)
            try:
                connection = await self._dials.for_order()
            except Undialled as problem:
                return Reply(None, failure=str(problem), sent=False)
        self._busy.add(connection)
        try:
            return await connection.exchange(request, why_not, self._http.timeout[1])
        finally:
            self._busy.discard(connection)
            self._lay_by(connection)
            if connection.silent:  # what it went by may be gone, and with it all that was opened before
                self._let_go()
                self._changed.set()

    async def keep_warm(self, wanted: Callable[[float], bool]) -> None:
        """Keep some open while they are wanted at that moment (epoch seconds), or soon; until cancelled.

        Whoever is refused, or hung up on at once, comes back ever more slowly.
        """
        try:
            while True:
                self._changed.clear()
                now_s = self._clock.now_s()
                soon = wanted(now_s) or wanted(now_s + AHEAD_S)
                if self._closed or not self.able or not soon:
                    self._let_go()
                elif self._lacking() and not self._dials.hanging:
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
        self._dials.close()
        self._let_go()
        for connection in [*self._busy]:
            connection.close()

    # --------------------------------------------------------------------------------- inside

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
        if self._closed or len(self._idle) >= MOST_IDLE or not connection.at_rest:
            connection.close()
        else:
            self._idle.append(connection)

    def _late(self, connection: WarmConnection) -> None:
        """Keep one that has come when nobody waited for it any more."""
        self._lay_by(connection)
        self._changed.set()

    def _gone(self, connection: WarmConnection) -> None:
        """One lay idle and has ended: so long the other side lets them lie."""
        if connection not in self._idle:
            return
        self._idle.remove(connection)
        self._turned_away = self._turned_away or self._pace.turned_away(connection)
        if connection.idle_s() >= _SHORTEST_LIFE_S:  # else it was not for its idleness
            self._life_s = max(min(self._life_s, _SHARE * connection.idle_s()), _SHORTEST_LIFE_S)
        self._changed.set()

    def _lacking(self) -> bool:
        """Whether one more is to be opened."""
        return len(self._idle) + len(self._busy) < KEPT or self._oldest_idle_s() > _RENEWED * self._life_s

    def _oldest_idle_s(self) -> float:
        return max((connection.idle_s() for connection in self._idle), default=0.0)

    async def _refill(self) -> None:
        """Open one more, and close one that has grown old."""
        if self._turned_away:
            self._pace.refused(self._now_s())
        self._turned_away = False
        if wait_s := max(self._pace.wait_s(self._now_s(), (*self._idle, *self._busy)), 0.0):
            await self._clock.sleep(wait_s)
        if self._closed:
            return
        self._pace.tries(self._now_s())
        try:
            self._lay_by(await self._dials.in_advance())
        except Undialled as problem:
            self._pace.refused(self._now_s())
            _log.info("no connection for orders: %s; again in %g s", problem, self._pace.pause_s)
            return
        if old := [each for each in self._idle if each.idle_s() > _RENEWED * self._life_s]:
            self._drop(old[0])
            self._life_s = min(self._life_s * _LONGER, LIFE_S)

    def _drop(self, connection: WarmConnection) -> None:
        """Close an idle one of ours, which says nothing about the other side."""
        self._idle.remove(connection)
        connection.close()

    def _let_go(self) -> None:
        for connection in [*self._idle]:
            self._drop(connection)
