"""The tables of what floods, crowded contracts and side work do to the way of a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.report import micros, part, spread, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.latency import Pace
    from tests.bench.measure import Rounds


def flood(rounds: Rounds, pace: Pace, *, grows: bool) -> str:
    """Floor and house. ``grows``: what is asked is whether a backlog grows, else how near the floor is."""
    rows = [
        (
            text,
            *(spread(rounds.each(f"{who} {share}")) for share in ("p50", "p99", "max")),
            spread(rounds.each(f"{who} cpu"), micros),
        )
        for who, text in (("floor", "floor: a blocking recv, nothing else"), ("house", "the house"))
    ]
    shares = ("p50", "p99")
    ratios = [spread(rounds.ratios(f"house {share}", f"floor {share}"), times) for share in shares]
    cpu = spread(rounds.ratios("house cpu", "floor cpu"), times)
    rows.append(("house over floor", *ratios, "", cpu))
    rows.append(("expected", "", "", "", "") if grows else ("expected", "≤ 2×", "≤ 3×", "", "≤ 2.5×"))
    title = (
        f"A flood of {pace.rate:,} packets a second "
        f"({spread(rounds.each('rate'))} sent), {pace.positions:,} open positions, wall clock, microseconds"
    )
    decided = spread([100 * share for share in rounds.each("decided")], "{:.1f} %".format)
    note = (
        f"{decided} of the packets were decided about, the rest was overtaken by newer ones; the sender "
        f"itself was late by {spread(rounds.each('late'))} µs at worst."
    )
    if grows:
        grown = spread(rounds.ratios("last p99", "first p99"), times)
        note = f"The p99 of the last second is {grown} that of the first, expected ≤ 2×. {note}"
    return part(title, ("who", "p50", "p99", "worst of a round", "CPU a packet"), rows, rounds, note)


def touched(rounds: Rounds, positions: int, copies: int, ticks: int) -> str:
    """What one more touched position costs."""
    rows = [
        (f"{3 * (copies if name == 'all' else 1)} of them", spread(_micros(rounds, name, ticks), micros), "")
        for name in ("one", "all")
    ]
    each = spread([seconds * 1e6 for seconds in rounds.each("each")], "{:.3f} µs".format)
    rows.append(("each one more", each, "≤ 0.5 µs"))
    title = (
        f"What a position costs that a tick touches and leaves in its band: {positions:,} positions, "
        "the whole way of a tick, CPU time"
    )
    return part(title, ("positions touched by a tick", "a tick", "expected"), rows, rounds)


def _micros(rounds: Rounds, name: str, ticks: int) -> list[float]:
    return [seconds / ticks * 1e6 for seconds in rounds.each(name)]


def side(rounds: Rounds, pace: Pace, variants: Sequence[str]) -> str:
    """A row for each kind of work beside the ticks."""
    none = variants[0]
    rows = [
        (
            name,
            *(spread(rounds.each(f"{name} {share}")) for share in ("p50", "p99")),
            "" if name == none else spread(rounds.ratios(f"{name} p99", f"{none} p99"), times),
            spread(rounds.each(f"{name} cpu"), micros),
            spread(rounds.each(f"{name} held"), "{:.2f} ms".format),
            "" if name == none else "p99 ≤ 1.5×",
        )
        for name in variants
    ]
    title = (
        f"The same way with other work in the loop, wall clock, microseconds: {pace.packets:,} packets a "
        f"round at {pace.rate:,} a second, {pace.positions:,} open positions"
    )
    head = (
        "beside it",
        "p50",
        "p99",
        f"p99 against {none}",
        "CPU a tick, all of it",
        "loop held, p99",
        "expected",
    )
    return part(title, head, rows, rounds)


def loops(rounds: Rounds, pace: Pace) -> str:
    """Python's own event loop, and uvloop."""
    names = ("p50", "p99")
    rows = [
        (
            who,
            *(spread(rounds.each(f"{who} {name}")) for name in names),
            spread(rounds.each(f"{who} cpu"), micros),
        )
        for who in ("asyncio", "uvloop")
    ]
    gained = [spread(rounds.ratios(f"asyncio {name}", f"uvloop {name}"), times) for name in (*names, "cpu")]
    rows.append(("asyncio over uvloop, expected ≥ 1×", *gained))
    title = (
        f"The event loop: the way of a tick, wall clock, microseconds: {pace.packets:,} packets a round at "
        f"{pace.rate:,} a second, {pace.positions:,} open positions"
    )
    return part(title, ("loop", *names, "CPU a tick, all of it"), rows, rounds)
