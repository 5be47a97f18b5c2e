"""The ten oldest parts, each measured and written down in the size that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench import cpu, dispatch, judging, latency, master, recording, report, scale, sharing
from tests.bench.latency import Pace
from tests.bench.part import Result, Size


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is run.

    Attributes:
        packets, ticks: of each CPU round; ``judged``: looks of each.
        positions: open in the parts that have one number of them; ``few`` and ``many`` are compared.
        rounds: good rounds of each CPU part; ``latency_rounds`` and ``exit_rounds`` of the others.
        pace: a round of the latency part.
        master_rows: of the instrument master; it is read in ``latency_rounds`` rounds.
        exits: of each round of the dispatch part.
        strategies, syncs: of each round of the scale part, which has ``exit_rounds``; its syncs begin
            ``settle_s`` after the start.
    """

    packets: int
    ticks: int
    judged: int
    positions: int
    few: int
    many: int
    rounds: int
    latency_rounds: int
    pace: Pace
    exits: int
    exit_rounds: int
    master_rows: int
    strategies: int
    syncs: int
    settle_s: int


_SIZES = {
    Size.FULL: Sizes(
        packets=10_000, ticks=20_000, judged=5_000,
        positions=1_000, few=10, many=10_000, rounds=5, latency_rounds=3,
        pace=Pace(1_000, 15_000, 5_000, 500), exits=20, exit_rounds=3, master_rows=200_000,
        strategies=1_000, syncs=5, settle_s=25,
    ),
    Size.QUICK: Sizes(
        packets=1_000, ticks=2_000, judged=1_000,
        positions=100, few=10, many=1_000, rounds=2, latency_rounds=1,
        pace=Pace(100, 2_500, 5_000, 250), exits=3, exit_rounds=1, master_rows=20_000,
        strategies=100, syncs=1, settle_s=0,
    ),
    Size.TINY: Sizes(
        packets=60, ticks=1_200, judged=200,
        positions=24, few=10, many=48, rounds=1, latency_rounds=1,
        pace=Pace(24, 400, 5_000, 20), exits=1, exit_rounds=1, master_rows=500,
        strategies=6, syncs=1, settle_s=0,
    ),
}  # fmt: skip


def decoding(size: Size) -> Result:
    """Our decoder beside dhanhq's."""
    sizes = _SIZES[size]
    found = cpu.decoding(sizes.positions, sizes.packets, sizes.rounds)
    return Result(report.decoding(found, sizes.packets), found)


def whole_way(size: Size) -> Result:
    """Bytes to verdict beside dhanhq's parser."""
    sizes = _SIZES[size]
    found = cpu.whole_way(sizes.positions, sizes.ticks, sizes.rounds)
    return Result(report.whole_way(found, sizes.positions, sizes.ticks), found)


def ages(size: Size) -> Result:
    """From sending to decision."""
    sizes = _SIZES[size]
    found = latency.latency(sizes.pace, sizes.latency_rounds)
    return Result(report.latency(found, sizes.pace), found)


def by_positions(size: Size) -> Result:
    """What positions cost that a tick does not touch."""
    sizes = _SIZES[size]
    found = cpu.by_positions(sizes.few, sizes.many, sizes.ticks, sizes.rounds)
    return Result(report.by_positions(found, sizes.few, sizes.many, sizes.ticks), found)


def judged(size: Size) -> Result:
    """One condor in full."""
    sizes = _SIZES[size]
    found = judging.judging(sizes.judged, sizes.rounds)
    return Result(report.judging(found, sizes.judged), found)


def exits(size: Size) -> Result:
    """From a verdict to flat."""
    sizes = _SIZES[size]
    found = dispatch.dispatch(sizes.exits, sizes.exit_rounds)
    return Result(report.dispatch(found, sizes.exits), found)


def instruments(size: Size) -> Result:
    """Reading the master."""
    sizes = _SIZES[size]
    found = master.master(sizes.master_rows, sizes.latency_rounds)
    return Result(report.master(found, sizes.master_rows), found)


def redis(size: Size) -> Result:
    """The way of a tick with a mirror."""
    sizes = _SIZES[size]
    found = sharing.sharing(sizes.pace, sizes.latency_rounds)
    return Result(report.sharing(found, sizes.pace), found)


def crowd(size: Size) -> Result:
    """A thousand strategies in a database."""
    sizes = _SIZES[size]
    found = scale.scale(sizes.strategies, sizes.exit_rounds, sizes.syncs, sizes.settle_s)
    return Result(report.scale(found, sizes.strategies), found)


def recorded(size: Size) -> Result:
    """The way of a tick with the recorder."""
    sizes = _SIZES[size]
    found = recording.recording(sizes.positions, sizes.ticks, sizes.rounds)
    return Result(report.recording(found, sizes.ticks), found)
