"""``python -m engine drill``: is everything there that an exit needs? Asked afresh; nothing is changed.

It may run beside a monitor: two sockets more for some seconds (Dhan allows five of an account).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.errors import BadInput, SourceError
from engine.io import tables
from engine.io.chat_check import chat_line
from engine.io.clock import SystemClock
from engine.io.dhan.access import DhanAccess
from engine.io.dhan.control import DhanControl
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.rest import DhanRest
from engine.io.dhan.sockets import SOCKET_ERRORS, cut_by_error, open_socket
from engine.io.env import make_data_dir
from engine.io.journal import LOCK_WAIT_S, journal_name
from engine.io.storage import store_to_read
from engine.io.token_file import TokenFile
from engine.messages import FeedChanged, FeedState
from engine.model import Instrument, InstrumentKey, InstrumentKind, Mode, Position, Segment
from engine.nets import control_checks, pnl_exit_check
from engine.plan import plan_exit
from engine.preflight import Check, Light, access_checks, plan_check
from engine.pricing import Touch
from engine.sessions import Calendar, ist_date
from engine.settings import Settings
from engine.trades import InvalidPosition, positions
from engine.wire import login

__all__ = ["run_broker_check", "run_drill"]

#: How long a price, and a socket's rejection, are waited for.
FEED_WAIT_S, SOCKET_WAIT_S = 6.0, 1.5
_NIFTY = Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "NIFTY")


class _Held(NamedTuple):
    good: Sequence[Position]
    bad: Sequence[InvalidPosition]
    fault: str


async def run_drill(settings: Settings) -> list[Check]:
    """Look at everything once.

    Raises:
        BadInput: there are no credentials: the sandbox lives only inside its monitor.
        ConfigError: the sessions file or the data directory has a fault.
    """
    with _drilling(settings) as drill:
        return await drill.checks()


async def run_broker_check(settings: Settings) -> list[Check]:
    """Look at the broker alone: token, address, rights, clocks, its own nets, books, order updates.

    Raises:
        BadInput: there are no credentials.
        ConfigError: as above.
    """
    with _drilling(settings) as drill:
        return await drill.broker_checks()


@contextmanager
def _drilling(settings: Settings) -> Iterator[_Drill]:
    if settings.sandbox:
        raise BadInput("no credentials are set, so there is no account to look at (.env.example)")
    make_data_dir(settings.data_dir)
    with ThreadPoolExecutor(4) as executor:
        drill = _Drill(settings, executor)
        try:
            yield drill
        finally:
            drill.rest.close()


class _Drill:
    def __init__(self, settings: Settings, executor: ThreadPoolExecutor) -> None:
        self.settings = settings
        self.clock = SystemClock(settings.clock_start)
        self.calendar: Calendar = tables.calendar(settings.sessions_file)
        # nothing is logged by this tool, so no sieve has to learn a token
        self.token = TokenFile(
            settings.data_dir, settings.dhan_access_token.reveal(), lambda _token: None, settings.token_file
        )
        self.proxy = settings.dhan_proxy.reveal() if settings.dhan_proxy else None
        self.rest = DhanRest(
            client_id=settings.dhan_client_id,
            access_token=self.token.reveal,
            base_url=settings.dhan_api_url,
            executor=executor,
            clock=self.clock,
            proxy=self.proxy,
        )

    async def checks(self) -> list[Check]:
        """Every line, in the order in which they are read."""
        account, held = await self._account(), await self._held()
        return [
            *account,
            await self._books(),
            await self._feed(held),
            await self._order_socket(),
            *await self._plans(held),
            Check("trade store", Light.RED, held.fault)
            if held.fault
            else Check("trade store", Light.GREEN, f"{len(held.good) + len(held.bad)} open positions"),
            _journal(self.settings.data_dir / journal_name(Mode.EXECUTE)),
            await asyncio.to_thread(chat_line, self.settings),
        ]

    async def broker_checks(self) -> list[Check]:
        """What the broker says of itself and of us."""
        return [*await self._account(), await self._books(), await self._order_socket()]

    async def _account(self) -> list[Check]:
        """Our access, and the broker's own nets."""
        state = await DhanAccess(self.rest, self.token, self.clock).state()
        controls = await DhanControl(self.rest).state(0)
        return [
            *access_checks(state, self.calendar, self.clock.now_s()),
            *control_checks(controls),
            *pnl_exit_check(controls, wanted=self.settings.nets.pnl_exit),
        ]

    async def _held(self) -> _Held:
        """The positions of the store, their contracts from today's master."""
        try:
            async with store_to_read(self.settings) as store:
                rows, levels = await store.open_rows(), await store.exit_levels()
            if not rows:
                return _Held((), (), "")
            symbols = frozenset(row.symbol for row in rows)
            cache = self.settings.data_dir / "instruments.csv"
            found = await load_instruments(self.settings.dhan_instruments_url, cache, symbols)
        except (SourceError, BadInput) as error:
            return _Held((), (), str(error))
        today = ist_date(self.clock.now_s())
        return _Held(*positions(rows, tables.with_freeze(found, today), today, levels=levels), "")

    async def _books(self) -> Check:
        try:
            orders, rows = await self.rest.orders(), await self.rest.positions()
        except SourceError as error:
            return Check("books", Light.RED, str(error))
        return Check("books", Light.GREEN, f"{len(orders)} orders, {len(rows)} contracts")

    async def _feed(self, held: _Held) -> Check:
        """Whether prices come; while no market is open a connection is enough."""
        news: asyncio.Queue[FeedChanged] = asyncio.Queue()
        feed = DhanFeed(
            url=self.settings.dhan_feed_url,
            client_id=self.settings.dhan_client_id,
            access_token=self.token.reveal,
            on_ticks=lambda _ticks: None,
            on_state=news.put_nowait,
            quotes=None,
            clock=self.clock,
            jitter=lambda: 0.0,
            policy=FeedPolicy(in_session=self.calendar.is_open),
        )
        legs = [leg.instrument for position in held.good for leg in position.legs]
        feed.subscribe(legs or [_NIFTY])
        running = asyncio.create_task(feed.run())
        last = FeedChanged(FeedState.CONNECTING, "no connection")
        end_s = time.monotonic() + FEED_WAIT_S
        try:
            while last.state in {FeedState.CONNECTING, FeedState.LIVE}:
                # who is turned away may get a price first: prices have to go on for a moment
                wait_s = SOCKET_WAIT_S if last.state is FeedState.LIVE else end_s - time.monotonic()
                last = await asyncio.wait_for(news.get(), wait_s)
        except TimeoutError:
            pass
        finally:
            running.cancel()
            await asyncio.wait({running})
        return Check("feed", self._feed_light(last), last.detail)

    def _feed_light(self, last: FeedChanged) -> Light:
        if last.state is FeedState.LIVE:
            return Light.GREEN
        if last.state is not FeedState.CONNECTING or not last.detail.startswith("connected"):
            return Light.RED
        return Light.AMBER if self.calendar.is_open(self.clock.now_s()) else Light.GREEN

    async def _order_socket(self) -> Check:
        """It says nothing when all is well; a refused login is cut at once."""
        name = "order socket"
        try:
            async with open_socket(self.settings.dhan_order_update_url, self.proxy) as socket:
                await socket.send(login(self.settings.dhan_client_id, self.token.reveal()))
                ended = asyncio.create_task(socket.wait_closed())
                done, _ = await asyncio.wait({ended}, timeout=SOCKET_WAIT_S)
                ended.cancel()
        except SOCKET_ERRORS as problem:
            return Check(name, Light.AMBER, f"{cut_by_error(problem).detail}; books are read instead")
        if done:
            return Check(name, Light.AMBER, "closed right after the login; books are read instead")
        return Check(name, Light.GREEN, "logged in")

    async def _plans(self, held: _Held) -> list[Check]:
        """Each position's exit; its prices too while the market is open."""
        touches: dict[InstrumentKey, Touch] = {}
        is_open = self.calendar.is_open(self.clock.now_s())
        keys = {leg.key for position in held.good for leg in position.legs}
        if is_open and keys:
            try:
                touches = {
                    tick.key: Touch(tick.bid_paise, tick.ask_paise, tick.ltp_paise)
                    for tick in await self.rest.quotes(keys)
                }
            except SourceError as error:
                return [Check("plans", Light.RED, f"no quotes: {error}")]
        plans = [
            plan_check(position, plan_exit(position), touches.get if is_open else None)
            for position in held.good
        ]
        return plans + [Check(f"plan {b.strategy_id} {b.symbol}", Light.RED, b.why) for b in held.bad]


def _journal(file: Path) -> Check:
    """Whether the journal of real orders is sound; before the first run there is none."""
    if not file.exists():
        return Check("journal", Light.GREEN, "none yet")
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_S)) as database:
            (health,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return Check("journal", Light.RED, f"{file}: cannot be read ({error})")
    return Check("journal", Light.GREEN if health == "ok" else Light.RED, f"{file.name}: {health}")
