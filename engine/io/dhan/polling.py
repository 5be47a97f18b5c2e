"""The feed without sockets: REST quotes at an interval (``--no-websocket``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.errors import AuthFailed, RateLimited, SourceError
from engine.io.dhan.limits import QUOTES_LIMIT
from engine.io.ports import Clock, Quotes
from engine.messages import FeedChanged, FeedState, Tick
from engine.model import Instrument


class PollingFeed:
    """Implements `engine.io.ports.Feed` on the quote endpoint (one request a second at Dhan).

    Args:
        interval_s: seconds between two reads, at least 1.
        awake: whether a session is on, near or possible at a moment; else what was read once stands.
    """

    def __init__(
        self,
        quotes: Quotes,
        on_ticks: Callable[[Sequence[Tick]], None],
        on_state: Callable[[FeedChanged], None],
        clock: Clock,
        interval_s: float,
        awake: Callable[[float], bool] = lambda _now_s: True,
    ) -> None:
        self._quotes = quotes
        self._on_ticks = on_ticks
        self._on_state = on_state
        self._clock = clock
        self._interval_s = max(interval_s, 1.0)
        self._awake = awake
        self._wanted: tuple[Instrument, ...] = ()
        self._said: FeedChanged | None = None

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        """Read exactly these from the next turn on."""
        self._wanted = tuple(instruments)

    async def run(self) -> None:
        """Read until cancelled; a failed read is told once and tried again."""
        read: tuple[Instrument, ...] = ()
        while True:
            pause_s = self._interval_s
            if self._wanted and (self._wanted is not read or self._awake(self._clock.now_s())):
                read = ()
                try:
                    wanted = self._wanted
                    keys = [item.key for item in wanted]
                    for first in range(0, len(keys), QUOTES_LIMIT):
                        self._on_ticks(await self._quotes.quotes(keys[first : first + QUOTES_LIMIT]))
                    how = f"quotes by REST every {pause_s:g} s"
                    self._say(FeedChanged(FeedState.REST, how, mended=True))
                    read = wanted
                except RateLimited as error:
                    if error.retry_after_s > pause_s:  # what is said to come every few seconds does not
                        pause_s = error.retry_after_s
                        self._say(FeedChanged(FeedState.DOWN, f"no quotes for {pause_s:.0f} s: {error}"))
                except SourceError as error:
                    alarm = isinstance(error, AuthFailed)
                    self._say(FeedChanged(FeedState.DOWN, str(error), alarm=alarm))
            await self._clock.sleep(pause_s)

    def _say(self, news: FeedChanged) -> None:
        if news != self._said:
            self._said = news
            self._on_state(news)
