"""Everything of one house that speaks with Dhan, built at once; nothing of it runs yet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random

from engine.idle import awake
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.access import DhanAccess
from engine.io.dhan.control import DhanControl
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.margin import DhanMargin
from engine.io.dhan.order_updates import OrderUpdates
from engine.io.dhan.polling import PollingFeed
from engine.io.dhan.rest import DhanRest
from engine.io.inbox import Inbox
from engine.io.lease import LeaseKeeper
from engine.io.plot import Plot
from engine.io.ports import Control, Feed
from engine.io.read_only import ReadOnlyControl
from engine.io.token_file import TokenFile
from engine.messages import Beat, BeatKind, FeedChanged, OrderUpdate, Tick, UpdatesStopped
from engine.model import Instrument, InstrumentKey
from engine.sessions import Calendar, ist_date
from engine.words import OrderWay

__all__ = ["DhanParts"]

_log = logging.getLogger(__name__)


class DhanParts:
    """All of them, by their names.

    Attributes:
        rest: every call but those of the sockets.
        control: Dhan's own nets; read-only where no order may leave.
        updates: the socket of order updates.
    """

    def __init__(
        self,
        plot: Plot,
        executor: ThreadPoolExecutor,
        token: TokenFile,
        clock: SystemClock,
        lease: LeaseKeeper | None,
        inbox: Inbox,
        calendar: Calendar,
    ) -> None:
        self._plot, self._clock, self._inbox, self._calendar = plot, clock, inbox, calendar
        self._token = token.reveal
        settings = self._settings = plot.settings
        self.rest = DhanRest(
            client_id=settings.dhan_client_id,
            access_token=self._token,
            base_url=settings.dhan_api_url,
            executor=executor,
            clock=self._clock,
            passes=lease.passes if lease else None,
            proxy=self._proxy,
            direct=plot.sends and settings.orders_by is OrderWay.DIRECT,
        )
        self.access = DhanAccess(self.rest, token, self._clock)
        self.margins = DhanMargin(self.rest)
        control = DhanControl(self.rest)
        self.control: Control = control if plot.sends else ReadOnlyControl(control)
        self.updates = self._order_updates()

    def feed(
        self, on_ticks: Callable[[Sequence[Tick]], None], on_state: Callable[[FeedChanged], None]
    ) -> Feed:
        """The source of prices: Dhan's socket, or its REST quotes at intervals."""
        is_awake = partial(awake, self._calendar)
        if not self._plot.websocket:
            return PollingFeed(self.rest, on_ticks, on_state, self._clock, self._plot.interval_s, is_awake)
        return DhanFeed(
            url=self._settings.dhan_feed_url,
            client_id=self._settings.dhan_client_id,
            access_token=self._token,
            on_ticks=on_ticks,
            on_state=on_state,
            quotes=self.rest,
            clock=self._clock,
            jitter=Random().random,  # noqa: S311 - spreads reconnects, protects nothing
            policy=FeedPolicy(
                in_session=self._calendar.is_open, resting=self._calendar.spot_rests, awake=is_awake
            ),
            proxy=self._proxy,
        )

    def _order_updates(self) -> OrderUpdates:
        return OrderUpdates(
            url=self._settings.dhan_order_update_url,
            client_id=self._settings.dhan_client_id,
            access_token=self._token,
            on_order=lambda order: self._inbox.post(OrderUpdate(order)),
            on_gap=self._read_the_books,
            on_stopped=lambda detail: self._inbox.post(UpdatesStopped(detail)),
            clock=self._clock,
            jitter=Random().random,  # noqa: S311 - spreads reconnects, protects nothing
            proxy=self._proxy,
        )

    @property
    def _proxy(self) -> str | None:
        return self._settings.dhan_proxy.reveal() if self._settings.dhan_proxy else None

    def _read_the_books(self, why: str) -> None:
        """The update socket may have missed something: what it brings is a hint, the books are the truth."""
        _log.info("order updates %s: reading the books", why)
        self._inbox.post(Beat(BeatKind.SYNC))

    async def load_master(self, symbols: frozenset[str]) -> Mapping[InstrumentKey, Instrument]:
        """Dhan's list of these underlyings, with the freeze quantities of today."""
        cache = self._settings.data_dir / "instruments.csv"
        found = await load_instruments(self._settings.dhan_instruments_url, cache, symbols)
        return tables.with_freeze(found, ist_date(self._clock.now_s()))
