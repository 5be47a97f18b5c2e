"""The tables about orders."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tests.bench.report import part, spread, times

if TYPE_CHECKING:
    from tests.bench.latency import Pace
    from tests.bench.measure import Rounds

_WHO = {
    "direct": "Prahari: a connection that stands ready, in the loop",
    "thread": "Prahari as it was: dhanhq and requests on a thread",
    "dhanhq": "dhanhq.place_order in asyncio.to_thread, as it comes",
}


def calls(rounds: Rounds, orders: int) -> str:
    """The table of `order-call`."""
    rows = [
        (
            text,
            *(
                spread(rounds.each(f"{way} {name}"))
                for name in ("sent p50", "sent p99", "back p50", "four p50")
            ),
            spread(rounds.each(f"{way} cpu")),
            _sooner(rounds, way, "sent"),
            _sooner(rounds, way, "four"),
            "≥ 3×" if way == "direct" else "",
        )
        for way, text in _WHO.items()
    ]
    title = (
        f"One order call, from the call to its last byte at the venue over TLS on loopback, wall clock, "
        f"microseconds: {orders:,} orders a round by each, in turn"
    )
    head = (
        "who", "sent p50", "sent p99", "answered p50", "four together, the last p50", "CPU an order",
        "sooner than dhanhq", "four", "expected",
    )  # fmt: skip
    return part(title, head, rows, rounds)


def _sooner(rounds: Rounds, way: str, what: str) -> str:
    ours, theirs = f"{way} {what} p50", f"dhanhq {what} p50"
    return "" if way == "dhanhq" else spread(rounds.ratios(theirs, ours), times)


def waiting(rounds: Rounds) -> str:
    """The table of `order-waits`."""
    names = {
        "none": ("no order", ""),
        "0.1": ("one waits 100 ms", "worst < 5,000"),
        "60": ("one waits for a venue that takes 60 s; given up after 3 s", "worst < 5,000"),
    }
    rows = [
        (text, *(spread(rounds.each(f"{name} {share}")) for share in ("p50", "p99", "max")), expected)
        for name, (text, expected) in names.items()
    ]
    title = "How late timers of 2 ms are while an order waits for its answer, wall clock, microseconds"
    return part(title, ("meanwhile", "p50", "p99", "worst of a round", "expected"), rows, rounds)


def beside_ticks(rounds: Rounds, pace: Pace) -> str:
    """The table of `order-ticks`."""
    names = {"none": "no orders", "direct": _WHO["direct"], "dhanhq": _WHO["dhanhq"]}
    rows = [
        (
            text,
            *(spread(rounds.each(f"{name} {share}")) for share in ("p50", "p99")),
            "" if name == "none" else spread(rounds.ratios(f"{name} p99", "none p99"), times),
            "p99 ≤ 2×" if name == "direct" else "",
        )
        for name, text in names.items()
    ]
    title = (
        f"Part 3's ticks while {median(rounds.each('direct orders')):.0f} orders a second go out, wall "
        f"clock, microseconds: {pace.packets:,} packets a round at {pace.rate:,} a second"
    )
    return part(title, ("orders", "p50", "p99", "p99 against none", "expected"), rows, rounds)
