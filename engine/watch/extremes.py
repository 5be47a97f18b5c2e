"""What becomes a peak or a trough: of a position's life, and of the rules that rise with its P&L."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.rules.base import Ratchet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.pnl import Holding
    from engine.watch.armed import Armed
    from engine.watch.lasting import Lasting
    from engine.watch.life import Life


class Extremes:
    """The believable P&Ls of one position's open legs that have lasted, in paise.

    Attributes:
        lasting: those that have not yet.
        log: moments and values of the legs while one waits, oldest first, that `lasting` is yet to see. None
            of them can have lasted: whoever adds to it stops before the first that waits is due.
        life: who remembers the highest and the lowest.
        ratchets: the rules that rise with the P&L.
    """

    __slots__ = ("_holding", "lasting", "life", "log", "ratchets")

    def __init__(self, holding: Holding, life: Life, lasting: Lasting) -> None:
        self._holding = holding
        self.life = life
        self.lasting = lasting
        self.ratchets: tuple[Armed, ...] = ()
        self.log: list[tuple[float, int]] = []

    def catch_up(self) -> None:
        """See what is in the log: before anything else is seen, and before anything changes what is known."""
        if self.log:
            cost_paise, (low, high), see = self._holding.cost_paise, self.known(), self.lasting.see
            for at_s, value in self.log:
                see(value - cost_paise, at_s, low, high)
            self.log.clear()

    def forget(self) -> None:
        """The P&L is not known, or nobody looks: what waits has not lasted."""
        self.log.clear()
        self.lasting.forget()

    def serve(self, armed: Iterable[Armed]) -> None:
        """Find out which of these rules rise with the P&L."""
        self.catch_up()
        self.ratchets = tuple(one for one in armed if isinstance(one.params, Ratchet))

    def see(self, open_paise: int | None, now_s: float) -> bool:
        """Take note of the P&L from now on, and of what has lasted by now; whether a ratchet has risen.

        None = the P&L is not known.
        """
        risen = self.keep(now_s)
        if open_paise is None:
            self.forget()
            return risen
        self.lasting.see(open_paise, now_s, *self.known())
        return self.keep(now_s) or risen

    def keep(self, now_s: float) -> bool:
        """Note what has lasted by now; whether a ratchet has risen."""
        if self.log:
            self.catch_up()
        if now_s < self.lasting.due_s:
            return False
        highs, lows = self.lasting.lasted(now_s)
        risen = False
        for open_paise in highs:
            self.life.rise(open_paise)
            for armed in self._rising():
                risen = armed.see(open_paise) or risen
        for open_paise in lows:
            self.life.fall(open_paise)
        return risen

    def _rising(self) -> Iterator[Armed]:
        """The ratchets that may rise.

        What is half traded has a P&L, and it is a peak or trough like any other. But the peak of a rule
        in per cent is that of open combinations, which there are none of until the exit has ended.
        """
        return (armed for armed in self.ratchets if not self._holding.traded or armed.with_realised)

    def known(self) -> tuple[float, float]:
        """Between which P&Ls of the open legs there is no new trough, no new peak, and no ratchet rises."""
        life, realised = self.life, self.life.realised_paise
        low = inf if life.trough_paise is None else life.trough_paise - realised
        high = -inf if life.peak_paise is None else life.peak_paise - realised
        for one in self._rising() if self.ratchets else ():
            rises = one.rises_paise
            if rises is not None and rises < high:
                high = rises
        return low, high
