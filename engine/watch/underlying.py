"""What an underlying trades at, and which positions want to hear of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.sessions import NO_AUCTION

if TYPE_CHECKING:
    from engine.sessions import Auction
    from engine.watch.watched import Watched

__all__ = ["Rest", "Underlying"]


class Rest:
    """When underlyings rest today: one for all of them, kept true by the watchlist.

    Attributes:
        auction: the closing auction of the running session, or of the next one.
    """

    __slots__ = ("auction",)

    def __init__(self) -> None:
        self.auction: Auction = NO_AUCTION


class Underlying:
    """One underlying.

    What it shows during the closing auction is a guess of the exchange or its last price once more:
    no believable price. What was heard last counts from the auction's end on, as that of the auction.

    Attributes:
        price_paise: its last sound price of continuous trading; 0 = none yet.
        arrived_s: when that came; -inf = never.
        auctioned_paise, auctioned_s: the same of the auction.
        holders: the positions on it.
    """

    __slots__ = ("_rest", "arrived_s", "auctioned_paise", "auctioned_s", "holders", "price_paise")

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.price_paise = self.auctioned_paise = 0
        self.arrived_s = self.auctioned_s = -inf
        self.holders: list[Watched] = []

    def take(self, price_paise: int, now_s: float) -> None:
        """A new price has come."""
        if price_paise <= 0:
            return
        if self._rest.auction.holds(now_s):
            self.auctioned_paise, self.auctioned_s = price_paise, now_s
        else:
            self.price_paise, self.arrived_s = price_paise, now_s

    def believed(self, now_s: float, max_age_s: float) -> int | None:
        """The price, if it is young enough."""
        return self.price_paise if now_s <= self.arrived_s + max_age_s else None

    def stands(self, now_s: float, max_age_s: float) -> int | None:
        """The same; after the auction its price, which has no age: nothing else is traded any more."""
        auction = self._rest.auction
        if now_s >= auction.close_s:
            if self.arrived_s >= auction.close_s:
                return self.price_paise
            if self.auctioned_s >= auction.open_s:
                return self.auctioned_paise
        return self.believed(now_s, max_age_s)

    @property
    def last_paise(self) -> int:
        """The newest of its prices, however old; 0 = none yet."""
        return self.auctioned_paise if self.auctioned_s > self.arrived_s else self.price_paise

    @property
    def stirs_s(self) -> float:
        """When its price may change without one coming: at the end of the auction."""
        return self._rest.auction.close_s
