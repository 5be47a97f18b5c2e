"""The bench's page: one table for each part, what was expected beside what was measured. No verdicts."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.latency import Pace
    from tests.bench.measure import Rounds

_FORMAT = "simple_outline"


def machine() -> str:
    """What all this ran on."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else model
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in ("dhanhq", "websockets"))
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {packages}; load before {load}"
    )


def spread(numbers: Sequence[float], write: Callable[[float], str] = "{:,.0f}".format) -> str:
    """The median, and between what the rounds lay."""
    return f"{write(median(numbers))} ({write(min(numbers))} – {write(max(numbers))})"


def times(number: float) -> str:
    """Write a ratio."""
    return f"{number:.2f}×"


def micros(number: float) -> str:
    """Write microseconds."""
    return f"{number:.1f} µs"


def _ms(number: float) -> str:
    return f"{number:,.0f}" if number >= 20 else f"{number:.2f}"


def _per_s(rounds: Rounds, name: str, count: int) -> str:
    return spread([count / cost_s for cost_s in rounds.each(name)])


def _ns(rounds: Rounds, name: str, count: int) -> str:
    return f"{median(rounds.each(name)) / count * 1e9:,.0f} ns"


def quality(rounds: Rounds) -> str:
    """How far the machine left this part alone."""
    text = f"{len(rounds.good)} of {len(rounds.shares)} rounds count"
    if rounds.void:
        text = f"all {len(rounds.shares)} rounds count, though too few were undisturbed: read with care"
    return f"{text}; this process waited for a core {spread(rounds.shares, '{:.1%}'.format)} of the time"


def decoding(rounds: Rounds, packets: int) -> str:
    """Table 1."""
    kinds = {"full": "Full, 162 bytes", "quote": "Quote, 50 bytes", "ticker": "Ticker, 16 bytes"}
    rows = [
        (
            text,
            _per_s(rounds, f"{kind}/ours", packets),
            _per_s(rounds, f"{kind}/dhanhq", packets),
            spread(rounds.ratios(f"{kind}/dhanhq", f"{kind}/ours"), times),
            "≥ 10×",
        )
        for kind, text in kinds.items()
    ]
    head = ("packet", "Prahari, packets/s", "dhanhq process_data, packets/s", "ratio", "expected")
    return part(
        "Decoding: the same bytes through both parsers, one packet a frame, CPU time", head, rows, rounds
    )


def whole_way(rounds: Rounds, positions: int, ticks: int) -> str:
    """Table 2."""
    rows = [
        (
            text,
            _per_s(rounds, name, ticks),
            _ns(rounds, name, ticks),
            "" if name == "dhanhq" else spread(rounds.ratios("dhanhq", name), times),
            expected,
        )
        for name, text, expected in (
            ("ours", "Prahari, ticks all over the contracts", "≥ 5×"),
            ("busy", "Prahari, ticks on 8 of them (warm caches)", ""),
            ("dhanhq", "dhanhq: process_data, and nothing after it", ""),
        )
    ]
    title = (
        "The whole way of a tick (decode, price book, P&L, rules): "
        f"{positions:,} open positions, each tick touches 3, CPU time"
    )
    return part(title, ("who", "Full packets/s", "each", "dhanhq's cost over ours", "expected"), rows, rounds)


def latency(rounds: Rounds, pace: Pace) -> str:
    """Table 3."""
    names = {
        "floor": ("floor: a blocking recv, nothing else", ""),
        "house": ("every tick: feed, inbox, monitor", "p99 < 1,000"),
        "alert": ("ticks that end in an alert", "p99 < 1,000"),
    }
    rows = [
        (text, *(spread(rounds.each(f"{who} {share}")) for share in ("p50", "p99", "max")), expected)
        for who, (text, expected) in names.items()
    ]
    title = (
        f"From sending to decision, over a loopback WebSocket, wall clock, microseconds: "
        f"{pace.packets:,} packets a round, {spread(rounds.each('rate'))} sent a second, "
        f"{pace.positions:,} open positions"
    )
    head = ("who", "p50", "p99", "worst of a round", "expected")
    note = f"The sender itself was late by {spread(rounds.each('late'))} µs at worst."
    return part(title, head, rows, rounds, note)


def by_positions(rounds: Rounds, few: int, many: int, ticks: int) -> str:
    """Table 4."""
    rows = [
        (f"{few:,} positions, ticks on the same 8 contracts", _ns(rounds, "few", ticks), "", ""),
        (
            f"{many:,} positions, ticks on the same 8 contracts",
            _ns(rounds, "many", ticks),
            spread(rounds.ratios("many", "few"), times),
            "≤ 1.25×",
        ),
        (
            f"{many:,} positions, ticks all over (cold caches)",
            _ns(rounds, "spread", ticks),
            spread(rounds.ratios("spread", "few"), times),
            "≤ 5×",
        ),
    ]
    title = "What positions cost that a tick does not touch: the whole way of a tick, CPU time"
    return part(title, ("open positions", "a tick", f"against {few:,}", "expected"), rows, rounds)


def judging(rounds: Rounds, calls: int) -> str:
    """Table 5."""
    names = {
        "default": ("judged in full, the four default rules", ""),
        "every": ("judged in full, every rule on", "≤ 20 µs"),
        "model": ("asked by the model, once a second at most", ""),
    }
    rows = [
        (text, spread([seconds / calls * 1e6 for seconds in rounds.each(name)], micros), expected)
        for name, (text, expected) in names.items()
    ]
    title = "One iron condor outside its band, CPU time"
    return part(title, ("what", "each", "expected"), rows, rounds)


def dispatch(rounds: Rounds, exits: int) -> str:
    """Table 6."""
    names = {
        "opened": ("the exit is in the journal", ""),
        "read": ("the broker's books are read, and taken up", ""),
        "decided": ("its first order is decided", ""),
        "kept": ("that order is in the journal", ""),
        "bytes": ("its bytes are at the socket", ""),
        "syncs": ("of that, all commits", ""),
        "first": ("its first order is accepted", ""),
        "accepted": ("the last of its four orders is accepted", "p99 < 250"),
        "flat": ("verified flat", "p50 < 1,000"),
        "left": ("an order's bytes leave, from the message that let it go", "p50 ≤ 2, p99 ≤ 5"),
        "taken": ("and it is accepted", ""),
        "journal": ("of that the commit of its record", ""),
    }
    rows = [
        (text, *(spread(rounds.each(f"{name} {share}"), _ms) for share in ("p50", "p99")), expected)
        for name, (text, expected) in names.items()
    ]
    title = (
        "From a stop's verdict on an iron condor: the whole house, journal on disk; an exchange that takes"
        f" 50 ms an order, over loopback, wall clock, milliseconds; {exits} exits a round, one at a time"
    )
    return part(title, ("until", "p50", "p99", "expected"), rows, rounds)


def master(rounds: Rounds, rows: int) -> str:
    """Table 7."""
    found = [
        (
            text,
            f"{rounds.each(f'{name}/contracts')[0]:,.0f}",
            spread(rounds.each(f"{name}/s"), "{:.2f} s".format),
            spread(rounds.each(f"{name}/mb"), "{:,.0f} MB".format),
            expected,
        )
        for name, text, expected in (
            ("one", "one underlying, a fifth of the rows", ""),
            ("all", "every underlying of the file", "< 3 s, < 250 MB"),
        )
    ]
    title = f"Reading an instrument master of {rows:,} rows, CPU time and peak of a process of its own"
    return part(title, ("kept", "contracts", "read in", "peak", "expected"), found, rounds)


def sharing(rounds: Rounds, pace: Pace) -> str:
    """Table 8."""
    names = {
        "none": ("no Redis", ""),
        "works": ("Redis works", "p99 ≤ 1.5×"),
        "hangs": ("Redis hangs (SIGSTOP)", "p99 ≤ 1.5×"),
        "full": ("Redis is full", "p99 ≤ 1.5×"),
    }
    rows = [
        (
            text,
            *(spread(rounds.each(f"{name} {share}")) for share in ("p50", "p99")),
            "" if name == "none" else spread(rounds.ratios(f"{name} p99", "none p99"), times),
            spread(rounds.each(f"{name} cpu"), micros),
            expected,
        )
        for name, (text, expected) in names.items()
    ]
    title = (
        f"The same way with prices mirrored to Redis, wall clock, microseconds: {pace.packets:,} packets "
        f"a round at {pace.rate:,} a second"
    )
    head = ("Redis", "p50", "p99", "p99 against none", "CPU a tick, all of it", "expected")
    return part(title, head, rows, rounds)


def scale(rounds: Rounds, strategies: int) -> str:
    """Table 9."""
    names = {
        "first_s": ("process start → every position valued, wall clock", "{:.2f} s", "< 3 s"),
        "waited_s": ("of it waiting for a core", "{:.2f} s", ""),
        "cpu_s": ("CPU of the process until then", "{:.2f} s", ""),
        "start_longest_ms": ("longest callback until then", "{:,.0f} ms", ""),
        "sync_ms": ("what a steady sync holds the loop", "{:,.0f} ms", "< 50 ms"),
        "longest_ms": ("longest callback while syncs go on", "{:,.0f} ms", "< 5 ms"),
        "view_ms": ("one picture of all positions, in many pieces", "{:,.0f} ms", ""),
        "look_longest_ms": ("longest callback of any look of a person's", "{:,.1f} ms", "< 5 ms"),
        "gc_ms": ("one full garbage collection", "{:,.0f} ms", "< 5 ms"),
        "rss_mb": ("resident memory", "{:,.0f} MB", "< 200 MB"),
    }
    rows = [
        (text, spread(rounds.each(name), form.format), expected)
        for name, (text, form, expected) in names.items()
    ]
    title = (
        f"{strategies:,} strategies of three legs in a PostgreSQL on this machine, the whole house in a "
        "process of its own; the loop's thread, CPU time"
    )
    return part(title, ("what", "measured", "expected"), rows, rounds)


def recording(rounds: Rounds, ticks: int) -> str:
    """Table 10."""
    rows = [
        ("not recorded", _ns(rounds, "without", ticks), "", ""),
        (
            "recorded: one append",
            _ns(rounds, "with", ticks),
            spread(rounds.ratios("with", "without"), times),
            "< 1.1×",
        ),
        ("the recorder's thread, beside it", _ns(rounds, "thread", ticks), "", ""),
    ]
    size = rounds.each("bytes")[0]
    title = f"A recorded day: the whole way of a tick, CPU time; {size:.0f} bytes a tick in the spool"
    return part(title, ("what", "a tick", "against not recorded", "expected"), rows, rounds)


def part(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], rounds: Rounds, note: str = ""
) -> str:
    """Title, table, and what to think of it; the title has no number, its part's place in the list is it."""
    table = tabulate(rows, headers=head, tablefmt=_FORMAT, disable_numparse=True)
    return "\n".join(filter(None, (title, table, note, quality(rounds), "")))
