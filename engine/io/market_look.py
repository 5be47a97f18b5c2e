"""Asks the market itself: one quote, and whether the feed brings prices."""

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

from engine.errors import BadInput, RateLimited, Unreachable
from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.dhan.feed import DhanFeed, FeedPolicy
from engine.io.dhan.instruments import load_instruments
from engine.io.dhan.rest import DhanRest
from engine.io.env import load_settings, make_data_dir
from engine.io.storage import store_to_read
from engine.io.token_file import TokenFile
from engine.messages import FeedChanged, FeedState, Tick
from engine.model import Instrument, InstrumentKey, InstrumentKind, Segment, instrument_key, key_parts
from engine.money import rupees
from engine.sessions import ist
from engine.settings import Settings

__all__ = ["feed_check", "one_quote"]

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
    """The quote of an instrument, by REST; for the options see ``quote --help``."""
    settings = _access()
    key = instrument_key(args.segment, args.security_id)
    with _rest(settings) as rest:
        ticks = asyncio.run(_one(rest, key))
    found = next((tick for tick in ticks if tick.key == key), None)
    if found is None:
        raise BadInput(f"Dhan knows no {args.security_id} in {args.segment}; see its instrument list")
    told = _told(found)
    if args.json:
        return json.dumps(told, indent=2)
    bid = _side("bid", found.bid_paise, found.bid_quantity)
    ask = _side("ask", found.ask_paise, found.ask_quantity)
    return f"{args.segment} {args.security_id}: last {_last(found)}, {bid}, {ask}"


async def _one(rest: DhanRest, key: InstrumentKey) -> Sequence[Tick]:
    try:
        return await rest.quotes([key])
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
    return f"{rupees(tick.ltp_paise)}{at}" if tick.ltp_paise else "never traded"


def _side(name: str, paise: int | None, quantity: int) -> str:
    return f"{name} {rupees(paise)} × {quantity:,}" if paise else f"no {name}"


# --------------------------------------------------------------------------------------- the feed


@dataclass(slots=True)
class _Heard:
    """What came of one instrument."""

    name: str
    prices: int = 0
    first_ms: float | None = None


def feed_check(args: argparse.Namespace) -> str:
    """What a price socket of its own brings in some seconds; ``check feed --help``."""
    settings = _access(args.account)
    make_data_dir(settings.data_dir)
    heard, state, is_open = asyncio.run(_count(settings, args.seconds))
    silent = [each.name for each in heard if not each.prices]
    args.status = int(is_open and bool(silent))
    if args.json:
        told = [{"name": each.name, "prices": each.prices, "first_ms": each.first_ms} for each in heard]
        return json.dumps({"state": state.state.value, "detail": state.detail, "market_open": is_open,
                           "instruments": told}, indent=2)  # fmt: skip
    lines = [f"{state.state.value}: {state.detail}; the market is {'open' if is_open else 'closed'}"]
    for each in heard:
        first = "no price" if each.first_ms is None else f"first after {each.first_ms:,.0f} ms"
        lines.append(f"  {each.name:<32} {each.prices:>6,} prices, {first}")
    return "\n".join(lines)


async def _count(settings: Settings, seconds: float) -> tuple[list[_Heard], FeedChanged, bool]:
    """Listen for so long. Raises Unreachable when we are turned away."""
    clock, calendar = SystemClock(settings.clock_start), tables.calendar(settings.sessions_file)
    instruments = await _wanted(settings)
    heard = {each.key: _Heard(each.display) for each in instruments}
    states = [FeedChanged(FeedState.CONNECTING, "no connection")]
    began_s = monotonic()

    def count(ticks: Sequence[Tick]) -> None:
        for tick in ticks:
            if (of := heard.get(tick.key)) is not None:
                of.prices += 1
                of.first_ms = of.first_ms or (monotonic() - began_s) * 1_000

    feed = DhanFeed(
        url=settings.dhan_feed_url, client_id=settings.dhan_client_id, access_token=_token(settings).reveal,
        on_ticks=count, on_state=states.append, quotes=None, clock=clock, jitter=lambda: 0.0,
        policy=FeedPolicy(in_session=calendar.is_open),
        proxy=settings.dhan_proxy.reveal() if settings.dhan_proxy else None,
    )  # fmt: skip
    feed.subscribe(instruments)
    running = asyncio.create_task(feed.run())
    await asyncio.wait({running}, timeout=seconds)
    running.cancel()
    await asyncio.wait({running})
    if states[-1].state in {FeedState.DOWN, FeedState.STOPPED}:
        raise Unreachable(f"the feed is {states[-1].state.value}: {states[-1].detail}")
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
