"""In which values and until when nothing can happen to a position: what a tick has to look at.

The band knows no rules. Who judges the position says where they are silent and when time alone may
change that; from then on the band takes in new peaks and new quotes by itself, for as long as that is
all there is to them.
"""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.pnl import Holding
    from engine.watch.extremes import Extremes

#: So long is written down before it is looked at: of thousands of ticks a second longer would be much.
LOGGED_S = 0.1


class _Often:
    """What every tick reads of each position that it touches, in one line of the processor's cache.

    Slots lie in memory in the order of their names, those of a base class first.
    """

    __slots__ = ("fresh_until_s", "high", "log", "low", "value")


class Band(_Often):
    """The band of one position.

    Attributes:
        holding: the open legs and their marks.
        value: what they are worth at mark, in paise; kept by every tick, exact only while the band is not
            empty.
        low, high: the values, both included, in which nothing can happen; empty (1, 0) while every tick
            has to be judged.
        spot_low, spot_high: prices of the underlying between which no rule speaks.
        log: where ticks write down the values within it, and when; None = nobody wants to know.
        fresh_until_s: the band holds until then at least, by the age of the legs' quotes and peaks that wait.
        wake_s: when time alone may make something happen.
        queued_s: for which moment the watchlist has put it on its list.
    """

    __slots__ = (
        "_due_s", "_extremes", "_fresh_s", "_known_high", "_known_low", "_once", "_quiet_high", "_quiet_low",
        "holding", "queued_s", "spot_high", "spot_low", "wake_s",
    )  # fmt: skip

    def __init__(self, holding: Holding, extremes: Extremes) -> None:
        self.holding = holding
        self._extremes = extremes
        self.value = self._quiet_low = self._quiet_high = 0
        self.spot_low = self.spot_high = 0.0
        self.fresh_until_s = self._fresh_s = -inf
        self._known_low, self._known_high = inf, -inf
        self.log: list[tuple[float, int]] | None = None
        self._once = len({id(marks) for _, marks in holding.legs}) == len(holding.legs)
        self.wake_s = self.queued_s = self._due_s = inf
        self.empty_band()

    def empty_band(self) -> None:
        """Have every tick judged until the next judgement."""
        self.low, self.high = 1, 0

    def disturb(self) -> None:
        """Something has changed that is no price: have it judged at the next tick or beat."""
        self.empty_band()
        self.wake_s = -inf

    def deaf_to(self, spot_paise: int, now_s: float) -> bool:
        """Whether this price of the underlying changes nothing."""
        if self.low > self.high or (now_s > self.fresh_until_s and not self.renew(now_s)):
            return False
        return self.spot_low < spot_paise < self.spot_high

    def stretch(self, now_s: float) -> bool:
        """Whether a value outside the band is one more peak or trough to wait for and nothing else.

        In a market that runs one way this is most of what happens, and much cheaper than a judgement.
        While the band is not empty nothing that waits is beyond the quiet one (`_wait_wide`), where a ratchet
        may rise. Should one rise all the same, nobody knows in which values it is silent: it is judged.
        """
        value = self.value
        if self.low > self.high or not self._quiet_low <= value <= self._quiet_high or now_s >= self._due_s:
            return False
        lasting = self._extremes.lasting
        due_s = lasting.due_s
        if now_s <= self._fresh_s and now_s < due_s:  # mostly so: nothing has lasted, no quote has grown old
            self._extremes.catch_up()
            lasting.see(value - self.holding.cost_paise, now_s, self._known_low, self._known_high)
            if lasting.due_s < inf:
                self._wait_wide()
                self._hold_on_until(self._fresh_s, now_s)
                return True
        elif now_s > self.holding.fresh_until_s:
            return False
        if self._extremes.see(self.value - self.holding.cost_paise, now_s):
            return False
        self._close_band()
        self._hold_on(now_s)
        return True

    def renew(self, now_s: float) -> bool:
        """Whether all that was to happen by now is that a peak has lasted, or that quotes grow old.

        If so, and new ones have come meanwhile, the band holds on for as long as those are young.
        """
        if not self.low <= self.value <= self.high or now_s >= self._due_s:
            return False
        if now_s > self.holding.fresh_until_s:
            return False
        if self._extremes.keep(now_s):
            return False
        self._close_band()
        self._hold_on(now_s)
        return True

    def _wait(self, now_s: float, due_s: float) -> None:
        """Time alone, but for the age of quotes and for peaks, changes nothing before it is due."""
        self._due_s = due_s
        self._hold_on(now_s)
        self.wake_s = min(due_s, self._extremes.lasting.due_s, self.holding.next_change_s(now_s))

    def _span(self, open_paise: int, quiet: tuple[int, int], spot: tuple[float, float]) -> None:
        """At this P&L nothing happens between those, both included, and these prices of the underlying."""
        shift = self.holding.cost_paise
        self.value = open_paise + shift
        self._quiet_low, self._quiet_high = quiet[0] + shift, quiet[1] + shift
        self.spot_low, self.spot_high = spot
        self._close_band()

    def _close_band(self) -> None:
        """Of the values at which no rule speaks, those that are no new peak or trough either.

        While one waits to have lasted every change counts (`_wait_wide`).
        """
        life = self._extremes.life
        self._known_low, self._known_high = self._extremes.known()
        self.low, self.high = self._quiet_low, self._quiet_high
        self.log = None
        if self._extremes.lasting.due_s < inf:
            self._wait_wide()
        elif life.peak_paise is not None and life.trough_paise is not None:
            shift = self.holding.cost_paise - life.realised_paise
            self.low = max(self.low, life.trough_paise + shift)
            self.high = min(self.high, life.peak_paise + shift)

    def _wait_wide(self) -> None:
        """One waits to have lasted: have every change written down until it is due, or leave at each of them.

        The second where one tick may change the value twice: what it is in between never was. A value at
        which somebody speaks, or a ratchet may rise, comes out of both with an empty band.
        """
        if self._once and self._quiet_low <= self.value <= self._quiet_high:
            self.low, self.high, self.log = self._quiet_low, self._quiet_high, self._extremes.log
        else:
            self.low, self.high = max(self._quiet_low, self.value), min(self._quiet_high, self.value)

    def _hold_on(self, now_s: float) -> None:
        """Let the band hold while the quotes are young, and until a peak or trough has lasted."""
        self._fresh_s = self.holding.fresh_until_s
        self._hold_on_until(self._fresh_s, now_s)

    def _hold_on_until(self, fresh_until_s: float, now_s: float) -> None:
        """The same of quotes that are young so long at least; younger ones may have come."""
        lasted_s = self._extremes.lasting.due_s
        self.fresh_until_s = min(fresh_until_s, nextafter(lasted_s, -inf))
        if self.log is not None:
            self.fresh_until_s = min(self.fresh_until_s, now_s + LOGGED_S)
        self.wake_s = min(self._due_s, lasted_s, nextafter(fresh_until_s, inf))
