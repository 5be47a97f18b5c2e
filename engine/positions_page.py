"""The page of ``python -m engine positions``: what is held by the books, and what exits have made. Pure.

It needs no monitor, so it knows no price of the moment: that is said, and no P&L is guessed.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from engine.money import rupees, signed_rupees
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model import TradeRow

__all__ = ["Checked", "House", "page_data", "page_text"]

_WIDTH = 100
_UNKNOWN = "unknown"
_LEGS = ("Contract", "Side", "Units", "Entry", "Opened", "Closed already")
_EXIT = ("Contract", "Side", "Filled", "Average", "Trigger mid", "Slippage", "Charges", "Realised")
UNSEEN = (
    "No live prices here, so no P&L: the running monitor has them (its table, or /status in the chat). "
    "What the broker holds is not asked either."
)
SIGNS = "Slippage is against the mid at the trigger, positive = worse. Charges are the exit's alone."


@dataclass(frozen=True, slots=True)
class Checked:
    """A file of executions: how many lines it has, and what is wrong with them (nothing, mostly)."""

    name: str
    lines: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class House:
    """What one data directory holds.

    Attributes:
        place: ``sandbox``, or nothing for the real one.
        rows: the open rows of its trade store.
        left: per kind of journal (``real``, ``paper``): units of a row that its exits have left, by the
            row's id, where that is less than the store says.
        running, ended: books of exits (`engine.books`), those that run with what they have so far.
        closes: per day (ISO) prices at its close of what exits had traded, by the contract's key.
    """

    place: str
    rows: tuple[TradeRow, ...]
    left: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    running: tuple[Mapping[str, Any], ...] = ()
    ended: tuple[Mapping[str, Any], ...] = ()
    files: tuple[Checked, ...] = ()
    closes: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------- text


def page_text(houses: Sequence[House], *, detailed: bool) -> str:
    """The page for people; ``detailed`` with the exits and the files."""
    blocks: list[str] = []
    for house in houses:
        if house.place:
            blocks.append(f"In the {house.place}:")
        blocks += [_position(rows, house) for rows in _grouped(house.rows)] or ["No open positions."]
        if detailed:
            blocks += _exits("Exits that run, so far", house.running)
            blocks += _exits("Exits that have ended, newest last", house.ended)
            blocks += [line for checked in house.files for line in _file(checked)]
    foot = [textwrap.fill(each, _WIDTH) for each in ([SIGNS] if detailed else []) + [UNSEEN]]
    return "\n\n".join([*blocks, "\n".join(foot)])


def _position(rows: Sequence[TradeRow], house: House) -> str:
    first = rows[0]
    name = f"{first.account}/{first.strategy_id} {first.symbol} {first.strategy}".rstrip()
    lines = [
        (
            _contract(row),
            str(row.action),
            str(row.quantity),
            _price(row.price_paise),
            f"{ist(row.timestamp_s):%d %b %Y %H:%M}",
            "; ".join(_left(row, house)),
        )
        for row in rows
    ]
    columns = len(_LEGS) - (not any(line[-1] for line in lines))
    table = _table([line[:columns] for line in lines], _LEGS[:columns], (2, 3))
    return f"{name}, {_premium(rows)}\n{table}"


def _premium(rows: Sequence[TradeRow]) -> str:
    """What was received or paid for all of it."""
    if any(row.price_paise is None for row in rows):
        return "net premium unknown"
    net = sum(-row.action.sign * row.quantity * (row.price_paise or 0) for row in rows)
    return f"net premium {rupees(abs(net))} {'received' if net >= 0 else 'paid'}"


def _left(row: TradeRow, house: House) -> Iterator[str]:
    """What the journals know better than the row."""
    for kind, left in house.left.items():
        if row.id in left:
            where = "on paper" if kind == "paper" else "(the store does not show it)"
            yield f"{row.quantity - left[row.id]} {where}"


def _exits(title: str, books: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{title}:", *(_book(book) for book in books)] if books else [f"{title}: none."]


def _book(book: Mapping[str, Any]) -> str:
    """One exit: what it was, its legs, its orders, its sums."""
    part = book["part"]
    size = f", {part['closes']} of {part['open']}" if part else ""
    again = f", supersedes line {book['supersedes']}" if book["supersedes"] else ""
    head = (
        f"{book['intent']} {book['position']} {book['title']}{size}: {book['state']} ({book['mode']}{again})"
    )
    why = f"{book['rule']}, by {book['by']}, {_clock(book['decided_at'])}: {book['reason']}"
    lines = [
        (
            leg["name"], leg["side"], f"{leg['filled']}/{leg['planned']}", _price(leg["average_paise"]),
            _price(leg["trigger_mid_paise"]), _amount(leg["slippage_paise"]), _amount(leg["charges_paise"]),
            _amount(leg["realised_paise"]),
        )
        for leg in book["legs"]
    ]  # fmt: skip
    note = [textwrap.fill(book["note"], _WIDTH, initial_indent="! ")] if book["note"] else []
    table = _table(lines, _EXIT, (2, 3, 4, 5, 6, 7))
    orders = [_order(order) for leg in book["legs"] for order in leg["orders"]]
    return "\n".join([head, textwrap.fill(why, _WIDTH), *note, table, *orders, _sums(book)])


def _order(order: Mapping[str, Any]) -> str:
    """An order by both its names, and each trade of it."""
    fills = ", ".join(
        f"{fill['units']} @ {_price(fill['paise'])} (trade {fill['trade_id'].rpartition('/')[2]})"
        for fill in order["fills"]
    )
    rest = "" if order["fills_complete"] else "; not every trade is told"
    at_broker = f", order {order['order_id']}" if order["order_id"] else ""
    text = f"{order['correlation_id']}{at_broker}, {order['state']}: {fills or 'no trade told'}{rest}"
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _sums(book: Mapping[str, Any]) -> str:
    made, net = book["realised_before_charges_paise"], book["realised_after_charges_paise"]
    slippage = None if book["slippage_rupees"] is None else round(book["slippage_rupees"] * 100)
    sums = (
        f"Realised {_signed(made)}, after charges of {_amount(book['charges_paise'])} {_signed(net)}; "
        f"slippage {_signed(slippage)}."
    )
    spans = [
        f"{name.removeprefix('to_').replace('_', ' ')} {seconds:.1f} s"
        for name, seconds in book["seconds"].items()
        if seconds is not None
    ]
    return f"{sums}\nFrom the verdict: {', '.join(spans)}." if spans else sums


def _file(checked: Checked) -> Iterator[str]:
    if checked.faults:
        faults = "\n".join(f"! {fault}" for fault in checked.faults)
        yield f"{checked.name} is NOT as it was written ({checked.lines} lines):\n{faults}"
    else:
        number = f"{checked.lines} line{'s' * (checked.lines != 1)}"
        yield f"{checked.name}: {number}, each follows the one before it and is as the journal has it."


# ------------------------------------------------------------------------------------------- data


def page_data(houses: Sequence[House], *, detailed: bool) -> list[dict[str, Any]]:
    """The same as plain values for JSON: paise, units, ISO 8601."""
    found = []
    for house in houses:
        one: dict[str, Any] = {
            "place": house.place or "real",
            "positions": [_position_data(rows, house) for rows in _grouped(house.rows)],
        }
        if detailed:
            files = [{"name": f.name, "lines": f.lines, "faults": list(f.faults)} for f in house.files]
            one |= {"running": list(house.running), "ended": list(house.ended), "executions": files}
        found.append(one)
    return found


def _position_data(rows: Sequence[TradeRow], house: House) -> dict[str, Any]:
    first = rows[0]
    legs = [
        {
            "row": row.id, "contract": _contract(row), "security_id": row.security_id, "side": row.action,
            "units": row.quantity, "entry_paise": row.price_paise,
            "opened_at": ist(row.timestamp_s).isoformat(timespec="seconds"),
            "left": {kind: left[row.id] for kind, left in house.left.items() if row.id in left},
        }
        for row in rows
    ]  # fmt: skip
    return {
        "position": f"{first.account}/{first.strategy_id}", "symbol": first.symbol,
        "strategy": first.strategy, "legs": legs,
    }  # fmt: skip


# --------------------------------------------------------------------------------------- plumbing


def _grouped(rows: Iterable[TradeRow]) -> list[list[TradeRow]]:
    found: dict[tuple[str, int], list[TradeRow]] = {}
    for row in rows:
        found.setdefault((row.account, row.strategy_id), []).append(row)
    return list(found.values())


def _contract(row: TradeRow) -> str:
    strike = "" if row.strike_price_paise is None else f" {Decimal(row.strike_price_paise) / 100:g}"
    expiry = "" if row.expiry_date is None else f" {row.expiry_date:%d %b}"
    return f"{row.symbol}{expiry}{strike} {row.type}".upper()


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], right: Sequence[int]) -> str:
    align = ["right" if number in right else "left" for number in range(len(headers))]
    text = tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=align)
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _price(paise: float | None) -> str:
    """A price per unit; an average may have a fraction of a paisa, of which two digits are shown."""
    if paise is None:
        return _UNKNOWN
    return rupees(int(paise)).removeprefix("₹") if paise == int(paise) else f"{paise / 100:.4f}"


def _amount(paise: int | None) -> str:
    return _UNKNOWN if paise is None else f"{'−' if paise < 0 else ''}{rupees(abs(paise)).removeprefix('₹')}"


def _signed(paise: int | None) -> str:
    return _UNKNOWN if paise is None else signed_rupees(paise)


def _clock(moment: str) -> str:
    """``2026-02-03T09:20:00.000+05:30`` as people read it."""
    day, _, time = moment.partition("T")
    return f"{day} {time[:8]}"
