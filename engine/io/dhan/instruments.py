"""Loads the instrument master: downloads it, keeps the last good copy, reads it off the loop's thread."""

from __future__ import annotations

import asyncio
import csv
import logging
import time
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import requests
import urllib3

from engine.errors import BadInput, Unreachable
from engine.io.dhan.http import pieces
from engine.io.dhan.master import Master, parse_master
from engine.io.dhan.sockets import is_loopback
from engine.io.terminal import Bar, no_bar

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import Instrument, InstrumentKey

_log = logging.getLogger(__name__)

#: The detailed file knows freeze quantities; the compact one is the second choice.
_FILES = ("api-scrip-master-detailed.csv", "api-scrip-master.csv")

_TIMEOUT_S = (5.0, 20.0)
_DEADLINE_S = 120.0
_REFUSALS_SHOWN = 5
#: A new file has at least this share of the rows of a copy that is not older than that: lists shrink when a
#: month's contracts expire, but not by half in a few days.
_LEAST_SHARE = 0.5
_COPY_COUNTS_S = 4 * 86_400.0


async def load_instruments(
    url: str, cache: Path, symbols: frozenset[str], bar: Bar = no_bar
) -> dict[InstrumentKey, Instrument]:
    """Return the instruments of these underlyings, the underlyings included.

    Rows that are ours but unusable (currency derivatives: their tick is below one paisa) are left
    out and named in the log.

    Args:
        url: the folder of Dhan's instrument files, or one file ending in ``.csv``.
        cache: where the last good copy is kept; used when no file can be had.
        symbols: underlyings, e.g. NIFTY.
        bar: shows how much of a file has come.

    Raises:
        Unreachable: no file could be had and there is no good copy.
        BadInput: everything found for these symbols is unusable; the text says why.
    """
    master = await asyncio.to_thread(_load, url, cache, symbols, bar)
    for name, why in islice(master.refused.items(), _REFUSALS_SHOWN):
        _log.error("instrument %s cannot be used: %s", name, why)
    if master.refused and not master.instruments:
        name, why = next(iter(master.refused.items()))
        msg = f"none of {', '.join(sorted(symbols))} can be used; {name}: {why}"
        raise BadInput(msg)
    return master.instruments


def kept_instruments(cache: Path, symbols: frozenset[str]) -> dict[InstrumentKey, Instrument]:
    """Return what the last good copy knows of these underlyings; nothing when there is none."""
    try:
        return _read(cache, symbols).instruments
    except (OSError, BadInput):
        return {}


def _load(url: str, cache: Path, symbols: frozenset[str], bar: Bar = no_bar) -> Master:
    """Try each file, then the copy; a file becomes the copy only once it has been read."""
    addresses = [url] if url.endswith(".csv") else [f"{url.rstrip('/')}/{name}" for name in _FILES]
    cache.parent.mkdir(parents=True, exist_ok=True)
    fresh = cache.with_name(cache.name + ".part")
    faults = []
    for address in addresses:
        try:
            _download(address, fresh, bar)
            master = _read(fresh, symbols)
            _compare(master.rows, cache)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, BadInput) as problem:
            faults.append(f"{address.rsplit('/', 1)[-1]}: {_kind_of(problem)}")
            continue
        try:
            fresh.replace(cache)
        except OSError as problem:
            _log.warning("the instrument master is not kept for another day: %s", problem.strerror)
        return master
    told = "; ".join(faults)
    try:
        master = _read(cache, symbols)
    except (OSError, BadInput) as problem:
        msg = f"no instrument master: {told}; no copy either ({_kind_of(problem)})"
        raise Unreachable(msg) from problem
    day = datetime.fromtimestamp(cache.stat().st_mtime, UTC).date()
    _log.warning("using the copy of the instrument master of %s: %s", day, told)
    return master


def _download(address: str, target: Path, bar: Bar) -> None:
    """Fetch one file piece by piece, within a deadline for the whole."""
    until_s = time.monotonic() + _DEADLINE_S
    with requests.Session() as session, target.open("wb") as out:
        session.trust_env = not is_loopback(address)
        with session.get(address, stream=True, timeout=_TIMEOUT_S) as response:
            response.raise_for_status()
            size = float(response.headers.get("Content-Length") or 0)
            with bar(address.rsplit("/", 1)[-1], size) as advance:
                for piece in pieces(response, until_s):
                    out.write(piece)
                    advance(len(piece))


def _read(path: Path, symbols: frozenset[str]) -> Master:
    """Read a master from disk. Raises BadInput for one that is not, or is empty."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            master = parse_master(lines, symbols)
    except csv.Error as problem:
        msg = f"not a CSV file: {problem}"
        raise BadInput(msg) from problem
    if master.rows == 0:
        msg = "an instrument master without rows"
        raise BadInput(msg)
    return master


def _compare(rows: int, cache: Path) -> None:
    """Raise BadInput for a file with far fewer rows than a recent copy: half an upload is a file too."""
    try:
        age_s = time.time() - cache.stat().st_mtime
        with cache.open("rb") as lines:
            kept = sum(piece.count(b"\n") for piece in iter(lambda: lines.read(1 << 20), b"")) - 1
    except OSError:
        return  # there is no copy
    if age_s < _COPY_COUNTS_S and rows < kept * _LEAST_SHARE:
        msg = f"only {rows:,} rows, the last good copy has {kept:,}"
        raise BadInput(msg)


def _kind_of(problem: Exception) -> str:
    """Tell a fault in a few words."""
    if isinstance(problem, requests.HTTPError) and problem.response is not None:
        return f"HTTP {problem.response.status_code}"
    return str(problem) if isinstance(problem, BadInput) else type(problem).__name__
