"""``python -m tests.bench [--quick]``: measure everything in one run and print it."""

from __future__ import annotations

import argparse
import gc
import time
from dataclasses import dataclass

from tests.bench import cpu, orders_report, report
from tests.bench.check import check
from tests.bench.dispatch import dispatch
from tests.bench.judging import judging
from tests.bench.latency import Pace, latency
from tests.bench.master import master
from tests.bench.orders import calls
from tests.bench.orders_beside import beside_ticks, waiting
from tests.bench.scale import scale
from tests.bench.sharing import sharing
from tests.bench.way_in import way_in


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is run.

    Attributes:
        checked: moves of the market on which the quick way is held against the plain one.
        packets, ticks: of each CPU round.
        positions: open in the parts that have one number of them; ``few`` and ``many`` are compared.
        rounds: good rounds of each CPU part; ``latency_rounds`` and ``exit_rounds`` of the others.
        pace: a round of the latency part.
        master_rows: of the instrument master; it is read in ``latency_rounds`` rounds.
        exits: of each round of the dispatch part.
        strategies, syncs: of each round of the scale part, which has ``exit_rounds``; its syncs begin
            ``settle_s`` after the start.
        orders: by each way in each round of the order call, which has ``latency_rounds``.
    """

    checked: int
    packets: int
    ticks: int
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
    orders: int


FULL = Sizes(
    6_000, 10_000, 20_000, 1_000, 10, 10_000, 9, 4, Pace(1_000, 20_000, 5_000, 500), 20, 3, 200_000,
    1_000, 5, 25, 200,
)  # fmt: skip
QUICK = Sizes(
    2_000, 1_000, 2_000, 100, 10, 1_000, 2, 1, Pace(100, 2_500, 5_000, 250), 3, 1, 20_000, 100, 1, 0, 20,
)  # fmt: skip


def bench(sizes: Sizes) -> None:
    """Run the parts one after the other, each printed as soon as it is done."""
    said = check(sizes.checked)
    print(
        f"Before any speed: judging only what left its band said the same as judging everything, "
        f"{sum(said.values())} verdicts in {sizes.checked:,} ticks.\n"
        "Each number is the median of the rounds (smallest – largest); the variants of a part take turns "
        "within a round.\n"
    )
    gc.collect()
    print(report.decoding(cpu.decoding(sizes.positions, sizes.packets, sizes.rounds), sizes.packets))
    gc.collect()
    found = cpu.whole_way(sizes.positions, sizes.ticks, sizes.rounds)
    print(report.whole_way(found, sizes.positions, sizes.ticks))
    print(report.latency(latency(sizes.pace, sizes.latency_rounds), sizes.pace), flush=True)
    gc.collect()
    found = cpu.by_positions(sizes.few, sizes.many, sizes.ticks, sizes.rounds)
    print(report.by_positions(found, sizes.few, sizes.many, sizes.ticks))
    gc.collect()
    print(report.judging(judging(sizes.ticks, sizes.rounds), sizes.ticks))
    gc.collect()
    print(report.dispatch(dispatch(sizes.exits, sizes.exit_rounds), sizes.exits))
    gc.collect()
    print(report.master(master(sizes.master_rows, sizes.latency_rounds), sizes.master_rows))
    print(report.sharing(sharing(sizes.pace, sizes.latency_rounds), sizes.pace), flush=True)
    print(
        report.scale(
            scale(sizes.strategies, sizes.exit_rounds, sizes.syncs, sizes.settle_s), sizes.strategies
        ),
        flush=True,
    )
    order_path(sizes)
    gc.collect()
    for page in way_in(sizes.positions, sizes.packets, sizes.rounds):
        print(page, flush=True)


def order_path(sizes: Sizes) -> None:
    """The parts about the order call."""
    gc.collect()
    print(orders_report.calls(calls(sizes.orders, sizes.latency_rounds), sizes.orders))
    print(orders_report.waiting(waiting(sizes.latency_rounds)), flush=True)
    print(orders_report.beside_ticks(beside_ticks(sizes.pace, sizes.latency_rounds), sizes.pace), flush=True)


def main() -> None:
    """Read the command line, run, and say how long that took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, a few seconds: shapes, not numbers"
    )
    sizes = QUICK if parser.parse_args().quick else FULL
    began_s = time.monotonic()
    print(report.machine() + "\n")
    bench(sizes)
    print(f"All of this took {time.monotonic() - began_s:.0f} s.")


if __name__ == "__main__":
    main()
