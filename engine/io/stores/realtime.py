"""Supabase Realtime as a hint: it says *look now*, never what is there; the rows come by REST.

Whatever goes wrong with a socket of it, the answer is the same: let go of the whole client, and make another.
The client's own ways to mend itself leave it deaf in half a dozen cases, without a word to anybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from websockets.exceptions import InvalidStatus, WebSocketException

from engine.errors import SourceError
from engine.io.ports import Clock
from engine.io.stores.realtime_session import Kind, Session
from engine.io.stores.realtime_vigil import RECYCLED, USUAL, Timings, Vigil
from engine.io.stores.supabase_gate import Gate

_log = logging.getLogger(__name__)

HEARTBEATS = "engine_heartbeats"
_TABLES = ("trades", "strategy_exit_levels")
_ENDS = 20


class RealtimeWatch:
    """Keeps one socket open and says when to look at the trade store.

    Args:
        gate: the way to the project; the canary is written through it.
        name: of the canary's row: account and host.
        look: called when something has changed; True = changes may have been missed: read everything.
        heard: called with each event, and with why when there is none to come for now; empty = one came.
        clock: the monitor's, for pauses.
        jitter: numbers from 0 up to 1.
        timings: how patient it is.

    Attributes:
        live: changes flow, as far as is known.
        sessions: sockets so far.
        ends: why the latest of them were given up, oldest first.
    """

    def __init__(
        self,
        gate: Gate,
        name: str,
        look: Callable[[bool], None],
        heard: Callable[[str], None],
        clock: Clock,
        jitter: Callable[[], float],
        timings: Timings = USUAL,
    ) -> None:
        """Connect to nothing yet."""
        self._gate, self._name, self._look, self._heard = gate, name, look, heard
        self._clock, self._jitter, self._timings = clock, jitter, timings
        self._beat = int(clock.now_s() * 1_000)
        self.live = False
        self.sessions = 0
        self.ends: deque[str] = deque(maxlen=_ENDS)

    async def run(self) -> None:
        """One socket after another, until cancelled."""
        failures = 0
        while True:
            session = Session(self._gate.url, self._gate.key, self._name, self._timings.live_s)
            self.sessions += 1
            try:
                why = await self._live(session)
            finally:
                was_live, self.live = self.live, False
                await session.close()
            failures = 0 if was_live else failures + 1
            self._tell(why, failures)
            pause_s = min(self._timings.pause_s * 2 ** min(failures, 10), self._timings.longest_pause_s)
            await self._clock.sleep(pause_s * (1 + self._jitter()) / 2)

    def _tell(self, why: str, failures: int) -> None:
        """An outage is told once; the trade store is read every half minute meanwhile."""
        self.ends.append(why)
        self._heard(why)
        if why == RECYCLED or failures > 1:
            _log.debug("realtime: %s (failure %d)", why, failures)
        else:
            _log.warning("realtime: %s; until it is back, changes are seen within half a minute", why)

    async def _live(self, session: Session) -> str:
        """A socket's life; why it ended."""
        try:
            async with asyncio.timeout(self._timings.live_s):
                await session.open(_TABLES, HEARTBEATS)
                while (news := await session.news.get()).kind is not Kind.LIVE:
                    if news.kind is Kind.ENDED:
                        return news.detail
            self.live = True
            _log.info("realtime: changes flow")
            self._heard("")
            self._look(True)  # what was committed before that word is not told
            return await Vigil(self._timings, session, self._canary, self._look, self._heard).keep()
        except TimeoutError:
            return "no word that changes flow"
        except InvalidStatus as refused:
            return f"the handshake is refused with HTTP {refused.response.status_code}"
        except (OSError, WebSocketException) as error:
            return f"the connection failed ({type(error).__name__})"

    async def _canary(self) -> int | None:
        """Write a row that must come back; its number. None = it could not be written, which says nothing."""
        self._beat += 1
        row = {"id": self._name, "beat": self._beat, "note": "realtime canary"}
        try:
            await self._gate.ask(lambda client: client.table(HEARTBEATS).upsert(row))
        except SourceError as error:
            _log.debug("realtime: the canary was not written: %s", error)
            return None
        return self._beat
