"""Why the risk desk or the exchange turns an order down after Dhan has taken it, and what margin it needs.

Every answer here reaches the client only through the order book: the order was accepted with an id and is
REJECTED a moment later. Texts that nobody recorded are our own composition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import InstrumentKind, Right, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Instrument, InstrumentKey
    from sandbox.account import Account
    from sandbox.orders import Order
    from sandbox.quotes import Quote, QuoteSource

#: Share of the underlying's value that a short option blocks without a hedge.
NAKED_SHARE = 0.12

_BAND_SHARE = 0.40
_BAND_SMALL_PAISE = 5_000
_BAND_FLOOR_PAISE = 2_000
_PROTECTION = ((1_000, 0.05), (10_000, 0.03), (50_000, 0.02))
_PROTECTION_ABOVE = 0.01


def price_objection(instrument: Instrument, side: Side, price_paise: int, quote: Quote) -> str:
    """What is wrong with a limit price: grid, day's range, limit price protection; empty = nothing.

    Limit price protection for options: 40 % around the reference, or 20 rupees when the reference is at
    most 50 rupees; only prices that would cost the sender are refused (NSE's rule). The words of a
    refusal speak of the circuit limit.
    """
    if price_paise % instrument.tick_paise:
        return "EXCH:16283:The order price is not multiple of the tick size."
    if not quote.lower_circuit_paise <= price_paise <= quote.upper_circuit_paise:
        return "EXCH:17070:The Price is out of the current execution range"
    reference = quote.reference_paise
    if instrument.kind is not InstrumentKind.OPTION or not reference:
        return ""
    room = _BAND_FLOOR_PAISE if reference <= _BAND_SMALL_PAISE else round(reference * _BAND_SHARE)
    if (price_paise - reference) * side.sign > room:
        return "RMS:Rule: Check circuit limit including square off order exceeds for entity"
    return ""


def size_objection(instrument: Instrument, quantity: int) -> str:
    """More than the exchange takes in one order; empty = fine. The limit itself passes."""
    freeze = instrument.freeze_quantity
    if freeze is not None and quantity > freeze:
        return f"EXCH:Order quantity {quantity} exceeds the freeze quantity {freeze}"
    return ""


def protected_price(side: Side, quote: Quote, tick: int) -> int:
    """The limit that stands in for a market price, in paise.

    Since 21 March 2026 Dhan turns API market orders into limit orders some per cent away from the last
    price. Dhan's own table is not published; these slabs (5, 3, 2, 1 % by price) are what other brokers
    use.
    """
    last = quote.ltp_paise or quote.reference_paise
    share = next((s for below, s in _PROTECTION if last < below), _PROTECTION_ABOVE)
    return max(tick, round(last * (1 + side.sign * share) / tick) * tick)


def committed(account: Account, but: Order | None = None) -> tuple[dict[InstrumentKey, int], int]:
    """What holds money: signed units as if working sales that open were done, and premiums of purchases.

    Orders at the exchange count as if filled when they would open something; what closes frees money and
    counts only when it is done. ``but``: an order that is left out.
    """
    net, reserved_paise = account.net(), 0
    for order in account.live_orders():
        if not order.exchange_s or (but is not None and order.order_id == but.order_id):
            continue
        key, side, held = order.ticket.key, order.ticket.side, net.get(order.ticket.key, 0)
        if side is Side.BUY and held >= 0:
            reserved_paise += order.remaining * order.price_paise
        elif side is Side.SELL and held <= 0:
            net[key] = held - order.remaining
    return net, reserved_paise


def free_paise(account: Account, source: QuoteSource, *, hedge_aware: bool) -> int:
    """What the account may still spend: its cash less what is committed."""
    net, reserved_paise = committed(account)
    return account.cash_paise - reserved_paise - margin_paise(net, source, hedge_aware=hedge_aware)


def margin_paise(net: Mapping[InstrumentKey, int], source: QuoteSource, *, hedge_aware: bool) -> int:
    """Margin that short options block: per underlying the worse of the call and the put side.

    A short is worth a fixed share of the underlying; units covered by a long of the same right block no
    more than the distance between the strikes, unless ``hedge_aware`` is off.
    """
    sides: dict[tuple[str, Right], list[tuple[Instrument, int]]] = {}
    for key, units in net.items():
        option = source.instruments.get(key)
        if option is not None and option.right is not None:
            sides.setdefault((option.symbol, option.right), []).append((option, units))
    worst: dict[str, int] = {}
    for (symbol, _), legs in sides.items():
        blocked = _side_margin(legs, source, hedge_aware=hedge_aware)
        worst[symbol] = max(worst.get(symbol, 0), blocked)
    return sum(worst.values())


def _side_margin(legs: list[tuple[Instrument, int]], source: QuoteSource, *, hedge_aware: bool) -> int:
    longs = [[option.strike_paise or 0, units] for option, units in legs if units > 0]
    total = 0
    for option, units in legs:
        left = -units
        if left <= 0:
            continue
        strike = option.strike_paise or 0
        naked = round(NAKED_SHARE * _spot_paise(option, source))
        for long in sorted(longs, key=lambda at: abs(at[0] - strike)) if hedge_aware else ():
            covered = min(left, long[1])
            gap = long[0] - strike if option.right is Right.CALL else strike - long[0]
            total += covered * min(naked, max(0, gap))
            long[1] -= covered
            left -= covered
        total += left * naked
    return total


def _spot_paise(option: Instrument, source: QuoteSource) -> int:
    quote = source.quote(option.underlying) if option.underlying is not None else None
    return quote.ltp_paise if quote and quote.ltp_paise else option.strike_paise or 0
