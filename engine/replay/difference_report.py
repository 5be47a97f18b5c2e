"""A recorded day and its replay as a page for people: the difference in rupees, and where it is fiction."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from engine.money import signed_rupees
from engine.replay.report import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["difference_text"]

_HEAD = ("Strategy", "Position", "Happened ₹", "In the replay ₹", "Difference ₹", "of it replay ₹", "")
_UNKNOWN = "–"
_FICTION = "fiction"


def difference_text(told: Mapping[str, Any]) -> str:
    """Write what `engine.replay.difference` tells as text."""
    took = "" if told["wall_s"] is None else f" in {told['wall_s']:.1f} s"
    under = told["rules"] or "its own rules"
    recorded = f"{told['day']} as recorded in {told['recorded_mode']}"
    title = f"{recorded}, and under {under} · {told['ticks']:,} prices{took}"
    table = tabulate(
        [_line(p) for p in told["positions"]], headers=_HEAD, disable_numparse=True,
        colalign=("right", "left", *["right"] * 4, "left"),
    )  # fmt: skip
    pages = ["\n".join(_page(p)) for p in told["positions"]]
    return "\n\n".join([title, *_record(told["record"]), table, _sum(told), *pages]) + "\n"


def _record(record: Mapping[str, Any]) -> Iterator[str]:
    """What is missing in the record."""
    if len(record["starts"]) > 1:
        starts = ", ".join(_clock(at) for at in record["starts"])
        yield f"The monitor was started {len(record['starts'])} times: {starts}."
    if record["lost"]:
        yield f"{record['lost']:,} prices and messages were not recorded: the disk was too slow or full."
    if record["torn_bytes"]:
        yield f"{record['torn_bytes']:,} bytes at the end of a file were cut off by a crash and left out."


def _line(position: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(position["strategy_id"]),
        f"{position['symbol']} {position['strategy']}",
        _bare(position["happened"]["net"]),
        _bare(position["with_rules"]["net"]),
        _bare(position["difference"]),
        _bare(position["replay_error"]),
        _FICTION if position["fiction"] else "",
    )


def _sum(told: Mapping[str, Any]) -> str:
    sums = told["together"]
    with_rules, happened = _signed(sums["with_rules"]), _signed(sums["happened"])
    lines = [
        f"Together {with_rules} instead of {happened}, net of charges: {_signed(sums['difference'])}.",
    ]
    if sums["replay_error"]:
        error = _signed(sums["replay_error"])
        lines.append(
            f"The same rules replayed come to {error} beside what happened: so much of it is the replay's, "
            "whose fills are on paper."
        )
    if any(p["fiction"] for p in told["positions"]):
        lines.append(f"Fiction, as far as liquidity goes: {_signed(sums['fiction'])} of it.")
    if sums["unknown"]:
        lines.append(f"{sums['unknown']} without a result.")
    return "\n".join(textwrap.fill(line, WIDTH) for line in lines)


def _page(position: Mapping[str, Any]) -> Iterator[str]:
    yield f"{position['strategy_id']} · {position['symbol']} {position['strategy']}"
    if why := position["replay"]["why_invalid"]:
        yield f"  not watched: {why}"
    yield from _exits("happened", position["happened"]["exits"])
    same, tried = position["same_rules"]["exits"], position["with_rules"]["exits"]
    if same != tried and _seconds(same) != _seconds(position["happened"]["exits"]):
        yield from _exits("same rules", same)
    yield from _exits("replay", tried)
    for word, texts in ((_FICTION, position["fiction"]), ("note", position["notes"])):
        for text in texts:
            yield _filled(f"  {word:<11}", text)


def _exits(word: str, exits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not exits:
        yield f"  {word:<11}no exit"
    for each in exits:
        yield _filled(f"  {word:<11}{_clock(each['at'])}  {each['rule']:<18}", each["reason"])


def _seconds(exits: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What makes two stories the same for a reader."""
    return [(_clock(each["at"]), each["rule"]) for each in exits]


def _filled(head: str, text: str) -> str:
    return textwrap.fill(f"{head} {text}", WIDTH, subsequent_indent=" " * (len(head) + 1))


def _clock(at: str) -> str:
    return f"{datetime.fromisoformat(at):%H:%M:%S}"


def _bare(amount: float | None) -> str:
    return _UNKNOWN if amount is None else _signed(amount).replace("₹", "")


def _signed(amount: float) -> str:
    return signed_rupees(round(amount * 100))
