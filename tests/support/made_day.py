"""A made-up day of option prices as a recorder would have them, for the size of what is kept.

Contracts tick at four paces: one in twelve, near the money, three times a second, the farthest every twenty
seconds; together some 0.4 ticks a second and contract. Best prices walk in steps of five paise, quantities
are whole lots that change with most ticks, trades add to the volume, open interest moves now and then.
"""

from __future__ import annotations

from heapq import heapify, heapreplace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from engine.messages import Tick
from engine.model import Segment, instrument_key
from engine.recording.entries import Book, Note, Offer, Prices
from engine.recording.scribe import BOOK_EVERY_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.recording.entries import Entry

#: Share of the contracts, and ticks a second of each of them.
PACES = ((0.08, 3.0), (0.16, 0.7), (0.3, 0.15), (1.0, 0.05))
BEGAN_US = 1_770_090_300_000_000
LOT = 65


class _Contract(NamedTuple):
    pace: float
    tick: Tick


def made_day(contracts: int, seconds: int, seed: int = 1) -> Iterator[Entry]:
    """Entries of so many contracts for so long, a pulse at each half second."""
    chance = Random(seed)
    market = [_contract(number, contracts, chance) for number in range(contracts)]
    due = [(BEGAN_US + round(chance.expovariate(c.pace) * 1e6), n) for n, c in enumerate(market)]
    heapify(due)
    looked = [0] * contracts
    at_us, pulse_us = 0, BEGAN_US
    while due[0][0] < BEGAN_US + seconds * 1_000_000:
        due_us, number = due[0]
        while pulse_us <= due_us:
            at_us = max(at_us + 1, pulse_us)
            yield Note(at_us, "beat", {"kind": "pulse"})
            pulse_us += 500_000
        at_us = max(at_us + 1, due_us // 1_000 * 1_000)
        tick = _step(market[number].tick, at_us, chance)
        market[number] = market[number]._replace(tick=tick)
        yield Prices(at_us, (tick,))
        if at_us - looked[number] >= BOOK_EVERY_US:
            looked[number] = at_us
            yield _book(tick, at_us, chance)
        heapreplace(due, (due_us + round(chance.expovariate(market[number].pace) * 1e6), number))


def _contract(number: int, contracts: int, chance: Random) -> _Contract:
    pace = next(pace for share, pace in PACES if number < share * contracts or share == 1.0)
    bid = 5 * chance.randint(20, 8_000)
    key = instrument_key(Segment.NSE_FNO, 40_000 + 7 * number)
    units = LOT * chance.randint(1, 40)
    volume, oi = LOT * chance.randint(0, 100_000), LOT * chance.randint(0, 50_000)
    return _Contract(pace, Tick(key, bid, 0, bid, units, bid + 5, units, volume, oi))


def _step(tick: Tick, at_us: int, chance: Random) -> Tick:
    """The next quote: usually a step or none, a trade in two of five, new sizes in most."""
    move = 5 * chance.choice((-3, -2, -1, -1, 0, 0, 0, 0, 1, 1, 2, 3))
    bid = max((tick.bid_paise or 0) + move, 5)
    ask = bid + 5 * chance.choice((1, 1, 1, 2, 2, 3, 4, 6))
    traded = chance.random() < 0.4
    ltp, ltt_s, volume = tick.ltp_paise, tick.ltt_s, tick.volume
    if traded:
        ltp, ltt_s = chance.choice((bid, ask)), at_us // 1_000_000 - chance.randint(0, 1)
        volume += LOT * (1 + int(chance.expovariate(0.2)))
    oi = tick.oi
    if chance.random() < 0.02:
        oi = max(oi + LOT * chance.randint(-200, 200), 0)
    return Tick(
        tick.key, ltp, ltt_s, bid, _units(tick.bid_quantity, chance), ask, _units(tick.ask_quantity, chance),
        volume, oi,
    )  # fmt: skip


def _units(before: int, chance: Random) -> int:
    return before if chance.random() < 0.3 else LOT * (1 + int(chance.expovariate(1 / 15)))


def _book(tick: Tick, at_us: int, chance: Random) -> Book:
    bids, asks = (
        tuple(
            Offer(best + sign * 5 * level, LOT * (1 + int(chance.expovariate(1 / 20)))) for level in range(5)
        )
        for best, sign in ((tick.bid_paise or 0, -1), (tick.ask_paise or 0, 1))
    )
    return Book(at_us, tick.key, bids, asks)
