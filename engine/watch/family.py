"""Contracts that belong together: which of their prices are suspect beside the others.

A family is everything watched of one underlying and expiry. It knows their one forward, by which the
guards and the model go alike (`Family.forward_both_paise`). Whether one of its prices is suspect depends
on the others and on the underlying, so in principle every tick changes everything. `Family.settle` works
it out in full. It also gives every contract a *box*, bounds of bid + ask chosen so that nothing can be
suspect while all contracts are in their boxes and the underlying is near where it was; then a tick costs
two comparisons (`Marks.take`). A family in which something is suspect, or nearly, has no boxes: all of
its ticks are looked at in full.

Prices are paise; *both* is bid + ask, twice the mid.
"""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from engine.guards import below_intrinsic, contradiction
from engine.model import Right
from engine.parity import forward_both_paise
from engine.pnl import ANY_PAISE
from engine.sessions import dte
from engine.watch.boxes import AWAY_SHARE, box
from engine.watch.latecomers import NO_REACH, Reach, has_box, room_for
from engine.watch.muster import muster
from engine.watch.witnesses import Seen, contested, tell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date

    from engine.messages import Tick
    from engine.model import InstrumentKey
    from engine.prices import PriceBook
    from engine.sensitivity import Moves
    from engine.watch.lines import Line
    from engine.watch.muster import Muster, Pair
    from engine.watch.underlying import Rest
    from engine.watch.watched import Watched

#: An underlying whose last trade is older than this stands still (the cash market closes before the
#: options' does): its price is no measure of anything. Sources that do not tell count by arrival.
SPOT_TRADED_WITHIN_S = 60.0


class Forwards(dict["Family", "int | None"]):
    """Twice the forward of each family at one instant, between two ticks: worked out once, when asked for.

    Attributes:
        now_s: the instant.
        moves: how contracts move at it, as far as the model was asked.
    """

    def __init__(self, now_s: float) -> None:
        super().__init__()
        self.now_s = now_s
        self.moves: Moves = {}

    def __missing__(self, family: Family) -> int | None:
        """Ask the family."""
        answer = self[family] = family.forward_both_paise(self.now_s)
        return answer


class Family:
    """The lines of one underlying and expiry, under whatever guards.

    Attributes:
        calm: nothing is suspect, and nothing can be while all contracts are in their boxes.
        underlying: whose ticks concern the family; None = not known.
        spot_low, spot_high: between which prices the underlying changes nothing while it is calm.
    """

    __slots__ = (
        "_book", "_culprits", "_expiry", "_held", "_mustered", "_reach", "_rest", "calm", "lines",
        "spot_high", "spot_low", "underlying",
    )  # fmt: skip

    def __init__(
        self, underlying: InstrumentKey | None, expiry: date | None, book: PriceBook, rest: Rest
    ) -> None:
        self.underlying = underlying
        self._expiry = expiry
        self._book = book
        self._rest = rest
        self.lines: list[Line] = []
        self._held: dict[Watched, tuple[Pair, ...]] = {}
        self._culprits: dict[Pair, Line] = {}
        self.calm = False
        self.spot_low, self.spot_high = 1, 0
        self._mustered: Muster | None = None
        self._reach = NO_REACH

    # ------------------------------------------------------------------------------- who belongs to it

    def join(self, line: Line) -> None:
        """Another contract, or one of them under another set of guards."""
        self.lines.append(line)
        self._mustered = None
        self.shut()

    def hold(self, watched: Watched, lines: Iterable[Line]) -> None:
        """A position holds these lines: its neighbouring strikes have to agree from now on."""
        pairs: list[Pair] = []
        for right in Right:
            ladder = sorted({line for line in lines if line.right is right}, key=attrgetter("strike_paise"))
            pairs += pairwise(ladder)
        self._held[watched] = tuple(pairs)
        self._mustered = None
        self.shut()

    def leave(self, watched: Watched, lines: Iterable[Line]) -> None:
        """A position has gone, and these lines have no other holder."""
        self._held.pop(watched, None)
        gone = set(lines)
        self.lines = [line for line in self.lines if line not in gone]
        self._mustered = None
        self.shut()

    @property
    def _muster(self) -> Muster:
        """Worked out when it is asked for: a thousand positions join before anybody asks."""
        if self._mustered is None:
            self._mustered = muster(self.lines, self._held.values())
        return self._mustered

    @property
    def heard(self) -> bool:
        """Whether there has been a price of any of its lines."""
        return self._book.data_s is not None and any(
            self._book.peek(line.marks.key) is not None for line in self.lines
        )

    # ------------------------------------------------------------------------------------ what is true

    def settle(self, now_s: float) -> list[Line]:
        """Look at every newest quote beside the others; take those that are believable.

        Returns:
            The lines whose marks or faults have changed by it.
        """
        seen = dict(self._look(self._book, now_s, self.lines))
        faults = self._faults(seen, self._book, now_s)
        changed = []
        for line in self.lines:
            marks, quote = line.marks, seen.get(line)
            before = (marks.fault, marks.long_paise, marks.short_paise, marks.book)
            if line in faults:
                marks.fault = faults[line]
            elif quote is not None and (quote.young or not marks.marked):
                tick = self._book.peek(line.marks.key)
                if tick is not None:
                    marks.accept(tick, quote.arrived_s)
            if before != (marks.fault, marks.long_paise, marks.short_paise, marks.book):
                changed.append(line)
        self._box(seen)
        return changed

    def admit(self, line: Line, tick: Tick, arrived_s: float) -> bool:
        """Take a line's first narrow quote into a calm family if that changes nothing for the others.

        After a start a thousand quotes are the first of their line.

        Returns:
            False: nothing is done, `settle` has to look.
        """
        shown = line.marks.shown(tick)
        if not self.calm or shown is None or has_box(line):
            return False
        rooms = room_for(line, shown.both_paise, self._reach, self._muster)
        if rooms is None:
            return False
        line.marks.accept(tick, arrived_s)
        for each, (low, high) in rooms.items():
            each.marks.low, each.marks.high = low, high
        return True

    def faults(self, now_s: float, book: PriceBook | None = None) -> dict[Line, str]:
        """What is wrong with which newest prices, also if another book stood in the place of ours."""
        book = self._book if book is None else book
        return self._faults(dict(self._look(book, now_s, self.lines)), book, now_s)

    def _faults(self, seen: Mapping[Line, Seen], book: PriceBook, now_s: float) -> dict[Line, str]:
        at_odds = self._at_odds(seen)
        faults = dict(self._compare(seen, at_odds, self._forward(seen, at_odds, book, now_s)))
        unsound = {line: book.fault(line.marks.key) for line in self.lines}
        return faults | {line: text for line, text in unsound.items() if text}

    def forward_both_paise(self, now_s: float) -> int | None:
        """Twice the forward where contracts tell it, else twice the spot while that is young; None = unknown.

        A pure function of the newest quotes: whoever asks at one moment has the same answer.
        """
        # where nothing can be suspect only those matter that have something to say
        seen = dict(self._look(self._book, now_s, self._muster.witnesses if self.calm else self.lines))
        return self._forward(seen, {} if self.calm else self._at_odds(seen), self._book, now_s)

    def _forward(
        self, seen: Mapping[Line, Seen], at_odds: Collection[Pair], book: PriceBook, now_s: float
    ) -> int | None:
        """The same; a price that contradicts another one is no witness."""
        unheard = contested(at_odds)
        sound = {line: quote for line, quote in seen.items() if quote.young and line not in unheard}
        doubted = {line.marks.key for line in self._muster.witnesses if line not in sound}
        twins, futures = tell(sound, doubted)
        spot = self._spot_both_paise(book, now_s)
        days = 0 if spot is None or self._expiry is None else dte(now_s, self._expiry)
        return forward_both_paise(twins, futures[0] if futures else None, spot, days)

    def _look(self, book: PriceBook, now_s: float, lines: Iterable[Line]) -> Iterator[tuple[Line, Seen]]:
        """The newest quote of each of these lines that has one to compare."""
        for line in lines:
            marks = line.marks
            key = marks.key
            tick, arrived_s = book.peek(key), book.arrived_s(key)
            if tick is None or arrived_s is None or book.fault(key):
                continue
            shown = marks.shown(tick)
            if shown is not None:
                yield line, Seen(shown, arrived_s, now_s <= arrived_s + marks.guard.max_quote_age_s)

    def _spot_both_paise(self, book: PriceBook, now_s: float) -> int | None:
        if self.underlying is None:
            return None
        tick, arrived_s = book.peek(self.underlying), book.arrived_s(self.underlying)
        if tick is None or arrived_s is None or tick.ltp_paise <= 0:
            return None
        old = now_s > arrived_s + self._muster.max_age_s or self._rest.auction.holds(arrived_s)
        still = tick.ltt_s > 0 and now_s > tick.ltt_s + SPOT_TRADED_WITHIN_S
        return None if old or still else 2 * tick.ltp_paise

    def _at_odds(self, seen: Mapping[Line, Seen]) -> dict[Pair, str]:
        """What is wrong between which neighbours."""
        found = {}
        for pair in self._muster.pairs:
            one, other = pair
            if one in seen and other in seen and seen[one].young and seen[other].young:
                low, high = ((line.marks.instrument, seen[line].shown) for line in pair)
                found[pair] = contradiction(low, high)
        return {pair: text for pair, text in found.items() if text}

    def _compare(
        self, seen: Mapping[Line, Seen], at_odds: Mapping[Pair, str], forward: int | None
    ) -> Iterator[tuple[Line, str]]:
        """What is wrong with which line; the more telling fault last."""
        low = {}
        for line, quote in seen.items():
            if not quote.young:
                if line.marks.fault:
                    yield line, line.marks.fault
            elif forward is not None:
                text = below_intrinsic(line.marks.instrument, quote.shown, forward)
                if text:
                    low[line] = text
        self._culprits = {pair: line for pair, line in self._culprits.items() if pair in at_odds}
        for pair, text in at_odds.items():
            culprit = self._culprits.setdefault(pair, _culprit(pair, seen, low))
            against = pair[1] if culprit is pair[0] else pair[0]
            yield culprit, f"{text}, beside {against.marks.instrument.display}"
        yield from low.items()

    # ------------------------------------------------------------------------------------------- boxes

    def shut(self) -> None:
        """No boxes: every tick of the family and of its underlying is looked at in full."""
        if self.calm:  # else nobody has one
            self._shut()

    def _shut(self) -> None:
        self.calm = False
        self.spot_low, self.spot_high = 1, 0
        for line in self.lines:
            line.marks.shut()

    def _box(self, seen: Mapping[Line, Seen]) -> None:
        """Give every narrow line its box; if that cannot be done, nobody has one.

        Ages are left aside: a box holds whichever quotes grow old, so it reckons with all of them. The
        forward lies between the highest and the lowest of all that could have a say in it.
        """
        self._shut()  # what has just been accepted stands wide open
        if any(line.marks.fault for line in self.lines):
            return
        spot = None if self.underlying is None else self._book.peek(self.underlying)
        spot_paise = 0 if spot is None else max(spot.ltp_paise, 0)
        twins, futures = tell(seen)
        levels = [*(pair.forward_both_paise for pair in twins), *futures]
        levels += [2 * spot_paise] if spot_paise else []
        away = max(levels, default=0) // AWAY_SHARE
        both = {line: quote.shown.both_paise for line, quote in seen.items()}
        boxes = box(both, levels, self._muster.witnesses, self._muster.pairs)
        if all(low <= both[line] <= high for line, (low, high) in boxes.items()):
            self.calm = True
            self._reach = Reach(min(levels), max(levels)) if levels else NO_REACH
            self.spot_low, self.spot_high = spot_paise - away, spot_paise + away
            if not spot_paise:
                self.spot_low, self.spot_high = 1, 0
            for line, (low, high) in boxes.items():
                line.marks.low, line.marks.high = low, high


def _culprit(pair: Pair, seen: Mapping[Line, Seen], low: Mapping[Line, str]) -> Line:
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
