"""What a long run has shown: a table by minutes, and below it whatever was expected, passed or failed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from tabulate import tabulate

from engine.io.schedule import PULSE_S
from tests.bench.soak import SETTLED_S
from tests.bench.soak.house import LATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    Line = dict[str, Any]

#: What may grow in a minute once memory has settled and still be called nothing, in megabytes; and how
#: many tasks and descriptors the last minute may have more than the first settled one: of requests under way.
MEMORY_MB_A_MIN, TASKS, FDS = 0.5, 8, 8
#: Which share of what was sent must have been taken in; what is on its way at either end is the rest.
TAKEN = 0.95
#: The trade store is read so often, and more often when something has changed.
STORE_EVERY_S = 30.0
#: A beat that is late while the house waits for a core that much says more about its neighbours.
DISTURBED = 0.1
_MINUTE_S = 60.0


class Verdict(NamedTuple):
    """One expectation beside what was found; ``passed`` None = the run could not show it."""

    what: str
    found: str
    expected: str
    passed: bool | None


def page(found: dict[str, Any]) -> str:
    """The table by minutes, and below it the verdicts."""
    lines = _lines(found)
    minutes: dict[int, list[Line]] = {}
    for line in lines:
        minutes.setdefault(int((line["at_s"] - 0.5) // _MINUTE_S) + 1, []).append(line)
    rows = [_row(number, part) for number, part in minutes.items()]
    head = ("minute", "memory MB", "blocks", "tasks", "threads", "files", "ticks/s", "conflated",
            "beats", "missed", "longest between pulses s", "age p50 µs", "p99 µs", "worst ms")  # fmt: skip
    title = (
        f"Soak: {found['strategies']:,} strategies on {found['contracts']:,} contracts, {found['rate']:,} "
        f"ticks/s for {found['seconds']:.0f} s; Telegram, Supabase and Redis on; the house waited for a core "
        f"{_share(lines, 'waited_s'):.1%} of the time and worked {_share(lines, 'cpu_s'):.1%}"
    )
    table = tabulate(rows, headers=head, tablefmt="simple_outline", disable_numparse=True)
    words = {True: "pass", False: "FAIL", None: "not judged"}
    told = [(words[each.passed], each.what, each.found, each.expected) for each in verdicts(found)]
    judged = tabulate(
        told, headers=("", "what", "found", "expected"), tablefmt="simple", disable_numparse=True
    )
    return f"{title}\n{table}\n\n{judged}"


def verdicts(found: dict[str, Any]) -> list[Verdict]:
    """Everything that was expected of the run."""
    lines = _lines(found)
    from_s = min(SETTLED_S, found["seconds"] / 2)
    settled = [line for line in lines if line["at_s"] > from_s]
    return [
        _memory(lines),
        _more("tasks", settled, from_s, TASKS),
        _more("fds", settled, from_s, FDS),
        _missed(lines, from_s),
        _prices(found, lines),
        *_sides(found),
    ]


def _lines(found: dict[str, Any]) -> list[Line]:
    return [line for line in found["lines"] if line.get("at_s", found["seconds"]) < found["seconds"]]


def slope_mb_a_min(lines: Sequence[Line]) -> float | None:
    """How memory has grown a minute since it had settled: the slope of least squares; None = too short."""
    points = [(line["at_s"] / 60, line["rss_mb"]) for line in lines if line["at_s"] > SETTLED_S]
    if len(points) < 3:
        return None
    x0, y0 = (sum(column) / len(points) for column in zip(*points, strict=True))
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def _row(number: int, part: list[Line]) -> tuple[str, ...]:
    last, span_s = part[-1], 10.0 * len(part)
    return (
        str(number), f"{last['rss_mb']:.1f}", f"{last['blocks']:,}", str(last["tasks"]), str(last["threads"]),
        str(last["fds"]), f"{sum(line['ticks'] for line in part) / span_s:,.0f}", f"{last['conflated']:,}",
        str(sum(line["beats"] for line in part)), str(_count(part)),
        f"{max(line['pulse_gap_s'] for line in part):.2f}",
        f"{sorted(line['p50_us'] for line in part)[len(part) // 2]:,.0f}",
        f"{sorted(line['p99_us'] for line in part)[len(part) // 2]:,.0f}",
        f"{max(line['max_us'] for line in part) / 1e3:,.1f}",
    )  # fmt: skip


def _memory(lines: list[Line]) -> Verdict:
    slope, what = slope_mb_a_min(lines), "memory after the second minute"
    expected = f"at most {MEMORY_MB_A_MIN} MB a minute more"
    if slope is None:
        return Verdict(what, "the run was too short to say", expected, None)
    return Verdict(what, f"{slope:+.2f} MB a minute", expected, slope <= MEMORY_MB_A_MIN)


def _more(name: str, settled: list[Line], from_s: float, most: int) -> Verdict:
    """How many more there are in the last minute than in the first after a moment."""
    what = f"{'files' if name == 'fds' else name} since {from_s:.0f} s"
    if len(settled) < 2:
        return Verdict(what, "the run was too short to say", f"at most {most} more", None)
    first, last = (max(line[name] for line in part) for part in (settled[:6], settled[-6:]))
    return Verdict(what, f"{first} to {last}", f"at most {most} more", last - first <= most)


def _missed(lines: list[Line], from_s: float) -> Verdict:
    """Of a house that waits for a core nobody can say whether it was late by itself."""
    free = [
        line
        for before, line in pairwise(lines)
        if line["at_s"] > from_s
        and line["waited_s"] - before["waited_s"] < DISTURBED * (line["at_s"] - before["at_s"])
    ]
    settled = [line for line in lines if line["at_s"] > from_s]
    missed, ours = _count(settled), _count(free)
    told = f"{missed}, of these {ours} while it waited for a core for less than a tenth of the time"
    late_ms = LATE * 1_000 * PULSE_S
    what = f"beats missed since {from_s:.0f} s, which is {LATE:.0%} late: of a pulse {late_ms:.0f} ms"
    if not settled:
        return Verdict(what, "the run was too short to say", "0", None)
    if not all(line["beats"] for line in settled):
        return Verdict(what, "for ten seconds or more there was none at all", "0", False)
    return Verdict(what, told, "0", ours == 0 if free or not missed else None)


def _prices(found: dict[str, Any], lines: list[Line]) -> Verdict:
    span_s = lines[-1]["at_s"] - lines[0]["at_s"] if lines else 0.0
    if not span_s:
        return Verdict("prices", "the run was too short to say", f"{TAKEN:.0%} of what was sent", None)
    if found["sent"]["rate"] < TAKEN * found["rate"]:
        told = f"the sender could not keep its pace: {found['sent']['rate']:,.0f} a second"
        return Verdict("prices", told, f"{TAKEN:.0%} of what was sent", None)
    overtaken = lines[-1]["conflated"] - lines[0]["conflated"]
    taken = (sum(line["ticks"] for line in lines[1:]) + overtaken) / span_s
    told = f"{taken:,.0f} a second of {found['sent']['rate']:,.0f}, {overtaken:,} overtaken by newer ones"
    return Verdict("prices", told, f"{TAKEN:.0%} of what was sent", taken >= TAKEN * found["sent"]["rate"])


def _sides(found: dict[str, Any]) -> list[Verdict]:
    """Chat, store and mirror were on, and not only switched on."""
    world, reads = found["world"], int(found["seconds"] / STORE_EVERY_S)
    calls, failed, keys = world["calls"], world["failed"], found["mirror"]
    return [
        Verdict(
            "chat", f"{world['asked']} questions, {world['messages']} messages",
            "each answered, but for the last", world["messages"] >= world["asked"] - 1 > 0,
        ),
        Verdict(
            "trade store", f"{calls:,} calls, {failed} failed",
            f"read every {STORE_EVERY_S:.0f} s, none failed", calls >= reads > 0 == failed,
        ),
        Verdict(
            "price mirror", f"{keys:,} keys in Redis", f"the {found['contracts']:,} contracts",
            keys >= found["contracts"],
        ),
    ]  # fmt: skip


def _count(lines: Sequence[Line]) -> int:
    return sum(sum(line["missed"].values()) for line in lines)


def _share(lines: list[Line], name: str) -> float:
    return (lines[-1][name] - lines[0][name]) / max(lines[-1]["at_s"] - lines[0]["at_s"], 1.0)
