"""A small market of the sandbox's that stands where a test puts it, and the positions held in it."""

from __future__ import annotations

from datetime import date

from engine.model import Leg, Position, Right, Segment
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.instruments import Underlying
from sandbox.market import Market
from tests.engine.makers import OPENED

LOT = 65
SMALL = Underlying("NIFTY", "Nifty 50", Segment.IDX_I, 13, 25_000.0, 0.115, LOT, 130, 100, 6, 5, True, 40_001)
EXPIRY = date(2026, 2, 24)
#: Strike and right of the condor's legs; rupees at entry; -1 = sold.
CONDOR = (
    (24_500, Right.PUT, 20, 1),
    (24_700, Right.PUT, 45, -1),
    (25_300, Right.CALL, 40, -1),
    (25_500, Right.CALL, 18, 1),
)
ENTRY = tuple(float(price) for *_, price, _ in CONDOR)


class Shore:
    """The sandbox's market and exchange with what the positions hold.

    Attributes:
        mids: rupees that each contract is quoted around.
        depth: units shown on each side at the touch.
    """

    def __init__(self, lots: tuple[int, ...], held_lots: int | None = None, now_s: float = OPENED) -> None:
        """One condor for each number of lots; the broker holds ``held_lots`` of it, by default the sum."""
        self.market = Market(now_s, underlyings=(SMALL,), expiries=(EXPIRY,))
        self.market.freeze()
        self.exchange = Exchange(self.market)
        self.account = self.exchange.open_account(DEFAULT_CLIENT, "token", now_s)
        self.positions = [self._condor(number, each, now_s) for number, each in enumerate(lots, start=1)]
        self.legs = {leg.key: leg for position in self.positions for leg in position.legs}
        held = sum(lots) if held_lots is None else held_lots
        for (*_, price, sign), key in zip(CONDOR, self.legs, strict=True):
            self.exchange.carry(key, sign * held * LOT, price * 100)
        self.mids = dict(zip(self.legs, ENTRY, strict=True))
        self.depth = 100 * LOT
        self.quote()

    def _condor(self, number: int, lots: int, now_s: float, expiry: date = EXPIRY) -> Position:
        legs = tuple(
            Leg(
                self.market.option("NIFTY", strike, right, expiry),
                sign * lots * LOT,
                price * 100,
                row_id=number * 10 + row,
                entered_at_s=now_s,
            )
            for row, (strike, right, price, sign) in enumerate(CONDOR)
        )
        return Position("default", number, "NIFTY", "Iron Condor", legs, now_s)

    def price(self, mids: tuple[float, ...]) -> None:
        """From now on the contracts are quoted around these, in the order of the legs."""
        self.mids = dict(zip(self.legs, mids, strict=True))

    def quote(self) -> None:
        """Show a new book of every contract: whoever rests meets it."""
        for key, mid in self.mids.items():
            at_paise = round(mid * 100)
            self.market.set_quote(key, at_paise - 5, at_paise + 5, quantity=self.depth)
