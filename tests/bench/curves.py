"""The two parts behind the pictures: latency against offered load, cost against open positions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.bench.cpu import HOT, Drive, Stream
from tests.bench.latency import Pace, latency
from tests.bench.market import scene
from tests.bench.measure import Rounds, compare
from tests.bench.part import Result, Size
from tests.bench.report import micros, part, spread, times

if TYPE_CHECKING:
    from collections.abc import Callable

#: Ticks a second, seconds of each, open positions, good rounds.
_LOADS = {
    Size.FULL: ((1_000, 2_000, 5_000, 10_000, 20_000), 2.0, 1_000, 3),
    Size.QUICK: ((1_000, 5_000), 0.5, 100, 1), Size.TINY: ((2_000, 4_000), 0.1, 24, 1),
}  # fmt: skip
#: Alerts a second, at every load the same.
_ALERTS_A_S = 10
#: Numbers of open positions, ticks a round, good rounds.
_COSTS = {
    Size.FULL: ((10, 100, 1_000, 10_000), 10_000, 7), Size.QUICK: ((10, 100), 2_000, 2),
    Size.TINY: ((10, 48), 1_200, 1),
}  # fmt: skip
WAYS = ("few", "all")
_NAMES = ("floor p50", "floor p99", "house p50", "house p99")


def load(size: Size) -> Result:
    """Floor and house at one load after the other.

    Returns:
        For each round ``5000 house p50`` and so on in microseconds, and ``5000 rate``, what was really sent.
    """
    rates, seconds, positions, count = _LOADS[size]
    by_rate = {}
    for rate in rates:
        pace = Pace(positions, int(rate * seconds), rate, max(rate // _ALERTS_A_S, 20))
        by_rate[rate] = latency(pace, count, complete=False)
    rounds = Rounds(void=any(each.void for each in by_rate.values()))
    for each in zip(*(found.good for found in by_rate.values()), strict=False):
        rounds.good.append(
            {
                f"{rate} {name}": one[name]
                for rate, one in zip(rates, each, strict=True)
                for name in (*_NAMES, "rate", "decided")
            }
        )
    rounds.shares = [share for found in by_rate.values() for share in found.shares]
    rows = [
        (
            f"{rate:,}", spread(rounds.each(f"{rate} rate")),
            *(spread(rounds.each(f"{rate} {name}")) for name in _NAMES),
            spread(rounds.ratios(f"{rate} house p50", f"{rate} floor p50"), times),
            spread(rounds.each(f"{rate} decided"), "{:.1%}".format),
        )
        for rate in rates
    ]  # fmt: skip
    head = ("offered/s", "sent/s", *_NAMES, "p50 against the floor", "not overtaken")
    title = (
        f"Latency against offered load: sent → decided with {positions:,} open positions, wall clock, "
        "microseconds; nothing is expected, it is for the picture"
    )
    return Result(part(title, head, rows, rounds), rounds)


def cost(size: Size) -> Result:
    """The whole way of a tick with few and with many positions open, in turn.

    Returns:
        For each round ``1000 few`` and ``1000 all``: CPU seconds of all ticks, on a few contracts and on all.
    """
    numbers, ticks, count = _COSTS[size]
    drives = {number: Drive(scene(number)) for number in numbers}
    variants: dict[str, Callable[[], None]] = {}
    for number, drive in drives.items():
        for way, hot in zip(WAYS, (HOT, None), strict=True):
            variants[f"{number} {way}"] = partial(drive.run, Stream(drive.market, ticks, hot, lunges=False))

    def prepare() -> None:
        for drive in drives.values():
            drive.prepare()

    prepare()
    for run in variants.values():
        run()
    rounds = compare(variants, count, prepare)
    for drive in drives.values():
        drive.check()
    rows = [
        (
            f"{number:,}",
            *(
                spread([cost_s / ticks * 1e6 for cost_s in rounds.each(f"{number} {way}")], micros)
                for way in WAYS
            ),
        )
        for number in numbers
    ]  # fmt: skip
    rounds.good = [{**one, "ticks": float(ticks)} for one in rounds.good]
    title = (
        "Cost of a tick against open positions: packet → verdict, CPU time; nothing is expected, "
        "it is for the picture"
    )
    head = ("open positions", f"ticks on {HOT} contracts", "ticks all over the contracts")
    return Result(part(title, head, rows, rounds), rounds)
