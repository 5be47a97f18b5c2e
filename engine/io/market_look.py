"""Asks the market itself, by socket and by REST, and puts both beside each other."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from engine.errors import BadInput, RateLimited, SourceError, Unreachable
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.rest import DhanRest
from engine.io.env import load_settings, make_data_dir
from engine.io.hatch import ask
from engine.io.storage import store_to_read
from engine.io.token_file import TokenFile
from engine.io.tools.monitors import home
from engine.io.wiring import Lent
from engine.messages import FeedChanged, FeedState, Tick
from engine.model import Instrument, InstrumentKey, InstrumentKind, Segment, instrument_key, key_parts
from engine.money import rupees, signed_rupees
from engine.sessions import ist
from engine.settings import Settings

__all__ = ["feed_check", "one_quote"]

#: How often, and how soon after each other, the running monitor is asked for its turn.
TURNS, TURN_S = 12, 0.25
#: So soon a tool may try again that was told to stand back.
EXIT_S = 60.0

_NIFTY = Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "NIFTY")


def _access(account: str | None = None) -> Settings:
    """The settings of whoever asks.

    Raises:
        BadInput: there are no credentials, or no such account.
    """
    settings = load_settings()
    if settings.sandbox:
        raise BadInput("no credentials are set: the sandbox has a market only while it runs (.env.example)")
    if not settings.accounts:
        return settings
    named = [each for each in settings.accounts if each.enabled and account in {None, each.name}]
    if not named:
        names = ", ".join(each.name for each in settings.accounts)
        raise BadInput(f"read account {account!r}, expected one of {names}")
    return settings.of_account(named[0])


def one_quote(args: argparse.Namespace) -> str:
    """One instrument by REST and by socket; for the options see ``quote --help``."""
    settings = _access()
    key = instrument_key(args.segment, args.security_id)
    with _rest(settings) as rest:
        found = next((tick for tick in asyncio.run(_one(settings, rest, key)) if tick.key == key), None)
    if found is None:
        raise BadInput(
            f"Dhan knows no {args.security_id} in {args.segment}; python -m engine instruments SYMBOL tells"
        )
    kind = InstrumentKind.INDEX if args.segment is Segment.IDX_I else InstrumentKind.OPTION
    wanted = Instrument(args.segment, args.security_id, kind, "", f"{args.segment} {args.security_id}")
    heard, detail, is_open = _Heard(wanted.display), "", True
    try:
        (heard,), state, is_open = asyncio.run(_count(settings, [wanted], args.seconds, enough=1))
        detail = f"in {args.seconds:g} s: {state.detail}"
    except Unreachable as error:
        detail = f"({error})"
    args.status, heard.rest = int(is_open and heard.last is None), found
    if args.json:
        return json.dumps(_told(found) | {"market_open": is_open} | _beside(heard), indent=2)
    bid = _side("bid", found.bid_paise, found.bid_quantity)
    ask = _side("ask", found.ask_paise, found.ask_quantity)
    closed = "" if is_open else "; the market is closed"
    return "\n".join([
        wanted.display,
        f"  REST        {_last(found)}, {bid}, {ask}",
        f"  WebSocket   {_socket(heard)}" + ("" if heard.last else f" {detail}{closed}"),
        f"  difference  {_difference(heard)}",
    ])  # fmt: skip


async def _one(settings: Settings, rest: DhanRest, key: InstrumentKey) -> Sequence[Tick]:
    try:
        return await _quotes(settings, rest, [key])
    except RateLimited as error:  # Dhan threatens to block who goes on asking
        again_s = error.retry_after_s
        raise RateLimited(
            f"{error} Dhan counts all programs of a user, a running monitor too: again in {again_s:.0f} s, "
            "or look at the monitor's own prices (/feed, /p in the chat)", again_s,
        ) from error  # fmt: skip


@contextmanager
def _rest(settings: Settings) -> Iterator[DhanRest]:
    make_data_dir(settings.data_dir)
    token = _token(settings)
    with ThreadPoolExecutor(1, thread_name_prefix="dhan") as executor:
        rest = DhanRest(
            client_id=settings.dhan_client_id, access_token=token.reveal, base_url=settings.dhan_api_url,
            executor=executor, clock=SystemClock(settings.clock_start),
            proxy=settings.dhan_proxy.reveal() if settings.dhan_proxy else None,
        )  # fmt: skip
        try:
            yield rest
        finally:
            rest.close()


def _token(settings: Settings) -> TokenFile:
    first = settings.dhan_access_token.reveal()
    return TokenFile(settings.data_dir, first, lambda _secret: None, settings.token_file)


def _told(tick: Tick) -> dict[str, Any]:
    segment, security_id = key_parts(tick.key)
    return {
        "segment": segment.value, "security_id": security_id, "ltp_paise": tick.ltp_paise,
        "last_trade_at": ist(tick.ltt_s).isoformat() if tick.ltt_s else None,
        "bid_paise": tick.bid_paise, "bid_quantity": tick.bid_quantity,
        "ask_paise": tick.ask_paise, "ask_quantity": tick.ask_quantity, "volume": tick.volume, "oi": tick.oi,
    }  # fmt: skip


def _last(tick: Tick) -> str:
    at = f" at {ist(tick.ltt_s):%d %b %H:%M:%S}" if tick.ltt_s else ""
    return f"last {rupees(tick.ltp_paise)}{at}" if tick.ltp_paise else "never traded"


def _side(name: str, paise: int | None, quantity: int) -> str:
    return f"{name} {rupees(paise)} × {quantity:,}" if paise else f"no {name}"


# --------------------------------------------------------------------------------------- the feed


@dataclass(slots=True)
class _Heard:
    """What came of one instrument.

    Attributes:
        first_ms: from the subscription to the first price.
        last, last_s: the last price, and when it came by the monotonic clock.
        age_s: how old that was when the listening ended.
        rest: the same by REST.
    """

    name: str
    prices: int = 0
    first_ms: float | None = None
    last: Tick | None = None
    last_s: float = 0.0
    age_s: float | None = None
    rest: Tick | None = None

    @property
    def difference_paise(self) -> int | None:
        """Last trade by socket less that by REST; None = one of them is not known."""
        return None if self.last is None or self.rest is None else self.last.ltp_paise - self.rest.ltp_paise


def _beside(heard: _Heard) -> dict[str, Any]:
    """Socket and REST for machines."""
    return {
        "socket_paise": heard.last.ltp_paise if heard.last else None,
        "socket_age_s": None if heard.age_s is None else round(heard.age_s, 3),
        "rest_paise": heard.rest.ltp_paise if heard.rest else None,
        "rest_last_trade_at": ist(heard.rest.ltt_s).isoformat() if heard.rest and heard.rest.ltt_s else None,
        "difference_paise": heard.difference_paise,
    }


def _socket(heard: _Heard) -> str:
    if heard.last is None:
        return "no price"
    return f"{_last(heard.last)}, {heard.age_s or 0.0:.1f} s old, first after {heard.first_ms or 0.0:,.0f} ms"


def _difference(heard: _Heard) -> str:
    paise = heard.difference_paise
    if paise is None or heard.rest is None:
        return "unknown"
    share = (
        f" ({100 * paise / heard.rest.ltp_paise:+.2f} %)".replace("-", "−") if heard.rest.ltp_paise else ""
    )
    return f"{signed_rupees(paise)}{share}" if paise else "none"


def feed_check(args: argparse.Namespace) -> str:
    """What a price socket of its own brings in some seconds, beside REST; ``check feed --help``."""
    settings = _access(args.account)
    make_data_dir(settings.data_dir)
    instruments = asyncio.run(_wanted(settings))
    heard, state, is_open = asyncio.run(_count(settings, instruments, args.seconds))
    by_rest = _by_rest(settings, instruments, heard)
    silent = [each.name for each in heard if not each.prices]
    args.status = int(is_open and bool(silent))
    if args.json:
        told = [{"name": each.name, "prices": each.prices, "first_ms": each.first_ms, **_beside(each)}
                for each in heard]  # fmt: skip
        return json.dumps({"state": state.state.value, "detail": state.detail, "market_open": is_open,
                           "rest": by_rest or "read", "instruments": told}, indent=2)  # fmt: skip
    from tabulate import tabulate  # noqa: PLC0415 - the table alone needs it

    rows = [
        (each.name, f"{each.prices:,}", *_columns(each), _difference(each) if each.rest else "")
        for each in heard
    ]
    titles = ("Instrument", "Prices", "First", "WebSocket", "Age", "REST", "Difference")
    table = tabulate(rows, titles, "simple", disable_numparse=True, colalign=("left", *["right"] * 6))
    lines = [
        f"{state.state.value}: {state.detail}; the market is {'open' if is_open else 'closed'}",
        "",
        table,
    ]
    if by_rest:
        lines += ["", f"note  no REST quotes beside it: {by_rest}"]
    if args.status:
        lines += [
            "",
            f"RED   no price of {', '.join(silent)}: python -m engine check broker says how we stand",
        ]
    return "\n".join(lines)


def _columns(heard: _Heard) -> tuple[str, str, str, str]:
    """First, socket, age and REST, as far as they are known."""
    first = "" if heard.first_ms is None else f"{heard.first_ms:,.0f} ms"
    age = "" if heard.age_s is None else f"{heard.age_s:.1f} s"
    return (
        first, rupees(heard.last.ltp_paise) if heard.last else "no price", age,
        rupees(heard.rest.ltp_paise) if heard.rest else "",
    )  # fmt: skip


def _by_rest(settings: Settings, instruments: Sequence[Instrument], heard: Sequence[_Heard]) -> str:
    """Put REST's quotes beside; why there are none, empty = they are there."""
    try:
        with _rest(settings) as rest:
            found = {
                tick.key: tick
                for tick in asyncio.run(_quotes(settings, rest, [each.key for each in instruments]))
            }
    except SourceError as error:
        return str(error)
    for instrument, each in zip(instruments, heard, strict=True):
        each.rest = found.get(instrument.key)
    return ""


async def _quotes(settings: Settings, rest: DhanRest, keys: Sequence[InstrumentKey]) -> Sequence[Tick]:
    """Ask Dhan, once the monitor that runs here has lent us its turn.

    Raises:
        RateLimited: an exit runs, or the monitor asks all the time; its questions go first.
        SourceError: as `DhanRest.quotes`.
    """
    for _ in range(TURNS):
        match await asyncio.to_thread(_lent, settings):
            case Lent.YES:
                return await rest.quotes(keys)
            case Lent.EXITS:
                why = (
                    "an exit runs, and the one question for quotes that Dhan answers a second is kept for it"
                )
                raise RateLimited(f"not asked: {why}.", EXIT_S)
            case Lent.LATER:
                await asyncio.sleep(TURN_S)
    raise RateLimited("not asked: the running monitor asks for quotes all the time.", EXIT_S)


def _lent(settings: Settings) -> Lent:
    try:
        return Lent(ask(home(), {"ask": "quote", "account": settings.account})["may"])
    except (Unreachable, BadInput):  # nobody runs here, or one of an older version
        return Lent.YES


async def _count(
    settings: Settings, instruments: Sequence[Instrument], seconds: float, enough: int = 0
) -> tuple[list[_Heard], FeedChanged, bool]:
    """Listen for so long, or until ``enough`` instruments have a price (0 = as long as it takes).

    Raises:
        Unreachable: we are turned away.
    """
    clock, calendar = SystemClock(settings.clock_start), tables.calendar(settings.sessions_file)
    heard = {each.key: _Heard(each.display) for each in instruments}
    states = [FeedChanged(FeedState.CONNECTING, "no connection")]
    began_s, done = monotonic(), asyncio.Event()

    def count(ticks: Sequence[Tick]) -> None:
        now_s = monotonic()
        for tick in ticks:
            if (of := heard.get(tick.key)) is not None:
                of.prices += 1
                of.first_ms = of.first_ms or (now_s - began_s) * 1_000
                of.last, of.last_s = tick, now_s
        if enough and sum(each.last is not None for each in heard.values()) >= enough:
            done.set()

    feed = DhanFeed(
        url=settings.dhan_feed_url, client_id=settings.dhan_client_id, access_token=_token(settings).reveal,
        on_ticks=count, on_state=states.append, quotes=None, clock=clock, jitter=lambda: 0.0,
        policy=FeedPolicy(in_session=calendar.is_open),
        proxy=settings.dhan_proxy.reveal() if settings.dhan_proxy else None,
    )  # fmt: skip
    feed.subscribe(instruments)
    running, stops = asyncio.create_task(feed.run()), asyncio.create_task(done.wait())
    await asyncio.wait({running, stops}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, stops):
        task.cancel()
    await asyncio.wait({running, stops})
    now_s = monotonic()
    for each in heard.values():
        each.age_s = None if each.last is None else now_s - each.last_s
    if states[-1].state in {FeedState.DOWN, FeedState.STOPPED}:
        raise Unreachable(
            f"the feed is {states[-1].state.value}: {states[-1].detail}; python -m engine check broker tells "
            "how we stand"
        )
    return list(heard.values()), states[-1], calendar.is_open(clock.now_s())


async def _wanted(settings: Settings) -> list[Instrument]:
    """The contracts of the open rows, as Dhan's list has them; NIFTY when there are none."""
    async with store_to_read(settings) as store:
        rows = await store.open_rows()
    if not rows:
        return [_NIFTY]
    with TemporaryDirectory() as place:  # the copy in DATA_DIR is the running monitor's to write
        symbols = frozenset(row.symbol for row in rows)
        found = await load_instruments(
            settings.dhan_instruments_url, Path(place) / "instruments.csv", symbols
        )
    ids = {row.security_id for row in rows}
    wanted = [
        each for each in found.values() if each.security_id in ids and each.kind is InstrumentKind.OPTION
    ]
    return wanted or [_NIFTY]
