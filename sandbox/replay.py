"""A recorded day as a market: the exchange and its sockets work on it as on the generated one.

The file is a CSV (gzip or not) of snapshots: ``ts, underlying, expiry, strike, right, ltp, bid, bid_qty, ask,
ask_qty, volume, oi`` and perhaps ``spot`` and ``stale``; prices in rupees, empty or 0 = none, rows in the
order of time. How fast it runs is the clock's affair: see `SpeedClock`.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from engine.model import Instrument, InstrumentKey, InstrumentKind, Right, Segment
from engine.replay.lots import LotTable
from sandbox.black76 import Greeks
from sandbox.instruments import UNDERLYINGS, shown_name
from sandbox.ist import ist
from sandbox.quotes import Level, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_FIRST_OPTION_ID = 60_001
_FIRST_STOCK_ID = 30_001
_INDEX_IDS = {"FINNIFTY": 27, "MIDCPNIFTY": 442, "SENSEX": 51}
_BSE = frozenset({"SENSEX", "BANKEX"})
_LOTS = LotTable.parse(files("engine.data").joinpath("lots.toml").read_text(encoding="utf-8"))
_TICK = 5
_OLDER_THAN_SEEN = "2"
_MADE_UP_LOTS = 100
_HALF_SPREAD = 0.005

_Contract = tuple[str, str, str, str]


class SpeedClock:
    """Epoch seconds that begin at a moment and run ``speed`` times as fast as ``real_s``."""

    def __init__(self, start_s: float, speed: float, real_s: Callable[[], float]) -> None:
        """``real_s``: a clock in seconds that only goes forward."""
        self._start_s = start_s
        self._speed = speed
        self._real_s = real_s
        self._began_s = real_s()

    def __call__(self) -> float:
        """Now, on this clock."""
        return self._start_s + (self._real_s() - self._began_s) * self._speed


@dataclass(frozen=True, slots=True)
class _Row:
    at_s: float
    cells: Mapping[str, str]

    @property
    def contract(self) -> _Contract:
        return self.cells["underlying"], self.cells["expiry"], self.cells["strike"], self.cells["right"]

    def paise(self, name: str) -> int:
        return round(float(self.cells.get(name) or 0) * 100)

    def units(self, name: str) -> int:
        return int(float(self.cells.get(name) or 0))


class RecordedMarket:
    """Quotes of a recorded day, as of the moment last stepped to.

    Where a recording has no bids and asks at all, they are made up around the last price: 1 % from bid to
    ask, rounded outward to the tick, in any quantity one likes to trade.

    Attributes:
        start_s: moment of the first snapshot, epoch seconds.
    """

    def __init__(self, path: Path, *, lots: Mapping[str, int] | None = None) -> None:
        """Read which contracts there are; ``lots`` by underlying where the dated lot table is not right.

        A contract that neither knows has a lot of 1.

        Raises:
            ValueError: when the file has no rows.
        """
        self._path = path
        self._lots = lots or {}
        self.instruments: dict[InstrumentKey, Instrument] = {}
        self._options: dict[_Contract, Instrument] = {}
        self._underlyings: dict[str, Instrument] = {}
        self._quotes: dict[InstrumentKey, Quote] = {}
        self._changed: set[InstrumentKey] = set()
        self._volumes: dict[InstrumentKey, int] = {}
        self._today = date.min
        self._quoted = False
        self.start_s = next((row.at_s for row in _read(path)), 0.0)
        self._survey()
        self._rows = _read(path)
        self._next = next(self._rows, None)

    def quote(self, key: InstrumentKey) -> Quote | None:
        """The present quote; None for what was not recorded yet."""
        return self._quotes.get(key)

    def step(self, now_s: float) -> None:
        """Take in every snapshot up to this moment."""
        while self._next is not None and self._next.at_s <= now_s:
            if self._next.cells.get("stale") != _OLDER_THAN_SEEN:
                self._take(self._next)
            self._next = next(self._rows, None)

    def take_changes(self) -> set[InstrumentKey]:
        """Keys whose quote changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def sensitivities(self, option: Instrument) -> tuple[float, Greeks]:
        """Zeros: a recording does not say what it was priced with."""
        del option
        return 0.0, Greeks(0.0, 0.0, 0.0, 0.0)

    def option(self, symbol: str, strike_rupees: int, right: Right, expiry: date) -> Instrument:
        """Find one contract. Raises KeyError when it was not recorded."""
        for found in self._options.values():
            wanted = (symbol, strike_rupees * 100, right, expiry)
            if (found.symbol, found.strike_paise, found.right, found.expiry) == wanted:
                return found
        raise KeyError(f"no option {symbol} {expiry} {strike_rupees} {right} was recorded")

    def _survey(self) -> None:
        contracts: dict[_Contract, None] = {}
        for row in _read(self._path):
            contracts.setdefault(row.contract)
            self._quoted = self._quoted or row.paise("bid") > 0
        if not contracts:
            raise ValueError(f"{self._path.name}: read no rows, expected snapshots of contracts")
        for symbol in sorted({contract[0] for contract in contracts}):
            self._list(_underlying(symbol, _FIRST_STOCK_ID + len(self._underlyings)))
        for contract in sorted(contracts):
            option = self._option(contract, _FIRST_OPTION_ID + len(self._options))
            self._options[contract] = self.instruments[option.key] = option

    def _list(self, underlying: Instrument) -> None:
        self._underlyings[underlying.symbol] = self.instruments[underlying.key] = underlying

    def _option(self, contract: _Contract, security_id: int) -> Instrument:
        symbol, expiry_text, strike_text, right = contract
        expiry, strike = date.fromisoformat(expiry_text), float(strike_text)
        day = ist(self.start_s).date()
        return Instrument(
            segment=Segment.BSE_FNO if symbol in _BSE else Segment.NSE_FNO,
            security_id=security_id,
            kind=InstrumentKind.OPTION,
            symbol=symbol,
            display=shown_name(symbol, expiry, strike, Right(right)),
            lot=self._lots.get(symbol) or _LOTS.lot(symbol, expiry, day) or 1,
            tick_paise=_TICK,
            expiry=expiry,
            strike_paise=round(strike * 100),
            right=Right(right),
            freeze_quantity=_LOTS.freeze(symbol, day),
            trading_symbol=f"{symbol}-{expiry:%b%Y}-{strike:g}-{right}",
            index_option=self._underlyings[symbol].kind is InstrumentKind.INDEX,
            underlying=self._underlyings[symbol].key,
        )

    def _take(self, row: _Row) -> None:
        option = self._options[row.contract]
        before = self._quotes.get(option.key)
        if self._is_older(row, option):
            return
        spot = row.paise("spot")
        if spot:
            self._show(self._spot_quote(row, spot))
        self._show(self._option_quote(row, option, before))

    def _is_older(self, row: _Row, option: Instrument) -> bool:
        """A page older than one already seen: the day's volume has gone down."""
        today = ist(row.at_s).date()
        if today != self._today:
            self._today = today
            self._volumes.clear()
        volume = row.units("volume")
        if row.cells.get("volume") and volume < self._volumes.get(option.key, 0):
            return True
        self._volumes[option.key] = volume
        return False

    def _show(self, quote: Quote) -> None:
        before = self._quotes.get(quote.key)
        if before is None or replace(before, ltt_s=0) != replace(quote, ltt_s=0):
            self._quotes[quote.key] = quote
            self._changed.add(quote.key)

    def _spot_quote(self, row: _Row, paise: int) -> Quote:
        key = self._underlyings[row.cells["underlying"]].key
        return Quote(key, ltp_paise=paise, ltt_s=int(row.at_s))

    def _option_quote(self, row: _Row, option: Instrument, before: Quote | None) -> Quote:
        last = row.paise("ltp")
        bid, ask = row.paise("bid"), row.paise("ask")
        bid_units, ask_units = row.units("bid_qty"), row.units("ask_qty")
        if not self._quoted and last:
            bid = max(_TICK, int(last * (1 - _HALF_SPREAD) // _TICK) * _TICK)
            ask = -int(-last * (1 + _HALF_SPREAD) // _TICK) * _TICK
            bid_units = ask_units = option.lot * _MADE_UP_LOTS
        traded = before is None or last != before.ltp_paise or row.units("volume") != before.volume
        return Quote(
            key=option.key,
            bids=(Level(bid, bid_units, 1),) if bid else (),
            asks=(Level(ask, ask_units, 1),) if ask else (),
            ltp_paise=last,
            ltt_s=int(row.at_s) if traded or before is None else before.ltt_s,
            volume=row.units("volume"),
            oi=row.units("oi"),
            oi_high=row.units("oi"),
            oi_low=row.units("oi"),
        )


def _underlying(symbol: str, spare_id: int) -> Instrument:
    known = next((u for u in UNDERLYINGS if u.symbol == symbol), None)
    if known is not None:
        return known.instrument
    index = symbol in _LOTS.indices
    return Instrument(
        segment=Segment.IDX_I if index else Segment.NSE_EQ,
        security_id=_INDEX_IDS.get(symbol, spare_id),
        kind=InstrumentKind.INDEX if index else InstrumentKind.EQUITY,
        symbol=symbol,
        display=symbol,
        trading_symbol=symbol,
        index_option=index,
    )


def _read(path: Path) -> Iterator[_Row]:
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as lines:
        for cells in csv.DictReader(lines):
            yield _Row(datetime.fromisoformat(cells["ts"]).timestamp(), cells)
