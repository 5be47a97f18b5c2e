"""A replay's result as a page for people: the sum of it, then each position's day."""

from __future__ import annotations

import textwrap
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from engine.money import rupees, signed_rupees
from engine.replay.story import IN_A_HURRY, WHOLE_NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEAD = ("Strategy", "Position", "Status", "Gross ₹", "Charges ₹", "Net ₹", "Peak ₹", "Trough ₹")
_UNKNOWN = "–"
WIDTH = 110


def human(result: Mapping[str, Any]) -> str:
    """Write a result (`engine.replay.result`) as text."""
    positions = result["positions"]
    took = "" if result["wall_s"] is None else f" in {result['wall_s']:.1f} s"
    title = f"Replay of {result['day']} · mode {result['mode']} · {result['ticks']:,} prices{took}"
    table = tabulate(
        [_line(p) for p in positions], headers=_HEAD, colalign=("right", "left", "left", *["right"] * 5),
        disable_numparse=True,
    )  # fmt: skip
    several = "/" in result["day"]
    pages = ["\n".join(_page(p, several=several)) for p in positions]
    return "\n\n".join([title, table, _sum(positions), *pages]) + "\n"


def _line(position: Mapping[str, Any]) -> tuple[str, ...]:
    gross, net, peak, trough = (
        _bare(position[key]) for key in ("final_pnl_gross", "final_pnl_net", "peak_pnl", "trough_pnl")
    )
    charges = _UNKNOWN if position["charges"] is None else _rupees(position["charges"]).removeprefix("₹")
    name = f"{position['symbol']} {position['strategy']}"
    status = position["status"].replace("_", " ")
    return str(position["strategy_id"]), name, status, gross, charges, net, peak, trough


def _sum(positions: Sequence[Mapping[str, Any]]) -> str:
    nets = [p["final_pnl_net"] for p in positions if p["final_pnl_net"] is not None]
    text = f"Together {_signed(sum(nets))} net of charges"
    unknown = len(positions) - len(nets)
    return f"{text}; {unknown} without a result." if unknown else f"{text}."


def _page(position: Mapping[str, Any], *, several: bool) -> Iterator[str]:
    yield f"{position['strategy_id']} · {position['symbol']} {position['strategy']}"
    if position["why_invalid"]:
        yield f"  not watched: {position['why_invalid']}"
        return
    if position["net_premium"] is None:
        yield "  never taken over: after its timestamp no snapshot shows all its contracts with a price"
        return
    yield f"  {_terms(position)}"
    for event, more in _folded(position["events"]):
        when = _clock(event["at"], several=several)
        head = f"  {when}  {event['kind']:<7}  {event['rule']:<18} {_bare(event['pnl']):>12}  "
        said = _exit(event) if event["kind"] == "exit" else event["reason"]
        yield textwrap.fill(said, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
        if more:
            yield f"{'':>{len(head)}}… and {more} times more"
    yield from (_order(order, several=several) for order in position["orders"])


def _exit(event: Mapping[str, Any]) -> str:
    joins = event["reason"].rpartition("; ")[2]
    if joins in {WHOLE_NOW, IN_A_HURRY}:
        return f"{joins.capitalize()}."
    part = f" of {event['fraction']:.0%} of what was entered" if event["action"] == "SCALE_OUT" else ""
    return f"An exit{part} begins."


def _order(order: Mapping[str, Any], *, several: bool) -> str:
    head = f"  {_clock(order['at'], several=several)}  {'order':<7}  "
    text = f"{head}{order['side']} {order['quantity']} {order['security']}"
    if not order["filled"]:
        return f"{text}: nothing filled, limit {order['limit']:.2f} at the last"
    part = "" if order["filled"] == order["quantity"] else f"{order['filled']} filled "
    return f"{text}: {part}at {order['average']:.2f}, limit {order['limit']:.2f} at the last"


def _terms(position: Mapping[str, Any]) -> str:
    premium = position["net_premium"]
    opened = datetime.fromisoformat(position["opened_at"])
    word = "credit" if premium > 0 else "debit"
    best, worst = (_bound(position, key) for key in ("max_profit", "max_loss"))
    return (
        f"opened {opened:%d %b %Y %H:%M:%S} for a {word} of {_rupees(abs(premium))}; "
        f"best case {best}, worst case {worst}"
    )


def _bound(position: Mapping[str, Any], key: str) -> str:
    if position["defined_risk"] is None:
        return "not computable"
    return "without end" if position[key] is None else _signed(position[key])


def _folded(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Events one by one; what is asked again and again without an answer is told once and counted."""
    runs = [(key, list(run)) for key, run in groupby(events, _question)]
    for key, run in runs:
        told = run if key is None else run[:2]
        for event in told[:-1]:
            yield event, 0
        yield told[-1], len(run) - len(told)


def _question(event: Mapping[str, Any]) -> object:
    """What is asked, if the event belongs to a question; None for all others."""
    return event["rule"] if event["kind"] in {"verdict", "held"} else None


def _clock(at: str, *, several: bool) -> str:
    return f"{datetime.fromisoformat(at):{'%d %b %H:%M:%S' if several else '%H:%M:%S'}}"


def _bare(amount: float | None) -> str:
    return _UNKNOWN if amount is None else _signed(amount).replace("₹", "")


def _signed(amount: float) -> str:
    return signed_rupees(round(amount * 100))


def _rupees(amount: float) -> str:
    return rupees(round(amount * 100))
