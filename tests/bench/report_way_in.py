"""Tables of the parts about the way in: decoding, receiving, and a burst on a whole socket."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tabulate import tabulate

from tests.bench.report import micros, quality, spread, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.measure import Rounds


def reading(rounds: Rounds, packets: int, together: int) -> str:
    """What a packet costs in each way of decoding it."""
    kinds = {"full": "Full, 162 bytes", "quote": "Quote, 50 bytes", "ticker": "Ticker, 16 bytes"}
    ways = {
        "dhanhq": "dhanhq, process_data",
        "alone": "a call for each",
        "together": f"{together} a call",
        "book": f"{together} a call, into the price book",
        "rest": f"{together} a call, every number asked for",
        "levels": f"{together} a call, the book at hand, not yet read",
        "sides": f"{together} a call, five prices and quantities of each side too",
        "all": f"{together} a call, every number of the five levels too",
    }
    expected = {
        "full/together": "≥ 20×", "full/rest": "≥ 10×", "full/all": "≥ 10×",
        "quote/together": "≥ 10×", "ticker/together": "≥ 10×",
    }  # fmt: skip
    rows = [
        (
            text if way == "dhanhq" else "",
            how,
            f"{median(rounds.each(f'{kind}/{way}')) / packets * 1e9:,.0f} ns",
            "" if way == "dhanhq" else spread(rounds.ratios(f"{kind}/dhanhq", f"{kind}/{way}"), times),
            expected.get(f"{kind}/{way}", ""),
        )
        for kind, text in kinds.items()
        for way, how in ways.items()
        if way not in {"levels", "sides", "all"} or kind == "full"
    ]
    head = ("packet", "how", "each", "dhanhq's cost over ours", "expected")
    return _page("Decoding: the same bytes through both parsers, CPU time", head, rows, rounds)


def receiving(rounds: Rounds, packets: int) -> str:
    """What a packet costs on its way in."""
    names = {
        "floor": ("floor: blocking recv, no parser", ""),
        "ours": ("the house's feed", ""),
        "fallback": ("the house's feed by websockets, its fall-back", ""),
        "websockets": ("plain websockets and our parser", "≥ 4×"),
        "dhanhq": ("dhanhq's MarketFeed", "≥ 12×"),
    }
    rows = [
        (
            text,
            spread(rounds.each(name), micros),
            "" if name == "ours" else spread(rounds.ratios(name, "ours"), times),
            expected,
        )
        for name, (text, expected) in names.items()
    ]
    title = (
        f"The way in: {packets:,} Full packets a round over a loopback WebSocket, one a message, many "
        "waiting; from the socket to the last price of each instrument, CPU time"
    )
    return _page(title, ("who", "a packet", "over the house's", "expected"), rows, rounds)


def burst(rounds: Rounds, positions: int, packets: int) -> str:
    """How long the last packet of a burst waits."""
    names = {
        "floor": ("floor: blocking recv, no parser", ""),
        "house": ("the house", "≤ 4× the floor"),
        "fallback": ("the house, its feed by websockets", ""),
        "dhanhq": ("dhanhq's MarketFeed, same monitor", "≥ 10× the house"),
    }
    rows = [
        (
            text,
            spread(rounds.each(name), millis),
            spread(rounds.each(f"{name} worst"), millis),
            "" if name == "floor" else spread(rounds.ratios(name, "floor"), times),
            "" if name == "house" else spread(rounds.ratios(name, "house"), times),
            spread(rounds.each(f"{name} cpu"), millis),
            expected,
        )
        for name, (text, expected) in names.items()
    ]
    title = (
        f"A burst on a whole socket: {packets:,} Full packets at once, until the last is decided; "
        f"{positions:,} open positions, wall clock"
    )
    head = ("who", "median", "worst of a round", "over the floor", "over the house", "CPU", "expected")
    return _page(title, head, rows, rounds)


def millis(number: float) -> str:
    """Write milliseconds."""
    return f"{number:.1f} ms"


def _page(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], rounds: Rounds) -> str:
    """Title, table, and what to think of it."""
    table = tabulate(rows, headers=head, tablefmt="simple_outline", disable_numparse=True)
    return "\n".join((title, table, quality(rounds), ""))
