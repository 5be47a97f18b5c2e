"""Who opens connections for orders, on which threads, and how often anybody may try in advance.

An order that finds no connection opens one on a thread that neither reads nor opening in advance can take:
looking up a name knows no time-out. In advance one is opened at a time, one that came too late included.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.io.dhan.dialling import Dialler, Undialled
from engine.io.dhan.warm import WarmConnection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from engine.io.dhan.http import ReplyHTTP

__all__ = ["DIAL_DEADLINE_S", "Dials", "Pace"]

#: Names, connecting and TLS together.
DIAL_DEADLINE_S = 4.0
#: An exit of four legs opens that many at once.
_FOR_ORDERS = 4
#: One that ends sooner than this after it was opened was turned away.
_SOON_S = 15.0
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0
#: Never more than so many attempts in so many seconds, whatever they come to.
_ATTEMPTS, _ROUND_S = 4, 1.0


class Pace:
    """How long to wait before one more is opened in advance: ever longer for whoever is refused."""

    def __init__(self) -> None:
        """Nobody has been refused yet."""
        self.pause_s = 0.0
        self._refused_s = float("-inf")
        self._tried_s: deque[float] = deque(maxlen=_ATTEMPTS)

    def refused(self, now_s: float) -> None:
        """One could not be opened, or was hung up on at once."""
        self.pause_s = min(max(2 * self.pause_s, _PAUSE_S), _LONGEST_PAUSE_S)
        self._refused_s = now_s

    @staticmethod
    def turned_away(connection: WarmConnection) -> bool:
        """Whether one that has ended was hung up on at once."""
        return connection.lived_s() < _SOON_S

    def wait_s(self, now_s: float, standing: Iterable[WarmConnection]) -> float:
        """From now until the next attempt; one opened since the last refusal that stands ends a pause."""
        if any(each.opened_s > self._refused_s and each.lived_s() >= _SOON_S for each in standing):
            self.pause_s = 0.0
        full = len(self._tried_s) == _ATTEMPTS
        return max(self.pause_s, self._tried_s[0] + _ROUND_S - now_s if full else 0.0)

    def tries(self, now_s: float) -> None:
        """One is opened now."""
        self._tried_s.append(now_s)


class Dials:
    """The threads on which the connections of one account's orders are opened."""

    def __init__(
        self,
        http: ReplyHTTP,
        gone: Callable[[WarmConnection], None],
        late: Callable[[WarmConnection], None],
        now_s: Callable[[], float],
    ) -> None:
        """Open nothing yet.

        Args:
            http: whose address, proxies and patience hold.
            gone: told when one has ended.
            late: given what comes when nobody waits for it any more.
            now_s: the clock of their ages.
        """
        self._http = http
        self._gone = gone
        self._late = late
        self._now_s = now_s
        self._dialler: Dialler | None = None
        self._orders = ThreadPoolExecutor(_FOR_ORDERS, thread_name_prefix="dhan-order")
        self._advance = ThreadPoolExecutor(1, thread_name_prefix="dhan-ready")
        self._hanging: Future[socket.socket] | None = None
        self._works: set[Future[socket.socket]] = set()  # whose sockets nobody has taken yet
        self._over = False

    @property
    def able(self) -> bool:
        """Whether this way can be opened by hand; not through every kind of proxy."""
        return self._dial.able

    @property
    def hanging(self) -> bool:
        """Whether one that is opened in advance still keeps its thread."""
        return self._hanging is not None and not self._hanging.done()

    async def for_order(self) -> WarmConnection:
        """Open one that an order waits for.

        Raises:
            Undialled: there is none.
        """
        return await self._open(self._orders)

    async def in_advance(self) -> WarmConnection:
        """Open one for those that stand ready.

        Raises:
            Undialled: there is none, or an earlier one still hangs.
        """
        if self.hanging:
            raise Undialled("an earlier attempt still hangs")
        return await self._open(self._advance)

    def close(self) -> None:
        """Begin nothing any more; what a thread still brings is closed."""
        self._over = True
        for threads in (self._orders, self._advance):
            threads.shutdown(wait=False, cancel_futures=True)
        for work in [*self._works]:
            work.add_done_callback(_let_fall)

    @property
    def _dial(self) -> Dialler:
        """For the address of now."""
        if self._dialler is None or self._dialler.base_url != self._http.base_url:
            self._dialler = Dialler(self._http.session, self._http.base_url)
        return self._dialler

    async def _open(self, threads: ThreadPoolExecutor) -> WarmConnection:
        """Open one on a thread. A thread that comes too late brings one for those that stand ready.

        Raises:
            Undialled: there is none.
        """
        if self._over:
            raise Undialled("closed")
        work = threads.submit(self._dial.dial, self._http.timeout[0])
        self._works.add(work)
        opened = asyncio.wrap_future(work)
        if threads is self._advance:
            self._hanging = work
        try:
            async with asyncio.timeout(DIAL_DEADLINE_S):
                await asyncio.shield(opened)
        except TimeoutError:
            begun = self._leave(work, opened)
            raise Undialled("ConnectTimeout" if begun else "no thread was free") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if opened.cancelled() and task is not None and not task.cancelling():  # it was `close`
                self._works.discard(work)
                raise Undialled("closed") from None
            self._leave(work, opened)
            raise
        except Undialled:
            self._works.discard(work)
            raise
        return self._taken(work)

    def _leave(self, work: Future[socket.socket], opened: asyncio.Future[socket.socket]) -> bool:
        """Wait for one no longer; whether a thread has begun with it."""
        if work.cancel():
            self._works.discard(work)
            return False
        opened.add_done_callback(lambda _: self._bring(work))
        return True

    def _bring(self, work: Future[socket.socket]) -> None:
        """Take what a thread brings that nobody waits for any more."""
        with suppress(Undialled):
            self._late(self._taken(work))

    def _taken(self, work: Future[socket.socket]) -> WarmConnection:
        """What a thread has brought, as one of ours.

        Raises:
            Undialled: it brought none, or all is over.
        """
        self._works.discard(work)
        if self._over:
            raise Undialled("closed")
        return WarmConnection(work.result(), self._gone, self._now_s)


def _let_fall(work: Future[socket.socket]) -> None:
    """Close what nobody takes any more."""
    if not work.cancelled() and work.exception() is None:
        work.result().close()
