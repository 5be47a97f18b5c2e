"""What really happened on a recorded day, position by position, from the notes of its own. Pure.

Exits and their orders are the journal's own records as they were last told; amounts are integer paise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.intents import Intent
from engine.model import InstrumentKey, PositionId, key_parts
from engine.orders import Order
from engine.payoff import entry_price
from engine.sessions import ist_date

if TYPE_CHECKING:
    from engine.charges import ChargeTable
    from engine.messages import Tick
    from engine.model import Position
    from engine.recording.entries import Note

__all__ = ["Day", "Happened", "day_of", "mark_paise"]


@dataclass(slots=True)
class Happened:
    """The exits of one position.

    Attributes:
        intents: with their orders, oldest first.
    """

    intents: list[Intent] = field(default_factory=list)

    @property
    def orders(self) -> list[Order]:
        """Those that have traded, in the order of their exits."""
        return [order for intent in self.intents for order in intent.orders if order.filled]

    @property
    def ended(self) -> bool:
        """Whether the last exit of the whole brought it flat."""
        whole = [intent for intent in self.intents if intent.part is None]
        return bool(whole) and whole[-1].state.flat

    def left(self, position: Position) -> dict[InstrumentKey, int]:
        """Net units per contract that are still open."""
        nets = position.nets
        for order in self.orders:
            key = order.request.key
            nets[key] = nets.get(key, 0) + order.request.side.sign * order.filled
        return {key: net for key, net in nets.items() if net}

    def gross_paise(self, position: Position, marks: Mapping[InstrumentKey, int | None]) -> int | None:
        """Gross P&L: fills as they were, what is left at these marks; None = a mark is missing."""
        total = -sum(leg.quantity * entry_price(leg) for leg in position.legs)
        total -= sum(order.request.side.sign * order.turnover_paise for order in self.orders)
        for key, net in self.left(position).items():
            mark = marks.get(key)
            if mark is None:
                return None
            total += net * mark
        return total

    def charges_paise(self, table: ChargeTable) -> int:
        """Of its exit orders, on the day each was sent."""
        total = 0
        for order in self.orders:
            segment = key_parts(order.request.key)[0]
            rates = table.on(ist_date(order.sent_s))
            total += rates.turnover_paise(segment, order.request.side, order.turnover_paise)
        return total


@dataclass(frozen=True, slots=True)
class Day:
    """What the notes tell of a day.

    Attributes:
        mode, account, tuning: of the house, at its first start.
        rules: the owner's rules at the beginning; empty = the shipped ones alone.
        began_us: every start of the house.
        exits: by position.
        lost: messages and prices that the recorder had to let go of.
        people: what they have wanted: when, what, of which strategy, by whom.
    """

    mode: str
    account: str
    tuning: Mapping[str, Any]
    rules: str
    began_us: tuple[int, ...]
    exits: Mapping[PositionId, Happened]
    lost: int
    people: tuple[tuple[int, dict[str, Any]], ...]


def day_of(notes: Iterable[Note]) -> Day | None:
    """Read the notes of a day; None = they do not begin as a day does."""
    heads: list[Note] = []
    rules: str | None = None
    intents: dict[str, dict[str, Any]] = {}
    orders: dict[str, dict[str, Any]] = {}
    lost = 0
    people = []
    for note in notes:
        match note.kind:
            case "head":
                heads.append(note)
            case "rules":
                rules = note.data["text"] if rules is None else rules
            case "intent":
                intents[note.data["id"]] = note.data
            case "order":
                orders[note.data["id"]] = note.data
            case "gap":
                lost += note.data["lost"]
            case "person":
                people.append((note.at_us, note.data))
            case _:
                pass
    if not heads:
        return None
    first = heads[0].data
    return Day(
        first["mode"], first["account"], first["tuning"], rules or "",
        tuple(note.at_us for note in heads), _exits(intents, orders), lost, tuple(people),
    )  # fmt: skip


def _exits(
    intents: Mapping[str, dict[str, Any]], orders: Mapping[str, dict[str, Any]]
) -> dict[PositionId, Happened]:
    theirs: dict[str, list[Order]] = {}
    for row in orders.values():
        theirs.setdefault(row["intent"], []).append(Order.from_json(row))
    found: dict[PositionId, Happened] = {}
    for name, row in intents.items():
        intent = Intent.from_json(row, theirs.get(name, []))
        found.setdefault(intent.position, Happened()).intents.append(intent)
    return found


def mark_paise(tick: Tick) -> int | None:
    """What a unit was worth at a last quote: the mid, or the last price; None = nobody knows."""
    if tick.bid_paise and tick.ask_paise:
        return (tick.bid_paise + tick.ask_paise) // 2
    return tick.ltp_paise or None
