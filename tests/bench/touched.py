"""What one more position costs that a tick touches, while it stays in its band."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tests.bench.cpu import Drive, Stream
from tests.bench.market import HOLDERS, Scene, scene
from tests.bench.measure import Rounds, compare

#: Ticks come on so many contracts.
_HOT = 8


def crowded(market: Scene, copies: int) -> Scene:
    """The same condors so many times over: every contract has so many times as many holders."""
    count = len({row.strategy_id for row in market.rows})
    rows = [
        replace(row, id=row.id + copy * len(market.rows), strategy_id=row.strategy_id + copy * count)
        for copy in range(copies)
        for row in market.rows
    ]
    return Scene(tuple(rows), market.contracts, market.held)


def touched(positions: int, copies: int, ticks: int, rounds: int) -> Rounds:
    """Each tick touches three of so many positions, or so many times three.

    Returns:
        CPU seconds with ``one`` copy and with ``all`` of them, and ``each``: what one more touched
        position costs at one tick, in seconds.
    """
    market = scene(positions // copies)
    one, many = Drive(market), Drive(crowded(market, copies))
    near, far = Stream(market, ticks, _HOT, lunges=False), Stream(many.market, ticks, _HOT, lunges=False)
    for drive, stream in ((one, near), (many, far)):
        drive.prepare()
        drive.run(stream)

    def prepare() -> None:
        one.prepare()
        many.prepare()

    found = compare({"one": partial(one.run, near), "all": partial(many.run, far)}, rounds, prepare)
    one.check()
    many.check()
    more = HOLDERS * (copies - 1) * ticks
    for costs in found.good:
        costs["each"] = (costs["all"] - costs["one"]) / more
    return found
