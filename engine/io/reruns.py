"""The replay of a recorded day: reads its directory, plays it under its own rules and those tried."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadInput
from engine.io import tables
from engine.io.recorded import RecordedDay
from engine.io.recordings import read_text
from engine.io.replays import read_trades
from engine.io.terminal import Bar, no_bar
from engine.model import Instrument, InstrumentKey, Mode, TradeRow, position_id
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.recording.entries import Note
from engine.recording.plain import instrument_from, row_from
from engine.replay.cast import Entrant
from engine.replay.difference import Played, difference_of
from engine.replay.happened import Day, day_of
from engine.replay.liquidity import Liquidity
from engine.replay.rerun import Rerun
from engine.replay.result import result_of
from engine.replay.story import Story
from engine.rules.rulebook import Rulebook
from engine.sessions import Calendar, ist_date
from engine.tuning import Tuning
from engine.watch import Watchlist

__all__ = ["RerunRequest", "run_recorded"]

#: After so many entries it is told how far the replay is.
TOLD_EVERY = 20_000


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """What to play.

    Attributes:
        rules: the rules that are tried, laid over the shipped ones; None = the day's own alone.
        trades: positions in place of the recorded ones; None = those.
        mode: None = as it was recorded, where rules acted by themselves; else execute.
        timing: put how long it took into ``wall_s``.
    """

    day: RecordedDay
    rules: Path | None = None
    trades: Path | None = None
    mode: Mode | None = None
    timing: bool = False


def run_recorded(request: RerunRequest, bar: Bar = no_bar) -> dict[str, Any]:
    """Play a recorded day and tell what would have been different, as plain values for JSON.

    Args:
        request: what to play.
        bar: shows whoever waits how far it is, in seconds of the day.

    Raises:
        BadInput: the directory holds no recorded day, or a file of it cannot be used.
        ConfigError: the rules have faults.
    """
    began_s = time.perf_counter()
    notes = list(request.day.notes())
    day = day_of(notes)
    if day is None:
        raise BadInput(
            f"{request.day.path}: holds no recorded day; expected a directory such as recorded/2026-11-20 "
            "that a monitor with RECORD_DAYS above 0 has written"
        )
    own = None if request.trades is None else read_trades(request.trades)
    setting = _Setting(day, request, notes, own)
    same = setting.play()
    tried = None
    if request.rules is not None:
        text = read_text(request.rules)
        tried = setting.play(tables.rulebook(text, str(request.rules)))
    runs = [same] if tried is None else [same, tried]
    _play(request.day, runs, notes, bar)
    played = [setting.played(run) for run in runs]
    rules = None if request.rules is None else str(request.rules)
    told = difference_of(
        day, played[0], played[1] if tried else None, rules, tables.charges(), sum(request.day.torn.values())
    )
    if request.timing:
        told["wall_s"] = round(time.perf_counter() - began_s, 2)
    return told


def _play(day: RecordedDay, runs: list[Rerun], notes: list[Note], bar: Bar) -> None:
    """Every entry of the day to every run; the first and the last note say how long that is."""
    at_us = notes[0].at_us
    with bar("Replaying", (notes[-1].at_us - at_us) / 1e6) as advance:
        for number, entry in enumerate(day.entries()):
            if number % TOLD_EVERY == 0:
                advance((entry.at_us - at_us) / 1e6)
                at_us = entry.at_us
            for run in runs:
                run.take(entry)


class _Setting:
    """What every run of one day has in common."""

    def __init__(
        self, day: Day, request: RerunRequest, notes: list[Note], own: tuple[TradeRow, ...] | None
    ) -> None:
        self._day, self._own = day, own
        self._instruments = _instruments(notes)
        self._rows = own if own is not None else _rows(notes)
        self._date = ist_date(day.began_us[0] / 1e6)
        self._calendar: Calendar = tables.calendar().for_recording([self._date])
        recorded = Mode(day.mode)
        acts = recorded if recorded in {Mode.SIMULATE, Mode.EXECUTE} else Mode.EXECUTE
        self._mode = request.mode or acts
        self._liquidity: dict[int, Liquidity] = {}

    def play(self, tried: Rulebook | None = None) -> Rerun:
        """A run that is ready to take the day, under these rules or the day's own."""
        rulebook = tried or tables.rulebook(self._day.rules, "the recorded rules")
        known = {name: value for name, value in self._day.tuning.items() if name in Tuning.__slots__}
        config = MonitorConfig(
            self._mode, self._day.account, sandbox=True, seed=bytes(16), tuning=Tuning(**known)
        )
        monitor = Monitor(
            config, self._calendar, Watchlist(self._calendar, rulebook, charges=tables.charges())
        )
        exchange = PaperExchange()
        liquidity = Liquidity()
        changed = None if tried is not None else lambda text: tables.rulebook(text, "the recorded rules")
        run = Rerun(
            monitor, self._calendar, exchange, Story(monitor, self._calendar, exchange), liquidity,
            self._instruments, changed, self._own,
        )  # fmt: skip
        self._liquidity[id(run)] = liquidity
        return run

    def played(self, run: Rerun) -> Played:
        """A run that is over, and what it came to."""
        run.end()
        groups: dict[Any, list[TradeRow]] = {}
        for row in self._rows:
            groups.setdefault(position_id(row.account, row.strategy_id), []).append(row)
        entrants = [Entrant(name, tuple(rows), ()) for name, rows in groups.items()]
        result = result_of(run.story, entrants, tables.charges(), [self._date], self._mode, run.ticks)
        return Played(run, self._liquidity[id(run)], result)


def _instruments(notes: list[Note]) -> dict[InstrumentKey, Instrument]:
    """Every contract and underlying that was subscribed during the day."""
    told = (each for note in notes if note.kind == "instruments" for each in note.data["all"])
    return {made.key: made for made in map(instrument_from, told)}


def _rows(notes: list[Note]) -> tuple[TradeRow, ...]:
    """Every row that was open at some time of the day, as it was first told."""
    found: dict[int, TradeRow] = {}
    for note in notes:
        if note.kind == "rows":
            for row in map(row_from, note.data["rows"]):
                found.setdefault(row.id, row)
    return tuple(found.values())
