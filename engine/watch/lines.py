"""Which instruments are watched under which guards, who holds them, and what belongs together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.pnl import Marks
from engine.sessions import ist_date
from engine.watch.family import Family

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from engine.guards import Guard
    from engine.messages import Tick
    from engine.model import Instrument, InstrumentKey, Right
    from engine.prices import Entry, PriceBook
    from engine.watch.underlying import Rest
    from engine.watch.watched import Watched


@dataclass(slots=True, eq=False)
class Line:
    """One instrument under one set of guards, and who holds how many units of it."""

    marks: Marks
    family: Family
    longs: list[tuple[Watched, int]] = field(default_factory=list)
    shorts: list[tuple[Watched, int]] = field(default_factory=list)

    def leave(self, watched: Watched) -> bool:
        """Take a holder off; True when nobody is left."""
        self.longs = [holder for holder in self.longs if holder[0] is not watched]
        self.shorts = [holder for holder in self.shorts if holder[0] is not watched]
        return not (self.longs or self.shorts)

    @property
    def right(self) -> Right | None:
        """Call or put; None = it is no option."""
        return self.marks.instrument.right

    @property
    def strike_paise(self) -> int:
        """The strike, 0 without one."""
        return self.marks.instrument.strike_paise or 0

    @property
    def holders(self) -> Iterator[Watched]:
        """Every position that holds it."""
        return (watched for watched, _ in (*self.longs, *self.shorts))


class Shelf(list[Line]):
    """The lines of one instrument, one for each set of guards.

    Attributes:
        entry: what the price book knows of it, so that a tick need not look for it once more.
    """

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        """Begin without lines; the book's entry is kept at hand from now on."""
        super().__init__()
        self.entry = entry
        entry.held = True


class Lines:
    """All lines, and the families they form, kept true to a price book.

    Attributes:
        by_key: the lines of each instrument, one for each set of guards.
        by_underlying: the families that each underlying's ticks concern.
    """

    def __init__(self, book: PriceBook, rest: Rest) -> None:
        self._book = book
        self._rest = rest
        self.by_key: dict[InstrumentKey, Shelf] = {}
        self.by_underlying: dict[InstrumentKey, list[Family]] = {}
        self._families: dict[tuple[InstrumentKey | None, str, date | None], Family] = {}

    @property
    def families(self) -> Collection[Family]:
        """Every family."""
        return self._families.values()

    def line(self, instrument: Instrument, guard: Guard, now_s: float) -> Line:
        """The line of an instrument under these guards; what the book knows already counts."""
        lines = self.by_key.get(instrument.key)
        if lines is None:
            lines = self.by_key[instrument.key] = Shelf(self._book.entry(instrument.key))
        for line in lines:
            if line.marks.guard == guard:
                return line
        line = Line(Marks(instrument, guard), self._family(instrument))
        lines.append(line)
        line.family.join(line)
        tick, arrived_s = self._book.peek(instrument.key), self._book.arrived_s(instrument.key)
        if tick is not None and arrived_s is not None and line.marks.shown(tick) is None:
            self.doubt(line, tick, arrived_s)
        if line.family.heard:  # with no price of any of them there is nothing to settle
            self.settle(line.family, now_s)
        return line

    def take_first(self, line: Line, tick: Tick, now_s: float) -> list[Line]:
        """Settle by a narrow quote outside of its box; the first one of a line mostly finds room alone."""
        if line.family.admit(line, tick, now_s):
            return [line]
        return self.settle(line.family, now_s)

    def settle(self, family: Family, now_s: float) -> list[Line]:
        """Find out what of a family is suspect; the holders of what has changed lose their bands."""
        changed = family.settle(now_s)
        for line in changed:
            for watched in line.holders:
                watched.empty_band()
        return changed

    def doubt(self, line: Line, tick: Tick, now_s: float) -> None:
        """A book without a mark: bound what it may count, and judge its holders at every tick."""
        both_paise = line.family.forward_both_paise(now_s)
        line.marks.doubt(tick, now_s)
        if both_paise is not None:
            line.marks.bound(both_paise // 2)
        else:
            line.marks.bound(self._resting_paise(line.family.underlying, now_s), self._rest.auction.band_pct)
        for watched in line.holders:
            watched.empty_band()

    def _resting_paise(self, underlying: InstrumentKey | None, now_s: float) -> int | None:
        """What a resting underlying showed last today; None = it does not rest, or is not known.

        No measure of what is believable, but the price of its auction cannot be far from it.
        """
        opens_s = self._rest.auction.open_s
        if underlying is None or now_s < opens_s:
            return None
        tick, arrived_s = self._book.peek(underlying), self._book.arrived_s(underlying)
        today = arrived_s is not None and ist_date(arrived_s) == ist_date(opens_s)
        return tick.ltp_paise if tick is not None and tick.ltp_paise > 0 and today else None

    def count(self, line: Line) -> None:
        """Count a price that was suspect when it came."""
        if line.marks.fault:
            line.marks.suspects += 1
            self._book.suspects += not self._book.fault(line.marks.key)

    def leave(self, watched: Watched) -> None:
        """Take a position off its lines, and those away that nobody holds any more."""
        for leg in watched.position.legs:
            lines = self.by_key.get(leg.key)
            if lines is None:  # another leg of the same contract has been here
                continue
            gone = [line for line in lines if line.leave(watched)]
            for line in lines:
                line.family.leave(watched, [line] if line in gone else ())
            lines[:] = [line for line in lines if line not in gone]
            if not lines:
                del self.by_key[leg.key]
                lines.entry.held = False
        self._families = {name: family for name, family in self._families.items() if family.lines}
        self.by_underlying.clear()
        for family in self._families.values():
            self._index(family)

    def _family(self, instrument: Instrument) -> Family:
        """Where an instrument belongs."""
        name = (instrument.underlying, instrument.symbol, instrument.expiry)
        family = self._families.get(name)
        if family is None:
            family = Family(instrument.underlying, instrument.expiry, self._book, self._rest)
            self._families[name] = family
            self._index(family)
        return family

    def _index(self, family: Family) -> None:
        if family.underlying is not None:
            self.by_underlying.setdefault(family.underlying, []).append(family)


def moved_by(lines: Iterable[Line], now_s: float) -> dict[Watched, frozenset[InstrumentKey]]:
    """The holders of lines, each with the instruments of it that have a new price to go by.

    A suspect price is none, nor is a wide book while a stop still goes by the marks before it.
    """
    touched: dict[Watched, frozenset[InstrumentKey]] = {}
    for line in lines:
        for watched in line.holders:
            news = {line.marks.key} if line.marks.counts(now_s) else frozenset()
            touched[watched] = touched.get(watched, frozenset()) | news
    return touched


def modelled(families: Iterable[Family]) -> Iterator[Watched]:
    """The holders that go by the model, whose forward any contract of theirs may have moved."""
    for family in families:
        for line in family.lines:
            yield from (watched for watched in line.holders if watched.scale.wanted)
