"""What a recorded day consists of: prices, looks into the book, and notes of everything else.

Moments are microseconds since 1970 (``at_us``): the millisecond of the message, and the few that share one a
microsecond after each other. Of one day they only grow and two messages never share one, so that the order
of everything is known wherever it is kept. Finer moments cost a byte for every price and decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.messages import Tick

if TYPE_CHECKING:
    from engine.model import InstrumentKey

__all__ = ["TICK_FIELDS", "Book", "Entry", "Note", "Offer", "Prices", "tick_values"]

#: The fields of a tick that are recorded, in this order. Its raw depth is not: see `Book`.
TICK_FIELDS = (
    "key", "ltp_paise", "ltt_s", "bid_paise", "bid_quantity", "ask_paise", "ask_quantity", "volume", "oi",
)  # fmt: skip


class Prices(NamedTuple):
    """One batch of ticks as the monitor has judged it, in its order."""

    at_us: int
    ticks: tuple[Tick, ...]


class Offer(NamedTuple):
    """One level of one side of the book."""

    paise: int
    units: int


class Book(NamedTuple):
    """Up to five levels of each side, best first; taken down once a minute for each contract."""

    at_us: int
    key: InstrumentKey
    bids: tuple[Offer, ...]
    asks: tuple[Offer, ...]


class Note(NamedTuple):
    """Anything else that came in or was decided, as one JSON object; ``kind`` says what (`scribe`)."""

    at_us: int
    kind: str
    data: dict[str, Any]


Entry = Prices | Book | Note


def tick_values(tick: Tick) -> tuple[int | None, ...]:
    """A tick in the order of `TICK_FIELDS`."""
    return (
        tick.key, tick.ltp_paise, tick.ltt_s, tick.bid_paise, tick.bid_quantity, tick.ask_paise,
        tick.ask_quantity, tick.volume, tick.oi,
    )  # fmt: skip
