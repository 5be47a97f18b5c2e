"""The price book: the last sound quote of every instrument, and how old what is.

Three clocks tell three different failures apart: a feed without any data, a feed that is alive without
this instrument, and a feed whose news is old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import guards

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.messages import Tick
    from engine.model import InstrumentKey


class Entry:
    """What the book knows of one instrument: looked up once for a tick, whatever is asked of it.

    Attributes:
        tick: the last sound quote; None = never one.
        arrived_s: when it came; None = never.
        fault: what was wrong with the newest tick; empty when it was taken.
        held: somebody keeps this entry at hand, so that it must stay the instrument's one.
    """

    __slots__ = ("arrived_s", "fault", "held", "tick")

    def __init__(self) -> None:
        self.tick: Tick | None = None
        self.arrived_s: float | None = None
        self.fault = ""
        self.held = False


class PriceBook:
    """Last quotes by instrument.

    Attributes:
        suspects: ticks that could not be true and were not taken.
        asked, found: lookups so far, and those that had an answer.
        data_s: when the last tick came, of any instrument and however odd; None = never.
    """

    __slots__ = ("_before", "_entries", "asked", "data_s", "found", "suspects")

    def __init__(self) -> None:
        self._entries: dict[InstrumentKey, Entry] = {}
        self._before: dict[InstrumentKey, tuple[Tick, float]] = {}
        self.suspects = 0
        self.asked = 0
        self.found = 0
        self.data_s: float | None = None

    def __len__(self) -> int:
        """How many instruments have a quote."""
        return sum(entry.tick is not None for entry in self._entries.values())

    def take(self, tick: Tick, now_s: float) -> bool:
        """Keep a tick; False when it is suspect and nobody may use it."""
        self.data_s = now_s
        entry = self._entries.get(tick.key)
        if entry is None:
            entry = self.entry(tick.key)
        bid, ask = tick.bid_paise, tick.ask_paise
        # The everyday book without a call; all others are looked at closely.
        if bid is None or ask is None or not 0 < bid <= ask:
            fault = guards.fault(tick)
            if fault:
                self.suspects += 1
                entry.fault = fault
                return False
        if entry.fault:
            entry.fault = ""
        entry.tick, entry.arrived_s = tick, now_s
        return True

    def entry(self, key: InstrumentKey) -> Entry:
        """What is known of an instrument, nothing included; who keeps it says so (`Entry.held`)."""
        return self._entries.setdefault(key, Entry())

    def remember(self, tick: Tick, arrived_s: float) -> None:
        """Keep a price from before the start beside the book: nothing but `before` ever finds it."""
        if not guards.fault(tick):
            self._before[tick.key] = (tick, arrived_s)

    def before(self, key: InstrumentKey) -> tuple[Tick, float] | None:
        """What was known before the start and when it arrived, for people; None once there is a quote."""
        return None if self.peek(key) is not None else self._before.get(key)

    def copy(self) -> PriceBook:
        """A book that knows the same and may learn something else."""
        other = PriceBook()
        for key, known in self._entries.items():
            entry = other._entries[key] = Entry()
            entry.tick, entry.arrived_s, entry.fault = known.tick, known.arrived_s, known.fault
        return other

    def get(self, key: InstrumentKey) -> Tick | None:
        """The last sound quote, and count whether there was one."""
        self.asked += 1
        tick = self.peek(key)
        if tick is not None:
            self.found += 1
        return tick

    def peek(self, key: InstrumentKey) -> Tick | None:
        """The last sound quote, not counted as a lookup."""
        entry = self._entries.get(key)
        return None if entry is None else entry.tick

    def arrived_s(self, key: InstrumentKey) -> float | None:
        """When this instrument's last sound quote arrived; None = never."""
        entry = self._entries.get(key)
        return None if entry is None else entry.arrived_s

    def fault(self, key: InstrumentKey) -> str:
        """What was wrong with the newest tick of the instrument; empty when it was taken."""
        entry = self._entries.get(key)
        return "" if entry is None else entry.fault

    @property
    def newest_trade_s(self) -> int | None:
        """The exchange time of the newest trade that any quote tells of; None = none is known."""
        ticks = (entry.tick for entry in self._entries.values())
        return max((tick.ltt_s for tick in ticks if tick is not None), default=0) or None

    @property
    def hit_ratio(self) -> float | None:
        """Share of lookups that found a quote; None before the first."""
        return self.found / self.asked if self.asked else None

    def keep(self, wanted: Collection[InstrumentKey]) -> int:
        """Forget every instrument that is not wanted any more; how many quotes were forgotten."""
        gone = [(key, entry) for key, entry in self._entries.items() if key not in wanted]
        forgotten = sum(entry.tick is not None for _, entry in gone)
        for key, entry in gone:
            if not entry.held:
                del self._entries[key]
            entry.tick = entry.arrived_s = None
            entry.fault = ""
        self._before = {key: known for key, known in self._before.items() if key in wanted}
        return forgotten
