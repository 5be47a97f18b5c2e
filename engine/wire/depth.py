"""The five levels of a book as the feed packs them, read when somebody asks.

A level is 20 bytes, little endian: units bid, units asked, orders of each (u16), best price of each (float32
rupees). Where a price is impossible the book ends: what cannot be read is not liquidity.
"""

from __future__ import annotations

import struct
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import WireError
from engine.wire.prices import PAISE_APART_BELOW, paise_of_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.tick import Tick

__all__ = ["Depth", "Level", "depth"]

_DEFAULT_TICK_PAISE = 5
_LEVEL = struct.Struct("<IIHHff")
_SIDES = struct.Struct("<II4xff")
#: Where in a Full packet the levels begin, and how long it is.
_LEVELS_AT, _FULL_SIZE = 62, 162

_new_level = tuple.__new__  # a third of what the class of a NamedTuple takes


class Level(NamedTuple):
    """One level of the book, both sides; a price of 0 = nothing there."""

    bid_paise: int
    bid_quantity: int
    bid_orders: int
    ask_paise: int
    ask_quantity: int
    ask_orders: int


class Depth:
    """The levels of one book, best first: a sequence that equals the tuple of its levels.

    Nothing is read before it is asked for, and of one side only what `bids` or `asks` tell.
    """

    __slots__ = ("_levels", "_packed", "_tick_paise")

    def __init__(self, packed: bytes, tick_paise: int = _DEFAULT_TICK_PAISE) -> None:
        """Keep the bytes of the levels, or a whole Full packet, and the instrument's price grid in paise."""
        self._packed = packed
        self._tick_paise = tick_paise
        self._levels: tuple[Level, ...] | None = None

    def __iter__(self) -> Iterator[Level]:
        """Each level, best first."""
        return iter(self.levels)

    def __len__(self) -> int:
        """How many levels can be read, empty ones included."""
        return len(self.levels)

    def __getitem__(self, place: int) -> Level:
        """The level at this place, 0 = best."""
        return self.levels[place]

    def __eq__(self, other: object) -> bool:
        """Whether it has the same levels as a tuple or another book."""
        return self.levels == (other.levels if isinstance(other, Depth) else other)

    __hash__ = None  # type: ignore[assignment]  # it equals a tuple that may be had in many packings

    def __repr__(self) -> str:
        """Show the levels."""
        return f"Depth{self.levels}"

    @property
    def levels(self) -> tuple[Level, ...]:
        """All that can be read of every level."""
        if self._levels is None:
            self._levels = self._read()
        return self._levels

    @property
    def bids(self) -> list[tuple[int, int]]:
        """Price in paise and units of the bids, best first; 0 = nothing there."""
        found, below = [], PAISE_APART_BELOW
        for units, _, bid, ask in _SIDES.iter_unpack(self._bytes()):
            if not (0.0 <= bid < below and 0.0 <= ask < below):
                return [(level.bid_paise, level.bid_quantity) for level in self.levels]
            found.append((floor(bid * 100.0 + 0.5), units))
        return found

    @property
    def asks(self) -> list[tuple[int, int]]:
        """The same of what is asked."""
        found, below = [], PAISE_APART_BELOW
        for _, units, bid, ask in _SIDES.iter_unpack(self._bytes()):
            if not (0.0 <= bid < below and 0.0 <= ask < below):
                return [(level.ask_paise, level.ask_quantity) for level in self.levels]
            found.append((floor(ask * 100.0 + 0.5), units))
        return found

    def _bytes(self) -> bytes:
        packed = self._packed
        return packed[_LEVELS_AT:] if len(packed) == _FULL_SIZE else packed

    def _read(self) -> tuple[Level, ...]:
        found, below = [], PAISE_APART_BELOW
        for bids, asks, bid_orders, ask_orders, bid, ask in _LEVEL.iter_unpack(self._bytes()):
            if 0.0 <= bid < below and 0.0 <= ask < below:  # no call of ours, as in `engine.wire.frames`
                best = floor(bid * 100.0 + 0.5), bids, bid_orders, floor(ask * 100.0 + 0.5), asks, ask_orders
                found.append(_new_level(Level, best))
                continue
            try:
                prices = paise_of_float(bid, self._tick_paise), paise_of_float(ask, self._tick_paise)
            except WireError:
                break
            found.append(Level(prices[0], bids, bid_orders, prices[1], asks, ask_orders))
        return tuple(found)


def depth(tick: Tick, tick_paise: int = _DEFAULT_TICK_PAISE) -> Depth:
    """The five levels a tick carries, best first; one without depth has none.

    Args:
        tick: a quote.
        tick_paise: the instrument's price grid in paise.
    """
    packet = tick.packet
    if packet is not None and len(packet) == _FULL_SIZE:
        return Depth(packet, tick_paise)
    return Depth(tick.depth or b"", tick_paise)
