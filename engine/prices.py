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


class PriceBook:
    """Last quotes by instrument.

    Attributes:
        suspects: ticks that could not be true and were not taken.
        asked, found: lookups so far, and those that had an answer.
        data_s: when the last tick came, of any instrument and however odd; None = never.
    """

    __slots__ = ("_arrived_s", "_before", "_faults", "_ticks", "asked", "data_s", "found", "suspects")

    def __init__(self) -> None:
        self._ticks: dict[InstrumentKey, Tick] = {}
        self._arrived_s: dict[InstrumentKey, float] = {}
        self._faults: dict[InstrumentKey, str] = {}
        self._before: dict[InstrumentKey, tuple[Tick, float]] = {}
        self.suspects = 0
        self.asked = 0
        self.found = 0
        self.data_s: float | None = None

    def __len__(self) -> int:
        """How many instruments have a quote."""
        return len(self._ticks)

    def take(self, tick: Tick, now_s: float) -> bool:
        """Keep a tick; False when it is suspect and nobody may use it."""
        self.data_s = now_s
        key = tick.key
        bid, ask = tick.bid_paise, tick.ask_paise
        # The everyday book without a call; all others are looked at closely.
        if bid is None or ask is None or not 0 < bid <= ask:
            fault = guards.fault(tick)
            if fault:
                self.suspects += 1
                self._faults[key] = fault
                return False
        if self._faults:
            self._faults.pop(key, None)
        self._ticks[key] = tick
        self._arrived_s[key] = now_s
        return True

    def remember(self, tick: Tick, arrived_s: float) -> None:
        """Keep a price from before the start beside the book: nothing but `before` ever finds it."""
        if not guards.fault(tick):
            self._before[tick.key] = (tick, arrived_s)

    def before(self, key: InstrumentKey) -> tuple[Tick, float] | None:
        """What was known before the start and when it arrived, for people; None once there is a quote."""
        return None if key in self._ticks else self._before.get(key)

    def copy(self) -> PriceBook:
        """A book that knows the same and may learn something else."""
        other = PriceBook()
        other._ticks, other._arrived_s = dict(self._ticks), dict(self._arrived_s)
        other._faults = dict(self._faults)
        return other

    def get(self, key: InstrumentKey) -> Tick | None:
        """The last sound quote, and count whether there was one."""
        self.asked += 1
        tick = self._ticks.get(key)
        if tick is not None:
            self.found += 1
        return tick

    def peek(self, key: InstrumentKey) -> Tick | None:
        """The last sound quote, not counted as a lookup."""
        return self._ticks.get(key)

    def arrived_s(self, key: InstrumentKey) -> float | None:
        """When this instrument's last sound quote arrived; None = never."""
        return self._arrived_s.get(key)

    def fault(self, key: InstrumentKey) -> str:
        """What was wrong with the newest tick of the instrument; empty when it was taken."""
        return self._faults.get(key, "")

    @property
    def newest_trade_s(self) -> int | None:
        """The exchange time of the newest trade that any quote tells of; None = none is known."""
        return max((tick.ltt_s for tick in self._ticks.values()), default=0) or None

    @property
    def hit_ratio(self) -> float | None:
        """Share of lookups that found a quote; None before the first."""
        return self.found / self.asked if self.asked else None

    def keep(self, wanted: Collection[InstrumentKey]) -> int:
        """Forget every instrument that is not wanted any more; how many were forgotten."""
        gone = [key for key in self._ticks if key not in wanted]
        for key in gone:
            del self._ticks[key], self._arrived_s[key]
        self._faults = {key: fault for key, fault in self._faults.items() if key in wanted}
        self._before = {key: known for key, known in self._before.items() if key in wanted}
        return len(gone)
