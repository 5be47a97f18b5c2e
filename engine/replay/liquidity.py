"""Where a replay's fills are fiction: more than the recorded market could have given. Pure.

A paper fill takes what the last quote showed, and the next quote shows it again, because our orders move
nothing in a recording. So all that one order got is held against the book as it was (five levels once a
minute, the best at every tick) and what was really traded while it stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.messages import Tick
    from engine.model import InstrumentKey
    from engine.recording.entries import Book, Offer

__all__ = ["NEAR_S", "Liquidity"]

#: A fill whose quote is older than this is nobody's: the market may have been elsewhere by then.
NEAR_S = 5.0
#: A look into the book says something of the next so many seconds; it is taken once a minute.
BOOK_LIVES_S = 60.0


@dataclass(slots=True)
class _Asked:
    """One order: what it could reach, and what it got."""

    key: InstrumentKey
    side: Side
    sent_s: float
    volume: int
    reach: int = 0
    filled: int = 0
    traded: int = 0
    filled_s: float = 0.0
    oldest_s: float = 0.0


class Liquidity:
    """The recorded market beside the orders of one replay."""

    def __init__(self) -> None:
        self._books: dict[InstrumentKey, Book] = {}
        self._asked: dict[str, _Asked] = {}

    def look(self, book: Book) -> None:
        """A look into the book."""
        self._books[book.key] = book

    def sent(
        self, order_id: str, key: InstrumentKey, side: Side, limit_paise: int, now_s: float, tick: Tick | None
    ) -> None:
        """An order has reached the market."""
        asked = self._asked[order_id] = _Asked(key, side, now_s, tick.volume if tick else 0)
        asked.reach = self._in_reach(asked, limit_paise, now_s, tick)

    def repriced(self, order_id: str, limit_paise: int, now_s: float, tick: Tick | None) -> None:
        """Its limit is another one."""
        asked = self._asked[order_id]
        asked.reach = max(asked.reach, self._in_reach(asked, limit_paise, now_s, tick))

    def filled(
        self, order_id: str, units: int, limit_paise: int, now_s: float, tick: Tick, of_s: float
    ) -> None:
        """It has got so many units on this quote, which came at ``of_s``."""
        asked = self._asked[order_id]
        asked.reach = max(asked.reach, self._in_reach(asked, limit_paise, now_s, tick))
        asked.filled += units
        asked.traded = max(tick.volume - asked.volume, 0)
        asked.filled_s = now_s
        asked.oldest_s = max(asked.oldest_s, now_s - of_s)

    def doubts(self, order_ids: Iterable[str]) -> list[tuple[InstrumentKey, str]]:
        """Of these orders what cannot have been: the contract, and a clause."""
        found = []
        for asked in (self._asked[name] for name in order_ids if name in self._asked):
            could = asked.reach + asked.traded
            name = f"{asked.side} {asked.filled:,}"
            if asked.filled > could:
                took_s = max(asked.filled_s - asked.sent_s, 0.0)
                shown = f"{name} where the book showed {asked.reach:,} within its limit"
                found.append((asked.key, f"{shown} and {asked.traded:,} were traded in {took_s:.0f} s"))
            if asked.filled and asked.oldest_s > NEAR_S:
                found.append((asked.key, f"{name} on a quote that was {asked.oldest_s:.0f} s old"))
        return found

    def _in_reach(self, asked: _Asked, limit_paise: int, now_s: float, tick: Tick | None) -> int:
        """Units that are shown at the limit or better."""
        best = 0
        if tick is not None:
            buys = asked.side is Side.BUY
            price, units = (
                (tick.ask_paise, tick.ask_quantity) if buys else (tick.bid_paise, tick.bid_quantity)
            )
            if price is None:  # a source of last prices: nobody knows, and the exchange fills anything
                return 10**9
            best = units if price and _within(asked.side, price, limit_paise) else 0
        book = self._books.get(asked.key)
        if book is None or now_s - book.at_us / 1e6 > BOOK_LIVES_S:
            return best
        side: tuple[Offer, ...] = book.asks if asked.side is Side.BUY else book.bids
        return max(best, sum(o.units for o in side if o.paise and _within(asked.side, o.paise, limit_paise)))


def _within(side: Side, paise: int, limit_paise: int) -> bool:
    return (limit_paise - paise) * side.sign >= 0
