"""What the half-second pulse costs when nothing is due: with few positions open, and with many."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from engine.effects import GoOn
from engine.messages import Beat, BeatKind, Further
from engine.monitor import Monitor
from tests.bench.house import build, requote
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, compare

if TYPE_CHECKING:
    from collections.abc import Callable

_PULSE = Beat(BeatKind.PULSE)
#: What a start leaves to be judged and written down is done after so many pulses.
_SETTLED = 60
_PULSE_S = 0.5


def pulses(few: int, many: int, beats: int, rounds: int) -> Rounds:
    """CPU seconds of so many pulses alone, without the turns that their chores ask for.

    Returns:
        One variant for ``few`` positions and one for ``many``.
    """
    return compare({"few": _pulsing(few, beats), "many": _pulsing(many, beats)}, rounds)


def _pulsing(positions: int, beats: int) -> Callable[[], None]:
    """A house at work: everything is quoted and judged, and nothing happens."""
    market = scene(positions)
    monitor = build(market, Monitor)
    moments = (NOW_S + number * _PULSE_S for number in count(1))
    for number, now_s in zip(range(_SETTLED), moments, strict=False):
        if number % 10 == 0:
            requote(monitor, market, now_s)
        effects = monitor.handle(_PULSE, now_s)
        while GoOn() in effects:
            effects = monitor.handle(Further(), now_s)
    still_s = next(moments)
    requote(monitor, market, still_s)

    def run() -> None:
        for number in range(beats):  # in so short a time that no quote grows old
            monitor.handle(_PULSE, still_s + number * 1e-6)

    return run
