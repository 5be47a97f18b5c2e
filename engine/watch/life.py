"""What is known of a position's life so far: extremes, realised P&L, the moment of its entry."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import floor, inf
from typing import TYPE_CHECKING

from engine.rules.base import Ratchet
from engine.watch.nouns import Memory, Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model import Position
    from engine.rules.base import Situation, Snapshot
    from engine.watch.alarms import Alarms
    from engine.watch.armed import Armed

#: The underlying's price this long after entry still counts as that of entry; in a recording as long
#: as a quote is young.
ENTRY_WITHIN_S = 60.0
#: One leg as `_shape` writes it.
_LEG = re.compile(r"(\d+)([+-]\d+)@(\w+)")


class Life:
    """One position's life.

    Attributes:
        peak_paise, trough_paise: extremes of the P&L, realised included; None = none seen yet.
        realised_paise: what partial exits have brought.
        scaled_to: the highest scaling level that has acted.
        said: what rows said that our partial exits have ended.
        share: open combinations over those at entry.
        entry_spot_paise: the underlying's price at entry; None = unknown.
        entry_open: and it may still become known, until `entry_until_s`.
    """

    __slots__ = (
        "_combinations", "_legs", "entry_open", "entry_spot_paise", "entry_until_s", "peak_paise",
        "realised_paise", "said", "scaled_to", "share", "trough_paise",
    )  # fmt: skip

    def __init__(self, position: Position, max_age_s: float, memory: Memory, now_s: float) -> None:
        self._legs = _shape(position)
        self._combinations = position.combinations
        last_s = position.opened_at_s + max(ENTRY_WITHIN_S, max_age_s)
        together = all(leg.entered_at_s <= last_s for leg in position.legs)
        self.entry_until_s = last_s if together else -inf
        self.entry_spot_paise = memory.entry_spot_paise if self._continues(memory) else None
        self.entry_open = self.entry_spot_paise is None and now_s <= self.entry_until_s
        self.peak_paise: int | None = None
        self.trough_paise: int | None = None
        self.realised_paise = 0
        self.scaled_to = Fraction(0)
        self.share = (1, 1)
        self.said: Said | None = None

    def remember(self, memory: Memory, rules: Iterable[Armed]) -> None:
        """Take over what was remembered; other legs than then have no peaks of their own yet."""
        self.peak_paise, self.trough_paise = memory.peak_paise, memory.trough_paise
        self.realised_paise, self.share = memory.realised_paise, memory.shares(self._combinations)
        self.scaled_to = memory.scaled_to
        self.said = memory.said if self.share == memory.open_share else None
        same = memory.peaks_of[0] == self._legs
        kept = Fraction(1) if same else _kept(memory)
        peaks = memory.peaks if self._continues(memory) else {}
        for armed in rules:
            armed.count_realised(memory.realised_paise)
            if isinstance(armed.params, Ratchet):
                armed.raise_to(
                    replace(armed.params, peak_paise=_peak(armed, peaks, kept, memory.realised_paise))
                )

    def memory(self, rules: Iterable[Armed], alarms: Alarms) -> Memory:
        """What has to survive a restart."""
        peaks = {
            _name(armed): armed.params.peak_paise
            for armed in rules
            if isinstance(armed.params, Ratchet) and armed.params.peak_paise is not None
        }
        tied = bool(peaks) or self.entry_spot_paise is not None
        return Memory(
            self.peak_paise,
            self.trough_paise,
            alarms.level,
            self.realised_paise,
            self.share,
            alarms.warned_s,
            peaks,
            (self._legs, *self.share) if tied else Memory().peaks_of,
            self.entry_spot_paise,
            self.scaled_to,
            self.said,
        )

    def rise(self, open_paise: int) -> None:
        """Take note that the open legs have made this much, for a while."""
        pnl = open_paise + self.realised_paise
        self.peak_paise = pnl if self.peak_paise is None else max(self.peak_paise, pnl)

    def fall(self, open_paise: int) -> None:
        """Take note that the open legs have made no more than this, for a while."""
        pnl = open_paise + self.realised_paise
        self.trough_paise = pnl if self.trough_paise is None else min(self.trough_paise, pnl)

    def entered(self, situation: Situation) -> Situation:
        """The situation with what is known of the entry."""
        return replace(situation, entry_spot_paise=self.entry_spot_paise, entry_passed=not self.entry_open)

    def learn_entry(self, snapshot: Snapshot) -> bool:
        """Whether the underlying's price at entry has just become known, or surely unknown."""
        late = snapshot.now_s > self.entry_until_s
        if not self.entry_open or (snapshot.underlying_paise is None and not late):
            return False
        self.entry_open = False
        self.entry_spot_paise = None if late else snapshot.underlying_paise
        return True

    def _continues(self, memory: Memory) -> bool:
        """Whether what was remembered is of these legs, or of what our own partial exit has left of them."""
        legs = memory.peaks_of[0]
        return legs == self._legs or (bool(legs) and _left_of(legs, _kept(memory), self._legs))


def _name(armed: Armed, *, other: bool = False) -> str:
    """Under which name a peak is kept: one of the open legs alone is no peak with what is realised."""
    whole = isinstance(armed.params, Ratchet) and armed.params.with_realised
    return f"{armed.rule.name}, realised included" if whole != other else armed.rule.name


def _peak(armed: Armed, peaks: Mapping[str, int], kept: Fraction, realised_paise: int) -> int | None:
    """The remembered peak of a ratchet; one that by changed rules would not have armed it is none."""
    params, peak = armed.params, peaks.get(_name(armed))
    if peak is None and not realised_paise:
        peak = peaks.get(_name(armed, other=True))  # nothing is realised: both count the same
    if peak is None or not isinstance(params, Ratchet):
        return None
    if params.with_realised or kept == 1:
        return peak if peak >= params.arms_paise else None
    return max(floor(peak * kept), params.arms_paise)  # that of the combinations still open


def _kept(memory: Memory) -> Fraction:
    """What our own partial exits have left of the legs that the peaks were seen with."""
    _, *share = memory.peaks_of
    return Fraction(*memory.open_share) / Fraction(*share)


def _left_of(before: str, kept: Fraction, now: str) -> bool:
    """Whether these legs are that share of those before, contract by contract, entered at their prices."""
    (nets, prices), (left, known) = _sums(before), _sums(now)
    return known <= prices and left == {key: net * kept for key, net in nets.items()}


def _sums(shape: str) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """Net units of each contract, and at which prices it was entered, of legs as text."""
    nets: dict[str, int] = {}
    prices: set[tuple[str, str]] = set()
    for key, units, price in _LEG.findall(shape):
        nets[key] = nets.get(key, 0) + int(units)
        prices.add((key, price))
    return nets, prices


def _shape(position: Position) -> str:
    """The legs as text: contract, signed units and entry price of each."""
    return ",".join(sorted(f"{leg.key}{leg.quantity:+d}@{leg.entry_price_paise}" for leg in position.legs))
