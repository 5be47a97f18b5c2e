"""Contracts that belong together: which of their prices are suspect beside the others.

A family is everything watched of one underlying and expiry, under one set of guards. Whether one of
its prices is suspect depends on the others and on the underlying, so in principle every tick changes
everything. `Family.settle` works it out in full. It also gives every contract a *box*, bounds of
bid + ask chosen so that nothing can be suspect while all contracts are in their boxes and the
underlying is near where it was; then a tick costs two comparisons (`Marks.take`). A family in which
something is suspect, or nearly, has no boxes: all of its ticks are looked at in full.

Prices are paise; *both* is bid + ask, twice the mid.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from engine.guards import (
    BEYOND_INTRINSIC_PCT,
    NEIGHBOUR_SHARE,
    NEIGHBOUR_TICKS,
    Shown,
    below_intrinsic,
    contradiction,
)
from engine.model import Right
from engine.parity import Twins, forward_both_paise
from engine.pnl import ANY_PAISE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.guards import Guard
    from engine.model import InstrumentKey
    from engine.prices import PriceBook
    from engine.watch.lines import Line
    from engine.watch.underlying import Rest
    from engine.watch.watched import Watched

#: An underlying whose last trade is older than this stands still (the cash market closes before the
#: options' does): its price is no measure of anything. Sources that do not tell count by arrival.
SPOT_TRADED_WITHIN_S = 60.0
#: How far the underlying and each forward may go, as a share, before boxes are made anew: 0.25 per cent.
_AWAY_SHARE = 800


class _Seen(NamedTuple):
    """A line's newest quote, if its book gives a mark and nothing is wrong with it by itself."""

    shown: Shown
    arrived_s: float
    young: bool


class Family:
    """The lines of one underlying and expiry under one set of guards.

    Attributes:
        calm: nothing is suspect, and nothing can be while all contracts are in their boxes.
        underlying: whose ticks concern the family; None = not known.
        spot_low, spot_high: between which prices the underlying changes nothing while it is calm.
    """

    __slots__ = (
        "_culprits", "_guard", "_held", "_rest", "calm", "lines", "spot_high", "spot_low", "underlying",
    )  # fmt: skip

    def __init__(self, underlying: InstrumentKey | None, guard: Guard, rest: Rest) -> None:
        self.underlying = underlying
        self._guard = guard
        self._rest = rest
        self.lines: list[Line] = []
        self._held: dict[Watched, tuple[tuple[Line, Line], ...]] = {}
        self._culprits: dict[tuple[Line, Line], Line] = {}
        self.shut()

    # ------------------------------------------------------------------------------- who belongs to it

    def hold(self, watched: Watched, lines: Iterable[Line]) -> None:
        """A position holds these lines: its neighbouring strikes have to agree from now on."""
        pairs: list[tuple[Line, Line]] = []
        for right in Right:
            ladder = sorted(
                {line for line in lines if line.marks.instrument.right is right}, key=_strike_paise
            )
            pairs += pairwise(ladder)
        self._held[watched] = tuple(pairs)
        self.shut()

    def leave(self, watched: Watched, lines: Iterable[Line]) -> None:
        """A position has gone, and these lines have no other holder."""
        self._held.pop(watched, None)
        gone = set(lines)
        self.lines = [line for line in self.lines if line not in gone]
        self.shut()

    # ------------------------------------------------------------------------------------ what is true

    def settle(self, book: PriceBook, now_s: float) -> list[Line]:
        """Look at every newest quote beside the others; take those that are believable.

        Returns:
            The lines whose marks or faults have changed by it.
        """
        seen = dict(self._look(book, now_s))
        faults = self.faults(book, now_s)
        changed = []
        for line in self.lines:
            marks, quote = line.marks, seen.get(line)
            before = (marks.fault, marks.long_paise, marks.short_paise, marks.book)
            if line in faults:
                marks.fault = faults[line]
            elif quote is not None and (quote.young or not marks.marked):
                tick = book.peek(line.marks.instrument.key)
                if tick is not None:
                    marks.accept(tick, quote.arrived_s)
            if before != (marks.fault, marks.long_paise, marks.short_paise, marks.book):
                changed.append(line)
        self._box(book, seen)
        return changed

    def faults(self, book: PriceBook, now_s: float) -> dict[Line, str]:
        """What is wrong with which newest prices, if the book stood like this."""
        seen = dict(self._look(book, now_s))
        faults = dict(self._compare(seen, self.underlying_both_paise(book, now_s, seen)))
        unsound = {line: book.fault(line.marks.instrument.key) for line in self.lines}
        return faults | {line: text for line, text in unsound.items() if text}

    def underlying_both_paise(
        self, book: PriceBook, now_s: float, seen: Mapping[Line, _Seen] | None = None
    ) -> int | None:
        """Twice the forward where it is known, else twice the underlying's price while that is young."""
        seen = dict(self._look(book, now_s)) if seen is None else seen
        sound = {line: quote for line, quote in seen.items() if quote.young and not line.marks.fault}
        forward = forward_both_paise(_twins(sound))
        return self._spot_both_paise(book, now_s) if forward is None else forward

    def _look(self, book: PriceBook, now_s: float) -> Iterator[tuple[Line, _Seen]]:
        """The newest quote of every line that has one to compare."""
        for line in self.lines:
            key = line.marks.instrument.key
            tick, arrived_s = book.peek(key), book.arrived_s(key)
            if tick is None or arrived_s is None or book.fault(key):
                continue
            shown = line.marks.shown(tick)
            if shown is not None:
                yield line, _Seen(shown, arrived_s, now_s <= arrived_s + self._guard.max_quote_age_s)

    def _spot_both_paise(self, book: PriceBook, now_s: float) -> int | None:
        if self.underlying is None:
            return None
        tick, arrived_s = book.peek(self.underlying), book.arrived_s(self.underlying)
        if tick is None or arrived_s is None or tick.ltp_paise <= 0:
            return None
        old = now_s > arrived_s + self._guard.max_quote_age_s or self._rest.auction.holds(arrived_s)
        still = tick.ltt_s > 0 and now_s > tick.ltt_s + SPOT_TRADED_WITHIN_S
        return None if old or still else 2 * tick.ltp_paise

    def _compare(self, seen: Mapping[Line, _Seen], underlying: int | None) -> Iterator[tuple[Line, str]]:
        """What is wrong with which line; the more telling fault last."""
        low = {}
        for line, quote in seen.items():
            if not quote.young:
                if line.marks.fault:
                    yield line, line.marks.fault
            elif underlying is not None:
                text = below_intrinsic(line.marks.instrument, quote.shown, underlying)
                if text:
                    low[line] = text
        for pair in {pair: None for pairs in self._held.values() for pair in pairs}:
            one, other = pair
            text = ""
            if one in seen and other in seen and seen[one].young and seen[other].young:
                text = contradiction(
                    (one.marks.instrument, seen[one].shown), (other.marks.instrument, seen[other].shown)
                )
            if text:
                culprit = self._culprits.setdefault(pair, _culprit(pair, seen, low))
                against = other if culprit is one else one
                yield culprit, f"{text}, beside {against.marks.instrument.display}"
            else:
                self._culprits.pop(pair, None)
        yield from low.items()

    # ------------------------------------------------------------------------------------------- boxes

    def shut(self) -> None:
        """No boxes: every tick of the family and of its underlying is looked at in full."""
        self.calm = False
        self.spot_low, self.spot_high = 1, 0
        for line in self.lines:
            line.marks.shut()

    def _box(self, book: PriceBook, seen: Mapping[Line, _Seen]) -> None:
        """Give every narrow line its box; if that cannot be done, nobody has one.

        Ages are left aside: a box holds whichever quotes grow old, so it reckons with all of them.
        """
        self.shut()
        if any(line.marks.fault for line in self.lines):
            return
        spot = None if self.underlying is None else book.peek(self.underlying)
        spot_paise = 0 if spot is None else max(spot.ltp_paise, 0)
        twins = list(_twins(seen))
        levels = [pair.forward_both_paise for pair in twins] + ([2 * spot_paise] if spot_paise else [])
        away = max(levels, default=0) // _AWAY_SHARE
        boxes = {
            line: _above_intrinsic(line, min(levels) - 2 * away, max(levels) + 2 * away)
            if levels
            else (1, ANY_PAISE)
            for line in seen
        }
        strikes = {pair.strike_paise for pair in twins}
        for line, quote in seen.items():
            if line.marks.instrument.strike_paise in strikes:
                both = quote.shown.both_paise
                boxes[line] = _within(boxes[line], both - away, both + away)
        for pair in {pair for pairs in self._held.values() for pair in pairs}:
            if pair[0] in seen and pair[1] in seen:
                _part(pair, seen, boxes)
        if all(low <= seen[line].shown.both_paise <= high for line, (low, high) in boxes.items()):
            self.calm = True
            self.spot_low, self.spot_high = spot_paise - away, spot_paise + away
            if not spot_paise:
                self.spot_low, self.spot_high = 1, 0
            for line, (low, high) in boxes.items():
                line.marks.low, line.marks.high = low, high


def _strike_paise(line: Line) -> int:
    return line.marks.instrument.strike_paise or 0


def _twins(seen: Mapping[Line, _Seen]) -> Iterator[Twins]:
    """Strikes of which both the call and the put are seen."""
    puts = {
        _strike_paise(line): quote.shown.both_paise
        for line, quote in seen.items()
        if line.marks.instrument.right is Right.PUT
    }
    for line, quote in seen.items():
        strike_paise = _strike_paise(line)
        if line.marks.instrument.right is Right.CALL and strike_paise in puts:
            yield Twins(strike_paise, quote.shown.both_paise, puts[strike_paise])


def _culprit(pair: tuple[Line, Line], seen: Mapping[Line, _Seen], low: Mapping[Line, str]) -> Line:
    """Which of two contradicting lines is not believed.

    The one below intrinsic value, else the one that changed last; of two that changed in one instant
    the one that went further from its last believable mark.
    """

    def blame(line: Line) -> tuple[bool, float, int]:
        marks, quote = line.marks, seen[line]
        jump = abs(quote.shown.both_paise - marks.long_paise - marks.short_paise)
        return line in low, quote.arrived_s, jump if marks.marked else ANY_PAISE

    one, other = pair
    return one if blame(one) > blame(other) else other


def _within(box: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    return max(box[0], low), min(box[1], high)


def _above_intrinsic(line: Line, low: int, high: int) -> tuple[int, int]:
    """The box of a line whose underlying, doubled, stays between these."""
    instrument = line.marks.instrument
    strike = 2 * _strike_paise(line)
    # the tolerance is the smaller one of quotes: who is outside is looked at, not condemned
    if instrument.right is Right.CALL:
        return max(high - strike - high * BEYOND_INTRINSIC_PCT // 100 + 1, 1), ANY_PAISE
    if instrument.right is Right.PUT:
        return max(strike - low - low * BEYOND_INTRINSIC_PCT // 100 + 1, 1), ANY_PAISE
    return 1, ANY_PAISE


def _part(pair: tuple[Line, Line], seen: Mapping[Line, _Seen], boxes: dict[Line, tuple[int, int]]) -> None:
    """Divide the room between two neighbours: each may take half of it.

    Spreads are reckoned as nothing, so that they may change freely.
    """
    low, high = pair
    calls = low.marks.instrument.right is Right.CALL
    dear, cheap = (low, high) if calls else (high, low)
    distance = 2 * (_strike_paise(high) - _strike_paise(low))
    slack = max(2 * NEIGHBOUR_TICKS * low.marks.instrument.tick_paise, distance // NEIGHBOUR_SHARE)
    one, other = seen[dear].shown.both_paise, seen[cheap].shown.both_paise
    apart, together = (distance + slack - (one - other)) // 2, (one - other + slack) // 2
    boxes[dear] = _within(boxes[dear], one - together, one + apart)
    boxes[cheap] = _within(boxes[cheap], other - apart, other + together)
