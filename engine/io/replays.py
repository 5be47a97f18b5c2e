"""The replay's files: reads recordings, trades and rules, runs the pure driver, tells the result."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import exit_levels
from engine.errors import BadInput
from engine.guards import ReplayGuard
from engine.io import tables
from engine.io.recordings import read_day, read_measured_spreads, read_text
from engine.io.terminal import Bar, no_bar
from engine.model import DEFAULT_ACCOUNT, ExitLevel, InstrumentKey, Mode, TradeRow
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.replay.cast import cast_of, contracts_of
from engine.replay.driver import Driver
from engine.replay.report import human
from engine.replay.result import result_of
from engine.replay.spreads import Spreads
from engine.replay.story import Story
from engine.replay.tape import Contract, Tape
from engine.trades import parse_csv, repeated
from engine.watch import Watchlist

if TYPE_CHECKING:
    from engine.replay.driver import Observer

__all__ = ["ReplayRequest", "human", "read_trades", "run_replay"]

MEASURED_SPREADS = "measured_spreads.csv"
ACCOUNT = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to replay.

    Attributes:
        days: recorded days, in any order.
        trades: the positions, with the columns of the ``trades`` table; security ids are not needed.
        rules: the owner's rules laid over the shipped ones; None = the shipped ones alone.
        spread_pct: from bid to ask on recordings without quotes; None = as measured beside the
            first recording, or 1 per cent where nothing was.
        timing: put how long it took into ``wall_s``; the result is then not the same every time.
        levels: rows of ``strategy_exit_levels``; None = none.
    """

    days: tuple[Path, ...]
    trades: Path
    rules: Path | None = None
    mode: Mode = Mode.SIMULATE
    spread_pct: Decimal | None = None
    timing: bool = False
    levels: Path | None = None


def run_replay(request: ReplayRequest, observe: Observer | None = None, bar: Bar = no_bar) -> dict[str, Any]:
    """Replay recorded days and tell what would have happened, as plain values for JSON.

    Args:
        request: what to replay.
        observe: looks on after every snapshot in session; it must change nothing.
        bar: shows how far it is.

    Raises:
        BadInput: a file cannot be read, or a row of it is not what it should be.
        ConfigError: the rules have faults.
    """
    began_s = time.perf_counter()
    lots = tables.lots()
    rows = read_trades(request.trades)
    rulebook = tables.rulebook()
    if request.rules is not None:
        rulebook = tables.rulebook(read_text(request.rules), str(request.rules))
    tape = _tape(request, contracts_of(rows), bar)
    calendar = tables.calendar().for_recording(tape.days)
    guard = ReplayGuard(2.5 * tape.step_s)
    cast = cast_of(rows, tape, lots)
    spreads = _spreads(request, lots.indices)

    def made_up(key: InstrumentKey, ltp_paise: int) -> tuple[int, int]:
        contract = cast.instruments[key]
        return spreads.quote(contract.symbol, ltp_paise, contract.tick_paise)

    monitor = Monitor(
        MonitorConfig(request.mode, ACCOUNT, sandbox=True, seed=bytes(16), made_up=made_up),
        calendar,
        Watchlist(calendar, rulebook, replay=guard),
    )
    exchange = PaperExchange()
    story = Story(monitor, calendar, exchange)
    with bar("replaying", float(len(tape.moments))) as advance:

        def look(monitor: Monitor, story: Story, now_s: float) -> None:
            advance(1.0)
            if observe is not None:
                observe(monitor, story, now_s)

        levels = _levels(request.levels)
        driver = Driver(monitor, calendar, exchange, cast, made_up, story, levels, look)
        driver.run(tape)
    result = result_of(story, cast.entrants, tables.charges(), tape.days, request.mode, driver.ticks)
    if request.timing:
        result["wall_s"] = round(time.perf_counter() - began_s, 2)
    return result


def _tape(request: ReplayRequest, wanted: Collection[Contract], bar: Bar) -> Tape:
    recordings = []
    with bar("reading", float(len(request.days))) as advance:
        for day in request.days:
            recordings.append(read_day(day, wanted))
            advance(1.0)
    return Tape(tuple(recordings))


def _levels(path: Path | None) -> tuple[ExitLevel, ...]:
    """The rows of the file, whole or not at all."""
    if path is None:
        return ()
    try:
        return exit_levels.parse_csv(read_text(path))
    except BadInput as error:
        raise BadInput(f"{path}:\n{error}") from error


def read_trades(path: Path) -> tuple[TradeRow, ...]:
    """The trades, their security ids left aside: a replay knows contracts by what they are."""
    lines = list(csv.reader(io.StringIO(read_text(path), newline="")))
    header = [cell.strip().lower().replace(" ", "_") for cell in lines[0]] if lines else []
    at = header.index("security_id") if "security_id" in header else None
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for number, cells in enumerate(lines):
        if not any(map(str.strip, cells)):
            writer.writerow(cells)
        elif at is None:
            writer.writerow([*cells, "1" if number else "security_id"])
        else:
            writer.writerow([*cells[:at], "1" if number else cells[at], *cells[at + 1 :]])
    try:
        rows = parse_csv(text.getvalue())
    except BadInput as error:
        raise BadInput(f"{path}:\n{error}") from error
    if twice := repeated(rows, attrgetter("symbol", "type", "strike_price_paise", "expiry_date")):
        raise BadInput("\n".join([f"{path}:", *twice]))
    return rows


def _spreads(request: ReplayRequest, indices: Collection[str]) -> Spreads:
    if request.spread_pct is not None:
        return Spreads(Fraction(request.spread_pct))
    measured = request.days[0].parent / MEASURED_SPREADS
    return Spreads.of(read_measured_spreads(measured), frozenset(indices)) if measured.exists() else Spreads()
