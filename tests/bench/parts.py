"""The list of the bench's parts. A new one is one line here: its number is its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import curves, hot_pages, order_pages, pages, way_in
from tests.bench.part import Part
from tests.bench.peers.beside import peers

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS: tuple[Part, ...] = (
    Part("decoding", pages.decoding),
    Part("whole-way", pages.whole_way),
    Part("latency", pages.ages),
    Part("positions", pages.by_positions),
    Part("judging", pages.judged),
    Part("exits", pages.exits, default=False),
    Part("master", pages.instruments, default=False),
    Part("redis", pages.redis, default=False),
    Part("scale", pages.crowd, default=False),
    Part("recording", pages.recorded),
    Part("flood", hot_pages.flooded),
    Part("storm", hot_pages.stormed),
    Part("touched", hot_pages.held),
    Part("side", hot_pages.beside, default=False),
    Part("reading", way_in.read),
    Part("receiving", way_in.receive),
    Part("burst", way_in.bursts),
    Part("load-curve", curves.load, default=False),
    Part("cost-curve", curves.cost, default=False),
    Part("order-call", order_pages.called),
    Part("order-waits", order_pages.waited, default=False),
    Part("order-ticks", order_pages.beside, default=False),
    Part("loops", hot_pages.turned, default=False),
    Part("peers", peers, default=False, fetches=True),
)


def chosen(names: Sequence[str], *, everything: bool) -> list[tuple[int, Part]]:
    """Number and part of those that are to run: the named ones, or all, or those that nobody need ask for.

    Raises:
        ValueError: there is no part of that name; names the parts there are.
    """
    by_name = {part.name: (number, part) for number, part in enumerate(PARTS, start=1)}
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(f"no part is called {unknown[0]!r}; there are {', '.join(by_name)}")
    if names:
        return [by_name[name] for name in dict.fromkeys(names)]
    wanted = (part for part in PARTS if part.default or (everything and not part.fetches))
    return [by_name[part.name] for part in wanted]
