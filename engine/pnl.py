"""What contracts are worth to us: marks, exit prices, what a stop may go by, and the P&L of them all.

`Marks` holds one instrument under one set of guards and is brought forward tick by tick; a
`Holding` of several legs reads them. Prices are integer paise per unit, amounts integer paise.
"""

from __future__ import annotations

from enum import Enum, auto
from math import inf, nextafter
from typing import TYPE_CHECKING

from engine.guards import Shown, exit_bounds, narrow
from engine.payoff import entry_price

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.guards import Guard
    from engine.messages import Tick
    from engine.model import Instrument, InstrumentKey, Leg


class Book(Enum):
    """What the newest book of a contract allows."""

    BELIEVED = auto()
    WIDE = auto()
    EMPTY = auto()


#: Beyond any price: a box without end.
ANY_PAISE = 10**15


class _Often:
    """What every tick of a contract reads and writes, side by side (`engine.watch.band` says why)."""

    __slots__ = (
        "arrived_s", "ask_paise", "bid_paise", "high", "long_paise", "low", "narrow_paise", "short_paise",
    )  # fmt: skip


class Marks(_Often):
    """One contract's marks, as an owner and as a short of it would count them.

    Attributes:
        long_paise, short_paise: the last believable marks; they stay when the book goes wide.
        bid_paise, ask_paise: the newest sides, 0 = empty; the last trade where there are no quotes.
        arrived_s: when the newest sound quote came; -inf = never.
        doubtful_since_s: arrival of the first quote that was not believable.
        bridged: the marks were fresh when the book went wide, so a stop may go by them for a while.
        fault: why the newest price is suspect; empty = it is not. The marks are then those before it:
            no profit is counted by them, and a stop only as long as they are young.
        suspects: how many prices were suspect when they came.
        narrow_paise, spread_bp: how wide a book may be to give a mark: in paise at any price, and in
            hundredths of a per cent of the mid (`engine.guards.narrow`).
        low, high: the box, bounds of bid + ask within which a quote needs no closer look
            (`engine.watch.family`); empty (1, 0) = every quote needs one.
    """

    __slots__ = (
        "_ceiling_paise", "_floor_paise", "book", "bridged", "doubtful_since_s", "fault", "guard",
        "instrument", "key", "marked", "spread_bp", "suspects",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, guard: Guard) -> None:
        self.instrument = instrument
        self.key = instrument.key
        self.guard = guard
        self.spread_bp = guard.max_spread_bp
        self.narrow_paise = guard.min_spread_ticks * instrument.tick_paise
        self.book = Book.EMPTY
        self.marked = False
        self.long_paise = self.short_paise = 0
        self.bid_paise = self.ask_paise = 0
        self.arrived_s = -inf
        self.doubtful_since_s = -inf
        self.bridged = False
        self._floor_paise = 0
        self._ceiling_paise: int | None = None
        self.fault = ""
        self.suspects = 0
        self.shut()

    def take(self, tick: Tick, now_s: float) -> bool:
        """Bring the marks forward by an everyday tick; False, and nothing done, when it is none.

        Everyday is a quote in the box with a narrow book; a box is only there while the marks are
        believed. All others need a closer look (`shown`), and then `accept` or `doubt`.
        """
        bid, ask = tick.bid_paise, tick.ask_paise
        if bid is None or ask is None:
            bid = ask = tick.ltp_paise
        both = bid + ask
        if not self.low <= both <= self.high:
            return False
        gap = ask - bid
        if not 0 <= gap <= self.narrow_paise and not (
            bid and gap > 0 and narrow(bid, ask, self.spread_bp, self.narrow_paise)
        ):
            return False
        if bid:  # half a paisa of the mid counts against us, whichever side we are on
            self.long_paise = long = both // 2
            self.short_paise = both - long
        else:  # nobody bids and little is asked: worthless to own, and not free to buy back
            self.long_paise, self.short_paise = 0, ask
        self.bid_paise, self.ask_paise = bid, ask
        self.arrived_s = now_s
        return True

    def shown(self, tick: Tick) -> Shown | None:
        """A sound tick as it is compared with others; None when its book gives no mark."""
        bid, ask = tick.bid_paise, tick.ask_paise
        if bid is None or ask is None:
            return Shown(2 * tick.ltp_paise, 0, quoted=False)
        gap = ask - bid
        if not ask or (
            gap > self.narrow_paise and not (bid and narrow(bid, ask, self.spread_bp, self.narrow_paise))
        ):
            return None
        return Shown(bid + ask, gap, quoted=True)

    def accept(self, tick: Tick, arrived_s: float) -> None:
        """Take a narrow quote that was found believable, whatever the box says; leaves it wide open."""
        self.low, self.high = 1, ANY_PAISE
        self.take(tick, arrived_s)
        self.book = Book.BELIEVED
        self.marked = True
        self.fault = ""

    def doubt(self, tick: Tick, now_s: float) -> None:
        """Note a sound book that gives no mark, and when that began.

        A book that changes between wide and empty goes on being doubtful: a stop shall not be
        switched off by flicker. After a gap without any quote the old marks count no more.
        """
        fresh = now_s <= self.fresh_until_s
        if self.book is Book.BELIEVED or not fresh:
            self.doubtful_since_s = now_s
            self.bridged = fresh
        self.bid_paise, self.ask_paise = tick.bid_paise or 0, tick.ask_paise or 0
        self.book = Book.WIDE if self.bid_paise or self.ask_paise else Book.EMPTY
        self.arrived_s = now_s
        self.fault = ""
        self.shut()

    def shut(self) -> None:
        """Have every quote looked at closely."""
        self.low, self.high = 1, 0

    def bound(self, underlying_paise: int | None, off_pct: int = 0) -> None:
        """Tell where the underlying stood when the book went wide, give or take; None = unknown."""
        if underlying_paise is None:
            self._floor_paise, self._ceiling_paise = 0, None
        else:
            self._floor_paise, self._ceiling_paise = exit_bounds(self.instrument, underlying_paise, off_pct)

    @property
    def fresh_until_s(self) -> float:
        """The last moment at which the newest quote is young enough."""
        return self.arrived_s + self.guard.max_quote_age_s

    @property
    def grace_until_s(self) -> float:
        """Until when a stop may go by the last believable marks of a wide book."""
        return self.doubtful_since_s + self.guard.stop_grace_s

    def counts(self, now_s: float) -> bool:
        """Whether a stop goes by the newest quote, and not by one before it."""
        return not self.fault and (self.book is Book.BELIEVED or now_s >= self.grace_until_s)

    def last_mark(self, quantity: int) -> int | None:
        """The last believable mark for such a holding, however old; None = never had one."""
        if not self.marked:
            return None
        return self.long_paise if quantity > 0 else self.short_paise

    def mark(self, quantity: int, now_s: float) -> int | None:
        """The mark for such a holding; None = unknown."""
        return None if self.fault else self._standing(quantity, now_s)

    def _standing(self, quantity: int, now_s: float) -> int | None:
        """The last mark while it is young, even if a suspect price has come after it."""
        if self.book is not Book.BELIEVED or now_s > self.fresh_until_s:
            return None
        return self.long_paise if quantity > 0 else self.short_paise

    def exit_price(self, quantity: int, now_s: float) -> int | None:
        """The side we must trade to get out; nothing for what nobody bids for; None = unknown."""
        if self.book is Book.EMPTY or now_s > self.fresh_until_s:
            return None
        return self.bid_paise if quantity > 0 else (self.ask_paise or None)

    def guarded(self, quantity: int, now_s: float) -> int | None:
        """What a stop goes by: the mark; in a wide book the last one for a grace, then the way out.

        The way out counts no less for a long, and no more for a short, than intrinsic value allows.
        A suspect price is as if it had not come: what was there before counts while it is young, so
        that flicker does not switch a stop off.
        """
        if self.book is not Book.WIDE or now_s > self.fresh_until_s:
            return self._standing(quantity, now_s)
        if now_s < self.grace_until_s:
            return self.last_mark(quantity) if self.bridged else None
        if quantity > 0:
            return max(self.bid_paise, self._floor_paise)
        if self._ceiling_paise is None:
            return self.ask_paise or None
        return min(self.ask_paise or self._ceiling_paise, self._ceiling_paise)


class Holding:
    """Legs and their marks: what they cost, what they are worth, when their prices grow old.

    What an exit has traded of them counts by its fills, whatever it is quoted at now.

    Attributes:
        legs: signed units still held and marks of each leg; 0 = all of it is traded.
        cost_paise: what they cost, less what traded units have brought (negative: they brought something).
        traded: what `count` was told last.
    """

    __slots__ = ("_all", "_entry_paise", "_held", "cost_paise", "legs", "traded")

    def __init__(self, legs: Sequence[Leg], marks: Sequence[Marks]) -> None:
        self._all = tuple((leg.quantity, marks_of_leg) for leg, marks_of_leg in zip(legs, marks, strict=True))
        self._entry_paise = sum(leg.quantity * entry_price(leg) for leg in legs)
        self.count({})

    def count(self, traded: Traded) -> None:
        """Count what has been traded of the legs as realised, and only the rest at marks."""
        self.traded = traded
        rest = {key: units for key, (units, _) in traded.items()}
        left = []
        for held, marks in self._all:
            units = rest.get(marks.instrument.key, 0)
            given = 0 if units * held >= 0 else max(units, -held) if units < 0 else min(units, -held)
            rest[marks.instrument.key] = units - given  # the next row of the contract gives what it has
            left.append((held + given, marks))
        # more than there was: it stands the other way round
        self.legs = tuple((held + rest.pop(marks.instrument.key, 0), marks) for held, marks in left)
        self._held = tuple(leg for leg in self.legs if leg[0])
        self.cost_paise = self._entry_paise + sum(paid for _, paid in traded.values())

    def worth(self, now_s: float, price: Price) -> int | None:
        """The value of all legs at one kind of price; None = a leg has none."""
        total = 0
        for quantity, marks in self._held:
            paise = price(marks, quantity, now_s)
            if paise is None:
                return None
            total += quantity * paise
        return total

    def marked(self, now_s: float) -> int | None:
        """The P&L of all legs at believable marks, as `pnl` by `Marks.mark`, without calls for each leg."""
        total = -self.cost_paise
        for quantity, marks in self._held:
            if (
                marks.fault
                or marks.book is not Book.BELIEVED
                or now_s > marks.arrived_s + marks.guard.max_quote_age_s
            ):
                return None
            total += quantity * (marks.long_paise if quantity > 0 else marks.short_paise)
        return total

    def pnl(self, now_s: float, price: Price) -> int | None:
        """The P&L of all legs at one kind of price; None = a leg has none."""
        worth = self.worth(now_s, price)
        return None if worth is None else worth - self.cost_paise

    @property
    def fresh_until_s(self) -> float:
        """The last moment at which all newest quotes are young enough."""
        until_s = inf
        for _, marks in self._held:  # no call for each leg: it is asked at every judgement
            fresh_s = marks.arrived_s + marks.guard.max_quote_age_s
            until_s = min(until_s, fresh_s)
        return until_s

    def next_change_s(self, now_s: float) -> float:
        """The next moment at which time alone changes what a leg counts; inf = it never does."""
        next_s = inf
        for _, marks in self._held:
            fresh_s = marks.arrived_s + marks.guard.max_quote_age_s
            if now_s <= fresh_s < next_s:
                next_s = nextafter(fresh_s, inf)
            if marks.book is Book.WIDE and now_s < marks.grace_until_s < next_s:
                next_s = marks.grace_until_s
        return next_s

    def blind(self, now_s: float) -> list[str]:
        """The legs that have no price a stop could go by, as people call them, and what is suspect."""
        return [
            f"{marks.instrument.display} ({marks.fault})" if marks.fault else marks.instrument.display
            for quantity, marks in self._held
            if marks.guarded(quantity, now_s) is None
        ]


def way_out(marks: Marks, quantity: int, now_s: float) -> int | None:
    """What closing gives at the best prices where the book can be believed, else what any stop goes by.

    Not through the depth: see `engine.liquidation`.
    """
    if marks.book is Book.BELIEVED:
        return marks.exit_price(quantity, now_s)
    return marks.guarded(quantity, now_s)


def last_mark(marks: Marks, quantity: int, now_s: float) -> int | None:  # noqa: ARG001 - a `Price`
    """The last believable mark, however old."""
    return marks.last_mark(quantity)


if TYPE_CHECKING:
    Price = Callable[[Marks, int, float], int | None]
    #: By contract: units that were traded, signed (bought +), and what was paid for them in paise (sold −).
    Traded = Mapping[InstrumentKey, tuple[int, int]]
