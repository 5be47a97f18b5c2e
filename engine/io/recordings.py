"""Reads recorded days, and what goes with them, from files.

A DAY file is a CSV, gzipped or not, with the columns ``ts, underlying, expiry, strike, right, ltp,
bid, bid_qty, ask, ask_qty, volume`` and perhaps ``spot`` and ``stale``: prices in rupees, empty or
0.00 = none. Only the rows of wanted contracts are kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from engine.errors import BadInput
from engine.model import Right
from engine.replay.spreads import Measured
from engine.replay.tape import Contract, Recording, Row, Snapshot
from engine.trade_cells import moment_s

__all__ = ["read_day", "read_measured_spreads", "read_text"]

_COLUMNS = (
    "ts", "underlying", "expiry", "strike", "right", "ltp", "bid", "bid_qty", "ask", "ask_qty", "volume",
)  # fmt: skip
_NOTHING = frozenset({"", "0", "0.0", "0.00"})
_GZIP = b"\x1f\x8b"
#: How many columns of another table are named to recognise it by.
_SHOWN = 12
#: No price in rupees and no quantity is as large as this; what is, is no number of a market.
_TOO_LARGE = 10**12


def read_text(path: Path) -> str:
    """A whole file of the owner's, without the mark that spreadsheets put before UTF-8.

    Raises:
        BadInput: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({_why(error)})") from error


def read_day(path: Path, wanted: Collection[Contract]) -> Recording:
    """Read one DAY file.

    Raises:
        BadInput: it cannot be read, or is not a DAY file; names the line and what was expected.
    """
    try:
        with closing(_open(path)) as file:
            return _Reader(path, wanted).read(csv.reader(file))
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a recorded day ({_why(error)})") from error


def read_measured_spreads(path: Path) -> list[Measured]:
    """Read ``measured_spreads.csv``: how wide quotes were, per set and premium bucket in rupees.

    Raises:
        BadInput: it cannot be read or lacks a column.
    """
    found = []
    try:
        for row in csv.DictReader(io.StringIO(read_text(path))):
            low, high = (_exact_paise(edge) for edge in row["mid_bucket"].strip("[)").split(","))
            name, count = row["set"].split()[0], int(row["n"])
            found.append(Measured(name, int(low), int(high), count, _exact_paise(row["spread_median"])))
    except (KeyError, ValueError, IndexError, InvalidOperation) as error:
        raise BadInput(
            f"{path}: expected the columns set, mid_bucket, n and spread_median ({error!r})"
        ) from error
    return [row for row in found if row.quotes > 0]


class _Reader:
    """One pass over one file; cells are only understood where they are wanted."""

    def __init__(self, path: Path, wanted: Collection[Contract]) -> None:
        self._path = path
        self._wanted = wanted
        self._names: dict[tuple[str, ...], Contract | None] = {}
        self._moments: dict[str, float] = {}
        self._quoted = False
        self._kept: list[tuple[float, int, Contract, list[str]]] = []

    def read(self, lines: Iterator[list[str]]) -> Recording:
        at = self._header(next(lines, []))
        self._scan(lines, at)
        if not self._moments:
            raise BadInput(f"{self._path}: holds no rows")
        moment = itemgetter(0)
        snapshots = tuple(
            Snapshot(at_s, tuple(self._row(line, contract, cells, at) for _, line, contract, cells in rows))
            for at_s, rows in groupby(sorted(self._kept, key=moment), moment)
        )
        return Recording(tuple(sorted(set(self._moments.values()))), snapshots)

    def _header(self, header: Sequence[str]) -> dict[str, int]:
        at = {name.strip(): index for index, name in enumerate(header)}
        if missing := [name for name in _COLUMNS if name not in at]:
            shown = ", ".join(header[:_SHOWN]) + (", …" if len(header) > _SHOWN else "")
            raise BadInput(
                f"{self._path}: is no recorded day: read the columns {shown or 'of an empty file'}; "
                f"missing are {', '.join(missing)}"
            )
        return at

    def _scan(self, lines: Iterable[list[str]], at: dict[str, int]) -> None:
        """Note every moment, keep the wanted rows, learn whether anybody quotes at all."""
        contract_of = itemgetter(at["underlying"], at["expiry"], at["strike"], at["right"])
        ts_at, bid_at, ask_at = at["ts"], at["bid"], at["ask"]
        for line, cells in enumerate(lines, start=2):
            if len(cells) < len(at):
                raise self._fault(line, f"{len(cells)} cells", f"{len(at)}")
            ts = cells[ts_at]
            if ts not in self._moments:
                self._moments[ts] = self._moment(line, ts)
            self._quoted = self._quoted or cells[bid_at] not in _NOTHING or cells[ask_at] not in _NOTHING
            name = contract_of(cells)
            if name not in self._names:
                self._names[name] = self._contract(line, *name)
            contract = self._names[name]
            if contract is not None:
                self._kept.append((self._moments[ts], line, contract, cells))

    def _contract(self, line: int, underlying: str, expiry: str, strike: str, right: str) -> Contract | None:
        try:
            contract = Contract(underlying, date.fromisoformat(expiry), _paise(strike), Right(right))
        except (ValueError, InvalidOperation):
            raise self._fault(line, f"{underlying} {expiry} {strike} {right}", "an option contract") from None
        return contract if contract in self._wanted else None

    def _moment(self, line: int, ts: str) -> float:
        try:
            return moment_s(ts)
        except ValueError:
            raise self._fault(line, ts, "a moment such as 2026-02-03T09:20:00+05:30") from None

    def _row(self, line: int, contract: Contract, cells: list[str], at: dict[str, int]) -> Row:
        def cell(name: str) -> str:
            return cells[at[name]] if name in at else ""

        try:
            volume, spot = cell("volume"), cell("spot")
            return Row(
                contract,
                ltp_paise=_paise(cell("ltp")),
                bid_paise=_paise(cell("bid")) if self._quoted else None,
                bid_quantity=_units(cell("bid_qty")),
                ask_paise=_paise(cell("ask")) if self._quoted else None,
                ask_quantity=_units(cell("ask_qty")),
                volume=_units(volume) if volume else None,
                stale=_units(cell("stale")),
                spot_paise=_paise(spot) if spot else None,
            )
        except (ValueError, InvalidOperation):
            raise self._fault(line, ",".join(cells), "prices in rupees and whole quantities") from None

    def _fault(self, line: int, read: str, expected: str) -> BadInput:
        return BadInput(f"{self._path}, line {line}: read {read}, expected {expected}")


def _open(path: Path) -> TextIO:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP
    return (
        gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        if zipped
        else path.open(encoding="utf-8-sig", newline="")
    )


def _why(error: Exception) -> str:
    """What went wrong, without the path that is told already."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return getattr(error, "strerror", None) or str(error)


def _number(word: str) -> Decimal:
    """A cell's number; ValueError for what no market has."""
    number = Decimal(word)
    if not number.is_finite() or not 0 <= number < _TOO_LARGE:
        raise ValueError
    return number


def _paise(rupees: str) -> int:
    """A price; what is recorded finer than a paisa is rounded to it, empty is 0."""
    return round(_number(rupees) * 100) if rupees else 0


def _exact_paise(rupees: str) -> Fraction:
    return Fraction(rupees.strip()) * 100


def _units(word: str) -> int:
    return int(_number(word)) if word else 0
