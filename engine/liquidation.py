"""What closing now would give: each leg at the side we must trade, walked through the shown depth.

Only for people, on demand: stops that ask for ``valuation = "liquidation"`` go by the best prices
alone (`engine.pnl.way_out`). The depth comes and goes with every packet, and a stop that is fired by
an order being withdrawn three levels down would be fired by nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model import Side
from engine.wire import depth

if TYPE_CHECKING:
    from engine.charges import Rates
    from engine.messages import Tick
    from engine.model import Instrument


class Exit(NamedTuple):
    """Closing one leg at once.

    Attributes:
        value_paise: what it gives (a long) or costs (negative, a short), before charges; None = the
            depth shows too little, or nothing.
        charges_paise: of its orders, in slices of the freeze quantity; None = value or rates unknown.
        covered: how many units the depth takes, at most the leg's.
    """

    value_paise: int | None
    charges_paise: int | None
    covered: int

    def average_paise(self, quantity: int) -> int | None:
        """Per unit, the fraction of a paisa against the owner; None = unknown."""
        if self.value_paise is None:
            return None
        return self.value_paise // abs(quantity) if quantity > 0 else -(self.value_paise // abs(quantity))


def walk(tick: Tick, quantity: int, instrument: Instrument, rates: Rates | None = None) -> Exit:
    """Trade a whole leg against the book of a quote.

    Args:
        tick: five levels, or best prices with their quantities; a source without quotes shows nothing.
        quantity: signed units held, not zero; a long is sold to the bids.
        instrument: whose price grid and segment count.
        rates: the charges of the day; None = not known.
    """
    value, covered = reach(tick, quantity, instrument.tick_paise)
    if covered < abs(quantity):
        return Exit(None, None, covered)
    charges = None
    if rates is not None:
        side = Side.SELL if quantity > 0 else Side.BUY
        charges = charges_of(instrument, side, covered, value // covered, rates)
    return Exit(value if quantity > 0 else -value, charges, covered)


def reach(tick: Tick, quantity: int, tick_paise: int) -> tuple[int, int]:
    """Walk a leg of signed units through the book as far as it goes: paise, positive, and units taken."""
    wanted, value = abs(quantity), 0
    best_paise, best_units = _best(tick, bids=quantity > 0)
    enough = best_paise > 0 and best_units >= wanted  # mostly so: then no depth needs to be decoded
    levels = [(best_paise, best_units)]
    if not enough:
        levels = _side(tick, tick_paise, bids=quantity > 0)
    for paise, units in levels:
        taken = min(wanted, units)
        value += taken * paise
        wanted -= taken
    return value, abs(quantity) - wanted


def charges_of(instrument: Instrument, side: Side, units: int, price_paise: int, rates: Rates) -> int | None:
    """What trading so many units costs, in slices of the freeze quantity; None = no rates of its segment."""
    if instrument.segment not in rates.exchange:
        return None
    most = (instrument.freeze_quantity or 0) // instrument.lot * instrument.lot or units
    whole, rest = divmod(units, most)
    paise = whole * rates.order_paise(instrument.segment, side, most, price_paise) if whole else 0
    return paise + rates.order_paise(instrument.segment, side, rest, price_paise) if rest else paise


def _side(tick: Tick, tick_paise: int, *, bids: bool) -> list[tuple[int, int]]:
    """Prices and quantities of one side, best first; empty levels left out."""
    levels = depth(tick, tick_paise)
    shown = (levels.bids if bids else levels.asks) or [_best(tick, bids=bids)]
    return [(paise, units) for paise, units in shown if paise > 0 and units > 0]


def _best(tick: Tick, *, bids: bool) -> tuple[int, int]:
    """The best price of one side, 0 = none, and the units there."""
    paise, units = (tick.bid_paise, tick.bid_quantity) if bids else (tick.ask_paise, tick.ask_quantity)
    return paise or 0, units
