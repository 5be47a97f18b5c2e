"""Recordings as values: contracts, rows, snapshots, and several files laid over each other in time.

A recording has a row for every contract in every snapshot, changed or not. Prices are integer paise
per unit, quantities units, moments epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Right
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

#: What the ``stale`` column says of a row that brings nothing new.
REPEATED, OUTDATED = 1, 2


class Contract(NamedTuple):
    """What makes an option the one it is, whatever number a broker gives it."""

    underlying: str
    expiry: date
    strike_paise: int
    right: Right

    @property
    def name(self) -> str:
        """As people and the result write it: ``NIFTY 2026-02-03 25300 CE``."""
        strike = f"{self.strike_paise / 100:.2f}".removesuffix(".00")
        return f"{self.underlying} {self.expiry} {strike} {self.right.value}"


@dataclass(frozen=True, slots=True)
class Row:
    """One contract in one snapshot.

    Attributes:
        ltp_paise: last traded price; 0 = never traded.
        bid_paise, ask_paise: best prices; 0 = that side is empty; None = the recording has no quotes.
        volume: of the day so far, units; None = not recorded.
        stale: 0 = new, `REPEATED` = the page before shown again, `OUTDATED` = older than one seen.
        spot_paise: the underlying at this moment; None = not recorded.
    """

    contract: Contract
    ltp_paise: int
    bid_paise: int | None
    bid_quantity: int
    ask_paise: int | None
    ask_quantity: int
    volume: int | None = None
    stale: int = 0
    spot_paise: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows of one moment: they are one instant."""

    at_s: float
    rows: tuple[Row, ...]

    @property
    def spots(self) -> dict[str, int]:
        """Where each underlying stood, in paise, as far as it was recorded."""
        return {row.contract.underlying: row.spot_paise for row in self.rows if row.spot_paise}


@dataclass(frozen=True, slots=True)
class Recording:
    """One DAY file, as far as it is needed.

    Attributes:
        moments: every snapshot's moment, ascending; also of those without a needed row.
        snapshots: the needed rows, by moment.
    """

    moments: tuple[float, ...]
    snapshots: tuple[Snapshot, ...]

    @property
    def step_s(self) -> float:
        """The median step between snapshots of one day, seconds; 0 when there is only one."""
        steps = [b - a for a, b in pairwise(self.moments) if ist_date(a) == ist_date(b)]
        return median(steps) if steps else 0.0


@dataclass(frozen=True, slots=True)
class Tape:
    """Several recordings as one, in the order of time."""

    recordings: tuple[Recording, ...]

    @property
    def step_s(self) -> float:
        """The median step of the slowest recording: no faster one makes its quotes old."""
        return max(recording.step_s for recording in self.recordings)

    @property
    def moments(self) -> frozenset[float]:
        """Every snapshot's moment, of whichever recording."""
        return frozenset(moment for recording in self.recordings for moment in recording.moments)

    @property
    def days(self) -> tuple[date, ...]:
        """Every recorded date, ascending."""
        return tuple(sorted({ist_date(s) for recording in self.recordings for s in recording.moments}))

    @property
    def contracts(self) -> frozenset[Contract]:
        """Every needed contract that has a row anywhere."""
        return frozenset(row.contract for r in self.recordings for s in r.snapshots for row in s.rows)

    def snapshots(self) -> Iterator[Snapshot]:
        """Moment by moment what was new, empty snapshots included.

        Repeated and outdated rows are left out, and so is a row whose volume of the day is below one
        already seen: it comes from a server that lags behind.
        """
        rows: dict[float, list[Row]] = {s: [] for r in self.recordings for s in r.moments}
        for recording in self.recordings:
            for snapshot in recording.snapshots:
                rows[snapshot.at_s] += snapshot.rows
        volumes: dict[tuple[date, Contract], int] = {}
        for at_s in sorted(rows):
            yield Snapshot(at_s, tuple(_new(rows[at_s], ist_date(at_s), volumes)))


def _new(rows: Iterable[Row], day: date, volumes: dict[tuple[date, Contract], int]) -> Iterator[Row]:
    """The rows that bring news; the volumes seen are brought forward."""
    for row in rows:
        if row.stale:
            continue
        if row.volume is not None:
            key = day, row.contract
            if row.volume < volumes.get(key, 0):
                continue
            volumes[key] = row.volume
        yield row


def by_contract(rows: Sequence[Row]) -> Mapping[Contract, Row]:
    """The rows of one instant by contract; of two for one contract, the later."""
    return {row.contract: row for row in rows}
