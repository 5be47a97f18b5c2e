"""What the half-second pulse costs when nothing is due: with few positions open, and with many."""

from __future__ import annotations

import time

from engine.effects import GoOn
from engine.messages import Beat, BeatKind, Further
from engine.monitor import Monitor
from tests.bench.house import build, requote
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, repeat

_PULSE = Beat(BeatKind.PULSE)
_PULSE_S, _PULSES = 0.5, 10
#: What a start leaves to be judged and written down is done after so many times five seconds.
_SETTLED = 6


def pulses(few: int, many: int, rounds: int) -> Rounds:
    """CPU seconds of some pulses alone, without the turns that their chores ask for.

    Returns:
        One variant for ``few`` positions and one for ``many``.
    """
    houses = {"few": _House(few), "many": _House(many)}
    return repeat(lambda: {name: house.pulses_s() for name, house in houses.items()}, rounds)


class _House:
    """A house at work: everything is quoted and judged, and nothing happens."""

    def __init__(self, positions: int) -> None:
        self._market = scene(positions)
        self._monitor = build(self._market, Monitor)
        self._now_s = NOW_S
        for _ in range(_SETTLED):
            self.pulses_s()

    def pulses_s(self) -> float:
        """CPU seconds of the pulses of five seconds, after a fresh quote of everything."""
        requote(self._monitor, self._market, self._now_s)
        spent_s = 0.0
        for _ in range(_PULSES):
            self._now_s += _PULSE_S
            began_s = time.process_time()
            effects = self._monitor.handle(_PULSE, self._now_s)
            spent_s += time.process_time() - began_s
            while GoOn() in effects:
                effects = self._monitor.handle(Further(), self._now_s)
        return spent_s
